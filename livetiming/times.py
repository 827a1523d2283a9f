"""Lap times and durations as text: read and written here only. Always seconds, as float, inside.

The forms that timing systems write: `58.853`, `1:32.981`, `52:42.048`, `0:01:32.981`, `01:42:17.672`, `00:12:45`.
"""

import math
import re

_DURATION = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,5}):)?(\d{1,7})(?:\.(\d{1,6})\d*)?", re.ASCII)


def parse_duration(text: str) -> float | None:
    """The seconds in `[[H:]M:]S[.fff]`, or None where `text` is none of these forms.

    A unit with a larger one before it is below 60 (`1:60.000` is no time); the first one may be larger (`90:00`).
    Surrounding blanks are ignored; there is no sign. More than six decimals are cut.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds, fraction = match.groups()
    if (minutes is not None and int(seconds) > 59) or (hours is not None and int(minutes) > 59):
        return None
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)
    if fraction is None:
        return float(whole)
    # One division of whole numbers: the result is the float nearest to what was written.
    scale: int = 10 ** len(fraction)
    return (whole * scale + int(fraction)) / scale


def format_lap_time(seconds: float) -> str:
    """`92.981` as `1:32.981`, `58.853` as `0:58.853`, from an hour on `1:00:00.000`. Rounded to milliseconds.

    ValueError where `seconds` is not finite.
    """
    hours, minutes, rest, millis, sign = _split(seconds, 1000)
    if hours:
        return f"{sign}{hours}:{minutes:02d}:{rest:02d}.{millis:03d}"
    return f"{sign}{minutes}:{rest:02d}.{millis:03d}"


def format_clock(seconds: float) -> str:
    """A session's clock, `5025.9` as `1:23:45`: what has not passed yet is not shown. ValueError if not finite."""
    hours, minutes, rest, _, sign = _split(math.trunc(seconds) if math.isfinite(seconds) else seconds, 1)
    return f"{sign}{hours}:{minutes:02d}:{rest:02d}"


def format_padded(seconds: float, decimals: int = 3) -> str:
    """Fixed width, as RMonitor writes it: `92.981` as `00:01:32.981`, with `decimals=0` as `00:01:33` (rounded)."""
    hours, minutes, rest, fraction, sign = _split(seconds, 10**decimals)
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{sign}{hours:02d}:{minutes:02d}:{rest:02d}{tail}"


def _split(seconds: float, scale: int) -> tuple[int, int, int, int, str]:
    """Hours, minutes, seconds, fraction in units of 1/scale s, and `-` or nothing."""
    if not math.isfinite(seconds):
        raise ValueError(f"{seconds} is no time: give a finite number of seconds")
    units = round(abs(seconds) * scale)
    whole, fraction = divmod(units, scale)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return hours, minutes, rest, fraction, "-" if seconds < 0 and units else ""
