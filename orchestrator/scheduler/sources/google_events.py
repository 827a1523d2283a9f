"""Google's events (JSON, Calendar API v3) → an iCalendar text as Google's own feed has it. No I/O, no clock.

UID is the event's iCalUID and RECURRENCE-ID the original start, so an instance has the same id by either way. An event
that makes no sense is handed on without its times: what is wrong is for the reader of the text to tell.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import icalendar

Event = Mapping[str, Any]
_RULES = ("RRULE", "RDATE", "EXDATE", "EXRULE")
_BREAKS = str.maketrans({"\r": " ", "\n": " "})
_NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError)
_USED = (
    "id",
    "iCalUID",
    "status",
    "summary",
    "start",
    "end",
    "sequence",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
)


def changed(events: Mapping[str, Event], items: Iterable[Any]) -> dict[str, Event]:
    """`events` (by id) after the changes `items`, with what is used of them.

    A deleted event goes. A deleted series is kept as such, as its changed instances, of which Google may not speak
    again, are deleted with it; and a deleted instance is kept, as the series goes on without it.
    """
    result = dict(events)
    for item in items:
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            continue
        if _is_deleted(item) and "recurrence" not in result.get(item["id"], {}):
            result.pop(item["id"], None)
        else:
            result[item["id"]] = {
                **({"recurrence": []} if _is_deleted(item) else {}),
                **{name: item[name] for name in _USED if name in item},
            }
    return result


def as_icalendar(events: Iterable[Event], zone: str) -> bytes:
    """All `events` as one calendar; `zone` is the calendar's own (IANA)."""
    events = list(events)
    uids = {event["id"]: _uid(event) for event in events if "recurringEventId" not in event}
    deleted = {event["id"] for event in events if _is_deleted(event)}
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//livetiming//google//EN"]
    if zone:
        lines.append(f"X-WR-TIMEZONE:{_plain(zone)}")
    for event in events:
        series = str(event.get("recurringEventId", event["id"]))
        if series in deleted:
            continue
        try:
            lines += _event(event, uids.get(series) or _uid(event), zone)
        except _NONSENSE:  # with a UID of its own: it is no part of a series that makes sense
            lines += ["BEGIN:VEVENT", f"UID:{_plain(event['id'])}", _summary(event), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode(errors="replace")


def _is_deleted(event: Event) -> bool:
    return event.get("status") == "cancelled" and "recurringEventId" not in event


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
    lines.append(_summary(event))
    lines.append(f"SEQUENCE:{int(event.get('sequence', 0))}")
    lines.append("STATUS:" + ("CANCELLED" if event.get("status") == "cancelled" else "CONFIRMED"))
    for rule in event.get("recurrence", []):
        name = str(rule).partition(":")[0].partition(";")[0].upper()
        if name in _RULES:
            lines.append(_plain(rule))
    return [*lines, "END:VEVENT"]


def _summary(event: Event) -> str:
    title = str(event.get("summary", "")).encode(errors="replace").decode()  # JSON may hold halves of characters
    return f"SUMMARY:{icalendar.vText(title).to_ical().decode()}"


def _time(name: str, value: Mapping[str, str], zone: str) -> str:
    """A property of a date, or of a moment in its zone."""
    if "date" in value:
        return f"{name};VALUE=DATE:{date.fromisoformat(value['date']):%Y%m%d}"
    moment = datetime.fromisoformat(value["dateTime"])
    own = value.get("timeZone")
    place = _known(own) or _known(zone) or ZoneInfo("UTC")
    if moment.tzinfo is None:
        if own and own != place.key:
            raise ValueError("a local time of an unknown zone")
        local = moment
    else:
        local = moment.astimezone(place)  # the same moment, even where the zone is not the one that was meant
    return f"{name};TZID={place.key}:{local:%Y%m%dT%H%M%S}"


def _known(zone: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(zone) if zone else None
    except (LookupError, ValueError, OSError):
        return None


def _plain(text: object) -> str:
    """On one line: what comes from outside must not begin another."""
    return str(text).translate(_BREAKS)
