"""Al Kamel Systems' "time cards": one line for each lap of each car, as CSV.

Source: the files that organisers publish (FIA WEC and ELMS with `;`, IMSA with `,`). There is no public description;
what is known of them is in docs/chrono.md.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from livetiming.chrono.formats._alkamel_results import Result, read_results
from livetiming.chrono.formats._alkamel_weather import read_weather
from livetiming.chrono.model import ENTRY_LIMIT, LAP_LIMIT, LONGEST_RACE, Chrono, Entry, Lap
from livetiming.chrono.table import BadLine, Complaints, Line, read_table
from livetiming.racing import FlagStatus
from livetiming.times import parse_duration

DESCRIPTION = 'Al Kamel Systems\' "time cards": laps of FIA WEC, ELMS, IMSA and others (CSV)'
SOURCE = ("Al Kamel Systems", "https://www.alkamelsystems.com")
FILES = ("results", "weather")

_NEEDED = ("NUMBER", "LAP_NUMBER", "ELAPSED")
_SECTORS = ("S1", "S2", "S3")
_BEST_OF_CAR = frozenset({"2", "3"})  # improvement codes; 1 is a driver's best, 3 the whole field's
_FLAGS = {
    "GF": FlagStatus.GREEN,
    "YF": FlagStatus.YELLOW,
    "FCY": FlagStatus.FCY,
    "SF": FlagStatus.SC,
    "SC": FlagStatus.SC,
    "VSC": FlagStatus.VSC,
    "RF": FlagStatus.RED,
    "FF": FlagStatus.CHEQUERED,
}
_DAY = 86_400.0
_CLOCK_STEP = 1800.0  # seconds; clocks are put forward or back by this, or a multiple, in the night of some races
_CLOCK_ERROR = 2.0  # seconds that a line's time of day may be off
_SUM_ERROR = 0.1  # seconds that sectors may differ from their lap


def add_arguments(parser: argparse._ActionsContainer) -> None:
    """The options of this format."""
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="the classification (CSV): vehicles, ranks, official order"
    )
    parser.add_argument("--weather", type=Path, metavar="FILE", help="the weather (CSV), as track data")


def read(content: bytes, files: Mapping[str, bytes]) -> Chrono:
    """The race in a time cards file, and what classification and weather say of it."""
    results, about_results = read_results(files["results"]) if "results" in files else ({}, ())
    readings = read_weather(files["weather"]) if "weather" in files else None
    complaints = Complaints("laps")
    cards = _Cards(results, complaints)
    headings = read_table(content, _NEEDED, complaints, cards.add)
    clock = cards.clock_at_start()
    entries = [card.entry(results.get(number), clock, complaints) for number, card in cards.by_number.items()]
    entries += [result.entry() for number, result in results.items() if number not in cards.by_number]
    return Chrono(
        entries=tuple(entries),
        clock_at_start=clock,
        tells_flags=any(lap.flag is not None for entry in entries for lap in entry.laps),
        tells_pits="CROSSING_FINISH_LINE_IN_PIT" in headings or "PIT_TIME" in headings,
        official=tuple(number for number, result in results.items() if result.place is not None),
        headings=readings.headings if readings else (),
        readings=readings.readings if readings else (),
        skipped=(*complaints.told(), *about_results, *(readings.skipped if readings else ())),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: its lap, and what is judged when all lines are known."""

    line: Line
    lap: Lap
    clock: float | None  # time of day at the finish line
    codes: tuple[str, ...]  # improvement codes of the lap and of its sectors


class _Card:
    """The lines of one car."""

    def __init__(self, first: Line) -> None:
        self.first = first
        self.rows: dict[int, _Row] = {}

    def entry(self, result: Result | None, clock: float | None, complaints: Complaints) -> Entry:
        """The car with those laps that follow each other in time, and fit the `clock` at the start."""
        rows: list[_Row] = []
        for _, row in sorted(self.rows.items()):
            if rows and row.lap.ends <= rows[-1].lap.ends:
                complaints.add(row.line.number, row.line.text, "its ELAPSED is not after that of the lap before")
            elif _off(row, clock):
                complaints.add(row.line.number, row.line.text, "its HOUR and ELAPSED do not fit the other lines")
            elif rows and _leaps(rows[-1].lap, row.lap):
                complaints.add(row.line.number, row.line.text, "its LAP_NUMBER does not follow that of the lap before")
            else:
                rows.append(row)
        first = self.first
        return Entry(
            number=first["NUMBER"],
            class_name=first["CLASS"] or (result.class_name if result else ""),
            team=first["TEAM"] or (result.team if result else ""),
            car=(result.vehicle if result else "") or first["MANUFACTURER"],
            laps=tuple(_counted(rows)),
            ranks=result.ranks if result else {},
        )


