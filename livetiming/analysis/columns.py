"""Where a car's row holds what an analysis needs, and how cells are read. They are a feed's: they may hold anything."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from livetiming.messages import driver_name
from livetiming.racing import Stat

Row = Sequence[Any]

TEXT_LIMIT = 200  # characters of a number, a name, a team
LAP_LIMIT = 100_000  # a higher number of laps is a mistake


_STATS = {
    "num": Stat.NUM,
    "state": Stat.STATE,
    "klass": Stat.CLASS,
    "team": Stat.TEAM,
    "driver": Stat.DRIVER,
    "car": Stat.CAR,
    "laps": Stat.LAPS,
    "last": Stat.LAST_LAP,
}


def _nothing(_row: Row) -> Any:
    return None


@dataclass(frozen=True)
class Columns:
    """The indices of the columns that matter; None where there is no such column."""

    num: int | None = None
    state: int | None = None
    klass: int | None = None
    team: int | None = None
    driver: int | None = None
    car: int | None = None
    laps: int | None = None
    last: int | None = None
    key: Callable[[Row], Any] = field(default=_nothing, compare=False)  # all their cells; IndexError if short

    @classmethod
    def of(cls, column_spec: Sequence[Sequence[Any]]) -> "Columns":
        """The columns of a manifest's `colSpec`; of two with one heading the first counts."""
        found: dict[Stat | None, int] = {}
        for index, column in enumerate(column_spec):
            found.setdefault(Stat.from_title(str(column[0])) if column else None, index)
        named = {name: found.get(stat) for name, stat in _STATS.items()}
        present = [index for index in named.values() if index is not None]
        return cls(**named, key=itemgetter(*present) if present else _nothing)


def cell(row: Row, index: int | None) -> Any:
    """The row's cell, or None where it has none."""
    return row[index] if index is not None and index < len(row) else None


def text(value: Any) -> str:
    """A cell as text; "" for one that holds none."""
    return "" if value is None else str(value)[:TEXT_LIMIT]


def driver(value: Any) -> str:
    """The name in a driver's cell, which may be `[name, rank]`."""
    return driver_name(value)[:TEXT_LIMIT]


def lap_count(value: Any) -> int | None:
    """Whole laps in a cell, which may be a text; None where it holds no number."""
    try:
        laps = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return math.floor(laps) if 0 <= laps <= LAP_LIMIT else None


def lap_time(value: Any) -> float | None:
    """The seconds in a time cell, `[seconds, flag]` or bare; None where it holds no time above 0."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < math.inf else None
