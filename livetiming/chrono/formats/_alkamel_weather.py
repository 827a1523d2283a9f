"""Al Kamel Systems' weather file: one line a minute.

It names no units. The pressure tells them apart: air weighs 800 to 1,100 hPa, or 24 to 33 inches of mercury, and who
writes inches writes degrees Fahrenheit. The wind's unit is not known, so none is shown.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from livetiming.chrono.model import Reading, Skipped
from livetiming.chrono.table import BadLine, Complaints, Line, read_table

_TIME = "TIME_UTC_SECONDS"
_LATEST = 2**36  # Unix s
_READING_LIMIT = 20_000
_INCHES = (24.0, 33.0)
_HECTOPASCALS = (800.0, 1100.0)


class Weather(NamedTuple):
    """What the file tells: headings, and a text for each at each moment."""

    headings: tuple[str, ...]
    readings: tuple[Reading, ...]
    skipped: tuple[Skipped, ...]


class _Column(NamedTuple):
    heading: str  # ours
    column: str  # the file's
    text: Callable[[float, "_Units"], str]


class _Units(NamedTuple):
    temperature: str
    pressure: str


def read_weather(content: bytes) -> Weather:
    """The readings in `content`, by time. Columns that say nothing in the whole file are left out."""
    complaints = Complaints("weather")
    found: dict[float, tuple[float | None, ...]] = {}

    def use(line: Line) -> None:
        if len(found) >= _READING_LIMIT:
            raise BadLine(f"there are more than {_READING_LIMIT} readings")
        unix = _number(line, _TIME)
        if unix is None or not 0 < unix < _LATEST:
            raise BadLine(f"it has no {_TIME}")
        found[unix] = tuple(_number(line, column.column) for column in _COLUMNS)

    read_table(content, (_TIME,), complaints, use)
    units = _units([values[_PRESSURE] for values in found.values()])
    texts = {
        unix: [
            "" if value is None else column.text(value, units) for column, value in zip(_COLUMNS, values, strict=True)
        ]
        for unix, values in found.items()
    }
    used = [index for index in range(len(_COLUMNS)) if any(row[index] for row in texts.values())]
    return Weather(
        tuple(_COLUMNS[index].heading for index in used),
        tuple(Reading(unix, tuple(row[index] for index in used)) for unix, row in sorted(texts.items())),
        complaints.told(),
    )


def _number(line: Line, column: str) -> float | None:
    text = line[column]
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise BadLine(f"its {column} {text[:20]!r} is no number") from None
    if not math.isfinite(value):
        raise BadLine(f"its {column} {text[:20]!r} is no number")
    return value


def _units(pressures: Sequence[float | None]) -> _Units:
    known = sorted(value for value in pressures if value is not None)
    middle = known[len(known) // 2] if known else 0.0
    if _INCHES[0] <= middle <= _INCHES[1]:
        return _Units("°F", " inHg")
    if _HECTOPASCALS[0] <= middle <= _HECTOPASCALS[1]:
        return _Units("°C", " hPa")
    return _Units("", "")


def _temperature(value: float, units: _Units) -> str:
    return f"{value:.1f}{units.temperature}"


def _pressure(value: float, units: _Units) -> str:
    return f"{value:.2f}{units.pressure}" if units.pressure == " inHg" else f"{value:.1f}{units.pressure}"


def _percent(value: float, _units: _Units) -> str:
    return f"{value:.0f}%"


def _degrees(value: float, _units: _Units) -> str:
    return f"{value:.0f}°"


def _plain(value: float, _units: _Units) -> str:
    return f"{value:.1f}"


def _rain(value: float, _units: _Units) -> str:
    """-1 stands where nothing measures it."""
    return "" if value < 0 else "Rain" if value else "Dry"


_COLUMNS = (
    _Column("Air", "AIR_TEMP", _temperature),
    _Column("Track", "TRACK_TEMP", _temperature),
    _Column("Humidity", "HUMIDITY", _percent),
    _Column("Pressure", "PRESSURE", _pressure),
    _Column("Wind", "WIND_SPEED", _plain),
    _Column("Wind from", "WIND_DIRECTION", _degrees),
    _Column("Rain", "RAIN", _rain),
)
_PRESSURE = 3
