"""Clients of the running system that the tests of one module share."""

from collections.abc import Iterator

import pytest

from livetiming.network import RPC
from tests.support.client import Client
from tests.support.system import RunningSystem
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def services(running_system: RunningSystem) -> Iterator[Client]:
    """One of our own, as soon as the catalogue answers."""
    client = Client(running_system.home)
    eventually(lambda: client.call(RPC.RECORDINGS_PAGE), what="the catalogue answers")
    yield client
    client.close()


@pytest.fixture(scope="module")
def anonymous(running_system: RunningSystem) -> Iterator[Client]:
    """Somebody who came anonymously."""
    client = Client(running_system.home, port=running_system.port)
    yield client
    client.close()
