"""On which days a simple recurrence rule (RFC 5545, section 3.3.10) has an instance: by arithmetic, not by counting.

Simple are DAILY and WEEKLY with BYDAY, and MONTHLY and YEARLY on one day of a month (its number, or a weekday's), with
INTERVAL, COUNT, UNTIL and WKST; all others are Unusual. No I/O, no clock.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from orchestrator.scheduler.ical_values import Unusual

_DAYS = {b"MO": 0, b"TU": 1, b"WE": 2, b"TH": 3, b"FR": 4, b"SA": 5, b"SU": 6}
_NUMBER = re.compile(rb"[1-9][0-9]{0,6}")
_MONTH_DAY = re.compile(rb"-?([1-9]|[12][0-9]|3[01])")
_NTH_DAY = re.compile(rb"(-?[1-5])(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_MONTHS = {b"MONTHLY": 1, b"YEARLY": 12}
_COMMON = {b"FREQ", b"INTERVAL", b"COUNT", b"UNTIL", b"WKST"}


@dataclass(frozen=True)
class MonthDay:
    """One day of each `step`th month from `first` (months since year 0) on: its `number`, or the `number`th `weekday`.

    Negative numbers count from the month's end; a month that has no such day is left out.
    """

    step: int
    first: int
    number: int
    weekday: int | None

    def of(self, turn: int) -> int | None:
        """The day (ordinal) of the `turn`th such month."""
        year, month = divmod(self.first + turn * self.step, 12)
        if not 1 <= year <= 9999:
            return None
        weekday, length = monthrange(year, month + 1)
        day = self.number if self.number > 0 else length + 1 + self.number
        if self.weekday is not None:
            head = (self.weekday - weekday) % 7
            last = head + (length - head - 1) // 7 * 7
            day = 1 + (head + (self.number - 1) * 7 if self.number > 0 else last + (self.number + 1) * 7)
        return date(year, month + 1, day).toordinal() if 1 <= day <= length else None


@dataclass(frozen=True)
class Rule:
    """Instances on `weekdays` (0 is Monday; None: on each day) of each `interval`th week, or each `interval`th day.

    With `monthly` on that day alone. `until` is comparable with the first start.
    """

    monthly: MonthDay | None
    weekdays: frozenset[int] | None
    interval: int
    week_start: int
    count: int | None
    until: datetime | None


def rule_of(rest: bytes, first: datetime, *, all_day: bool) -> Rule:
    """The rule in the line RRULE`rest` of an event that begins at `first` (midnight, if it is `all_day`)."""
    pairs = [pair.partition(b"=") for pair in rest.removeprefix(b":").split(b";")]
    parts = {name: value for name, _, value in pairs}
    if not rest.startswith(b":") or len(parts) != len(pairs) or (b"COUNT" in parts and b"UNTIL" in parts):
        raise Unusual
    interval = _number(parts.get(b"INTERVAL", b"1"))
    frequency = parts.get(b"FREQ", b"")
    monthly = _month_day(parts, first, _MONTHS[frequency] * interval) if frequency in _MONTHS else None
    return Rule(
        monthly,
        None if monthly else _weekdays(parts, first, interval),
        interval,
        _day(parts.get(b"WKST", b"MO")),
        _number(parts[b"COUNT"]) if b"COUNT" in parts else None,
        _until(parts[b"UNTIL"], first, all_day=all_day) if b"UNTIL" in parts else None,
    )


def _weekdays(parts: Mapping[bytes, bytes], first: date, interval: int) -> frozenset[int] | None:
    if not parts.keys() <= _COMMON | {b"BYDAY"}:
        raise Unusual
    weekdays = frozenset(map(_day, parts[b"BYDAY"].split(b","))) if b"BYDAY" in parts else None
    if parts.get(b"FREQ") == b"WEEKLY":
        return weekdays or frozenset({first.weekday()})
    if parts.get(b"FREQ") != b"DAILY" or (weekdays and interval != 1):
        raise Unusual
    return weekdays


def _month_day(parts: Mapping[bytes, bytes], first: date, step: int) -> MonthDay:
    month = first.month
    if not parts.keys() <= _COMMON | {b"BYDAY", b"BYMONTHDAY", b"BYMONTH"} or {b"BYDAY", b"BYMONTHDAY"} <= parts.keys():
        raise Unusual
    yearly = parts[b"FREQ"] == b"YEARLY"
    if b"BYMONTH" in parts:
        month = _number(parts[b"BYMONTH"])
    if (yearly and b"BYMONTH" not in parts and len(parts.keys() - _COMMON)) or (not yearly and b"BYMONTH" in parts):
        raise Unusual
    if month > 12:
        raise Unusual
    start = first.year * 12 + month - 1
    if b"BYDAY" in parts:
        nth = _NTH_DAY.fullmatch(parts[b"BYDAY"])
        if nth is None:
            raise Unusual
        return MonthDay(step, start, int(nth[1]), _DAYS[nth[2]])
    number = parts.get(b"BYMONTHDAY", b"%d" % first.day)
    if not _MONTH_DAY.fullmatch(number):
        raise Unusual
    return MonthDay(step, start, int(number), None)


def _day(name: bytes) -> int:
    if name not in _DAYS:
        raise Unusual
    return _DAYS[name]


def _number(digits: bytes) -> int:
    if not _NUMBER.fullmatch(digits):
        raise Unusual
    return int(digits)


def _until(written: bytes, first: datetime, *, all_day: bool) -> datetime:
    """Made comparable with `first`, as recurring_ical_events does: a time without a zone is in UTC or floating."""
    found = _UNTIL.fullmatch(written)
    if found is None:
        raise Unusual
    *numbers, utc = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    if all_day and utc:
        hour = minute = second = 0
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC if first.tzinfo else None)
    except ValueError:
        raise Unusual from None


def days(rule: Rule, first: date, low: int, high: int) -> Iterator[int]:
    """The days (ordinals) from `low` to `high` on which `rule`, which begins on the day `first`, has an instance."""
    begin = first.toordinal()
    weekdays = rule.weekdays
    if rule.monthly is not None:
        yield from _monthly_days(rule.monthly, rule.count, begin, low, high)
        return
    if weekdays is None:
        at = begin + max(0, -((begin - low) // rule.interval)) * rule.interval
        last = high if rule.count is None else min(high, begin + (rule.count - 1) * rule.interval)
        yield from range(at, last + 1, rule.interval)
        return
    week = begin - (begin - 1 - rule.week_start) % 7  # the first week's first day; ordinal 1 is a Monday
    offsets = sorted((weekday - rule.week_start) % 7 for weekday in weekdays)
    skipped = sum(week + offset < begin for offset in offsets)
    for cycle in range(max(0, (low - week) // 7 // rule.interval), (high - week) // 7 // rule.interval + 1):
        for place, offset in enumerate(offsets):
            day = week + cycle * rule.interval * 7 + offset
            number = cycle * len(offsets) + place - skipped
            if rule.count is not None and number >= rule.count:
                return
            if max(low, begin) <= day <= high:
                yield day


def _monthly_days(rule: MonthDay, count: int | None, begin: int, low: int, high: int) -> Iterator[int]:
    """Those that are counted have to be gone through from the first on."""
    near = date.fromordinal(max(1, low))
    turn = max(0, (near.year * 12 + near.month - 2 - rule.first) // rule.step) if count is None else 0
    number = 0
    end = date.fromordinal(high)
    while rule.first + turn * rule.step <= end.year * 12 + end.month - 1 and (count is None or number < count):
        day = rule.of(turn)
        turn += 1
        if day is not None and day >= begin:
            number += 1
            if low <= day <= high:
                yield day
