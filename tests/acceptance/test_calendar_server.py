"""The demo with a calendar server: what a calendar app does there, and what runs then."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import caldav
import psutil
import pytest

from livetiming.lock import EXIT_TWICE, Lock, lock_path
from tests.support.system import RunningSystem, event, free_port, processes_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)

TIMES = "LIVETIMING_TEST_TIMES"  # a file to which the times of what happened are added, if it is set


class Times:
    """What was done to the calendar and what was seen then, with the seconds from one to the other."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._since = time.monotonic()

    def done(self, what: str) -> None:
        """Something was done to the calendar."""
        self._since = time.monotonic()
        self.lines.append(f"{datetime.now(UTC):%H:%M:%S.%f}"[:-3] + f"  {what}")

    def seen(self, what: str) -> None:
        """Something followed from it."""
        after = time.monotonic() - self._since
        self.lines.append(f"{datetime.now(UTC):%H:%M:%S.%f}"[:-3] + f"      {what}, after {after:.1f} s")


@pytest.fixture
def served(system: RunningSystem) -> RunningSystem:
    """A system whose demo is on a calendar server, with the settings that a newcomer has."""
    for name in ("CALENDAR_URL", "CALENDAR_INTERVAL", "START_BUFFER", "END_BUFFER", "DVR_MIN_DURATION", "DVR_TIMEOUT"):
        del system.environ[f"LIVETIMING_{name}"]
    system.environ["LIVETIMING_CALENDAR_SERVER_PORT"] = str(free_port())
    return system


@pytest.fixture
def times() -> Iterator[Times]:
    kept = Times()
    yield kept
    if path := os.environ.get(TIMES):
        Path(path).write_text("\n".join([*kept.lines, ""]))


def test_what_runs_follows_each_edit_made_by_caldav(served: RunningSystem, times: Times) -> None:
    served.start("--demo", "--calendar-server")
    url = address(served)
    with caldav.DAVClient(url=url, username="anybody", password="anything", timeout=10) as client:
        calendar = calendar_at(client, url)

        # the demo's own events are there, and the first one is on
        assert titles(calendar) == ["Demo Cup - race 1", "Demo Cup - race 2"]
        eventually(lambda: served.state_of("service-rmonitor") == "RUNNING", what="the race of the demo is on")

        # PUT
        put = calendar.save_event(ics("Clubman race [ticking]", timedelta(seconds=-10)))
        times.done("PUT an event that is on [ticking]")
        job = eventually(lambda: running(served, "ticking"), what="a new event starts its service")
        times.seen("service-ticking runs")
        assert job["description"] == "Clubman race"
        uuid = job["uuid"]

        # retitled
        edit(put, ics("Clubman final [ticking]", timedelta(seconds=-10)))
        times.done("retitle it")
        eventually(lambda: running(served, "ticking").get("description") == "Clubman final", what="the new title")
        times.seen("the same process has the new name")
        assert running(served, "ticking")["uuid"] == uuid

        # other options
        edit(put, ics("Clubman final [ticking, --label wet]", timedelta(seconds=-10)))
        times.done("change its options")
        eventually(lambda: running(served, "ticking").get("options") == ["--label", "wet"], what="the new options")
        times.seen("a new service runs with them")
        assert running(served, "ticking")["uuid"] != uuid

        # moved away, and back
        edit(put, ics("Clubman final [ticking, --label wet]", timedelta(hours=3)))
        times.done("move it to later today")
        eventually(lambda: served.state_of("service-ticking") is None, what="it ends")
        times.seen("its service has ended")
        edit(put, ics("Clubman final [ticking, --label wet]", timedelta(seconds=4)))
        times.done("move it to 4 s from now")
        eventually(lambda: running(served, "ticking"), what="it starts")
        times.seen("its service runs")

        # deleted
        put.delete()
        times.done("delete it")
        eventually(lambda: served.state_of("service-ticking") is None, what="it ends")
        times.seen("its service has ended")
        assert "told to quit" in served.log("service-ticking")
        assert served.state_of("service-rmonitor") == "RUNNING"


def test_the_server_is_reached_on_loopback_only_and_ends_with_the_system(served: RunningSystem) -> None:
    served.start("--demo", "--calendar-server")
    server = psutil.Process(served.pid_of("calendar-server"))
    heard = {link.laddr for link in server.net_connections() if link.status == psutil.CONN_LISTEN}
    assert {(address.ip, address.port) for address in heard} == {("127.0.0.1", int(port(served)))}
    served.end()
    assert not server.is_running()
    assert processes_of(served.home) == []


