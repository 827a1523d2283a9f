"""One car's race: its drivers, laps, stints and messages, one row after the other."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import orjson

from livetiming.analysis.columns import Columns, Row, cell, driver, lap_count, lap_time, text
from livetiming.analysis.stint import Stint
from livetiming.racing import CarState

# Where a car that goes there ends its stint, and where one that leaves begins the next.
PITS = frozenset({CarState.PIT, CarState.FUEL, CarState.NOT_STARTED, CarState.FINISHED})
TOGETHER = 5.0  # s: Laps and Last that change so soon after each other tell of one lap
DRIVERS_LIMIT = 50  # of one car
STINTS_LIMIT = 500  # of one car; the newest are kept


@dataclass(frozen=True)
class Car:
    """What is known of one car after its latest row."""

    static: tuple[str, str, str] = ("", "", "")  # class, team, vehicle
    drivers: tuple[str, ...] = ()
    driver: int = -1  # index of who is in the car, or -1
    in_pits: bool | None = None  # None: never seen
    laps: int = 0  # completed: what the feed says, else what was counted
    time: float | None = None  # s: the last lap's, as the feed says
    passing: float | None = None  # Unix s of the last lap's end
    worst: int = 0  # the worst flag since then
    told: tuple[str, float] | None = None  # what the last lap is known from so far (see _lap), and since when
    current: Stint | None = None
    finished: tuple[Stint, ...] = ()
    messages: tuple[list[Any], ...] = ()
    key: Any = None  # the cells that all this was read from

    @cached_property
    def json(self) -> orjson.Fragment:
        """What is kept of it."""
        return orjson.Fragment(
            orjson.dumps(
                {
                    "static": self.static,
                    "drivers": self.drivers,
                    "driver": self.driver,
                    "in_pits": self.in_pits,
                    "laps": self.laps,
                    "time": self.time,
                    "passing": self.passing,
                    "worst": self.worst,
                    "told": self.told,
                    "current": self.current and _kept(self.current),
                    "finished": [_kept(stint) for stint in self.finished],
                    "messages": self.messages,
                }
            )
        )


def _kept(stint: Stint) -> list[Any]:
    return [
        stint.start_lap,
        stint.start,
        stint.driver,
        stint.end_lap,
        stint.end,
        stint.in_progress,
        stint.times,
        list(stint.flags),
    ]


def step(car: Car, columns: Columns, row: Row, key: Any, flag: int, now: float) -> Car:
    """The car after `row`, seen at Unix second `now` under the flag of that number."""
    first = car.in_pits is None
    car = _who(car, columns, row, key)
    car = _lap(car, columns, row, flag, now, first=first)
    state = text(cell(row, columns.state))
    # Without a column that tells, a car is always on the track.
    in_pits = columns.state is not None and (state in PITS or (state == "" and bool(car.in_pits)))
    if in_pits and car.current is not None:
        done = replace(car.current, in_progress=False, end=now)
        car = replace(car, current=None, finished=(*car.finished, done)[-STINTS_LIMIT:])
    elif not in_pits and car.current is None:
        begun = Stint(car.laps + 1, now, car.driver, car.laps, now)
        car = replace(car, current=begun, worst=flag)
    return replace(car, in_pits=in_pits)


def _who(car: Car, columns: Columns, row: Row, key: Any) -> Car:
    static = (text(cell(row, columns.klass)), text(cell(row, columns.team)), text(cell(row, columns.car)))
    name = driver(cell(row, columns.driver))
    drivers, index = car.drivers, -1
    if name in drivers:
        index = drivers.index(name)
    elif name and len(drivers) < DRIVERS_LIMIT:
        drivers, index = (*drivers, name), len(drivers)
    current = car.current
    if current is not None and index >= 0 and index != current.driver:
        current = replace(current, driver=index)
    return replace(car, static=static, drivers=drivers, driver=index, current=current, key=key)


def _lap(car: Car, columns: Columns, row: Row, flag: int, now: float, *, first: bool) -> Car:
    """Whether a lap was completed, by what Laps and Last say; they may say so one after the other."""
    laps, time = lap_count(cell(row, columns.laps)), lap_time(cell(row, columns.last))
    if first:
        return replace(car, laps=laps or 0, time=time)
    before, told = car, car.told if car.told is not None and now - car.told[1] <= TOGETHER else None
    advanced = laps is not None and laps > car.laps
    timed = time is not None and time != car.time
    car = replace(car, laps=car.laps if laps is None else laps, time=car.time if time is None else time)
    if laps is not None and laps < before.laps:
        return replace(car, told=None)  # corrected, or another session: no lap
    if not advanced and not timed:
        return car
    if advanced and not timed and told is not None and told[0] == "Last":
        return _renumbered(replace(car, told=None))
    if timed and not advanced and told is not None and told[0] != "Last":
        car = replace(car, told=None)
        return _retimed(car, time or 0.0) if told[0] == "Laps" else _counted(car, flag)
    if laps is None:
        return _counted(replace(car, laps=car.laps + 1, passing=now), flag)  # nothing else will tell of it
    if advanced and timed:
        return _counted(replace(car, told=None, passing=now), flag)
    known_from = "Last" if timed else "Laps" if car.time else "Laps, without a time"
    return _counted(replace(car, told=(known_from, now), passing=now), flag)


def _counted(car: Car, flag: int) -> Car:
    """The car with the lap it has just completed; one that ends in the pit lane is part of the stint before."""
    worst = max(car.worst, flag)
    number = car.laps
    if car.current is not None:
        stint = replace(car.current, end=car.passing or car.current.end)
        stint = stint.with_lap(car.time, worst, number) if car.time else replace(stint, end_lap=number)
        return replace(car, current=stint, worst=flag)
    if car.finished:
        *before, last = car.finished
        last = last.with_lap(car.time, worst, number) if car.time else replace(last, end_lap=number)
        return replace(car, finished=(*before, last), worst=flag)
    return replace(car, worst=flag)


def _renumbered(car: Car) -> Car:
    """Laps says now what Last had told already."""
    if car.current is not None:
        return replace(car, current=replace(car.current, end_lap=max(car.laps, car.current.start_lap - 1)))
    if car.finished:
        *before, last = car.finished
        return replace(car, finished=(*before, replace(last, end_lap=car.laps)))
    return car


def _retimed(car: Car, seconds: float) -> Car:
    """Last says now how long the lap took that Laps had told of."""
    if car.current is not None and car.current.times:
        return replace(car, current=car.current.with_time(seconds))
    if car.current is None and car.finished and car.finished[-1].times:
        *before, last = car.finished
        return replace(car, finished=(*before, last.with_time(seconds)))
    return car
