"""What a recording holds as tables: laps, stints, messages (docs/rectool.md). Pure.

A row is a tuple in the order of its table's columns. What a feed did not say, or said as nonsense, is None; so is an
empty text. Times are Unix seconds, lap times seconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from livetiming.analysis.cells import text
from livetiming.racing import FlagStatus
from livetiming.state import State
from orchestrator.recordings.rectool.table_cells import number

Json = Any
Row = tuple[Any, ...]
States = Iterable[tuple[int, State]]  # Unix second, state

_MESSAGES_KNOWN = 10_000  # of the newest; a state holds 100
_MESSAGE_LIMIT = 500  # characters, as in an analysis


class Type(StrEnum):
    """What a column holds, besides None."""

    TEXT = "text"
    NUMBER = "number"  # int or float, exact as a double
    WHOLE = "whole"  # int, of 64 bits
    YES_NO = "yes or no"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in snake_case, unique in its table, and what it holds."""

    name: str
    type: Type = Type.TEXT


@dataclass(frozen=True)
class Table:
    """A table whose rows come one by one, once."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]


_WHO = (
    Column("recording"),
    Column("car"),
    Column("class"),
    Column("team"),
    Column("vehicle"),
    Column("driver"),
    Column("stint", Type.WHOLE),
)
LAPS = (
    *_WHO,
    Column("lap", Type.WHOLE),
    Column("lap_time", Type.NUMBER),
    Column("worst_flag"),
    Column("stint_start", Type.NUMBER),
    Column("stint_end", Type.NUMBER),
    Column("in_progress", Type.YES_NO),
)
STINTS = (
    *_WHO,
    Column("start_lap", Type.WHOLE),
    Column("start", Type.NUMBER),
    Column("end_lap", Type.WHOLE),
    Column("end", Type.NUMBER),
    Column("in_progress", Type.YES_NO),
    Column("laps", Type.WHOLE),
    Column("best_lap", Type.NUMBER),
    Column("average_lap", Type.NUMBER),
    Column("laps_under_yellow", Type.WHOLE),
)
MESSAGES = (
    Column("recording"),
    Column("time", Type.NUMBER),
    Column("elapsed", Type.NUMBER),
    Column("category"),
    Column("text"),
    Column("type"),
    Column("car"),
)


# From the analysis


def laps(document: dict[str, Json]) -> Table:
    """One row for each lap whose time is known, of an analysis document, car by car."""
    return Table("laps", LAPS, _laps(document))


def stints(document: dict[str, Json]) -> Table:
    """One row for each stint of an analysis document, that in progress included, car by car."""
    return Table("stints", STINTS, _stints(document))


def _each_stint(document: dict[str, Json]) -> Iterator[tuple[Row, list[Json]]]:
    """Who drove it, as `_WHO`, and the stint (docs/analysis.md)."""
    uuid = recording_uuid(document["service"])
    for car, static in document["static"].items():
        drivers, current = document["driver"][car], document["lap"][car][0]
        every = [*document["stint"][car], *([current] if current else ())]
        for index, stint in enumerate(every, start=1):
            driver = drivers[stint[5]] if 0 <= stint[5] < len(drivers) else None
            yield (uuid, car, *(part or None for part in static), driver, index), stint


def _laps(document: dict[str, Json]) -> Iterator[Row]:
    for who, (start_lap, start, end_lap, end, in_progress, _driver, _best, _yellow, _average, laps) in _each_stint(
        document
    ):
        all_known = len(laps) == end_lap - start_lap + 1
        for index, (time, flag) in enumerate(laps):
            lap = start_lap + index if all_known else None
            yield (*who, lap, time, FlagStatus(flag).text, start, end, in_progress)


def _stints(document: dict[str, Json]) -> Iterator[Row]:
    for who, (start_lap, start, end_lap, end, in_progress, _driver, best, yellow, average, _laps) in _each_stint(
        document
    ):
        yield (
            *who,
            start_lap,
            start,
            end_lap,
            end,
            in_progress,
            max(0, end_lap - start_lap + 1),
            best,
            average,
            yellow,
        )


def recording_uuid(manifest: dict[str, Json]) -> str | None:
    """The uuid in a recording's manifest, if it is a text."""
    return text(manifest.get("uuid")) or None


# From the states


def messages(manifest: dict[str, Json], states: States) -> Table:
    """One row for each message, oldest first."""
    return Table("messages", MESSAGES, _messages(manifest, states))


def _messages(manifest: dict[str, Json], states: States) -> Iterator[Row]:
    uuid = recording_uuid(manifest)
    known: dict[tuple[Json, ...], None] = {}  # in order of age
    before: list[Json] = []
    first: int | None = None
    for second, state in states:
        first = second if first is None else first
        if state["messages"] == before:
            continue
        before = state["messages"]
        for message in reversed(before):
            row = _message(message)
            if row is None or row in known:
                continue
            known[row] = None
            if len(known) > _MESSAGES_KNOWN:
                del known[next(iter(known))]
            yield (uuid, row[0], row[0] - first, *row[1:])


def _message(message: Json) -> Row | None:
    """Time, category, text, type, car; None where it is no message."""
    if not isinstance(message, list) or len(message) < 3:
        return None
    time = number(message[0])
    if time is None:
        return None
    kind, car = (text(message[index]) if len(message) > index else "" for index in (3, 4))
    return time, text(message[1]) or None, text(message[2], _MESSAGE_LIMIT) or None, kind or None, car or None
