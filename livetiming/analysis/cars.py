"""One car's step: laps, stops, drivers.

A lap goes before a stop or a start that the same frame shows: whoever comes in has completed it before, and whoever
leaves has completed it in the pit lane.
"""

from collections.abc import Callable
from dataclasses import replace

from livetiming.analysis.cells import Cells
from livetiming.analysis.counter import NOTHING, Change, Counter, count, settled
from livetiming.analysis.limits import DRIVERS, Share
from livetiming.analysis.model import Car, Stint
from livetiming.racing import CarState

IN_PITS = frozenset((CarState.PIT, CarState.FUEL, CarState.NOT_STARTED, CarState.FINISHED))


def first_seen(cells: Cells, now: float, flag: int) -> Car:
    """A car that was not there before. What its row says of laps happened before we came."""
    counter = Counter(laps=cells.laps or 0, column=cells.laps, last=cells.last)
    car = _described(Car(counter, worst=flag), cells)
    return car if cells.state in IN_PITS else _out(car, now)


def stepped(car: Car, cells: Cells, now: float, flag: int, room: Share) -> Car:
    """The car after a row that says `cells` at Unix second `now`, under flag number `flag`."""
    counter, change = count(car.count, cells.laps, cells.last, now)
    if counter is not car.count:
        car = _lapped(replace(car, count=counter), change, car.count.timed, now, flag)
        car = _trimmed(car, room)
    pits = cells.state in IN_PITS or (cells.state == "" and car.stint is None)  # an empty cell says nothing
    if pits and car.stint is not None:
        finished = replace(car.stint, in_progress=False, end=now)
        car = replace(car, stint=None, stints=(*car.stints, finished)[-room.stints :])
    car = _described(car, cells)
    return _out(car, now) if car.stint is None and not pits else car


def under(car: Car, flag: int) -> Car:
    """The car while this flag is shown."""
    return replace(car, worst=flag) if flag > car.worst else car


def _out(car: Car, now: float) -> Car:
    """The car leaves the pits, or starts."""
    counter, stints = settled(car.count), car.stints
    if stints and stints[-1].is_empty and (counter.laps or counter.column is not None):
        stints = stints[:-1]  # both would start with the same lap, and readers would not show the new one
    stint = Stint(counter.laps + 1, now, counter.laps, now, car.driver)
    return replace(car, count=counter, stint=stint, stints=stints)


def _described(car: Car, cells: Cells) -> Car:
    """Who is in the car, and what it is. An empty cell takes nothing back."""
    static = tuple(new or old for new, old in zip(cells.static, car.static, strict=True))
    if static != car.static:
        car = replace(car, static=(static[0], static[1], static[2]))
    drivers, driver = car.drivers, -1
    if cells.driver:
        if cells.driver not in drivers and len(drivers) < DRIVERS:
            drivers = (*drivers, cells.driver)
        driver = drivers.index(cells.driver) if cells.driver in drivers else -1
    if driver == car.driver and drivers is car.drivers:
        return car
    car = replace(car, drivers=drivers, driver=driver)
    if cells.driver and car.stint is not None:
        car = replace(car, stint=replace(car.stint, driver=driver))
    return car


# Laps


def _lapped(car: Car, change: Change, timed: bool, now: float, flag: int) -> Car:
    """The car with `change`; `timed` tells whether the newest lap before it has a time."""
    if change is NOTHING:
        return car
    if change.dropped:
        times = change.dropped if timed else change.dropped - 1
        car = _with_newest(car, lambda stint: stint.without(change.dropped, times))
        car = replace(car, worst=max(car.worst, car.sealed))
    if change.retimed is not None:
        late, sealed = change.retimed, car.sealed
        known = timed or change.dropped > 0
        car = _with_newest(car, lambda stint: stint.retimed(late) if known else stint.with_time(late, sealed))
    if change.renumbered and car.stint is not None:
        laps = car.count.laps
        start_lap = max(1, laps - len(car.stint.times) + 1)
        car = replace(car, stint=replace(car.stint, start_lap=start_lap, end_lap=laps))
    return _with_lap(car, change.time, now, flag) if change.passed else car


def _with_lap(car: Car, time: float | None, now: float, flag: int) -> Car:
    """The car after it has completed a lap: one of the stint, or in the pit lane of the stint before."""
    laps, worst = car.count.laps, car.worst
    car = replace(car, passed=now, worst=flag, sealed=worst)
    if car.stint is not None:
        return replace(car, stint=car.stint.with_lap(laps, time, worst, now))
    if car.stints:
        return replace(car, stints=(*car.stints[:-1], car.stints[-1].with_lap(laps, time, worst, now)))
    return car


def _with_newest(car: Car, change: Callable[[Stint], Stint]) -> Car:
    """The car with a change of the stint that its newest lap belongs to."""
    if car.stint is not None and not car.stint.is_empty:
        return replace(car, stint=change(car.stint))
    if car.stints:
        return replace(car, stints=(*car.stints[:-1], change(car.stints[-1])))
    return car


def _trimmed(car: Car, room: Share) -> Car:
    """The car without its oldest laps, where it has more than there is room for."""
    laps = sum(len(stint.times) for stint in car.stints)
    if laps + (len(car.stint.times) if car.stint else 0) <= room.laps:
        return car
    if car.stints:
        return replace(car, stints=car.stints[1:])
    return replace(car, stint=car.stint and car.stint.shortened())
