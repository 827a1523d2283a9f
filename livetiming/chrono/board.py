"""A race as a timing service shows it: columns, rows, session. Only columns that the files can fill are there."""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from livetiming.chrono.model import Chrono
from livetiming.chrono.race import Car, Race
from livetiming.chrono.start import LONGEST_SILENCE
from livetiming.racing import FlagStatus, Stat

Row = list[Any]
Cell = Callable[[Race, Car], Any]

_SECTOR_COLUMNS = (
    (Stat.S1, Stat.BS1), (Stat.S2, Stat.BS2), (Stat.S3, Stat.BS3), (Stat.S4, Stat.BS4), (Stat.S5, Stat.BS5),
)  # fmt: skip


class Board:
    """The state of a race, as of the last `advance`. `start` is its beginning in Unix seconds."""

    def __init__(self, chrono: Chrono, start: float, duration: float | None = None) -> None:
        self.chrono = chrono
        self.start = start
        self.race = Race(chrono)
        self.columns: list[Stat] = []
        self.now = 0.0
        self._cells: list[Cell] = []
        for stat, cell in _columns(chrono):
            self.columns.append(stat)
            self._cells.append(cell)
        self._duration = duration
        self._rows: dict[int, Row] = {}
        self._cars: list[Row] = []
        self._weather_times = [reading.unix for reading in chrono.readings]

    @property
    def ends(self) -> float:
        """The second of the race from which on nothing changes."""
        return self.race.timeline.ends

    def advance(self, to: float) -> None:
        """Let the race go on to second `to`; before 0 it has not begun."""
        self.now = to
        self.race.advance(to)

    def cars(self) -> list[Row]:
        """The rows in running order. A row, and the list, that did not change is the same object as before."""
        race = self.race
        if race.changed:
            for index in race.changed:
                car = race.cars[index]
                self._rows[index] = [cell(race, car) for cell in self._cells]
            race.changed.clear()
            self._cars = [self._rows[car.index] for car in race.order]
        return self._cars

    def session(self) -> dict[str, Any]:
        """Flag, clocks and weather."""
        now = min(max(self.now, 0.0), self.ends)
        begun = self.now >= 0
        return {
            "flagState": (self.race.flag if begun else FlagStatus.NONE).text,
            "timeElapsed": round(now, 3),
            "timeRemain": None if self._duration is None else round(max(0.0, self._duration - now), 3),
            "lapsRemain": None,
            "pauseClocks": not begun or self.race.over,
            "trackData": self._weather(),
        }

    def state(self) -> dict[str, Any]:
        """`{"cars": …, "session": …}`."""
        return {"cars": self.cars(), "session": self.session()}

    def _weather(self) -> list[str]:
        now, times = self.start + min(self.now, self.ends), self._weather_times
        index = max(0, bisect_right(times, now) - 1)
        if not times or abs(now - times[index]) > LONGEST_SILENCE:
            return [""] * len(self.chrono.headings)
        return list(self.chrono.readings[index].values)


def _columns(chrono: Chrono) -> list[tuple[Stat, Cell]]:
    """The columns, and what fills them."""
    entries = chrono.entries
    laps = [lap for entry in entries for lap in entry.laps]
    sectors = max((len(lap.sectors) for lap in laps), default=0)
    chosen: list[tuple[object, Stat, Cell]] = [
        (True, Stat.NUM, lambda _, car: car.entry.number),
        (True, Stat.STATE, lambda _, car: car.state.value),
        (any(entry.class_name for entry in entries), Stat.CLASS, lambda _, car: car.entry.class_name),
        (any(entry.class_name for entry in entries), Stat.POS_IN_CLASS, lambda _, car: car.place_in_class),
        (any(entry.team for entry in entries), Stat.TEAM, lambda _, car: car.entry.team),
        (any(lap.driver for lap in laps), Stat.DRIVER, _driver),
        (any(entry.car for entry in entries), Stat.CAR, lambda _, car: car.entry.car),
        (True, Stat.LAPS, lambda _, car: car.laps),
        (True, Stat.GAP, lambda _, car: car.gap),
        (True, Stat.INT, lambda _, car: car.interval),
    ]
    for sector, (stat, best) in enumerate(_SECTOR_COLUMNS[:sectors]):
        known = any(lap.sectors[sector] is not None for lap in laps if sector < len(lap.sectors))
        chosen += [(known, stat, _sector(sector)), (known, best, _best_sector(sector))]
    chosen += [
        (any(lap.time for lap in laps), Stat.LAST_LAP, _last),
        (any(lap.time for lap in laps), Stat.BEST_LAP, _best),
        (chrono.tells_pits, Stat.PITS, lambda _, car: car.pits),
    ]
    return [(stat, cell) for wanted, stat, cell in chosen if wanted]


def _driver(_race: Race, car: Car) -> str | list[str]:
    rank = car.entry.ranks.get(car.driver)
    return [car.driver, rank] if rank else car.driver


def _last(race: Race, car: Car) -> list[Any]:
    last = car.last
    if last is None or last.time is None:
        return ["", ""]
    if race.best is not None and race.best[0] is last:
        return [last.time, "sb" if race.fresh_until is None else "sb-new"]
    return [last.time, "pb" if car.best is last else ""]


def _best(race: Race, car: Car) -> list[Any]:
    best = car.best
    if best is None:
        return ["", ""]
    return [best.time, "sb" if race.best is not None and race.best[0] is best else ""]


def _sector(sector: int) -> Cell:
    def cell(race: Race, car: Car) -> list[Any]:
        lap = car.sectors[sector]
        if lap is None:
            return ["", ""]
        time = lap.sectors[sector]
        if lap.number < car.lap_of_sector:
            return [time, "old"]
        if not lap.sector_counts(sector) or time != car.best_sectors[sector]:
            return [time, ""]
        return [time, "sb" if race.best_sectors[sector] == (time, car) else "pb"]

    return cell


def _best_sector(sector: int) -> Cell:
    def cell(race: Race, car: Car) -> list[Any]:
        time = car.best_sectors[sector]
        if time is None:
            return ["", ""]
        return [time, "sb" if race.best_sectors[sector] == (time, car) else ""]

    return cell
