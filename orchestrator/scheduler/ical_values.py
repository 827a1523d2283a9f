"""The plain forms of iCalendar's values (RFC 5545, section 3.3), as bytes → Python values. No I/O, no clock.

Whatever is written in another way is `Unusual`: icalendar knows what to make of it, or that it is broken.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Moment = date | datetime  # a day, a floating time, or an aware one

_MOMENT = re.compile(
    rb"(?:;VALUE=(DATE|DATE-TIME))?(?:;TZID=([A-Z][A-Za-z0-9_+/-]*))?(?:;VALUE=(DATE-TIME))?:"
    rb"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z)?)?"
)
_DURATION = re.compile(
    rb":P(?:([0-9]{1,4})W|(?:([0-9]{1,5})D)?(?:T(?=[0-9])(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?)"
)
_TEXT = re.compile(rb"(?:;LANGUAGE=[A-Za-z0-9-]+)?:(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\,;:nN])")


class Unusual(ValueError):
    """Written in a way that is left to the libraries."""


@lru_cache(maxsize=1000)
def zone_named(name: str) -> tzinfo | None:
    """The zone that the IANA calls `name`; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def moment(rest: bytes) -> Moment:
    """The value of DTSTART, DTEND, RECURRENCE-ID. A known zone is the IANA's, whatever a VTIMEZONE of its name says."""
    found = _MOMENT.fullmatch(rest)
    if found is None:
        raise Unusual
    kind, name, more, *numbers, utc = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    timed = numbers[3] is not None
    if (timed and (kind == b"DATE" or (name and utc))) or (not timed and (kind == b"DATE-TIME" or more or name)):
        raise Unusual
    zone = zone_named(name.decode()) if name else UTC if utc else None
    if name and zone is None:
        raise Unusual
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone) if timed else date(year, month, day)
    except ValueError:
        raise Unusual from None


def duration(rest: bytes) -> tuple[timedelta, float]:
    """(whole days, which follow the clock on the wall; seconds, which are exact) of a DURATION (section 3.3.6)."""
    found = _DURATION.fullmatch(rest)
    if found is None or not any(found.groups()):
        raise Unusual
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return timedelta(weeks=weeks, days=days), hours * 3600.0 + minutes * 60 + seconds


def text(rest: bytes) -> str:
    """The value of SUMMARY, unescaped. What is no UTF-8 in it becomes U+FFFD."""
    found = _TEXT.fullmatch(rest)
    if found is None:
        raise Unusual
    return _ESCAPED.sub(_unescaped, found[1].decode(errors="replace"))


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] in "nN" else found[1]
