"""The plugin `rmonitor` without a network: its options, what it says of the race, and when it connects again."""

from typing import Any

import pytest
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from livetiming.racing import Stat
from livetiming.rmonitor.state import Options, Order, TextFrom
from livetiming.service import parse_args
from livetiming.service.notices import notices
from livetiming.service.plugins.rmonitor import Service
from livetiming.service.tcpfeed import LONGEST_DELAY, LONGEST_SILENCE, PROOF, TcpFeed

HEARTBEAT = b'$F,9999,"00:20:00","14:00:00","00:10:00","Green "\r\n'
ENTRY = b'$A,"7","7",17,"Anna","Almeida","",1\r\n'


def service(*options: str, description: str = "") -> Service:
    args, _ = parse_args(["rmonitor", "--uuid", "0" * 32, "-d", description])
    return Service(args, ["--host", "feed.invalid", *options])


# Options


def test_the_host_is_all_that_must_be_said() -> None:
    assert service().options == Options(Order.AUTO, TextFrom.ADDITIONAL, TextFrom.NONE, None)


@pytest.mark.parametrize(
    ("text", "kilometres"), [("4.65", 4.65), ("4.65km", 4.65), ("4.65 KM", 4.65), ("2.9mi", 4.667)]
)
def test_a_track_length_may_have_a_unit(text: str, kilometres: float) -> None:
    assert service("--track-length", text).options.track_km == kilometres


