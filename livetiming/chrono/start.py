"""When the race began, in Unix seconds: files hold times of day, but hardly ever a date or a time zone."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from livetiming.chrono.model import Chrono

UNKNOWN_DAY = date(2000, 1, 1)  # nobody takes a recording of this day for one of its real day
LONGEST_SILENCE = 1800.0  # seconds; older weather is not shown
_ZONE_STEP = 1800.0  # local times differ from UTC by a multiple of this, but for very few places
_FARTHEST_ZONE = 14 * 3600.0


def race_start(chrono: Chrono, day: date | None, zone: tzinfo | None) -> float:
    """The start in Unix seconds; `day` is the local one on which the race began.

    What is not given is taken from the weather, whose clock is UTC: the race lies in the middle of it. Without that,
    the time zone is UTC and the day UNKNOWN_DAY.
    """
    clock = chrono.clock_at_start or 0.0
    likely = _middle_of_weather(chrono)
    if likely is None:
        return _unix(day or UNKNOWN_DAY, clock, zone or UTC)
    if zone is not None:
        around = datetime.fromtimestamp(likely, zone).date()
        days = [day] if day else [around + timedelta(days=step) for step in (-1, 0, 1)]
        return min((_unix(each, clock, zone) for each in days), key=lambda start: abs(start - likely))
    start = clock + round((likely - clock) / _ZONE_STEP) * _ZONE_STEP
    if day is None or abs(_unix(day, clock, UTC) - start) <= _FARTHEST_ZONE:
        return start
    return _unix(day, clock, UTC)


def tells_weather(chrono: Chrono, start: float) -> bool:
    """Whether any of the readings is of the race's time."""
    first, last = start - LONGEST_SILENCE, start + chrono.ends
    return any(first <= reading.unix <= last for reading in chrono.readings)


def _middle_of_weather(chrono: Chrono) -> float | None:
    """When a race would begin that has the weather's middle for its middle."""
    if not chrono.readings:
        return None
    return (chrono.readings[0].unix + chrono.readings[-1].unix - chrono.ends) / 2


def _unix(day: date, clock: float, zone: tzinfo) -> float:
    local = datetime.combine(day, time(), zone) + timedelta(seconds=clock)  # wall time, also where clocks are changed
    return local.timestamp()
