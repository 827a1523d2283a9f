"""A service without a router: its own WebSocket server, with a real client."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS

from livetiming.network import Message, MessageClass, decode_state
from tests.support.client import in_reactor
from tests.support.system import PLUGINS, free_port
from tests.support.waiting import eventually

UUID = "d" * 32
Start = Callable[..., subprocess.Popen[str]]


class Viewer:
    """A WebSocket client, and the frames it has got."""

    def __init__(self, port: int) -> None:
        self.frames: list[Any] = []
        self.closed = False
        self.protocol: Any = None
        viewer = self

        class Protocol(WebSocketClientProtocol):  # type: ignore[misc]  # autobahn has no usable types
            def onOpen(self) -> None:
                viewer.protocol = self

            def onMessage(self, payload: bytes, isBinary: bool) -> None:
                assert not isBinary
                viewer.frames.append(json.loads(payload))

            def onClose(self, wasClean: bool, code: int, reason: str) -> None:
                viewer.closed = True

        factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}/")
        factory.protocol = Protocol
        self._connector = in_reactor(connectWS, factory)

    def say(self, payload: bytes) -> None:
        """Send a message, which nobody is waiting for."""
        eventually(lambda: self.protocol is not None)
        in_reactor(lambda: self.protocol.sendMessage(payload))

    def close(self) -> None:
        """Leave."""
        in_reactor(self._connector.disconnect)

    def of(self, topic: str) -> list[Message]:
        """The messages on `topic`."""
        return [Message.decode(frame[1]) for frame in self.frames if frame[0] == topic]

    def laps(self) -> list[int]:
        """The laps of the one car in each state."""
        states = [decode_state(message) for message in self.of(f"livetiming.service.{UUID}")]
        return [state["cars"][0][2] for state in states if state["cars"]]


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Starts `livetiming-service` in a home where no router runs."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, service: str = "ticking", **environ: str) -> subprocess.Popen[str]:
        base = {name: value for name, value in os.environ.items() if not name.startswith("LIVETIMING_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "livetiming.service.cli", service, "--uuid", UUID, *options],
            env={**base, "PYTHONPATH": str(PLUGINS), "LIVETIMING_HOME": str(home), **environ},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


def port_of(process: subprocess.Popen[str]) -> int:
    """The port that the one line on standard error tells."""
    assert process.stderr is not None
    for line in process.stderr:
        found = re.fullmatch(r"Standalone server for uuid:([0-9a-f]{32}) listening on port:([0-9]+)\n", line)
        if found:
            assert found[1] == UUID
            return int(found[2])
    raise AssertionError("it did not listen")


@pytest.fixture
def viewers() -> Iterator[Callable[[int], Viewer]]:
    """Viewers that leave after the test."""
    made: list[Viewer] = []

    def view(port: int) -> Viewer:
        made.append(Viewer(port))
        return made[-1]

    yield view
    for viewer in made:
        viewer.close()


def test_who_connects_gets_manifest_and_state_at_once_and_then_each_new_one(
    start: Start, viewers: Callable[[int], Viewer]
) -> None:
    port = port_of(start("--standalone", "-d", "Alone"))
    viewer = viewers(port)
    eventually(lambda: len(viewer.laps()) > 3)
    topics = [frame[0] for frame in viewer.frames]
    assert topics[0] == "livetiming.control"
    (manifest, *_) = viewer.of("livetiming.control")
    assert manifest.msg_class is MessageClass.SERVICE_REGISTRATION
    assert (manifest.payload["uuid"], manifest.payload["description"]) == (UUID, "Alone")
    assert viewer.laps() == sorted(viewer.laps())


def test_the_analysis_is_sent_too(start: Start, viewers: Callable[[int], Viewer]) -> None:
    viewer = viewers(port_of(start("--standalone")))
    eventually(lambda: viewer.of(f"livetiming.analysis/{UUID}/static"))
    assert viewer.of(f"livetiming.analysis/{UUID}/static")[0].payload == {"7": ["", "", ""]}
    later = viewers(int(viewer._connector.getDestination().port))
    eventually(lambda: later.of(f"livetiming.analysis/{UUID}/static"))


def test_a_large_state_arrives_whole(start: Start, viewers: Callable[[int], Viewer]) -> None:
    process = start("--standalone", "--cars", "60", service="simulated", LIVETIMING_COMPRESS="no")
    viewer = viewers(port_of(process))
    states = eventually(lambda: viewer.of(f"livetiming.service.{UUID}"))
    eventually(lambda: any(len(message.payload["cars"]) == 60 for message in states))


def test_what_a_client_says_is_dropped_and_costs_it_nothing(start: Start, viewers: Callable[[int], Viewer]) -> None:
    process = start("--standalone")
    viewer = viewers(port_of(process))
    for payload in (b"hello", b"", b"x" * 5_000_000):
        viewer.say(payload)
    before = len(viewer.laps())
    eventually(lambda: len(viewer.laps()) > before + 5)
    assert not viewer.closed


def test_it_stands_alone_where_no_router_is_named_and_none_answers(
    start: Start, viewers: Callable[[int], Viewer]
) -> None:
    viewer = viewers(port_of(start()))
    eventually(lambda: viewer.laps())


def test_a_router_that_is_named_is_waited_for(start: Start, home: Path) -> None:
    process = start("-v", LIVETIMING_ROUTER=f"ws://127.0.0.1:{free_port()}/ws", LIVETIMING_SHARED_SECRET="s")
    assert any("the router is away" in line for line in process.stdout or ())


def test_without_a_secret_it_does_not_go_to_a_router(start: Start) -> None:
    process = start(LIVETIMING_ROUTER=f"ws://127.0.0.1:{free_port()}/ws")
    _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "LIVETIMING_SHARED_SECRET" in said


def test_its_port_is_a_setting(start: Start) -> None:
    port = free_port()
    assert port_of(start("--standalone", LIVETIMING_STANDALONE_PORT=str(port))) == port


def test_a_port_that_is_taken_is_told(start: Start) -> None:
    port = str(free_port())
    port_of(start("--standalone", LIVETIMING_STANDALONE_PORT=port))
    second = start("--standalone", "--no-write-state", LIVETIMING_STANDALONE_PORT=port)
    _, told = second.communicate(timeout=20)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in told


def test_told_to_end_it_says_goodbye_keeps_its_state_and_exits_0(
    start: Start, viewers: Callable[[int], Viewer], home: Path
) -> None:
    process = start("--standalone")
    viewer = viewers(port_of(process))
    eventually(lambda: viewer.laps())
    process.terminate()
    assert process.wait(20) == 0
    eventually(lambda: viewer.closed)
    assert viewer.of("livetiming.control")[-1].msg_class is MessageClass.SERVICE_DEREGISTRATION
    kept = json.loads((home / "state" / f"{UUID}.json").read_text())
    assert kept["cars"][0][2] >= viewer.laps()[-1]


def test_timing_71s_clients_are_served_in_their_own_words(start: Start, viewers: Callable[[int], Viewer]) -> None:
    port = free_port()
    process = start("--t71", str(port))
    port_of(process)
    viewer = viewers(port)
    kinds = {"MANIFEST_UPDATE", "STATE_UPDATE", "ANALYSIS_STATE"}
    eventually(lambda: {frame["type"] for frame in viewer.frames} == kinds)
    by_kind = {frame["type"]: frame for frame in viewer.frames}
    assert by_kind["MANIFEST_UPDATE"]["manifest"]["uuid"] == UUID
    assert by_kind["STATE_UPDATE"]["state"]["cars"][0][0] == "7"
    assert set(by_kind["ANALYSIS_STATE"]["data"]) >= {"static", "lap", "stint", "session", "service", "state"}


def test_messages_have_their_times_in_milliseconds_there() -> None:
    from livetiming.service.standalone import in_milliseconds

    state = {"cars": [], "messages": [[1700000000, "Track", "Green", "green"], []]}
    assert in_milliseconds(state)["messages"] == [[1700000000000, "Track", "Green", "green"], []]