@pytest.mark.parametrize(
    "options",
    [
        ["--port", "0"],
        ["--port", "x"],
        ["--track-length", "-1"],
        ["--track-length", "nan"],
        ["--order", "speed"],
        ["--team-from", "shirt"],
        ["--unknown"],
    ],
)
def test_a_wrong_option_ends_with_a_usage_error(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        service(*options)
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


# What it says


def test_the_description_is_the_runs_until_the_operator_gives_one() -> None:
    timed, named = service(), service(description="Club race 3")
    for each in (timed, named):
        each.feed_received(b'$B,32,"Test Session 4"\r\n$B,95,"Test Session 4"\r\n')
    assert timed._manifest()["description"] == "Test Session 4"
    assert named._manifest()["description"] == "Club race 3"


def test_the_manifest_lists_the_chosen_columns() -> None:
    manifest = service("--car-from", "nationality", "--track-length", "4")._manifest()
    titles = [column[0] for column in manifest["colSpec"]]
    assert "Car" in titles
    assert "Spd" in titles
    assert Stat.LAST_LAP.column() in manifest["colSpec"]


def test_heartbeats_are_the_pulse_of_the_feed() -> None:
    assert service().feed_received(HEARTBEAT + ENTRY + HEARTBEAT) == 2


def test_a_service_that_was_started_again_shows_what_it_kept_until_the_feed_has_told_everybody() -> None:
    timed = service()
    kept: dict[str, Any] = {"cars": [["7"], ["8"]], "session": {"flagState": "red"}, "messages": [], "highlight": []}
    timed.state = kept
    assert timed.getRaceState() == {"cars": kept["cars"], "session": kept["session"]}
    timed.feed_received(HEARTBEAT + ENTRY)
    state = timed.getRaceState()
    assert (state["cars"], state["session"]["flagState"]) == (kept["cars"], "green")
    timed.feed_received(ENTRY.replace(b"7", b"8"))
    assert [row[0] for row in timed.getRaceState()["cars"]] == ["7", "8"]


def test_an_outage_and_its_end_are_said_once_each() -> None:
    timed = service()
    said = []
    for happens in (timed.feed_lost, timed.feed_restored, timed.feed_connected, timed.feed_lost, timed.feed_restored):
        happens()
        said += notices.process(timed.state, timed.state)
    assert said == [[None, "Timing", "The timing feed is gone", ""], [None, "Timing", "The timing feed is back", ""]]


# The connection


def failure(kind: Any) -> Failure:
    wrap: Any = Failure
    wrapped: Failure = wrap(kind())
    return wrapped


def next_call(clock: Clock) -> float:
    """Seconds until the next call."""
    call: Any = clock.getDelayedCalls()[0]
    return float(call.getTime() - clock.seconds())


class Endpoint:
    """Connections that the test makes and breaks."""

    def __init__(self) -> None:
        self.attempts: list[Deferred[Any]] = []
        self.protocol: Any = None
        self._factory: Any = None

    def connect(self, factory: Any) -> Deferred[Any]:
        self._factory = factory
        self.attempts.append(Deferred())
        return self.attempts[-1]

    def accept(self) -> Any:
        make_transport: Any = _Transport  # Twisted does not type it
        self.protocol, transport = self._factory.buildProtocol(None), make_transport()
        self.protocol.makeConnection(transport)
        self.attempts[-1].callback(self.protocol)
        return transport

    def refuse(self) -> None:
        self.attempts[-1].errback(failure(error.ConnectionRefusedError))

    def lose(self) -> None:
        self.protocol.connectionLost(failure(error.ConnectionDone))


class _Transport(StringTransport):
    def setTcpKeepAlive(self, enabled: bool) -> None:
        assert enabled


class Listener:
    """Counts what it is told; a byte `F` is a heartbeat."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def feed_connected(self) -> None:
        self.told.append("connected")

    def feed_received(self, data: bytes) -> int:
        return data.count(b"F")

    def feed_lost(self) -> None:
        self.told.append("lost")

    def feed_restored(self) -> None:
        self.told.append("restored")


@pytest.fixture
def wire() -> tuple[TcpFeed, Endpoint, Listener, Clock]:
    endpoint, listener, clock = Endpoint(), Listener(), Clock()
    feed = TcpFeed("feed.invalid:50000", endpoint, listener, clock)
    feed.start()
    return feed, endpoint, listener, clock


Wire = tuple[TcpFeed, Endpoint, Listener, Clock]


def test_attempts_come_after_1_2_4_and_at_last_every_30_seconds(wire: Wire) -> None:
    _, endpoint, listener, clock = wire
    waits = []
    for _ in range(7):
        endpoint.refuse()
        waits.append(next_call(clock))
        clock.advance(waits[-1])
    assert waits == [1, 2, 4, 8, 16, LONGEST_DELAY, LONGEST_DELAY]
    assert len(endpoint.attempts) == 8
    assert listener.told == ["lost"]


def test_a_lost_connection_is_made_again_and_told_once(wire: Wire) -> None:
    _, endpoint, listener, clock = wire
    endpoint.accept()
    endpoint.protocol.dataReceived(b"F" * PROOF)
    endpoint.lose()
    clock.advance(1)
    endpoint.refuse()
    clock.advance(2)
    endpoint.accept()
    assert listener.told == ["connected", "lost", "connected"]
    endpoint.protocol.dataReceived(b"F" * PROOF)
    assert listener.told == ["connected", "lost", "connected", "restored"]


def test_silence_after_heartbeats_ends_the_connection(wire: Wire) -> None:
    _, endpoint, listener, clock = wire
    transport = endpoint.accept()
    endpoint.protocol.dataReceived(b"F")
    clock.advance(LONGEST_SILENCE - 1)
    endpoint.protocol.dataReceived(b"no heartbeat")
    assert not transport.disconnecting
    clock.advance(1)
    assert listener.told == ["connected", "lost"]
    assert transport.disconnected
    endpoint.lose()
    clock.advance(1)
    assert len(endpoint.attempts) == 2


def test_a_feed_that_has_had_no_heartbeat_may_be_silent(wire: Wire) -> None:
    _, endpoint, listener, clock = wire
    endpoint.accept()
    endpoint.protocol.dataReceived(b"$A")
    clock.advance(3600)
    assert listener.told == ["connected"]


def test_a_server_that_only_repeats_its_last_heartbeat_does_not_end_an_outage(wire: Wire) -> None:
    _, endpoint, listener, clock = wire
    endpoint.accept()
    endpoint.protocol.dataReceived(b"F" * PROOF)
    waits = []
    for _ in range(4):
        clock.advance(LONGEST_SILENCE)
        endpoint.lose()
        waits.append(next_call(clock))
        clock.advance(waits[-1])
        endpoint.accept()
        endpoint.protocol.dataReceived(b"F")
    assert waits == [1, 2, 4, 8]
    assert listener.told == ["connected", "lost", *["connected"] * 4]


def test_stopped_it_neither_connects_nor_waits(wire: Wire) -> None:
    feed, endpoint, listener, clock = wire
    endpoint.accept()
    endpoint.protocol.dataReceived(b"F")
    feed.stop()
    endpoint.lose()
    assert clock.getDelayedCalls() == []
    assert listener.told == ["connected"]


def test_stopped_while_connecting_it_gives_up(wire: Wire) -> None:
    feed, endpoint, listener, clock = wire
    feed.stop()
    assert endpoint.attempts[0].called
    assert (clock.getDelayedCalls(), listener.told) == ([], [])
