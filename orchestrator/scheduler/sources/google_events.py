"""Google's events (JSON, Calendar API v3) → an iCalendar text as Google's own feed has it. No I/O, no clock.

UID is the event's iCalUID and RECURRENCE-ID the original start, so an instance has the same id by either way. An event
that makes no sense is left out alone: what else of it is wrong is for the reader of the text to tell.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import icalendar

Event = Mapping[str, Any]
_RULES = ("RRULE", "RDATE", "EXDATE", "EXRULE")
_BREAKS = str.maketrans({"\r": " ", "\n": " "})


def changed(events: Mapping[str, Event], items: Iterable[Event]) -> dict[str, Event]:
    """`events` (by id) after the changes `items`: a deleted one goes, a cancelled instance of a series stays."""
    result = dict(events)
    for item in items:
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            continue
        if item.get("status") == "cancelled" and "recurringEventId" not in item:
            result.pop(item["id"], None)
        else:
            result[item["id"]] = item
    return result


def as_icalendar(events: Iterable[Event], zone: str) -> bytes:
    """All `events` as one calendar; `zone` is the calendar's own (IANA)."""
    events = list(events)
    uids = {event["id"]: _uid(event) for event in events if "recurringEventId" not in event}
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//livetiming//google//EN"]
    if zone:
        lines.append(f"X-WR-TIMEZONE:{_plain(zone)}")
    for event in events:
        try:
            lines += _event(event, uids.get(event.get("recurringEventId", event["id"])) or _uid(event), zone)
        except (KeyError, TypeError, ValueError, OSError):
            continue
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def _uid(event: Event) -> str:
    return str(event.get("iCalUID") or f"{event['id']}@google.com")


def _event(event: Event, uid: str, zone: str) -> list[str]:
    instance = "recurringEventId" in event
    start = event.get("start") or event["originalStartTime"]
    lines = ["BEGIN:VEVENT", f"UID:{_plain(uid)}", _time("DTSTART", start, zone)]
    if "end" in event:
        lines.append(_time("DTEND", event["end"], zone))
    if instance:
        lines.append(_time("RECURRENCE-ID", event["originalStartTime"], zone))
    if "summary" in event:
        lines.append("SUMMARY:" + icalendar.vText(str(event["summary"])).to_ical().decode())
    lines.append(f"SEQUENCE:{int(event.get('sequence', 0))}")
    lines.append("STATUS:" + ("CANCELLED" if event.get("status") == "cancelled" else "CONFIRMED"))
    for rule in event.get("recurrence", []):
        name = str(rule).partition(":")[0].partition(";")[0].upper()
        if name in _RULES:
            lines.append(_plain(rule))
    return [*lines, "END:VEVENT"]


def _time(name: str, value: Mapping[str, str], zone: str) -> str:
    """A property of a date, or of a moment in its zone."""
    if "date" in value:
        return f"{name};VALUE=DATE:{date.fromisoformat(value['date']):%Y%m%d}"
    moment = datetime.fromisoformat(value["dateTime"])
    place = ZoneInfo(value.get("timeZone") or zone or "UTC")
    local = moment.astimezone(place) if moment.tzinfo else moment
    return f"{name};TZID={place.key}:{local:%Y%m%dT%H%M%S}"


def _plain(text: object) -> str:
    """On one line: what comes from outside must not begin another."""
    return str(text).translate(_BREAKS)
