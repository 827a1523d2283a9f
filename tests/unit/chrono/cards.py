"""Time cards, and races, of a test's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from livetiming.chrono.board import Board
from livetiming.chrono.model import Chrono, Entry, Lap
from livetiming.racing import FlagStatus, Stat

HEADINGS = [
    "NUMBER", " DRIVER_NUMBER", " LAP_NUMBER", " LAP_TIME", " LAP_IMPROVEMENT", " CROSSING_FINISH_LINE_IN_PIT", " S1",
    " S1_IMPROVEMENT", " S2", " S2_IMPROVEMENT", " S3", " S3_IMPROVEMENT", " KPH", " ELAPSED", " HOUR", "S1_LARGE",
    "S2_LARGE", "S3_LARGE", "TOP_SPEED", "DRIVER_NAME", "PIT_TIME", "CLASS", "GROUP", "TEAM", "MANUFACTURER",
    "FLAG_AT_FL",
]  # fmt: skip
BOM = b"\xef\xbb\xbf"
NOON = 12 * 3600.0


def card(number: str = "7", lap: int = 1, elapsed: str = "1:30.000", **cells: str) -> dict[str, str]:
    """One line, by heading; a lap of 1:30 in three equal sectors, if nothing else is said."""
    usual = {
        "NUMBER": number,
        "LAP_NUMBER": str(lap),
        "ELAPSED": elapsed,
        "LAP_TIME": "1:30.000",
        "S1": "30.000",
        "S2": "30.000",
        "S3": "30.000",
        "DRIVER_NAME": "Anna ALMEIDA",
        "CLASS": "LMP2",
        "TEAM": "Team A",
        "MANUFACTURER": "Oreca",
        "FLAG_AT_FL": "GF",
    }
    return usual | cells


def cards(*lines: Mapping[str, str], delimiter: str = ";", end: str = "\r\n", without: Sequence[str] = ()) -> bytes:
    """A file of these lines."""
    headings = [heading for heading in HEADINGS if heading.strip() not in without]
    rows = [headings, *([line.get(heading.strip(), "") for heading in headings] for line in lines)]
    return BOM + "".join(delimiter.join([*row, ""]) + end for row in rows).encode()


def laps(*times: float, sectors: int = 3, flags: Sequence[FlagStatus] = (), **more: Any) -> tuple[Lap, ...]:
    """Laps of these times, one after the other, in equal sectors. The last flag stays."""
    made, ends = [], 0.0
    shown = [*flags, *[flags[-1] if flags else FlagStatus.GREEN] * len(times)]
    for number, time in enumerate(times, start=1):
        ends = round(ends + time, 3)
        made.append(
            Lap(
                number,
                ends,
                time,
                tuple(round(time / sectors, 3) for _ in range(sectors)),
                flag=shown[number - 1],
                **more,
            )
        )
    return tuple(made)


def race(*entries: Entry, **more: Any) -> Chrono:
    """A race of these entries, with flags and pit stops."""
    return Chrono(entries=entries, tells_flags=True, tells_pits=True, **more)


def board(*entries: Entry, **more: Any) -> Board:
    """The same, shown; it began at Unix second 0."""
    return Board(race(*entries, **more), 0.0)


def rows(shown: Board, at: float) -> dict[str, dict[str, Any]]:
    """Number → heading → cell in running order, at second `at`."""
    shown.advance(at)
    titles = [stat.title for stat in shown.columns]
    return {row[0]: dict(zip(titles, row, strict=True)) for row in shown.cars()}


def column(shown: Board, stat: Stat, at: float) -> dict[str, Any]:
    """Number → cell of one column, in running order, at second `at`."""
    return {number: cells[stat.title] for number, cells in rows(shown, at).items()}
