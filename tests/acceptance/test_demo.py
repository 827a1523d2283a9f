"""The demo, as a newcomer sees it."""

import json
import re
from pathlib import Path

import pytest

from orchestrator.dvr.journal import BadRecord, RecordKind, read
from tests.support.client import Client
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)


def test_a_calendar_event_puts_a_race_on_the_air_and_its_recording_into_the_catalogue(system: RunningSystem) -> None:
    for name in ("CALENDAR_URL", "CALENDAR_INTERVAL", "START_BUFFER", "END_BUFFER", "DVR_MIN_DURATION", "DVR_TIMEOUT"):
        del system.environ[f"LIVETIMING_{name}"]
    system.start("--demo")
    calendar = system.home / "demo.ics"
    assert str(calendar) in system.said()

    # the first event is on the air, the second is to come
    screen = eventually(lambda: watch(system, "rmonitor"), within=30, what="the race is on the air")
    assert "Demo Cup - race 1" in screen
    client = Client(system.home, port=system.port)
    (coming,) = client.call("livetiming.schedule.list")
    assert (coming["name"], coming["service"]) == ("Demo Cup - race 2", "simulated")
    states = system.run("watch", "rmonitor", "--once", "--json").stdout.splitlines()
    cars = json.loads(states[0])["state"]["cars"]
    assert len(cars) == 24

    # an edit takes effect
    edit(calendar, "race 1", "race one")
    eventually(lambda: "Demo Cup - race one" in watch(system, "rmonitor"), what="the new title")

    # the second event, moved to now, runs beside it
    edit(calendar, r"DTSTART:\d+T\d+Z(?=\r\nDTEND:\d+T\d+Z\r\nSUMMARY:Demo Cup - race 2)", "DTSTART:20200101T000000Z")
    eventually(lambda: system.state_of("service-simulated") == "RUNNING", what="the second race runs")

    # a deleted event ends its service by QUIT, and its recording appears
    recording = system.home / "recordings-temp"
    eventually(lambda: seconds_recorded(recording) > 12, within=30, what="more than the minimum is recorded")
    edit(calendar, r"BEGIN:VEVENT(?:(?!END:VEVENT).)*race one.*?END:VEVENT\r\n", "")
    eventually(lambda: system.state_of("service-rmonitor") is None, what="the program is gone")
    assert "told to quit" in system.log("service-rmonitor")
    page = eventually(lambda: client.call("livetiming.recordings.page")["recordings"], within=30)
    assert [entry["description"] for entry in page] == ["Demo Cup - race one"]
    assert page[0]["duration"] >= 10
    client.close()


def test_a_real_capture_can_be_played(system: RunningSystem, data: Path) -> None:
    system.start("--demo", "--feed", str(data / "rmonitor" / "Orbits_Mock_Session.txt"))
    screen = eventually(lambda: watch(system, "rmonitor"), within=30)
    assert "Brands Hatch" in screen
    assert "Smith" in screen


def test_a_feed_that_is_not_there_is_told_before_anything_is_started(system: RunningSystem) -> None:
    refused = system.run("up", "--demo", "--feed", "no-such-file")
    assert refused.returncode == 1
    assert "no such file" in refused.stderr


def watch(system: RunningSystem, service: str) -> str:
    """The live timing screen, or nothing while there is none."""
    answer = system.run("watch", service, "--once", timeout=40)
    return answer.stdout if answer.returncode == 0 else ""


def edit(calendar: Path, pattern: str, replacement: str) -> None:
    """Edit as an editor does: the whole file is replaced."""
    with calendar.open(newline="") as file:
        text = file.read()
    changed = re.sub(pattern, replacement, text, count=1, flags=re.DOTALL)
    assert changed != text
    fresh = calendar.with_suffix(".new")
    fresh.write_text(changed, newline="")
    fresh.replace(calendar)


def seconds_recorded(folder: Path) -> int:
    """How long the longest recording in progress has been going on, by what is on the disk."""
    return max((_seconds_in(path) for path in folder.glob("*.journal")), default=0)


def _seconds_in(journal: Path) -> int:
    seconds: list[int] = []
    try:
        seconds += [record.second for record, _ in read(journal) if record.kind in (RecordKind.KEY, RecordKind.INTRA)]
    except (BadRecord, FileNotFoundError):  # it is being written, or finished
        return 0
    return seconds[-1] - seconds[0] if seconds else 0
