"""A simulated race as a timing service sees it: gaps measured at timing lines, best times marked, rows and session."""

from collections.abc import Iterable
from typing import Any

from livetiming.racing import FlagStatus, Stat
from livetiming.simulation.race import Car, FlagShown, LineCrossed, Race, SectorDone

COLUMNS = [
    Stat.NUM, Stat.STATE, Stat.CLASS, Stat.POS_IN_CLASS, Stat.TEAM, Stat.DRIVER, Stat.CAR, Stat.TYRE_STINT,
    Stat.LAPS, Stat.GAP, Stat.INT, Stat.S1, Stat.BS1, Stat.S2, Stat.BS2, Stat.S3, Stat.BS3, Stat.LAST_LAP,
    Stat.BEST_LAP, Stat.PITS,
]  # fmt: skip
TRACK_DATA_SPEC = ["Track", "Length"]
FRESH = 10.0  # seconds for which a session best is marked as new
_KEPT_LINES = 900  # timing lines behind the leader; who is further back is laps down in any case
_TRACK = "Kestrel Ridge"

Gap = float | str


class Timing:
    """Rows and session of `race`, as of the last `advance`."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self._now = 0.0
        self._flag = FlagStatus.NONE
        self._lines: dict[int, int] = {}  # car's place on the grid → timing lines passed
        self._gaps: dict[int, tuple[Gap, Gap]] = {}  # to the leader, to the car in front
        self._passed: dict[int, tuple[float, float]] = {}  # timing line → times of the first and the latest car
        self._front = 0

    def advance(self, to: float) -> None:
        """Let the race go on to second `to`."""
        for event in self.race.advance(to):
            self._now = event.at
            if isinstance(event, FlagShown):
                self._flag = event.flag
            elif isinstance(event, SectorDone) or (isinstance(event, LineCrossed) and event.laps):
                self._measure(event.car.starter.index, event.at)
        if not self.race.over:  # the clocks stand still from the last car's finish on
            self._now = to

    def state(self) -> dict[str, Any]:
        """`{"cars": …, "session": …}` by COLUMNS and TRACK_DATA_SPEC."""
        order = self.race.running_order()
        bests = [_least(car.best_sectors[sector] for car in order) for sector in range(3)]
        best_lap = _least(car.best for car in order)
        places: dict[str, int] = {}
        rows = []
        for car in order:
            name = car.starter.race_class.name
            places[name] = places.get(name, 0) + 1
            rows.append(self._row(car, places[name], bests, best_lap))
        return {"cars": rows, "session": self._session()}

    def _session(self) -> dict[str, Any]:
        race = self.race
        elapsed = max(0.0, self._now - race.green_at)
        return {
            "flagState": self._flag.text,
            "timeElapsed": round(elapsed, 1),
            "timeRemain": round(max(0.0, race.ends_at - max(self._now, race.green_at)), 1),
            "lapsRemain": None,
            "pauseClocks": self._flag is FlagStatus.NONE or race.over,
            "trackData": [_TRACK, f"{race.track_km:g} km"],
        }

    def _row(self, car: Car, place: int, bests: list[float | None], best_lap: float | None) -> list[Any]:
        starter = car.starter
        gap, interval = self._gaps.get(starter.index, ("", ""))
        sectors: list[Any] = []
        for sector, (time, best) in enumerate(zip(car.sectors, car.best_sectors, strict=True)):
            old = 0 < car.sector <= sector
            sectors += [_cell(time, best, bests[sector], old=old), _best_cell(best, bests[sector])]
        last = _cell(car.last, car.best, best_lap)
        if last[1] == "sb" and self._now - car.lap_began <= FRESH:
            last[1] = "sb-new"
        return [
            starter.number, car.state.value, starter.race_class.name, place, starter.team, car.driver.name,
            starter.model, str(car.tyre_age), car.laps, gap, interval, *sectors, last,
            _best_cell(car.best, best_lap), car.pits,
        ]  # fmt: skip

    def _measure(self, index: int, at: float) -> None:
        """Gap and interval at the timing line that the car has just passed."""
        line = self._lines[index] = self._lines.get(index, 0) + 1
        if line not in self._passed:
            self._front = max(self._front, line)
            self._passed[line] = (at, at)
            self._passed.pop(line - _KEPT_LINES, None)
            self._gaps[index] = ("", "")
            return
        first, latest = self._passed[line]
        self._passed[line] = (first, at)
        laps = (self._front - line) // 3
        gap = round(at - first, 3) if laps == 0 else "1 lap" if laps == 1 else f"{laps} laps"
        self._gaps[index] = (gap, round(at - latest, 3))


def _least(times: Iterable[float | None]) -> float | None:
    return min((time for time in times if time is not None), default=None)


def _cell(time: float | None, own_best: float | None, session_best: float | None, *, old: bool = False) -> list[Any]:
    if time is None:
        return ["", ""]
    if old:
        return [time, "old"]
    return [time, "sb" if time == session_best else "pb" if time == own_best else ""]


def _best_cell(time: float | None, session_best: float | None) -> list[Any]:
    return ["", ""] if time is None else [time, "sb" if time == session_best else ""]