def test_it_ends_when_supervisord_is_gone(home: Path) -> None:
    chosen = str(free_port())
    own = {"LIVETIMING_HOME": str(home), "LIVETIMING_CALENDAR_SERVER_PORT": chosen, "SUPERVISOR_ENABLED": "1"}
    server = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.calendar_server"], env={**os.environ, **own}, stdin=subprocess.PIPE
    )
    with server:
        eventually(lambda: accepts(int(chosen)), what="it listens")
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(10) == 0


def test_a_second_copy_is_refused(home: Path) -> None:
    own = {"LIVETIMING_HOME": str(home)}
    with closing(Lock("calendar-server", lock_path(home / "run", "calendar-server"))):
        twin = subprocess.run(
            [sys.executable, "-m", "orchestrator.calendar_server"], env={**os.environ, **own}, timeout=20, check=False
        )
    assert twin.returncode == EXIT_TWICE


def test_the_next_demo_has_new_events_of_its_own_and_keeps_those_of_the_user(served: RunningSystem) -> None:
    served.start("--demo", "--calendar-server")
    url = address(served)
    with caldav.DAVClient(url=url, timeout=10) as client:
        calendar = calendar_at(client, url)
        calendar.save_event(ics("Mine", timedelta(days=1)))
        before = uids(calendar)
        served.end()
        served.start("--demo", "--calendar-server")
        assert titles(calendar) == ["Demo Cup - race 1", "Demo Cup - race 2", "Mine"]
        assert uids(calendar) & before == {"one@test"}


def test_the_demo_is_looked_at_without_telling_where_its_calendar_is(served: RunningSystem) -> None:
    served.start("--demo", "--calendar-server")
    eventually(lambda: served.state_of("service-rmonitor") == "RUNNING")
    answer = json.loads(schedule(served, "next", "--json"))
    assert [(item["name"], item["well"]) for item in answer["on"]] == [("Demo Cup - race 1", True)]
    assert [(item["what"], item["class"], item["why"]) for item in answer["coming"]] == [
        ("start", "simulated", "it begins"),
        ("stop", "simulated", "5 s after its end"),
        ("stop", "rmonitor", "5 s after its end"),
    ]


def test_a_port_that_is_taken_is_told_before_anything_is_started(served: RunningSystem) -> None:
    with socket.create_server(("127.0.0.1", int(port(served)))):
        refused = served.run("up", "--demo", "--calendar-server")
    assert refused.returncode == 1
    assert "LIVETIMING_CALENDAR_SERVER_PORT" in refused.stderr
    assert not (served.home / "calendar-server").exists()


def test_the_flag_is_for_the_demo(system: RunningSystem) -> None:
    refused = system.run("up", "--calendar-server")
    assert refused.returncode == 2
    assert "--demo" in refused.stderr


def port(system: RunningSystem) -> str:
    return system.environ["LIVETIMING_CALENDAR_SERVER_PORT"]


def calendar_at(client: Any, url: str) -> Any:
    """Untyped in caldav."""
    return client.calendar(url=url)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def address(system: RunningSystem) -> str:
    """The address of the calendar, as `livetiming up` says it."""
    found = re.search(rf"http://127\.0\.0\.1:{port(system)}/\S+/", system.said())
    assert found is not None, system.said()
    return found[0]


def ics(title: str, start: timedelta) -> str:
    """An event of ten minutes, as a calendar app would PUT it."""
    lines = event(title, start, timedelta(minutes=10))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test\r\n{lines}END:VCALENDAR\r\n"


def edit(put: Any, text: str) -> None:
    put.data = text
    put.save()


def titles(calendar: Any) -> list[str]:
    return sorted(str(item.icalendar_component["SUMMARY"]).partition(" [")[0] for item in calendar.events())


def uids(calendar: Any) -> set[str]:
    return {str(item.icalendar_component["UID"]) for item in calendar.events()}


def running(system: RunningSystem, name: str) -> dict[str, Any]:
    """The job of a service that runs; empty if it does not."""
    if system.state_of(f"service-{name}") != "RUNNING":
        return {}
    job: dict[str, Any] = json.loads((system.home / "run" / "jobs" / f"service-{name}.json").read_text())
    return job


def schedule(system: RunningSystem, *arguments: str) -> str:
    """What `livetiming-schedule` prints for somebody who knows the home and nothing else."""
    known = {name: value for name, value in system.environ.items() if not name.startswith("LIVETIMING_")}
    answer = subprocess.run(
        [sys.executable, "-m", "orchestrator.scheduler.cli", *arguments],
        env={**known, "LIVETIMING_HOME": str(system.home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
