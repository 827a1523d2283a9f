"""Clients of the running system that the tests of one module share."""

import json
from collections.abc import Iterator

import pytest

from livetiming.network import RPC
from livetiming.settings import Credentials
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


@pytest.fixture(scope="module")
def externals(running_system: RunningSystem) -> Iterator[tuple[Client, Client]]:
    """Two of other people's, with secrets of their own."""
    file = running_system.home / "auth.json"
    entries = {
        name: {
            "secret": f"secret of {name}",
            "role": "services",
            "extra": {"name": name, "url": "https://x", "more": 1},
        }
        for name in ("club", "rival")
    }
    file.write_text(json.dumps(entries))
    clients = [
        Client(running_system.home, credentials=Credentials(name, f"secret of {name}")) for name in ("club", "rival")
    ]
    yield clients[0], clients[1]
    for client in clients:
        client.close()
