"""What is to come, as it is published: the list of wire.md, and the same as an iCalendar file. No I/O, no clock."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypedDict

import icalendar

from orchestrator.scheduler.plan import Session


class Coming(TypedDict):
    """One event that is to come. Times are Unix seconds, as the calendar has them (no buffer)."""

    id: str
    name: str
    service: str  # the class, or what it is shown as
    startTime: int
    hidden: bool
    endTime: int
    instance: str


def upcoming(sessions: Iterable[Session], running: Iterable[str], now: float) -> list[Coming]:
    """What is to come and does not run yet (`running`: instances), by its start; hidden ones left out."""
    under_way = set(running)
    coming = [
        session
        for session in sessions
        if not session.hidden and session.start > now and session.instance not in under_way
    ]
    return [
        {
            "id": session.uid,
            "name": session.name,
            "service": session.shown_as or session.service_class,
            "startTime": int(session.start),
            "hidden": False,
            "endTime": int(session.end),
            "instance": session.instance,
        }
        for session in sorted(coming, key=lambda session: (session.start, session.instance))
    ]


def as_icalendar(listing: Sequence[Coming], public_url: str, now: float) -> bytes:
    """The listing as an iCalendar file (RFC 5545), with links to the live pages where `public_url` is known."""
    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//livetiming//schedule//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("X-WR-CALNAME", "Live timing")
    for coming in listing:
        event = icalendar.Event()
        event.add("UID", coming["instance"])
        event.add("DTSTAMP", _moment(now))
        event.add("DTSTART", _moment(coming["startTime"]))
        event.add("DTEND", _moment(coming["endTime"]))
        event.add("SUMMARY", coming["name"])
        if public_url:
            event.add("URL", f"{public_url}/s/{coming['service']}")
        calendar.add_component(event)
    written: bytes = calendar.to_ical()
    return written


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
