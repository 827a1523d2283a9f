"""What the analysis reads of a row: which cells, and what they say. A feed may have put anything into them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from livetiming.racing import Stat

Picked = tuple[Any, ...]  # the cells of one row that we read, as they came, the number first

NUMBER_LIMIT = 64  # characters of a car number; longer ones are none
TEXT_LIMIT = 200  # characters that are kept of any other text
LAPS_LIMIT = 1_000_000
SECONDS_LIMIT = 1e7  # of a lap

_READ = (Stat.NUM, Stat.STATE, Stat.CLASS, Stat.TEAM, Stat.CAR, Stat.DRIVER, Stat.LAPS, Stat.LAST_LAP)
_FIRST = itemgetter(0)


class Cells(NamedTuple):
    """What a row says. A text that is missing is empty; a number that is missing, or is none, is None."""

    state: str | None  # None: there is no such column
    static: tuple[str, str, str]  # class, team, vehicle
    driver: str
    laps: int | None
    last: float | None  # seconds, above 0


@dataclass(frozen=True)
class Columns:
    """Where a service's rows hold what we read. Missing columns are normal; without `Num` no row is a car's."""

    at: Mapping[Stat, int]
    _pick: Callable[[Sequence[Any]], Picked] = field(repr=False, compare=False)

    @classmethod
    def of(cls, col_spec: Iterable[Any]) -> "Columns":
        """The columns of a manifest's `colSpec`, a list of `[heading, type, …]`. Of two alike the first counts."""
        known: dict[Stat, int] = {}
        for index, column in enumerate(col_spec):
            heading = column[0] if isinstance(column, list | tuple) and column else None
            stat = Stat.from_title(heading) if isinstance(heading, str) else None
            if stat is not None:
                known.setdefault(stat, index)
        at = {stat: known[stat] for stat in _READ if stat in known}
        indices = [*at.values(), *at.values()] if len(at) == 1 else list(at.values())  # of one, it gives no tuple
        return cls(at, itemgetter(*indices) if indices else tuple)

    def rows(self, cars: Sequence[Sequence[Any]]) -> dict[str, Picked]:
        """Car number → what we read of its row, in running order; of rows with the same number the first."""
        if Stat.NUM not in self.at:
            return {}
        try:
            picked = list(map(self._pick, cars))
            found = dict(zip(map(_FIRST, picked), picked, strict=True))
            if len(found) == len(cars) and set(map(type, found)) <= {str} and _are_plain_numbers(found):
                return found
        except (IndexError, TypeError):
            pass  # a row is short, or a number is a list
        return self._rows_one_by_one(cars)

    def _rows_one_by_one(self, cars: Sequence[Sequence[Any]]) -> dict[str, Picked]:
        found: dict[str, Picked] = {}
        for row in cars:
            picked = tuple(row[index] if index < len(row) else None for index in self.at.values())
            number = _text(picked[0], NUMBER_LIMIT + 1) if not isinstance(picked[0], list | tuple) else ""
            if _is_number(number):
                found.setdefault(number, picked)
        return found

    def read(self, picked: Picked) -> Cells:
        """What the row says. Never raises."""
        cells = dict(zip(self.at, picked, strict=False))
        return Cells(
            state=text(cells[Stat.STATE]) if Stat.STATE in cells else None,
            static=(text(cells.get(Stat.CLASS)), text(cells.get(Stat.TEAM)), text(cells.get(Stat.CAR))),
            driver=text(cells.get(Stat.DRIVER)).strip(),
            laps=_laps(cells.get(Stat.LAPS)),
            last=_seconds(cells.get(Stat.LAST_LAP)),
        )


def text(cell: Any, limit: int = TEXT_LIMIT) -> str:
    """The text in `cell`, or in its first item (`[name, rank]`), cut; empty where there is none."""
    if isinstance(cell, list | tuple):
        cell = cell[0] if cell else ""
    return _text(cell, limit)


def _text(cell: Any, limit: int) -> str:
    if isinstance(cell, str):
        short = cell[:limit]
        return short if short.isascii() else _encodable(short)
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not abs(cell) < 1e15:
        return ""
    return str(int(cell)) if cell == int(cell) else str(cell)


def _is_number(number: str) -> bool:
    return 0 < len(number) <= NUMBER_LIMIT and (number.isascii() or _encodable(number) == number)


def _are_plain_numbers(numbers: Collection[str]) -> bool:
    """Whether all are numbers, at a look; of those that are not all ASCII it does not tell."""
    return "" not in numbers and max(map(len, numbers), default=0) <= NUMBER_LIMIT and "".join(numbers).isascii()


def _encodable(text: str) -> str:
    """`text` without halves of surrogate pairs, which JSON cannot hold."""
    return text.encode(errors="replace").decode()


def _laps(cell: Any) -> int | None:
    if isinstance(cell, str):
        return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 7 else None
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not 0 <= cell <= LAPS_LIMIT:
        return None
    return int(cell)


def _seconds(cell: Any) -> float | None:
    if isinstance(cell, list | tuple):
        cell = cell[0] if cell else None
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not 0 < cell < SECONDS_LIMIT:
        return None
    return float(cell)
