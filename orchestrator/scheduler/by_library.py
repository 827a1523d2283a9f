"""Any event → its occurrences, by icalendar and recurring_ical_events. No I/O, no clock.

What the two libraries do with each oddity was measured; the choices that follow from it are told where they are made.
Both take as long as a calendar makes them: so what an expansion will cost is estimated first.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import icalendar
import recurring_ical_events

from orchestrator.scheduler.ical_text import Lines, values
from orchestrator.scheduler.ical_values import Unusual, duration, moment, zone_named
from orchestrator.scheduler.plain_events import LONGEST_SERIES, Occurrence, Window, instance_of

_ZONES_APART = timedelta(days=1)  # floating times are expanded as if in UTC, and placed in their zone afterwards
# What the library loses, told to ourselves: the seconds of a DURATION, which it adds to the clock on the wall, and by
# how many seconds THISANDFUTURE moves an instance, which tells its original start.
_EXACT, _MOVED = b"X-LIVETIMING-EXACT", b"X-LIVETIMING-MOVED"
_FUTURE = b";RANGE=THISANDFUTURE"
_TZID = re.compile(rb";TZID=\"?([^;:\"]*)", re.IGNORECASE)
_DAY = re.compile(rb":([0-9]{4})([0-9]{2})([0-9]{2})")
_BY_TIME = ("BYHOUR", "BYMINUTE", "BYSECOND")
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
DATES_LIMIT = 10_000  # of RDATE and EXDATE in one series

# what the libraries take for one component, one date, and one step of a rule, in µs
_COMPONENT, _DATE, _STEPS = 1000, 40, {"DAILY": 3.0, "WEEKLY": 20.0, "MONTHLY": 12.0, "YEARLY": 40.0}
_STEP_DAYS = {"DAILY": 1.0, "WEEKLY": 7.0, "MONTHLY": 30.4, "YEARLY": 365.2}
_SPARSE = ("BYMONTH", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYEASTER")
_LAST_YEAR = 9999


class Refused(ValueError):
    """What is wrong with an event, and what to do about it."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.what, self.advice = what, advice


def refuse_endless(events: Sequence[Lines]) -> None:
    """Refused for what takes too long to expand, or never ends, however it is expanded."""
    for lines in events:
        for parts in map(_parts, values(lines, b"RRULE")):
            if any(name == "FREQ" and value in _TOO_OFTEN for name, value in parts) or any(
                name in _BY_TIME and "," in value for name, value in parts
            ):
                raise Refused("it recurs more often than daily", "make it recur daily, or make single events")
            if any(name == "INTERVAL" and _whole(value, 1) < 1 for name, value in parts):
                raise Refused("its recurrence has INTERVAL=0", "set its recurrence again in the calendar")
        if _recurs(lines) and _days(lines) > LONGEST_SERIES.days:
            raise Refused("it recurs, and lasts longer than a year", "correct its end")
    if sum(rest.count(b",") + 1 for lines in events for rest in _dates(lines)) > DATES_LIMIT:
        raise Refused(f"it has more than {DATES_LIMIT} single dates", "make a recurrence with a rule of them")


def _dates(lines: Lines) -> list[bytes]:
    return values(lines, b"RDATE") + values(lines, b"EXDATE")


def _recurs(lines: Lines) -> bool:
    return any(name in (b"RRULE", b"RDATE") for name, _rest in lines)


def _parts(rest: bytes) -> list[tuple[str, str]]:
    rule = rest.partition(b":")[2].decode(errors="replace").upper()
    return [(name.strip(), value.strip()) for name, _, value in (part.partition("=") for part in rule.split(";"))]


def _whole(text: str, otherwise: int) -> int:
    try:
        return int(text)
    except ValueError:
        return otherwise


def _days(lines: Lines) -> float:
    """About how long it is."""
    starts, ends = (_ordinals(lines, name) for name in (b"DTSTART", b"DTEND"))
    length = abs(ends[0] - starts[0]) if starts and ends else 0
    for rest in values(lines, b"DURATION"):
        try:
            wall, exact = duration(rest)
        except Unusual:
            continue
        length = max(length, wall.days + exact / 86400)
    return length


def _ordinals(lines: Lines, name: bytes) -> list[float]:
    days = (_DAY.search(rest) for rest in values(lines, name))
    return [int(day[1]) * 365.2425 + (int(day[2]) - 1) * 30.4 + int(day[3]) for day in days if day]


def effort(events: Sequence[Lines], until: datetime) -> float:
    """About how many seconds of one core `expand` will take."""
    total = 0.0
    for lines in events:
        dates = sum(rest.count(b",") + 1 for rest in _dates(lines))
        total += _COMPONENT + dates * _DATE
        begin = min(_ordinals(lines, b"DTSTART"), default=0.0)
        total += sum(_rule_effort(_parts(rest), until.year - begin / 365.2425) for rest in values(lines, b"RRULE"))
    return total / 1e6


