"""Ordinary events → their occurrences, by arithmetic. No I/O, no clock.

It gives what the libraries give, some ten times faster; what is not ordinary is Unusual, and theirs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property

from orchestrator.scheduler.ical_text import Lines
from orchestrator.scheduler.ical_values import Moment, Unusual, duration, moment, text
from orchestrator.scheduler.recurrence import Rule, days, rule_of

LONGEST_SERIES = timedelta(days=366)  # an instance of a series lasts no longer
_ONCE = {b"SUMMARY", b"STATUS", b"DTSTART", b"DTEND", b"DURATION", b"RRULE", b"RECURRENCE-ID"}
_FAR = 2  # days; no zone's clock is further from another's


@dataclass(frozen=True)
class Occurrence:
    """One event at one time. `start` and `end` are Unix seconds; `instance` stays the same when it is moved."""

    instance: str
    uid: str
    title: str
    start: float
    end: float


@dataclass(frozen=True)
class Window:
    """The time that is looked at, and the zone of floating times."""

    start: datetime
    end: datetime
    zone: tzinfo

    @cached_property
    def since(self) -> float:
        """Its start in Unix seconds."""
        return self.start.timestamp()

    @cached_property
    def until(self) -> float:
        """Its end in Unix seconds."""
        return self.end.timestamp()

    def touches(self, start: float, end: float) -> bool:
        """Whether something from `start` to `end` (Unix s) is on at some time of it."""
        return start < self.until and (end > self.since or start >= self.since)

    def seconds(self, at: Moment) -> float:
        """Unix seconds of a calendar's time: an all-day or floating one is in the calendar's zone."""
        if not isinstance(at, datetime):
            at = datetime.combine(at, time(), self.zone)
        return (at if at.tzinfo is not None else at.replace(tzinfo=self.zone)).timestamp()


@dataclass(frozen=True)
class _Event:
    """One VEVENT. It ends `wall` after its start by the clock on the wall, and `exact` seconds after that."""

    title: bytes
    start: Moment
    wall: timedelta
    exact: float
    cancelled: bool
    original: Moment | None
    rule: bytes | None
    excluded: tuple[bytes, ...]


def instance_of(uid: str, original: float | None) -> str:
    """The id of the instance of `uid` that would have begun at `original` (Unix s); None: it does not recur."""
    if original is None:
        return uid
    return f"{uid}/{datetime.fromtimestamp(original, UTC).strftime('%Y%m%dT%H%M%SZ')}"


def expand_plain(uid: str, events: Sequence[Lines], window: Window) -> list[Occurrence]:
    """The occurrences in `window` of the series `uid`; Unusual where that is for the libraries."""
    parsed = [_event(lines) for lines in events]
    if len(parsed) == 1 and parsed[0].rule is None and parsed[0].original is None:
        return _occurrence(uid, parsed[0], parsed[0].start, None, window)
    try:
        return _series(uid, parsed, window)
    except OverflowError:  # at the end of time
        raise Unusual from None


def _event(lines: Lines) -> _Event:
    found: dict[bytes, bytes] = {}
    excluded: list[bytes] = []
    for name, rest in lines:
        if name == b"EXDATE":
            excluded.append(rest)
        elif name == b"RDATE" or (name in found and name in _ONCE):
            raise Unusual
        else:
            found[name] = rest
    if b"DTSTART" not in found or (excluded and b"RRULE" not in found):
        raise Unusual
    start = moment(found[b"DTSTART"])
    wall, exact = _length(start, found)
    original = moment(found[b"RECURRENCE-ID"]) if b"RECURRENCE-ID" in found else None
    status = found.get(b"STATUS", b":")
    if not status.startswith(b":") or (original is not None and b"RRULE" in found):
        raise Unusual
    cancelled = status[1:].upper() == b"CANCELLED"
    title = found.get(b"SUMMARY", b":")
    return _Event(title, start, wall, exact, cancelled, original, found.get(b"RRULE"), tuple(excluded))


def _length(start: Moment, found: dict[bytes, bytes]) -> tuple[timedelta, float]:
    if b"DTEND" in found:
        end = moment(found[b"DTEND"])
        if _kind(end) != _kind(start):
            raise Unusual
        wall = end - start
        if wall < timedelta(0):
            raise Unusual
        return wall, 0.0
    if b"DURATION" in found:
        wall, exact = duration(found[b"DURATION"])
        if exact and _kind(start) == "day":
            raise Unusual
        return wall, exact
    return timedelta(days=_kind(start) == "day"), 0.0


def _kind(at: Moment) -> str:
    if not isinstance(at, datetime):
        return "day"
    return "floating" if at.tzinfo is None else "aware"


def _occurrence(uid: str, event: _Event, start: Moment, original: Moment | None, window: Window) -> list[Occurrence]:
    """The one at `start`, if it is in the window."""
    if event.cancelled:
        return []
    try:
        begin, end = window.seconds(start), window.seconds(start + event.wall) + event.exact
    except OverflowError:
        raise Unusual from None
    if not window.touches(begin, max(begin, end)):
        return []
    instance = instance_of(uid, None if original is None else window.seconds(original))
    return [Occurrence(instance, uid, text(event.title), begin, max(begin, end))]


# -- series


def _series(uid: str, events: Sequence[_Event], window: Window) -> list[Occurrence]:
    cores = [event for event in events if event.original is None]
    if len(cores) > 1:
        raise Unusual
    changed: dict[datetime, _Event] = {}
    for event in events:
        if event.original is not None:
            for known in _ids(event.original):
                if changed.setdefault(known, event) is not event:
                    raise Unusual
    excluded = {known for core in cores for at in _excluded(core) for known in _ids(at)}
    if excluded & changed.keys():
        raise Unusual
    found = []
    for core in cores:
        for start in _starts(core, window):
            if not any(known in changed or known in excluded for known in _ids(start)):
                found += _occurrence(uid, core, start, start, window)
    for event in events:
        if event.original is not None:
            found += _occurrence(uid, event, event.start, event.original, window)
    return found


def _ids(at: Moment) -> tuple[datetime, ...]:
    """By what an instance is recognised: its start in UTC, and by its own clock, both without a zone."""
    if not isinstance(at, datetime):
        return (datetime.combine(at, time()),)
    if at.tzinfo is None:
        return (at,)
    return at.astimezone(UTC).replace(tzinfo=None), at.replace(tzinfo=None)


def _excluded(core: _Event) -> Iterator[Moment]:
    for rest in core.excluded:
        params, colon, dates = rest.partition(b":")
        for written in dates.split(b","):
            at = moment(params + colon + written)
            if _kind(at) != _kind(core.start):
                raise Unusual
            yield at


def _starts(core: _Event, window: Window) -> Iterator[Moment]:
    """When its instances begin: some more than those in the window."""
    if core.rule is None:
        yield core.start
        return
    all_day = not isinstance(core.start, datetime)
    first = core.start if isinstance(core.start, datetime) else datetime.combine(core.start, time())
    rule = rule_of(core.rule, first, all_day=all_day)
    length = core.wall + timedelta(seconds=core.exact)
    if length > LONGEST_SERIES:
        raise Unusual
    if rule.until is None or first <= rule.until:
        yield core.start  # also where its rule does not have it
    low = window.start.toordinal() - length.days - 1 - _FAR
    for start in _ruled(rule, first, low, window.end.toordinal() + _FAR):
        if start != first:
            yield start.date() if all_day else start


def _ruled(rule: Rule, first: datetime, low: int, high: int) -> Iterator[datetime]:
    for day in days(rule, first.date(), low, high):
        start = datetime.combine(date.fromordinal(day), first.timetz())
        if rule.until is not None and start > rule.until:
            return
        yield start
