"""Every car over time as a table: one row for each car in each frame (docs/rectool.md). Pure."""

import re
from collections.abc import Callable, Iterator
from itertools import compress
from operator import is_not
from typing import Any

from livetiming.analysis.cells import text
from orchestrator.recordings.rectool.table_cells import gap_text, mark, number, seconds, words
from orchestrator.recordings.rectool.tables import Column, Row, States, Table, Type, recording_uuid

Json = Any

_FRAME = (
    Column("recording"),
    Column("time", Type.WHOLE),
    Column("elapsed", Type.WHOLE),
    Column("flag"),
    Column("position", Type.WHOLE),
)


def frames(manifest: dict[str, Json], states: States, every: int = 1) -> Table:
    """One row for each car of each frame, in running order; thinned to one frame in `every` seconds."""
    named, readers = _cells(manifest.get("colSpec"))
    return Table("frames", (*_FRAME, *named), _frames(recording_uuid(manifest), readers, states, every))


def _frames(uuid: str | None, readers: "list[_Reader]", states: States, every: int) -> Iterator[Row]:
    board = _Board(readers)
    first = due = None
    for second, state in states:
        if first is None or due is None:
            first = due = second
        if second < due:
            continue
        due = second + every - (second - first) % every
        flag = text(state["session"].get("flagState")) or None
        for position, read in enumerate(board.read(state["cars"]), start=1):
            yield (uuid, second, second - first, flag, position, *read)


class _Board:
    """The newest frame as it was read: states share what did not change, and that is not read again."""

    def __init__(self, readers: "list[_Reader]") -> None:
        self._readers = readers
        self._width = max((index for index, _ in readers), default=-1) + 1
        self._of_cell: dict[int, list[tuple[int, Callable[[Json], Json]]]] = {}
        for place, (index, reader) in enumerate(readers):
            self._of_cell.setdefault(index, []).append((place, reader))
        self._known: list[tuple[list[Json], list[Json]]] = []  # by position: a row, and what was read of it

    def read(self, cars: list[Json]) -> Iterator[list[Json]]:
        """What the rows say, in order. The lists are shared: treat them as constants."""
        new: list[tuple[list[Json], list[Json]]] = []
        for position, row in enumerate(cars):
            whole = row if isinstance(row, list) else []
            if len(whole) < self._width:
                whole = [*whole, *[None] * (self._width - len(whole))]
            old, read = self._known[position] if position < len(self._known) else (None, [])
            if old is None:
                read = [reader(whole[index]) for index, reader in self._readers]
            elif old is not whole:
                read = read.copy()
                for index in compress(range(self._width), map(is_not, old, whole)):
                    for place, reader in self._of_cell.get(index, ()):
                        read[place] = reader(whole[index])
            new.append((whole, read))
            yield read
        self._known = new


_Reader = tuple[int, Callable[[Json], Json]]  # index of the cell, and what to read of it


def _cells(col_spec: Json) -> tuple[list[Column], list[_Reader]]:
    """The columns for a manifest's `colSpec`, and how each is read."""
    columns: list[Column] = []
    readers: list[_Reader] = []
    taken = {column.name for column in _FRAME}
    for index, spec in enumerate(col_spec if isinstance(col_spec, list) else ()):
        heading, kind = [*spec, "", ""][:2] if isinstance(spec, list) else ("", "")
        name = _free_name(heading, index, taken)
        for suffix, column_type, reader in _READERS.get(str(kind), _READERS["text"]):
            taken.add(name + suffix)
            columns.append(Column(name + suffix, column_type))
            readers.append((index, reader))
    return columns, readers


def _free_name(heading: Json, index: int, taken: set[str]) -> str:
    """`C.Gap` as `c_gap`; with a number behind it where another column has that name already."""
    plain = re.sub("[^a-z0-9]+", "_", str(heading).lower()).strip("_") or f"column_{index + 1}"
    name, number = plain, 1
    while any(name + suffix in taken for suffix in _SUFFIXES):
        number += 1
        name = f"{plain}_{number}"
    return name


_READERS: dict[str, tuple[tuple[str, Type, Callable[[Json], Json]], ...]] = {
    "text": (("", Type.TEXT, words),),
    "numeric": (("", Type.NUMBER, number),),
    "delta": (("", Type.NUMBER, seconds), ("_text", Type.TEXT, gap_text)),
    "time": (("", Type.NUMBER, seconds), ("_flag", Type.TEXT, mark)),
    "laptime": (("", Type.NUMBER, seconds), ("_flag", Type.TEXT, mark)),
}
_SUFFIXES = ("", "_text", "_flag")