def _rule_effort(parts: Sequence[tuple[str, str]], years: float) -> float:
    """µs. A rule may have no instance at all, and is then searched up to the last year."""
    rule = dict(parts)
    frequency = rule.get("FREQ", "DAILY")
    if frequency not in _STEPS:
        frequency = "DAILY"
    interval = max(1, _whole(rule.get("INTERVAL", "1"), 1))
    by_day, by_month_day = rule.get("BYDAY", ""), rule.get("BYMONTHDAY", "")
    sparse = any(name in rule and (name != "BYMONTH" or frequency != "YEARLY") for name in _SPARSE)
    sparse = sparse or any(abs(_whole(number, 31)) > 28 for number in by_month_day.split(",") if number)
    if sparse or (by_day and (by_month_day or interval > 1)):
        years = _LAST_YEAR
    return max(0.0, years) * 365.2425 / _STEP_DAYS[frequency] / interval * _STEPS[frequency]


def expand(uid: str, events: Sequence[Lines], zones: Mapping[str, bytes], window: Window) -> Iterator[Occurrence]:
    """The occurrences around `window` of the series `uid`; whatever the libraries raise for what they cannot read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about zones that are guessed and rules that are no good style
        calendar = icalendar.Calendar.from_ical(_text(events, zones))
        query = recurring_ical_events.of(calendar, skip_bad_series=False)
        expanded = query.between(window.start - _ZONES_APART, window.end + _ZONES_APART)
    recurring = any(_recurs(lines) or values(lines, b"RECURRENCE-ID") for lines in events)
    for event in expanded:
        # the library returns cancelled events as any others
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield _occurrence(uid, event, window, recurring=recurring)


def _text(events: Sequence[Lines], zones: Mapping[str, bytes]) -> str:
    """A calendar of `events`, with the zones that they name and nobody else knows."""
    names = {name.decode(errors="replace").strip("/") for lines in events for _, rest in lines for name in _tzids(rest)}
    lines = [b"BEGIN:VCALENDAR"]
    lines += [zones[name] for name in sorted(names) if name in zones and _is_needed(name, zones[name])]
    for event in events:
        lines += [
            b"BEGIN:VEVENT",
            *(name + rest for name, rest in event),
            *_exact(event),
            *_moved(event),
            b"END:VEVENT",
        ]
    return b"\n".join([*lines, b"END:VCALENDAR", b""]).decode(errors="replace")


def _tzids(rest: bytes) -> list[bytes]:
    return _TZID.findall(rest.partition(b":")[0]) if b";" in rest else []


def _is_needed(name: str, definition: bytes) -> bool:
    """A definition whose rules are not yearly is not used: whoever looks at its clock would never come back."""
    rules = [dict(_parts(rule)) for rule in re.findall(rb"^RRULE([;:].*)$", definition, re.MULTILINE | re.IGNORECASE)]
    return zone_named(name) is None and all(rule.get("FREQ") == "YEARLY" for rule in rules)


def _exact(event: Lines) -> list[bytes]:
    if values(event, b"DTEND") or any(b"/" in rest for rest in values(event, b"RDATE")):
        return []
    try:
        return [_EXACT + b":%d" % duration(rest)[1] for rest in values(event, b"DURATION")]
    except Unusual:
        return []


def _moved(event: Lines) -> list[bytes]:
    starts, originals = values(event, b"DTSTART"), values(event, b"RECURRENCE-ID")
    if not starts or not originals or _FUTURE not in originals[0]:
        return []
    try:
        moved: Any = moment(starts[0])
        return [_MOVED + b":%d" % (moved - moment(originals[0].replace(_FUTURE, b""))).total_seconds()]
    except (Unusual, TypeError):
        return []


def _occurrence(uid: str, event: Any, window: Window, *, recurring: bool) -> Occurrence:
    first = event["DTSTART"].dt
    start = window.seconds(first)
    end = window.seconds(event["DTEND"].dt) if "DTEND" in event else start
    exact = float(event.get(_EXACT.decode(), 0))
    if exact and isinstance(first, datetime):
        end = window.seconds(event["DTEND"].dt - timedelta(seconds=exact)) + exact
    moved = event.get(_MOVED.decode())
    original = event["RECURRENCE-ID"].dt if moved is None else first - timedelta(seconds=float(moved))
    instance = instance_of(uid, window.seconds(original) if recurring else None)
    title = event.get("SUMMARY", "")
    return Occurrence(instance, uid, str(title[-1] if isinstance(title, list) else title), start, max(start, end))