class _Cards:
    """The lines of all cars."""

    def __init__(self, results: Mapping[str, Result], complaints: Complaints) -> None:
        self.by_number: dict[str, _Card] = {}
        self._complaints = complaints
        self._names = {(number, name.casefold()): name for number, result in results.items() for name in result.ranks}

    def add(self, line: Line) -> None:
        """One line; BadLine where it is none."""
        number, row = line["NUMBER"], self._row(line)
        if not number:
            raise BadLine("it has no NUMBER")
        if number not in self.by_number and len(self.by_number) >= ENTRY_LIMIT:
            raise BadLine(f"there are more than {ENTRY_LIMIT} cars")
        card = self.by_number.setdefault(number, _Card(line))
        if row.lap.number in card.rows:
            raise BadLine(f"lap {row.lap.number} of car {number} was there before")
        card.rows[row.lap.number] = row

    def clock_at_start(self) -> float | None:
        """The time of day at the start, seconds after midnight: what most lines say."""
        votes = Counter(
            round((row.clock - row.lap.ends) % _DAY, 3)
            for card in self.by_number.values()
            for row in card.rows.values()
            if row.clock is not None
        )
        return votes.most_common(1)[0][0] if votes else None

    def _row(self, line: Line) -> _Row:
        """What the line says. A cell that is not needed and cannot be read is told, and the rest of the line used."""
        ends = _time(line, "ELAPSED")
        if ends is None or ends > LONGEST_RACE:
            raise BadLine("it has no usable ELAPSED")
        time = self._optional(line, "LAP_TIME")
        if time is not None and time > ends + _SUM_ERROR:
            raise BadLine("its LAP_TIME is longer than its ELAPSED")
        driver = line["DRIVER_NAME"]
        lap = Lap(
            number=_whole(line["LAP_NUMBER"]),
            ends=ends,
            time=time,
            sectors=self._sectors(line, time),
            driver=self._names.get((line["NUMBER"], driver.casefold()), driver),
            flag=self._flag(line),
            in_pit=line["CROSSING_FINISH_LINE_IN_PIT"].upper() == "B",
            pit_time=self._optional(line, "PIT_TIME"),
        )
        codes = (line["LAP_IMPROVEMENT"], *(line[f"{heading}_IMPROVEMENT"] for heading in _SECTORS))
        return _Row(line, lap, self._optional(line, "HOUR"), codes)

    def _sectors(self, line: Line, time: float | None) -> tuple[float | None, ...]:
        sectors = tuple(self._optional(line, heading) for heading in _SECTORS)
        known = [sector for sector in sectors if sector is not None]
        if time is not None and len(known) == len(sectors) and abs(sum(known) - time) > _SUM_ERROR:
            self._complaints.add(line.number, line.text, "its sectors do not add up to its LAP_TIME")
            return (None,) * len(sectors)
        return sectors

    def _flag(self, line: Line) -> FlagStatus | None:
        code = line["FLAG_AT_FL"].upper()
        if code and code not in _FLAGS:
            self._complaints.add(line.number, line.text, f"its FLAG_AT_FL {code[:20]!r} is not known")
        return _FLAGS.get(code)

    def _optional(self, line: Line, heading: str) -> float | None:
        try:
            return _time(line, heading)
        except BadLine as error:
            self._complaints.add(line.number, line.text, error)
            return None


def _counted(rows: Sequence[_Row]) -> Iterator[Lap]:
    """The laps; those times that were taken back marked as not counting.

    Improvement codes are written when the race is over, so a time that beats the one with the code of the car's best
    was taken back (for having left the track, as a rule).
    """
    bests: list[float] = []
    for index in range(1 + len(_SECTORS)):
        coded = (_values(row.lap)[index] for row in rows if row.codes[index] in _BEST_OF_CAR)
        bests.append(min((value for value in coded if value is not None), default=0.0))
    for row in rows:
        values = zip(_values(row.lap), row.codes, bests, strict=True)
        lap, *sectors = (value is None or code in _BEST_OF_CAR or value >= best for value, code, best in values)
        yield replace(row.lap, counts=lap, sectors_count=tuple(sectors))


def _values(lap: Lap) -> tuple[float | None, ...]:
    return (lap.time, *lap.sectors)


def _off(row: _Row, clock: float | None) -> bool:
    """Whether a line's two times contradict what most lines say."""
    if row.clock is None or clock is None:
        return False
    error = (row.clock - row.lap.ends - clock) % _CLOCK_STEP
    return min(error, _CLOCK_STEP - error) > _CLOCK_ERROR


def _leaps(before: Lap, lap: Lap) -> bool:
    """Whether a lap follows another at once in time, but not in number."""
    return lap.number != before.number + 1 and lap.begins is not None and abs(lap.begins - before.ends) <= _SUM_ERROR


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 0 < int(text) <= LAP_LIMIT):
        raise BadLine(f"its LAP_NUMBER {text[:20]!r} is none")
    return int(text)


def _time(line: Line, heading: str) -> float | None:
    """The time in a cell; None where the cell is empty or zero."""
    text = line[heading]
    if not text:
        return None
    seconds = parse_duration(text)
    if seconds is None:
        raise BadLine(f"its {heading} {text[:20]!r} is no time")
    return seconds or None
