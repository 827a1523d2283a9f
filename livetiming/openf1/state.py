"""Board → universal state: rows in running order, session, track data."""

from collections.abc import Sequence
from typing import Any

from livetiming.openf1.board import Board
from livetiming.openf1.cars import Car, cars_of, least, state_of
from livetiming.openf1.flags import Track, track_of
from livetiming.openf1.records import SECTORS, Weather
from livetiming.racing import CarState, FlagStatus, Stat

COLUMNS = [
    Stat.NUM, Stat.STATE, Stat.TEAM, Stat.DRIVER, Stat.TYRE, Stat.TYRE_STINT, Stat.TYRE_AGE, Stat.LAPS, Stat.GAP,
    Stat.INT, Stat.S1, Stat.BS1, Stat.S2, Stat.BS2, Stat.S3, Stat.BS3, Stat.LAST_LAP, Stat.BEST_LAP, Stat.SPEED,
    Stat.BEST_SPEED, Stat.PITS,
]  # fmt: skip
TRACK_DATA_SPEC = ["Air temp", "Track temp", "Humidity", "Pressure", "Wind", "Rain"]
FRESH = 30.0  # seconds for which a session best is marked as new

_NO_TIME: list[Any] = ["", ""]
_LAST_PLACE = 100_000
_TYRES = {
    "SOFT": ["S", "tyre-soft"],
    "MEDIUM": ["M", "tyre-med"],
    "HARD": ["H", "tyre-hard"],
    "INTERMEDIATE": ["I", "tyre-inter"],
    "WET": ["W", "tyre-wet"],
}

Cell = str | int | float | list[Any]


def race_state(board: Board, now: float) -> dict[str, Any]:
    """The board at Unix second `now` as `{"cars": […], "session": {…}}`; rows as COLUMNS, track data by its spec."""
    cars = cars_of(board)
    track = track_of(board.controls)
    order = sorted(cars.values(), key=lambda car: _place(board, car))
    front = max(order, key=lambda car: car.completed, default=None)
    leader = order[0].current if order else None
    flag = track.shown(board.latest, leader.start if leader is not None else None)
    table = _Table(board, order, track)
    rows = [] if front is None else [table.row(index, car, front) for index, car in enumerate(order)]
    return {"cars": rows, "session": _session(board, track, flag, now)}


def _place(board: Board, car: Car) -> tuple[int, int]:
    position = board.positions.get(car.number)
    return (position.place if position is not None else _LAST_PLACE, car.number)


class _Table:
    """What the rows of one state share."""

    def __init__(self, board: Board, order: Sequence[Car], track: Track) -> None:
        self.board = board
        self.order = order
        self.track = track
        self.best = least(car.best for car in order)
        self.best_sectors = [least(car.best_sectors[index] for car in order) for index in range(SECTORS)]

    def row(self, index: int, car: Car, front: Car) -> list[Cell]:
        """The car at place `index` of the running order, from 0 on."""
        board = self.board
        state = state_of(car, board, self.track, front)
        driver = board.drivers.get(car.number)
        gap, interval = ("", "") if state is CarState.RETIRED else self._gaps(index, car)
        age = car.stint.age if car.stint is not None else None
        return [
            str(car.number),
            state.value,
            driver.team if driver is not None else "",
            driver.name if driver is not None else "",
            _tyre(car),
            _or_blank(car.tyre_laps),
            "" if car.tyre_laps is None or age is None else car.tyre_laps + age,
            car.completed,
            gap,
            interval,
            *(cell for sector in range(SECTORS) for cell in self._sector(car, sector)),
            self._last(car),
            _best_cell(car.best, self.best),
            _or_blank(car.speed),
            _or_blank(car.best_speed),
            car.stops,
        ]

    def _gaps(self, index: int, car: Car) -> tuple[Cell, Cell]:
        """To the leader and to the car in front: as the API has them in a race, else by best laps."""
        if index == 0:
            return "", ""
        if self.board.session.is_race:
            known = self.board.intervals.get(car.number)
            return ("", "") if known is None else (_delta(known.gap), _delta(known.ahead))
        return _behind(self.order[0], car), _behind(self.order[index - 1], car)

    def _sector(self, car: Car, sector: int) -> list[Cell]:
        """The latest time and the best one."""
        best, overall = car.best_sectors[sector], self.best_sectors[sector]
        time, old = car.sector(sector)
        return [["" if time is None else time, _mark(time, best, overall, old=old)], _best_cell(best, overall)]

    def _last(self, car: Car) -> list[Any]:
        lap = car.last
        if lap is None or lap.duration is None:
            return _NO_TIME
        mark = _mark(lap.duration, car.best, self.best)
        latest = self.board.latest
        if mark == "sb" and lap.start is not None and latest is not None:
            mark = "sb-new" if latest - (lap.start + lap.duration) <= FRESH else "sb"
        return [lap.duration, mark]


def _session(board: Board, track: Track, flag: FlagStatus, now: float) -> dict[str, Any]:
    session, time = board.session, board.time(now)
    over_at = track.chequered_at if session.is_race else session.end
    stops_at = time if over_at is None else min(time, over_at)
    remain = None if session.is_race or session.end is None else round(max(0.0, session.end - time), 1)
    runs = session.start is not None and session.start <= time == now and stops_at == time
    return {
        "flagState": flag.text,
        "timeElapsed": None if session.start is None else round(max(0.0, stops_at - session.start), 1),
        "timeRemain": remain,
        "lapsRemain": None,
        "pauseClocks": not runs,
        "trackData": _track_data(board.weather),
    }


def _track_data(weather: Weather | None) -> list[str]:
    if weather is None:
        return [""] * len(TRACK_DATA_SPEC)
    wind = [_unit(weather.wind, " m/s"), _unit(weather.wind_direction, "°")]
    return [
        _unit(weather.air, "°C"),
        _unit(weather.track, "°C"),
        _unit(weather.humidity, "%"),
        _unit(weather.pressure, " mbar"),
        ", ".join(filter(None, wind)),
        "" if weather.rain is None else "yes" if weather.rain else "no",
    ]


def _unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.10g}{unit}"


def _tyre(car: Car) -> Cell:
    """Letter and style class; a compound that is not known yet is left out."""
    return _TYRES.get(car.stint.compound, "") if car.stint is not None else ""


def _delta(value: float | str | None) -> Cell:
    """Seconds, or `+2 LAPS` in the universal format's words."""
    if isinstance(value, str):
        return value.removeprefix("+").strip().lower()
    return "" if value is None else value


def _behind(leader: Car, car: Car) -> Cell:
    if leader.best is None or car.best is None or car.best < leader.best:
        return ""
    return round(car.best - leader.best, 3)


def _mark(time: float | None, own_best: float | None, best: float | None, *, old: bool = False) -> str:
    if time is None:
        return ""
    return "old" if old else "sb" if time == best else "pb" if time == own_best else ""


def _best_cell(time: float | None, best: float | None) -> list[Any]:
    return _NO_TIME if time is None else [time, "sb" if time == best else ""]


def _or_blank(value: float | None) -> Cell:
    return "" if value is None else int(value) if value == int(value) else value
