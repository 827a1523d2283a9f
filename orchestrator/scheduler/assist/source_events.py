"""The source calendar's bytes → the events that are to be copied. No I/O, no clock.

An instance of a series is an event of its own. Titles are untrusted: what is left of one is plain text without
brackets, so that it can never be read as a tag of ours.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from orchestrator.scheduler.assist.mapping import Hours
from orchestrator.scheduler.findings import Finding
from orchestrator.scheduler.ical_text import calendar_zone, event_lines, tagged_series, unfolded, value_of, values
from orchestrator.scheduler.ical_values import zone_named
from orchestrator.scheduler.occurrences import Occurrence, occurrences

TITLE_LIMIT = 200  # characters
_TAGGED = re.compile(r"\s*\[([^\[\]]{1,60})\](.*)", re.DOTALL)
_DATE = re.compile(r"\d{8}")
_PLAIN = str.maketrans("[]", "()")
_DAY, _HOUR = 86400.0, 3600.0


@dataclass(frozen=True)
class SourceEvent:
    """One event that begins with a tag. Times are Unix seconds."""

    instance: str
    uid: str
    tag: str
    title: str  # without the tag
    start: float
    end: float
    all_day: bool


@dataclass(frozen=True)
class Source:
    """A source calendar in one window of time."""

    events: tuple[SourceEvent, ...]
    problems: tuple[Finding, ...]  # events with brackets in the title that cannot be read
    zone: tzinfo


def read_source(content: bytes, start: datetime, end: datetime) -> Source:
    """The tagged events that touch the time from `start` to `end` (aware). Raises NotACalendar."""
    found, problems = occurrences(content, start, end)
    lines = unfolded(content)
    dated = _all_day_uids(lines)
    events = (_event(occurrence, all_day=_is_all_day(occurrence, dated)) for occurrence in found)
    return Source(
        tuple(event for event in events if event),
        tuple(problems),
        zone_named(calendar_zone(lines)) or UTC,
    )


def tag_of(title: str) -> str:
    """The tag that a title begins with; "" for none."""
    match = _TAGGED.match(title)
    return _plain(match[1]) if match else ""


def _event(occurrence: Occurrence, *, all_day: bool) -> SourceEvent | None:
    match = _TAGGED.match(occurrence.title)
    if match is None:
        return None
    tag, rest = (_plain(part) for part in match.groups())
    return SourceEvent(occurrence.instance, occurrence.uid, tag, rest or tag, occurrence.start, occurrence.end, all_day)


def _plain(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.translate(_PLAIN).split())[:TITLE_LIMIT].rstrip()


def _all_day_uids(text: bytes) -> set[str]:
    series, _ = tagged_series(text)
    return {
        uid
        for uid, events in series.items()
        for event in events
        if any(_DATE.fullmatch(value_of(rest)) for rest in values(event_lines(event), b"DTSTART"))
    }


def _is_all_day(occurrence: Occurrence, dated: set[str]) -> bool:
    """One instance of an all-day series may have been given a time: then it has no whole days, give or take DST."""
    length = occurrence.end - occurrence.start
    return occurrence.uid in dated and length > 0 and (length + _HOUR) % _DAY <= 2 * _HOUR


def with_hours(start: float, end: float, hours: Hours, zone: tzinfo) -> tuple[float, float]:
    """When an all-day event from `start` to `end` takes place: from its first day to its last."""
    first = datetime.fromtimestamp(start + _HOUR, zone)
    last = datetime.fromtimestamp(end - 2 * _HOUR, zone)
    moments = [
        day.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(minutes=minutes)
        for day, minutes in ((first, hours.start), (last, hours.end))
    ]
    return moments[0].timestamp(), moments[1].timestamp()
