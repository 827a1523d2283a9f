"""A disk that takes nothing any more: the real DVR, the real scheduler, and an operator's chat.

A limit on the size of files makes writing fail as a full disk does.
"""

import resource
from collections.abc import Iterator

import pytest

from livetiming.network import RPC
from livetiming.state import State
from tests.integration.test_recording import Feed, laps
from tests.support.chat_server import ChatServer
from tests.support.client import Client
from tests.support.system import RunningSystem, new_home, remove_home
from tests.support.waiting import eventually

PAGE = 4096  # bytes: the file of the alarm is as large from the beginning


class LargeFeed(Feed):
    """Its first frame alone makes a journal that is larger than that."""

    def state(self) -> State:
        return {**super().state(), "session": {"trackData": ["wet" * PAGE]}}


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture
def system(chat: ChatServer) -> Iterator[RunningSystem]:
    folder = new_home()
    running = RunningSystem(folder)
    running.environ["LIVETIMING_ANNOUNCE_URLS"] = chat.address
    running.start()
    yield running
    running.end()
    remove_home(folder)


@pytest.fixture
def services(system: RunningSystem) -> Iterator[Client]:
    client = Client(system.home)
    eventually(lambda: client.call(RPC.RECORDINGS_PAGE), what="the catalogue answers")
    yield client
    client.close()


def limit_files(pid: int, size: int) -> None:
    """No file of a process grows beyond `size` bytes."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def note(system: RunningSystem) -> str:
    return str(system.status()["dvr"]["note"])


def test_a_full_disk_is_told_everywhere_and_recording_goes_on_when_there_is_room(
    system: RunningSystem, services: Client, chat: ChatServer
) -> None:
    feed = LargeFeed(services, system.home)
    feed.announce()
    feed.lap()
    dvr, scheduler = system.pid_of("dvr"), system.pid_of("scheduler")
    limit_files(dvr, PAGE)
    limit_files(scheduler, 0)  # what the announcer remembers cannot be written either
    feed.laps += 1
    feed.publish()
    eventually(lambda: "recording is paused" in note(system), what="`livetiming status` tells it")
    assert "free space on the disk of" in note(system)
    assert "recording is paused" in system.run("status").stdout
    eventually(lambda: chat.messages, what="the operators are told")
    assert "does not take recordings: recording is paused" in chat.messages[0]
    feed.laps += 1
    feed.publish()
    limit_files(scheduler, resource.RLIM_INFINITY)
    limit_files(dvr, resource.RLIM_INFINITY)
    eventually(lambda: note(system) == "", within=40, what="the alarm ends")
    feed.lap()
    feed.goodbye()
    (path,) = feed.finished()
    assert laps(path)[0] == 1
    assert laps(path)[-2:] == [3, 4]
    log = system.log("dvr")
    assert (log.count("recording is paused"), log.count("the disk takes recordings again")) == (1, 1)
    assert "no frame was dropped" in log.partition("the disk takes recordings again")[2]
    assert len(chat.messages) == 1
    assert system.pid_of("dvr") == dvr
