"""The demo: a feed of our own, and a calendar with a race that is on and one that is about to start."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from uuid import uuid4

from orchestrator import calendar_server
from orchestrator.launch import Extras
from orchestrator.preflight import Daemon, PreflightError, module
from orchestrator.scheduler.sources.copy import keep_copy
from orchestrator.settings import Settings

FEED_ADDRESS = "127.0.0.1"
END_BUFFER = 5  # seconds
UID_END = "@demo"  # of the demo's events


def extras(settings: Settings, feed: Path | None, *, server: bool = False) -> Extras:
    """What `livetiming up --demo` adds.

    With `feed` the capture in that file is played instead of a simulated race; with `server` the calendar is not a
    file, but on a CalDAV server of our own.
    """
    if feed is not None and not feed.is_file():
        raise PreflightError(f"--feed {feed}: there is no such file")
    calendar = _on_server(settings) if server else _in_file(settings)
    port = str(settings.demo_feed_port)
    command = (
        module("livetiming.simulation.cli", "--port", port, "--loop")
        if feed is None
        else module("livetiming.simulation.replay", str(feed.resolve()), "--port", port, "--loop")
    )
    livetiming = os.path.relpath(Path(sys.prefix) / "bin" / "livetiming")  # as it can be typed from here
    return Extras(
        programs=[Daemon("demo-feed", command, 50), *calendar.programs],
        environ={
            "LIVETIMING_CALENDAR_URL": calendar.url,
            "LIVETIMING_CALENDAR_INTERVAL": "2",
            "LIVETIMING_START_BUFFER": "0",
            "LIVETIMING_END_BUFFER": str(END_BUFFER),
            "LIVETIMING_DVR_MIN_DURATION": "10",
        },
        ports=[("LIVETIMING_DEMO_FEED_PORT", FEED_ADDRESS, settings.demo_feed_port), *calendar.ports],
        hints=[
            f"what is on the air:    {settings.local_url}/",
            f"in a second terminal:  {livetiming} watch rmonitor   (the live timing screen)",
            f"                       {livetiming} status           (every program)",
            f"                       {livetiming}-schedule next    (what starts and stops, and why)",
            f"the calendar to edit:  {calendar.hint}",
            "to end:                Ctrl-C",
        ],
        prepare=calendar.write,
    )


@dataclass(frozen=True)
class _Calendar:
    """Where the demo's events are."""

    url: str
    hint: str
    write: Callable[[], None]
    programs: Sequence[Daemon] = ()
    ports: Sequence[tuple[str, str, int]] = ()


def _in_file(settings: Settings) -> _Calendar:
    path = settings.home / "demo.ics"
    return _Calendar(
        url=path.as_uri(),
        hint=f"{path}  (retitle, move, delete or add an event, and save)",
        write=lambda: write_calendar(path, settings.demo_feed_port, datetime.now(UTC)),
    )


def _on_server(settings: Settings) -> _Calendar:
    if not calendar_server.is_installed():
        raise PreflightError(
            "--calendar-server needs Radicale, which is not installed: "
            "pip install 'livetiming-orchestrator[calendar-server]'"
        )
    port = settings.calendar_server_port
    url = calendar_server.calendar_url(port)
    return _Calendar(
        url=url,
        hint=f"{url}  (CalDAV, for a calendar app; name {calendar_server.OWNER}, any password)",
        write=lambda: fill_server(settings, datetime.now(UTC)),
        programs=[Daemon(calendar_server.NAME, module("orchestrator.calendar_server"), 50)],
        ports=[("LIVETIMING_CALENDAR_SERVER_PORT", calendar_server.ADDRESS, port)],
    )


def fill_server(settings: Settings, now: datetime) -> None:
    """The demo's events on the calendar server, in the place of an earlier demo's; what else is there stays.

    The same is left as the last good copy. So the scheduler goes by it even where it is up before the server, and
    never by the copy of an earlier demo.
    """
    objects = {uid: _whole([lines]) for uid, lines in _events(settings.demo_feed_port, now).items()}
    whole = calendar_server.fill(settings.home, settings.calendar_server_port, objects, UID_END)
    keep_copy(settings.calendar_copy, whole.encode())


def write_calendar(path: Path, port: int, now: datetime) -> None:
    """The demo's calendar, for a demo that starts `now`; the one of an earlier demo is kept beside it."""
    if path.exists():
        path.replace(path.with_suffix(".previous.ics"))
    path.write_text(calendar_text(port, now), newline="")


def calendar_text(port: int, now: datetime) -> str:
    """An iCalendar file with one event that is on, and one that starts in two minutes."""
    return _whole(_events(port, now).values())


def _whole(events: Iterable[list[str]]) -> str:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//livetiming//demo//EN"]
    return "\r\n".join([*head, *chain.from_iterable(events), "END:VCALENDAR", ""])


def _events(port: int, now: datetime) -> dict[str, list[str]]:
    """The demo's events, by UID."""
    first, second = (f"{uuid4()}{UID_END}" for _ in range(2))
    race = f"Demo Cup - race 1 [rmonitor, --host {FEED_ADDRESS} --port {port}]"
    return {
        first: _event(first, race, now - timedelta(minutes=1), 31),
        second: _event(second, "Demo Cup - race 2 [simulated, --cars 16]", now + timedelta(minutes=2), 10),
    }


def _event(uid: str, title: str, start: datetime, minutes: int) -> list[str]:
    end = start + timedelta(minutes=minutes)
    escaped = title.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_time(start)}",
        f"DTSTART:{_time(start)}",
        f"DTEND:{_time(end)}",
        f"SUMMARY:{escaped}",
        "END:VEVENT",
    ]


def _time(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
