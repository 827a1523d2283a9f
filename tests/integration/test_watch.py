"""`livetiming watch`, as somebody at a terminal, and as a program that reads it, sees it."""

import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.on_air import DATE, OnAir, car, race
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

pytestmark = pytest.mark.xdist_group("watch")
Put = Callable[..., OnAir]


@pytest.fixture(autouse=True, scope="module")
def _no_size_from_here(running_system: RunningSystem) -> None:
    """The terminal that the tests run in is not the one that is looked at."""
    for name in ("COLUMNS", "LINES"):
        running_system.environ.pop(name, None)


@pytest.fixture
def put(running_system: RunningSystem) -> Iterator[Put]:
    """Put services on the air, until the end of the test."""
    client = Client(running_system.home)
    services: list[OnAir] = []

    def put_on_air(**manifest: Any) -> OnAir:
        services.append(OnAir(client, **manifest))
        return services[-1]

    yield put_on_air
    for service in services:
        service.leave()
    client.close()


class Terminal:
    """A command in a terminal of 100 by 24."""

    def __init__(self, system: RunningSystem, *arguments: str, **environ: str) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator.cli", *arguments],
            env={**system.environ, "TERM": "xterm-256color", **environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.said = ""

    def shows(self, text: str, within: float = 30.0) -> None:
        """Wait until `text` has been written since the last call."""
        until = time.monotonic() + within
        while text not in self.said:
            assert time.monotonic() < until, f"not within {within:g} s: {text!r} in {self.said[-3000:]!r}"
            self._read(0.2)
        self.said = self.said.partition(text)[2]

    def _read(self, seconds: float) -> bool:
        if not select.select([self.ours], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # Linux: the other side is closed
            return False
        self.said += data.decode()
        return bool(data)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        until = time.monotonic() + 10
        while self._read(0.1) and time.monotonic() < until:
            pass
        return self.process.wait(10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)


@pytest.fixture
def terminal(running_system: RunningSystem) -> Iterator[Callable[..., Terminal]]:
    """Run commands in terminals."""
    opened: list[Terminal] = []

    def run(*arguments: str, **environ: str) -> Terminal:
        opened.append(Terminal(running_system, *arguments, **environ))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


# -- the list


def test_the_list_shows_what_is_on_the_air(running_system: RunningSystem, put: Put) -> None:
    service = put()
    service.publish(race(car("7"), car("51"), flagState="sc"))
    shown = running_system.run("watch", "--once")
    assert shown.returncode == 0
    for text in ("Test race – Test Series", "tested", service.uuid, "SAFETY CAR", "1:23:45 elapsed", "7 Driver 7"):
        assert text in shown.stdout
    assert shown.stderr == ""


def test_the_list_without_a_service_is_no_error(running_system: RunningSystem) -> None:
    shown = running_system.run("watch", "--once")
    assert (shown.returncode, shown.stdout.strip()) == (0, "nothing is on the air")


def test_hidden_services_are_listed_for_who_has_the_secret(running_system: RunningSystem, put: Put) -> None:
    service = put(hidden=True)
    shown = running_system.run("watch", "--once")
    assert service.uuid in shown.stdout
    assert "hidden" in shown.stdout


def test_the_list_as_json_is_the_manifests(running_system: RunningSystem, put: Put) -> None:
    service = put()
    (listed,) = json.loads(running_system.run("watch", "--json", "--once").stdout)
    assert {key: listed[key] for key in service.manifest} == service.manifest


def test_the_list_as_json_has_a_line_for_each_change(running_system: RunningSystem, put: Put) -> None:
    with _following(running_system, "watch", "--json") as lines:
        assert json.loads(next(lines)) == []
        service = put()
        assert [each["uuid"] for each in json.loads(next(lines))] == [service.uuid]
        service.leave()
        assert json.loads(next(lines)) == []


# -- one service


@pytest.mark.parametrize("compressed", [True, False])
def test_one_screen_shows_the_race(running_system: RunningSystem, put: Put, compressed: bool) -> None:
    service = put()
    state = race(car("7"), car("51", "PIT"), trackData=["24°C"])
    state["messages"] = [[1700000000, "LMGT3", "#51 (Driver 51) has entered the pits", "pit", "51"]]
    state["highlight"] = ["51"]
    service.publish(state, compressed=compressed)
    shown = running_system.run("watch", service.uuid, "--once")
    assert shown.returncode == 0
    for text in ("GREEN", "Air: 24°C", "1:33.412", "1.500", "#51 (Driver 51) has entered the pits", "▸ 2 51"):
        assert text in shown.stdout
    assert shown.stdout.index("Team 7 ") < shown.stdout.index("Team 51")
    assert "\x1b" not in shown.stdout


def test_a_class_means_its_first_service(running_system: RunningSystem, put: Put) -> None:
    put().publish(race(car("7")))
    put().publish(race(car("7")))
    shown = running_system.run("watch", "TESTED", "--once")
    assert shown.returncode == 0
    assert "Team 7" in shown.stdout
    assert shown.stderr.startswith("2 services are TESTED: this is the first")


def test_an_unknown_service_is_told_with_the_nearest(running_system: RunningSystem, put: Put) -> None:
    put()
    shown = running_system.run("watch", "testd")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == "livetiming: testd is not on the air; did you mean tested?\n"


def test_a_service_without_a_state_is_an_error(running_system: RunningSystem, put: Put) -> None:
    service = put()
    shown = running_system.run("watch", "tested", "--once")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == f"livetiming: no state of {service.uuid} within 10 s\n"


def test_anybody_who_knows_its_uuid_can_watch_a_hidden_service(running_system: RunningSystem, put: Put) -> None:
    service = put(hidden=True)
    service.publish(race(car("7")))
    shown = _as_anybody(running_system, "watch", service.uuid, "--once")
    assert shown.returncode == 0
    assert "Driver 7" in shown.stdout
    assert service.uuid not in _as_anybody(running_system, "watch", "--once").stdout


def test_a_wrong_secret_lets_us_in_as_anybody(running_system: RunningSystem, put: Put) -> None:
    service, hidden = put(), put(hidden=True)
    shown = _as_anybody(running_system, "watch", "--once", LIVETIMING_SHARED_SECRET="wrong")
    assert shown.returncode == 0
    assert service.uuid in shown.stdout
    assert hidden.uuid not in shown.stdout


def test_states_as_json_lines_until_the_service_ends(running_system: RunningSystem, put: Put) -> None:
    service = put()
    service.publish(race(car("7")))
    with _following(running_system, "watch", "tested", "--json") as lines:
        assert json.loads(next(lines)) == {"uuid": service.uuid, "date": DATE, "state": race(car("7"))}
        service.publish(race(car("51")), compressed=False)
        assert json.loads(next(lines))["state"] == race(car("51"))
        service.leave()
        assert next(lines, None) is None
    assert lines.exit_code == 0


def test_one_state_as_json(running_system: RunningSystem, put: Put) -> None:
    service = put()
    service.publish(race(car("7")))
    shown = running_system.run("watch", service.uuid, "--json", "--once")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["state"] == race(car("7"))


def test_a_reader_that_leaves_is_no_error(running_system: RunningSystem, put: Put) -> None:
    service = put()
    service.publish(race(car("7")))
    with _following(running_system, "watch", service.uuid, "--json") as lines:
        next(lines)
        lines.leave()

        def notices() -> bool:
            service.publish(race(car("7")))
            return lines.ended()

        eventually(notices, what="it notices")
    assert lines.exit_code == 0
    assert lines.complaints == ""


def test_nothing_that_a_feed_says_steers_the_terminal(
    running_system: RunningSystem, put: Put, terminal: Callable[..., Terminal]
) -> None:
    evil = "\x1b]0;owned\x07\x9b2J[red]"
    service = put(description=evil, serviceClass="evil")
    state = race(car(evil))
    state["messages"] = [[1700000000, evil, evil, evil]]
    service.publish(state)
    watching = terminal("watch", "evil", NO_COLOR="1")
    watching.shows("]0;owned2J[red]")
    watching.shows("live")
    everything = watching.said
    assert watching.interrupt() == 0
    assert not {"\x07", "\x9b"} & set(everything)
    assert "\x1b]" not in everything
    written = running_system.run("watch", "evil", "--json", "--once").stdout
    assert not {"\x07", "\x9b", "\x1b"} & set(written)


def test_a_state_that_cannot_be_read_is_said_and_the_next_one_shown(
    running_system: RunningSystem, put: Put, terminal: Callable[..., Terminal]
) -> None:
    service = put()
    service.publish(race(car("7")))
    watching = terminal("watch", "tested")
    watching.shows("Driver 7")
    service.client.publish(f"livetiming.service.{service.uuid}", {"msgClass": 8, "payload": "no such thing"})
    watching.shows("cannot be read")
    service.publish(race(car("51")))
    watching.shows("Driver 51")
    assert watching.interrupt() == 0


# -- the terminal


def test_the_screen_follows_the_race_until_ctrl_c(put: Put, terminal: Callable[..., Terminal]) -> None:
    service = put()
    service.publish(race(car("7")))
    watching = terminal("watch", "tested")
    watching.shows("\x1b[?1049h")  # the alternate screen
    watching.shows("GREEN")
    watching.shows("Driver 7")
    service.publish(race(car("51"), flagState="red"))
    watching.shows("RED")
    watching.shows("Driver 51")
    service.leave()
    watching.shows("this service has ended")
    assert watching.interrupt() == 0
    assert watching.said.rstrip().endswith("\x1b[?1049l")


def test_the_list_follows_what_comes_and_goes(put: Put, terminal: Callable[..., Terminal]) -> None:
    watching = terminal("watch")
    watching.shows("nothing is on the air")
    service = put()
    service.publish(race(car("7")))
    watching.shows("Test race")
    watching.shows("leader 7 Driver 7")
    service.leave()
    watching.shows("nothing is on the air")
    assert watching.interrupt() == 0


def test_colours_are_off_where_they_are_not_wanted(put: Put, terminal: Callable[..., Terminal]) -> None:
    put().publish(race(car("7")))
    with_colours, without = terminal("watch", "tested"), terminal("watch", "tested", NO_COLOR="1")
    with_colours.shows("48;5;40m GREEN")  # the band of a green flag
    without.shows("Driver 7")
    assert "38;5;" not in without.said
    assert "48;5;" not in without.said
    assert [with_colours.interrupt(), without.interrupt()] == [0, 0]


def test_a_router_that_goes_away_is_said_and_waited_for(
    running_system: RunningSystem, put: Put, terminal: Callable[..., Terminal]
) -> None:
    service = put()
    service.publish(race(car("7")))
    watching = terminal("watch", "tested")
    watching.shows("live")
    running_system.kill(running_system.pid_of("router"))
    watching.shows("the router is away")
    watching.shows("live")
    eventually(lambda: service.client.router.joined, what="the service is back")
    service.publish(race(car("51")))
    watching.shows("Driver 51")
    assert watching.interrupt() == 0


# -- nobody there


def test_without_a_system_it_says_how_to_start_one(home: Path) -> None:
    shown = RunningSystem(home).run("watch")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == f"livetiming: nothing runs in {home} (start it with: livetiming up)\n"


def test_a_router_that_does_not_answer_is_said(home: Path) -> None:
    system = RunningSystem(home)
    system.environ["LIVETIMING_ROUTER"] = f"ws://127.0.0.1:{system.port}/ws"
    shown = system.run("watch", "--once")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "does not answer" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


# -- help


def _as_anybody(system: RunningSystem, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command of somebody else, who knows the public address only."""
    elsewhere = system.home / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    other = RunningSystem(elsewhere)
    other.environ.pop("COLUMNS", None)
    other.environ |= {"LIVETIMING_ROUTER": f"ws://127.0.0.1:{system.port}/ws", **environ}
    return other.run(*arguments)


class _following:  # noqa: N801 - reads as a function
    """The lines that a command writes, one by one; it is ended with the block."""

    def __init__(self, system: RunningSystem, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator.cli", *arguments],
            env=system.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.exit_code: int | None = None
        self.complaints = ""

    def __enter__(self) -> "_following":
        return self

    def __iter__(self) -> "_following":
        return self

    def __next__(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(10)  # it is about to end by itself
            raise StopIteration
        return line

    def leave(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def __exit__(self, *_: object) -> None:
        if not self.ended():
            self.process.send_signal(signal.SIGINT)
        self.exit_code = self.process.wait(10)
        assert self.process.stderr is not None
        self.complaints = self.process.stderr.read()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
