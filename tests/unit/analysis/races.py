"""Races of a few frames, told as rows of one car or more."""

from collections.abc import Sequence
from typing import Any

from livetiming.analysis import Analysis, Columns, advance, documents
from livetiming.state import State

HEADINGS = ["Num", "State", "Class", "Team", "Driver", "Car", "Laps", "Last", "Gap"]
COLUMNS = Columns.of([[heading, "text"] for heading in HEADINGS])


def row(
    state: Any = "RUN", laps: Any = 0, last: Any = None, driver: Any = "Conway", number: Any = "7", gap: Any = ""
) -> list[Any]:
    """The row of a car; `last` in seconds."""
    cell = last if isinstance(last, list) else [last, ""] if last else ["", ""]
    return [number, state, "GT", "Toyota", driver, "GR010", laps, cell, gap]


def frame(*rows: list[Any], flag: Any = "green", messages: Sequence[Any] = ()) -> State:
    """A state with these cars."""
    return {"cars": list(rows), "session": {"flagState": flag}, "messages": list(messages), "highlight": []}


def after(*frames: tuple[float, State], columns: Columns = COLUMNS, start: Analysis = Analysis.EMPTY) -> Analysis:
    """The analysis after `frames`: each at a Unix second."""
    analysis = start
    for now, state in frames:
        analysis = advance(analysis, columns, state, now)
    return analysis


def run(*rows: tuple[Any, ...], columns: Columns = COLUMNS) -> Analysis:
    """The analysis after rows of car 7: (Unix s, State, Laps, Last), then what `row` takes."""
    return after(*((now, frame(row(*cells))) for now, *cells in rows), columns=columns)


def current(analysis: Analysis, number: str = "7") -> Any:
    """The car's stint in progress, as readers get it."""
    return documents(analysis)["lap"][number][0]


def finished(analysis: Analysis, number: str = "7") -> Any:
    """The car's finished stints, as readers get them."""
    return documents(analysis)["stint"][number]


def laps_of(stint: Any) -> list[float]:
    """The lap times in a stint."""
    return [time for time, _ in stint[9]]
