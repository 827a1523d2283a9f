"""The two feed servers and the plugin that listens to them, as processes on the loopback."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.state import Options, race_state
from livetiming.simulation.race import Race
from livetiming.simulation.rmonitor import Season
from livetiming.simulation.server import encode
from tests.support.waiting import eventually

LIMIT = 30.0  # seconds for anything here

# The plugin under the least of hosts: what is due is printed at once.
HOST = """
import json, sys
from livetiming.reactor import reactor
from livetiming.service import parse_args
from livetiming.service.notices import notices
from livetiming.service.plugins.rmonitor import Service

args, _ = parse_args(["rmonitor", "--uuid", "0" * 32])

class Host:
    def set_due_update(self):
        race = service.getRaceState()
        said = notices.process(service.state, race)
        print(json.dumps({**race, "said": said}), flush=True)
    def set_due_manifest(self):
        print(json.dumps({"description": service._manifest()["description"]}), flush=True)

service = Service(args, sys.argv[1:])
service._service_host = Host()
notices.changed = service._service_host.set_due_update
reactor.callWhenRunning(service.setup)
reactor.addSystemEventTrigger("before", "shutdown", service.teardown)
reactor.run()
"""


class Program:
    """A process, and what it has printed so far."""

    def __init__(self, *command: str, home: Path, **environ: str) -> None:
        self._out, self._err = (home / f"{os.urandom(4).hex()}.{kind}" for kind in ("out", "err"))
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **environ},
            )

    def lines(self) -> list[str]:
        """Whole lines of standard output."""
        return self._out.read_text().split("\n")[:-1]

    def errors(self) -> str:
        """Standard error."""
        return self._err.read_text()

    def port(self) -> int:
        """Where it listens, once it says so."""
        eventually(lambda: self.lines() or self.process.poll() is not None, within=LIMIT, what="listening")
        assert self.lines(), self.errors()
        said, _, port = self.lines()[0].rpartition(":")
        assert said == "listening on 127.0.0.1"
        return int(port)

    def ended(self) -> int:
        """The exit code, once it has one."""
        return self.process.wait(timeout=LIMIT)


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    programs: list[Program] = []

    def begin(*command: str, **environ: str) -> Program:
        programs.append(Program(*command, home=tmp_path, **environ))
        return programs[-1]

    yield begin
    for program in programs:
        with program.process as process:
            process.kill()


@pytest.fixture
def simulate(start: Start) -> Start:
    def begin(*options: str, **environ: str) -> Program:
        return start("-m", "livetiming.simulation.cli", "--port", "0", *options, **environ)

    return begin


@pytest.fixture
def replay(start: Start) -> Start:
    def begin(file: Path, *options: str) -> Program:
        return start("-m", "livetiming.simulation.replay", str(file), "--port", "0", *options)

    return begin


def listen(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LIMIT)


def read(client: socket.socket, size: int) -> bytes:
    """The first `size` bytes that come."""
    data = b""
    while len(data) < size:
        chunk = client.recv(size - len(data))
        assert chunk, "the server hung up"
        data += chunk
    return data


def feed_until(client: socket.socket, enough: Callable[[Feed], bool]) -> Feed:
    feed = Feed()
    while not enough(feed):
        chunk = client.recv(65536)
        assert chunk, "the server hung up"
        feed.receive(chunk)
    assert feed.malformed == 0
    return feed


# The simulator


def test_it_says_where_it_listens_and_sends_the_race_of_its_seed(simulate: Start) -> None:
    server = simulate("--cars", "6", "--minutes", "1", "--seed", "9", "--speed", "200", "--wait")
    season = Season(lambda _: Race(9, 6, 1))
    expected = encode([*season.snapshot(), *season.advance(60)])
    with listen(server.port()) as client:
        assert read(client, len(expected)) == expected


def test_any_number_of_clients_see_the_same_race_whenever_they_come(simulate: Start) -> None:
    server = simulate("--cars", "6", "--minutes", "1", "--speed", "100")
    port = server.port()
    boards = []
    with contextlib.ExitStack() as clients:
        for _ in range(5):
            client = clients.enter_context(listen(port))
            boards.append(feed_until(client, lambda feed: feed.board.session.clock_stopped))
    results = [[(row[0], row[6]) for row in race_state(feed.board, Options())["cars"]] for feed in boards]
    assert len(results[0]) == 6
    assert all(result == results[0] for result in results)


def test_after_the_flag_another_race_begins_where_one_is_wanted(simulate: Start) -> None:
    server = simulate("--cars", "3", "--minutes", "1", "--speed", "300", "--loop")
    with listen(server.port()) as client:
        feed_until(client, lambda feed: feed.board.session.description == "Simulated race 3")


def test_a_client_that_does_not_read_is_dropped_and_the_others_go_on(simulate: Start) -> None:
    server = simulate("--cars", "200", "--minutes", "60", "--speed", "1000", "--loop")
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with stalled, listen(server.port()) as client:
        stalled.connect(("127.0.0.1", server.port()))
        while "reads nothing" not in server.errors():
            read(client, 100_000)
        read(client, 100_000)
    assert server.errors().count("reads nothing") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_clients_connected(simulate: Start, number: signal.Signals) -> None:
    server = simulate()
    with listen(server.port()) as client:
        read(client, 100)
        server.process.send_signal(number)
        assert server.ended() == 0
    assert "Traceback" not in server.errors()


def test_under_supervisord_it_ends_when_its_input_closes(simulate: Start) -> None:
    server = simulate(SUPERVISOR_ENABLED="1")
    server.port()
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.ended() == 0


def test_a_port_that_is_taken_is_told(simulate: Start, start: Start) -> None:
    port = simulate().port()
    second = start("-m", "livetiming.simulation.cli", "--port", str(port))
    assert second.ended() == 1
    assert f"cannot listen on 127.0.0.1:{port}" in second.errors()


def test_a_wrong_option_is_a_usage_error(start: Start) -> None:
    program = start("-m", "livetiming.simulation.cli", "--cars", "none")
    assert program.ended() == 2
    assert "'none' is no whole number from 1 to 500" in program.errors()


# The replay


def test_a_capture_is_played_whole(replay: Start, data: Path) -> None:
    server = replay(data / "rmonitor" / "Orbits_Mock_Session.txt", "--speed", "1000", "--wait")
    with listen(server.port()) as client:
        feed = feed_until(client, lambda feed: feed.board.session.closed and feed.board.beat > 300)
    assert [row[0] for row in race_state(feed.board, Options())["cars"]] == ["3", "4", "1", "5", "6", "2"]


def test_who_comes_after_the_end_gets_the_result(replay: Start, tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    file.write_text('$A,"7","7",17,"Anna","Almeida","",1\n$G,1,"7",5,"00:08:00.000"\n$F,0,"","","","Finish"\n')
    server = replay(file)
    for _ in range(2):
        with listen(server.port()) as client:
            feed = feed_until(client, lambda feed: feed.board.beat == 1)
            assert race_state(feed.board, Options())["cars"][0][0] == "7"


def test_a_loop_plays_it_again(replay: Start, tmp_path: Path) -> None:
    file = tmp_path / "short.txt"
    file.write_text('$A,"7","7",17,"Anna","Almeida","",1\n$F,0,"","","","Finish"\n')
    server = replay(file, "--loop", "--speed", "50")
    with listen(server.port()) as client:
        feed_until(client, lambda feed: feed.board.beat > 5)


@pytest.mark.parametrize("content", [None, b"MIT License\n"])
def test_a_file_that_is_no_capture_is_told(replay: Start, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "notes.txt"
    if content is not None:
        file.write_bytes(content)
    server = replay(file)
    assert server.ended() == 1
    assert "notes.txt" in server.errors()


# The plugin on the other end


def states(service: Program) -> list[dict[str, Any]]:
    return [said for said in map(json.loads, service.lines()) if "cars" in said]


def test_the_plugin_turns_the_feed_into_states(simulate: Start, start: Start) -> None:
    port = simulate("--cars", "12", "--minutes", "2", "--speed", "50").port()
    service = start("-c", HOST, "--host", "127.0.0.1", "--port", str(port))

    def finished() -> bool:
        return any(state["session"]["flagState"] == "chequered" for state in states(service))

    eventually(finished, within=LIMIT, what="the chequered flag")
    state = states(service)[-1]
    assert len(state["cars"]) == 12
    assert max(row[6] for row in state["cars"]) > 3
    assert {"description": "Simulated race"} in [json.loads(line) for line in service.lines()]
    service.process.send_signal(signal.SIGTERM)
    assert service.ended() == 0


def test_the_plugin_outlives_its_feed_and_says_so_once(simulate: Start, start: Start) -> None:
    first = simulate("--speed", "10")
    port = first.port()
    service = start("-c", HOST, "--host", "127.0.0.1", "--port", str(port))
    eventually(lambda: len(states(service)) > 20, within=LIMIT, what="states")
    first.process.kill()
    first.process.wait()

    def said() -> list[str]:
        return [message[2] for state in states(service) for message in state["said"]]

    eventually(lambda: said() == ["The timing feed is gone"], within=LIMIT, what="the outage")
    start("-m", "livetiming.simulation.cli", "--port", str(port), "--speed", "10")
    eventually(lambda: len(said()) > 1, within=LIMIT, what="the end of the outage")
    assert said() == ["The timing feed is gone", "The timing feed is back"]
