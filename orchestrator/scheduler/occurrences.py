"""A calendar's bytes → the occurrences of its tagged events in a window of time. No I/O, no clock.

Events are cut out of the file as text and parsed by UID, so that a broken one costs only itself, and an untagged one
(most of a real calendar) costs next to nothing. What the two libraries do with each oddity was measured; the choices
that follow from it are told where they are made.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import icalendar
import recurring_ical_events

_FOLD = re.compile(rb"\r?\n[ \t]")
# each pattern goes over a line once: a calendar is untrusted, and `re` holds up the whole process while it searches
_UID = re.compile(rb"^UID[;:][^\r\n]*", re.MULTILINE | re.IGNORECASE)
_TAGGED = re.compile(rb"^SUMMARY[;:][^\r\n\[]*\[", re.MULTILINE | re.IGNORECASE)
_ZONE = re.compile(rb"^X-WR-TIMEZONE[;:][^\r\n]*", re.MULTILINE | re.IGNORECASE)
_ZONES_APART = timedelta(days=1)  # floating times are expanded as if in UTC, and placed in their zone afterwards
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})


class NotACalendar(ValueError):
    """What was read is no whole calendar; the last good copy stays in force."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a whole calendar: {why}")


@dataclass(frozen=True)
class Occurrence:
    """One event at one time. `start` and `end` are Unix seconds; `instance` stays the same when it is moved."""

    instance: str
    uid: str
    title: str
    start: float
    end: float


@dataclass(frozen=True)
class EventProblem:
    """An event that cannot be used, and why."""

    uid: str
    what: str

    def __str__(self) -> str:
        return f"event {self.uid[:80]}: {self.what}"


def occurrences(calendar: bytes, start: datetime, end: datetime) -> tuple[list[Occurrence], list[EventProblem]]:
    """The tagged events of `calendar` that touch the time from `start` to `end` (aware), in order of their start.

    Raises NotACalendar where the text is no whole calendar: that never means "no events".
    """
    text = _FOLD.sub(b"", calendar.removeprefix(b"\xef\xbb\xbf"))  # unfolded as bytes: a fold may split a character
    _check_whole(text)
    zone = _calendar_zone(text)
    found: list[Occurrence] = []
    problems: list[EventProblem] = []
    for uid, series in _tagged_series(text):
        try:
            found += _expand(uid, series, zone, start - _ZONES_APART, end + _ZONES_APART)
        except Exception as error:
            problems.append(EventProblem(uid, f"cannot be read ({error})"))
    since, until = start.timestamp(), end.timestamp()
    found = [item for item in found if item.start < until and (item.end > since or item.start >= since)]
    return sorted(found, key=lambda item: (item.start, item.instance)), problems


def _check_whole(text: bytes) -> None:
    upper = text.strip()[:20].upper(), text.strip()[-20:].upper()
    if not upper[0].startswith(b"BEGIN:VCALENDAR"):
        raise NotACalendar("it does not begin with BEGIN:VCALENDAR")
    if not upper[1].endswith(b"END:VCALENDAR"):
        raise NotACalendar("it is cut short (no END:VCALENDAR at its end)")


def _calendar_zone(text: bytes) -> tzinfo:
    found = _ZONE.search(text)
    if found is None:
        return UTC
    try:
        return ZoneInfo(_value(found[0]))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _tagged_series(text: bytes) -> Iterator[tuple[str, bytes]]:
    """(UID, calendar with the events of that UID and all time zones), for each UID that has a tagged title."""
    zones: list[bytes] = []
    series: dict[str, list[bytes]] = {}
    for number, (kind, component) in enumerate(_components(text)):
        if kind == b"VTIMEZONE":
            zones.append(component)
            continue
        uid = _UID.search(component)
        key = _value(uid[0]) if uid else f"(no UID, component {number + 1})"
        series.setdefault(key, []).append(component)
    for key, events in series.items():
        if any(_TAGGED.search(event) for event in events):
            yield key, b"\r\n".join([b"BEGIN:VCALENDAR", *zones, *events, b"END:VCALENDAR", b""])


def _components(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(VEVENT or VTIMEZONE, its text). One that is not closed before the next begins is left out."""
    kind, lines = b"", list[bytes]()
    for line in text.splitlines():
        word = line.strip().upper()
        if word in (b"BEGIN:VEVENT", b"BEGIN:VTIMEZONE"):
            kind, lines = word[6:], []
        if kind:
            lines.append(line)
            if word == b"END:" + kind:
                yield kind, b"\r\n".join(lines)
                kind = b""


def _value(line: bytes) -> str:
    return line.partition(b":")[2].decode(errors="replace").strip()


def _expand(uid: str, series: bytes, zone: tzinfo, start: datetime, end: datetime) -> Iterable[Occurrence]:
    calendar = icalendar.Calendar.from_ical(series)
    events = calendar.walk("VEVENT")
    _refuse_endless(events)
    recurring = len(events) > 1 or any(key in events[0] for key in ("RRULE", "RDATE", "RECURRENCE-ID"))
    expanded = recurring_ical_events.of(calendar, skip_bad_series=False).between(start, end)
    for event in expanded:
        # the library returns cancelled events as any others
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield _occurrence(uid, event, zone, recurring=recurring)


def _refuse_endless(events: Iterable[Any]) -> None:
    """ValueError for a rule whose expansion may never end."""
    for event in events:
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if {str(freq).upper() for freq in rule.get("FREQ", [])} & _TOO_OFTEN:
                raise ValueError("it recurs more often than daily")
            if any(int(interval) < 1 for interval in rule.get("INTERVAL", [])):
                raise ValueError("its recurrence has INTERVAL=0")


def _occurrence(uid: str, event: Any, zone: tzinfo, *, recurring: bool) -> Occurrence:
    start = _moment(event["DTSTART"].dt, zone)
    end = _moment(event["DTEND"].dt, zone) if "DTEND" in event else start
    original = event.get("RECURRENCE-ID")
    instance = f"{uid}/{_stamp(_moment(original.dt, zone))}" if recurring and original is not None else uid
    title = event.get("SUMMARY", "")
    return Occurrence(instance, uid, str(title[-1] if isinstance(title, list) else title), start, max(start, end))


def _moment(value: date | datetime, zone: tzinfo) -> float:
    """Unix seconds of a calendar's time: an all-day or floating one is in the calendar's zone."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), zone)
    return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).timestamp()


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
