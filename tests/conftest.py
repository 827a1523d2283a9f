"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.system import RunningSystem, new_home, remove_home

PROJECT = Path(__file__).parent.parent

settings.register_profile("ours", deadline=None)  # no test asserts a timing, and machines are slow at times
settings.load_profile("ours")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real input (LIVETIMING_TEST_DATA); the test is skipped where there is none."""
    folder = Path(os.environ.get("LIVETIMING_TEST_DATA") or PROJECT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real input is read from {folder} (LIVETIMING_TEST_DATA), which is not there")
    return folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of the test's own, short enough for sockets in it; nothing may be left running in it."""
    folder = new_home()
    yield folder
    remove_home(folder)


@pytest.fixture
def system(home: Path) -> Iterator[RunningSystem]:
    """A system of the test's own, not started yet."""
    running = RunningSystem(home)
    yield running
    running.end()


@pytest.fixture(scope="module")
def running_system() -> Iterator[RunningSystem]:
    """A running system with an empty calendar that the tests of one module share."""
    folder = new_home()
    running = RunningSystem(folder)
    running.environ["LIVETIMING_AUTH_FILE"] = str(folder / "auth.json")
    try:
        running.start()
        yield running
    finally:
        running.end()
    remove_home(folder)
