"""(analysis, state, time) → analysis."""

from collections.abc import Mapping

from livetiming.analysis.cars import first_seen, stepped, under
from livetiming.analysis.cells import Columns, Picked
from livetiming.analysis.limits import CARS, FLAG_PERIODS, share
from livetiming.analysis.messages import listened
from livetiming.analysis.model import Analysis, Car, Flags, Period, most_laps
from livetiming.racing import FlagStatus
from livetiming.state import State


def advance(analysis: Analysis, columns: Columns, state: State, now: float) -> Analysis:
    """The analysis after `state`, a checked one, at Unix second `now` (rounded to ms). Never raises.

    The rows are kept for the comparison with the next frame's: do not alter them.
    """
    now = round(now, 3)
    flag = int(FlagStatus.from_text(state["session"].get("flagState")))
    rows = columns.rows(state["cars"])
    cars = analysis.cars
    if flag != analysis.flags.current:
        cars = {number: under(car, flag) for number, car in cars.items()}
    cars = _moved(analysis, cars, columns, rows, now, flag)
    leader_lap = analysis.leader_lap if cars is analysis.cars else most_laps(cars)
    flags = _shown(analysis.flags, flag, leader_lap, now)
    after = Analysis(now, cars, leader_lap, flags, analysis.said, analysis.newest, rows, columns)
    return listened(after, state["messages"], share(len(cars)))


def _moved(
    analysis: Analysis, cars: Mapping[str, Car], columns: Columns, rows: Mapping[str, Picked], now: float, flag: int
) -> Mapping[str, Car]:
    """The cars after `rows`."""
    changed = _changed(analysis, columns, rows)
    if not changed:
        return cars
    room = share(len(cars))
    moved = dict(cars)
    for number in changed:
        cells, car = columns.read(rows[number]), moved.get(number)
        if car is not None:
            moved[number] = stepped(car, cells, now, flag, room)
        elif _has_room(moved, rows):
            moved[number] = first_seen(cells, now, flag)
    return moved


def _changed(analysis: Analysis, columns: Columns, rows: Mapping[str, Picked]) -> list[str]:
    """The cars whose row is not that of the frame before."""
    if analysis.columns is not columns:
        return list(rows)
    before, cars = analysis.rows, analysis.cars
    try:
        # There may have been no room for a car in the frame before.
        return [number for number, picked in rows.items() if before.get(number) != picked or number not in cars]
    except RecursionError:  # lists in lists in lists
        return list(rows)


def _has_room(cars: dict[str, Car], rows: Mapping[str, Picked]) -> bool:
    """Whether there is room for one more: one that has gone makes room, the longest known first."""
    if len(cars) < CARS:
        return True
    gone = next((number for number in cars if number not in rows), None)
    if gone is None:
        return False
    del cars[gone]
    return True


def _shown(flags: Flags, flag: int, leader_lap: int, now: float) -> Flags:
    """The flags after a frame that shows `flag`."""
    if flag == flags.current:
        return flags
    closed = flags.periods
    if closed:
        closed = (*closed[:-1], closed[-1]._replace(end_lap=leader_lap, end=now))
    return Flags((*closed, Period(flag, leader_lap, now))[-FLAG_PERIODS:])
