"""The demo: a feed of our own, and a calendar with a race that is on and one that is about to start."""

import os
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from uuid import uuid4

from orchestrator.launch import Extras
from orchestrator.preflight import Daemon, PreflightError, module
from orchestrator.settings import Settings

FEED_ADDRESS = "127.0.0.1"
END_BUFFER = 5  # seconds


def extras(settings: Settings, feed: Path | None) -> Extras:
    """What `livetiming up --demo` adds; with `feed` the capture in that file is played instead of a simulated race."""
    if feed is not None and not feed.is_file():
        raise PreflightError(f"--feed {feed}: there is no such file")
    calendar = settings.home / "demo.ics"
    livetiming = os.path.relpath(Path(sys.prefix) / "bin" / "livetiming")  # as it can be typed from here
    port = str(settings.demo_feed_port)
    command = (
        module("livetiming.simulation.cli", "--port", port, "--loop")
        if feed is None
        else module("livetiming.simulation.replay", str(feed.resolve()), "--port", port, "--loop")
    )
    return Extras(
        programs=[Daemon("demo-feed", command, 50)],
        environ={
            "LIVETIMING_CALENDAR_URL": calendar.as_uri(),
            "LIVETIMING_CALENDAR_INTERVAL": "2",
            "LIVETIMING_START_BUFFER": "0",
            "LIVETIMING_END_BUFFER": str(END_BUFFER),
            "LIVETIMING_DVR_MIN_DURATION": "10",
        },
        ports=[("LIVETIMING_DEMO_FEED_PORT", FEED_ADDRESS, settings.demo_feed_port)],
        hints=[
            f"what is on the air:    {settings.local_url}/",
            f"in a second terminal:  {livetiming} watch rmonitor   (the live timing screen)",
            f"                       {livetiming} status           (every program)",
            f"the calendar to edit:  {calendar}  (retitle, move, delete or add an event, and save)",
            "to end:                Ctrl-C",
        ],
        prepare=lambda: write_calendar(calendar, settings.demo_feed_port, datetime.now(UTC)),
    )


def write_calendar(path: Path, port: int, now: datetime) -> None:
    """The demo's calendar, for a demo that starts `now`; the one of an earlier demo is kept beside it."""
    if path.exists():
        path.replace(path.with_suffix(".previous.ics"))
    path.write_text(calendar_text(port, now), newline="")


def calendar_text(port: int, now: datetime) -> str:
    """An iCalendar file with one event that is on, and one that starts in two minutes."""
    events = [
        _event(f"Demo Cup - race 1 [rmonitor, --host {FEED_ADDRESS} --port {port}]", now - timedelta(minutes=1), 31),
        _event("Demo Cup - race 2 [simulated, --cars 16]", now + timedelta(minutes=2), 10),
    ]
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//livetiming//demo//EN"]
    return "\r\n".join([*head, *chain.from_iterable(events), "END:VCALENDAR", ""])


def _event(title: str, start: datetime, minutes: int) -> list[str]:
    end = start + timedelta(minutes=minutes)
    escaped = title.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return [
        "BEGIN:VEVENT",
        f"UID:{uuid4()}@demo",
        f"DTSTAMP:{_time(start)}",
        f"DTSTART:{_time(start)}",
        f"DTEND:{_time(end)}",
        f"SUMMARY:{escaped}",
        "END:VEVENT",
    ]


def _time(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
