"""A calendar's bytes → the occurrences of its tagged events in a window of time. No I/O, no clock.

Events are cut out of the file as text and read by UID, so that a broken one costs only itself, and an untagged one
(most of a real calendar) costs next to nothing. Ordinary ones are expanded by arithmetic, the others by the libraries.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from orchestrator.scheduler.by_library import Refused, effort, expand, refuse_endless
from orchestrator.scheduler.findings import Finding, Kind, at_most, of_the_calendar
from orchestrator.scheduler.ical_text import (
    Lines,
    calendar_zone,
    event_lines,
    tagged_series,
    unfolded,
    value_of,
    values,
)
from orchestrator.scheduler.ical_values import Unusual, text, zone_named
from orchestrator.scheduler.plain_events import Occurrence, Window, expand_plain

__all__ = ["NotACalendar", "Occurrence", "occurrences"]

INSTANCES_LIMIT = 1000  # of one event in the window
OCCURRENCES_LIMIT = 50_000  # in the window; those that begin last are left out
EXPANDED_LIMIT = 500_000  # then no more events are looked at
EFFORT_LIMIT, EFFORT_TOTAL = 5.0, 20.0  # seconds of one core, about, for one event and for all that the libraries do
_SHOWN = 200  # characters of what cannot be read
_BROKEN = re.compile("broken property '([A-Z-]+)'")  # as icalendar says it


class NotACalendar(ValueError):
    """What was read is no whole calendar; the last good copy stays in force."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a whole calendar: {why}")
        self.why = why


def occurrences(calendar: bytes, start: datetime, end: datetime) -> tuple[list[Occurrence], list[Finding]]:
    """The tagged events of `calendar` that touch the time from `start` to `end` (aware), in order of their start.

    Raises NotACalendar where the text is no whole calendar: that never means "no events". What is left out because
    there is too much of it (INSTANCES_LIMIT, OCCURRENCES_LIMIT, EFFORT_TOTAL) is told.
    """
    lines = unfolded(calendar)
    _check_whole(lines)
    series, zones = tagged_series(lines)
    window = Window(start, end, zone_named(calendar_zone(lines)) or UTC)
    kept = _Kept()
    for uid, found in _expanded(series, zones, window):
        if kept.is_enough:
            break
        if isinstance(found, Finding):
            kept.findings.append(found)
        else:
            kept.add(uid, [item for item in found if window.touches(item.start, item.end)])
    kept.cut()
    return kept.occurrences, kept.told()


def _check_whole(lines: bytes) -> None:
    if not lines[:100].lstrip().upper().startswith(b"BEGIN:VCALENDAR"):
        raise NotACalendar("it does not begin with BEGIN:VCALENDAR")
    if not lines.rstrip()[-20:].upper().endswith(b"END:VCALENDAR"):
        raise NotACalendar("it is cut short (no END:VCALENDAR at its end)")


class _Kept:
    """What is kept of a calendar, however much of it there is."""

    def __init__(self) -> None:
        self.occurrences: list[Occurrence] = []
        self.findings: list[Finding] = []
        self._dropped = 0

    @property
    def is_enough(self) -> bool:
        """Whether it has been too much for too long."""
        return self._dropped > EXPANDED_LIMIT

    def add(self, uid: str, found: list[Occurrence]) -> None:
        """Some more, of one event."""
        if len(found) > INSTANCES_LIMIT:
            found.sort(key=_order)
            what = f"it has {len(found)} instances in the time that is looked at: the last ones are left out"
            title = found[0].title
            self.findings.append(Finding(Kind.EVENT, uid, title, found[0].start, what, "make it recur less often"))
        self.occurrences += found[:INSTANCES_LIMIT]
        if len(self.occurrences) > 2 * OCCURRENCES_LIMIT:
            self.cut()

    def cut(self) -> None:
        """Put them in order, and leave out the last ones if they are too many."""
        self.occurrences.sort(key=_order)
        self._dropped += len(self.occurrences[OCCURRENCES_LIMIT:])
        del self.occurrences[OCCURRENCES_LIMIT:]

    def told(self) -> list[Finding]:
        """The findings, with what was left out."""
        told = at_most(self.findings)
        if self._dropped:
            what = f"it has more than {OCCURRENCES_LIMIT} events in the time that is looked at"
            more = f"more than {self._dropped}" if self.is_enough else f"the {self._dropped} last ones"
            told.append(of_the_calendar(f"{what}: {more} are left out"))
        return told


def _order(item: Occurrence) -> tuple[float, str]:
    return item.start, item.instance


Found = Sequence[Occurrence] | Finding


def _expanded(
    series: Mapping[str, Sequence[bytes]], zones: Mapping[str, bytes], window: Window
) -> Iterator[tuple[str, Found]]:
    """What each series comes to; those that need the libraries at the end, the cheap ones first."""
    unusual: list[tuple[float, str, list[Lines]]] = []
    for uid, components in series.items():
        events: list[Lines] = [event_lines(component) for component in components]
        try:
            yield uid, expand_plain(uid, events, window)
        except Unusual:
            try:
                refuse_endless(events)
                unusual.append((effort(events, window.end), uid, events))
            except Refused as error:
                yield uid, _finding(uid, events, error)
    left = EFFORT_TOTAL
    for cost, uid, events in sorted(unusual, key=lambda item: item[:2]):
        left -= cost
        yield uid, _by_library(uid, events, zones, window, allowed=left > 0 and cost < EFFORT_LIMIT)


def _by_library(
    uid: str, events: Sequence[Lines], zones: Mapping[str, bytes], window: Window, *, allowed: bool
) -> Found:
    if not allowed:
        what = "its recurrence takes too long to work out"
        return _finding(uid, events, Refused(what, "let it begin later, and recur by a simpler rule"))
    try:
        return list(expand(uid, events, zones, window))
    except Exception as error:  # the libraries' own, of any kind
        return _finding(uid, events, error)


def _finding(uid: str, events: Sequence[Lines], error: Exception) -> Finding:
    what, advice = _trouble(events, error)
    return Finding(Kind.EVENT, uid, _title(events), None, what, advice)


def _trouble(events: Sequence[Lines], error: Exception) -> tuple[str, str]:
    if isinstance(error, Refused):
        return error.what, error.advice
    if not all(values(lines, b"DTSTART") for lines in events):
        return "it has no start (DTSTART)", "set its time in the calendar"
    broken = _BROKEN.search(str(error))
    if broken:
        written = [value_of(rest) for lines in events for rest in values(lines, broken[1].encode())]
        what = f"its {broken[1]} cannot be read ({', '.join(written)[:_SHOWN]})"
        return what, "set its time and its recurrence again in the calendar"
    said = " ".join(str(error).split())[:_SHOWN] or type(error).__name__
    return f"it cannot be read ({said})", "set its time and its recurrence again in the calendar"


def _title(events: Sequence[Lines]) -> str:
    for lines in events:
        for rest in values(lines, b"SUMMARY"):
            try:
                return text(rest)
            except Unusual:
                return value_of(rest)
    return ""
