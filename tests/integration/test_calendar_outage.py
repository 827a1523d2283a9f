"""The calendar cannot be read, in every way a calendar cannot be: the last good copy stays in force."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.support.loopback import Handler, LoopbackServer
from tests.support.system import RunningSystem, event, new_home, remove_home
from tests.support.waiting import eventually

NOW, HOUR, SOON = timedelta(0), timedelta(hours=1), timedelta(seconds=6)
RACE = event("Race [ticking]", NOW, HOUR, uid="a@test")
RUNS, STARTS = "service-ticking", "service-simulated"


class Calendar:
    """What the server answers."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        self.hang = threading.Event()
        self.asked = 0

    def write(self, *events: str) -> bytes:
        """A calendar of these events."""
        self.status = 200
        self.body = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(events) + "END:VCALENDAR\r\n").encode()
        return self.body


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture(scope="module")
def system_on_the_web(calendar: Calendar) -> Iterator[RunningSystem]:
    """A system whose calendar is on a web server."""

    class Answer(Handler):
        def do_GET(self) -> None:
            calendar.asked += 1
            if calendar.hang.is_set():
                self.rfile.read(1)  # until the other side gives up, or we end
                return
            self.reply(calendar.status, calendar.body)

    calendar.write()
    folder, server = new_home(), LoopbackServer(Answer)
    system = RunningSystem(folder)
    system.environ["LIVETIMING_CALENDAR_URL"] = f"http://user:secret-word@127.0.0.1:{server.port}/token-4711.ics"
    system.start()
    yield system
    system.end()
    server.close()
    remove_home(folder)


@pytest.fixture
def race(system_on_the_web: RunningSystem, calendar: Calendar) -> Iterator[RunningSystem]:
    """One service is on the air."""
    calendar.write(RACE)
    eventually(lambda: system_on_the_web.state_of(RUNS) == "RUNNING", what="the race is on the air")
    yield system_on_the_web
    calendar.hang.clear()
    calendar.write(RACE)
    eventually(lambda: STARTS not in system_on_the_web.status(), within=60, what="the race is alone")


def cut_short(calendar: Calendar) -> None:
    calendar.body = calendar.body[: len(calendar.body) * 2 // 3]


def empty(calendar: Calendar) -> None:
    calendar.body = b""


def login_page(calendar: Calendar) -> None:
    calendar.body = b"<!doctype html><html><title>Sign in</title></html>"


def server_error(calendar: Calendar) -> None:
    calendar.status = 500


def too_many_requests(calendar: Calendar) -> None:
    calendar.status = 429


def read_again(calendar: Calendar, times: int = 2) -> None:
    asked = calendar.asked
    eventually(lambda: calendar.asked >= asked + times, what="it was read again")


@pytest.mark.parametrize("outage", [cut_short, empty, login_page, server_error, too_many_requests])
def test_what_runs_goes_on(race: RunningSystem, calendar: Calendar, outage: Callable[[Calendar], None]) -> None:
    pid = race.pid_of(RUNS)
    outage(calendar)
    read_again(calendar)
    assert race.pid_of(RUNS) == pid


def test_a_server_that_hangs_delays_no_start(race: RunningSystem, calendar: Calendar) -> None:
    calendar.write(RACE, event("Next [simulated, --cars 4]", SOON, HOUR, uid="b@test"))
    read_again(calendar)
    calendar.hang.set()
    read_again(calendar, times=1)
    eventually(lambda: race.state_of(STARTS) == "RUNNING", within=30, what="the next one starts")


def test_a_scheduler_that_is_killed_meanwhile_goes_by_the_last_good_copy(
    race: RunningSystem, calendar: Calendar
) -> None:
    calendar.write(RACE, event("Next [simulated, --cars 4]", SOON, HOUR, uid="b@test"))
    read_again(calendar)
    server_error(calendar)
    pid, scheduler = race.pid_of(RUNS), race.pid_of("scheduler")
    race.kill(scheduler)
    eventually(lambda: race.state_of(STARTS) == "RUNNING", within=40, what="the next one starts")
    assert race.pid_of(RUNS) == pid
    assert race.pid_of("scheduler") != scheduler


def test_the_log_tells_an_outage_once_with_its_end_and_no_secret(race: RunningSystem, calendar: Calendar) -> None:
    calendar.status = 503
    read_again(calendar, times=3)
    eventually(lambda: "answered 503" in race.status()["scheduler"]["note"], what="status tells it")
    calendar.status = 200
    eventually(lambda: "the calendar can be read again" in race.log("scheduler"), what="its end is told")
    log = race.log("scheduler")
    assert log.count("the server answered 503") == 1
    assert "secret-word" not in log
    assert "4711" not in log
