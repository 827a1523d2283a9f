"""The analysis of a whole race, one state after the other."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from livetiming.analysis.car import Car, step
from livetiming.analysis.columns import TEXT_LIMIT, Columns, Row, cell, text
from livetiming.racing import FlagStatus
from livetiming.state import RaceMessage, State

CARS_LIMIT = 500  # a feed that invents more is not followed there
MESSAGES_LIMIT = 1000  # of one car, and of the track; the newest are kept
PERIODS_LIMIT = 2000  # flag periods; the newest are kept

Period = tuple[int, int, float, int | None, float | None]  # flag, start lap, start s, end lap, end s
Cars = dict[str, Car]


@dataclass(frozen=True)
class Analysis:
    """All that is known of a race. Parts that have not changed are the same objects in the analyses before."""

    cars: "Cars"  # by number, in order of appearance; a constant
    flag: int | None = None  # the flag's number; None before the first state
    periods: tuple[Period, ...] = ()  # the last one is running
    leader_lap: int = 0
    now: float | None = None  # Unix s of the latest state
    newest: tuple[Any, ...] | None = None  # (time, category, text) of the newest message that is known
    messages: tuple[RaceMessage, ...] = ()  # of no car, oldest first

    EMPTY: ClassVar["Analysis"]


Analysis.EMPTY = Analysis({})


def advance(analysis: Analysis, columns: Columns, state: State, now: float) -> Analysis:
    """The analysis after `state`, of Unix second `now`, whose rows have `columns`. No state makes it raise."""
    flag = int(FlagStatus.from_text(state["session"].get("flagState")))
    known = analysis.cars if flag == analysis.flag else _flagged(analysis.cars, flag)
    cars = _rows(known, columns, state["cars"], flag, now)
    leader = analysis.leader_lap
    if cars is not analysis.cars:
        leader = max((car.laps for car in cars.values()), default=0)
    fresh = _new_messages(analysis.newest, state["messages"])
    newest = analysis.newest
    messages = analysis.messages
    if fresh:
        newest = tuple(fresh[0][:3])
        cars = _with_messages(cars, fresh)
        ours = [message for message in reversed(fresh) if _is_of_no_car(message) and message[3] is not None]
        messages = (*messages, *ours)[-MESSAGES_LIMIT:] if ours else messages
    periods = analysis.periods
    if flag != analysis.flag:
        periods = _periods(periods, flag, leader, now)
    return Analysis(cars, flag, periods, leader, now, newest, messages)


def _rows(cars: Cars, columns: Columns, rows: list[Row], flag: int, now: float) -> Cars:
    """The cars after the state's rows; the same object where nothing has changed."""
    changed: Cars = {}
    seen: set[str] = set()  # of two rows with one number the first counts
    key_of, num = columns.key, columns.num
    for row in rows:
        try:
            key, number = key_of(row), row[num]  # type: ignore[index]  # TypeError where there is no number
        except (IndexError, TypeError):
            key, number = list(row), cell(row, num)
        if type(number) is not str:
            number = text(number)
        if number in seen:
            continue
        seen.add(number)
        car = cars.get(number)
        if car is not None and car.key == key:
            continue
        if not number or len(number) > TEXT_LIMIT:
            continue
        if car is None and len(cars) + len(changed) >= CARS_LIMIT:
            continue
        changed[number] = step(car or Car(worst=flag), columns, row, key, flag, now)
    return {**cars, **changed} if changed else cars


def _flagged(cars: Cars, flag: int) -> Cars:
    """The cars under another flag."""
    return {number: replace(car, worst=flag) if flag > car.worst else car for number, car in cars.items()}


def _periods(periods: tuple[Period, ...], flag: int, lap: int, now: float) -> tuple[Period, ...]:
    if periods:
        last = periods[-1]
        periods = (*periods[:-1], (*last[:3], lap, now))
    return (*periods, (flag, lap, now, None, None))[-PERIODS_LIMIT:]


def _new_messages(newest: tuple[Any, ...] | None, messages: list[RaceMessage]) -> list[RaceMessage]:
    """The messages before the first that equals the newest known one; newest first, as they came."""
    fresh: list[RaceMessage] = []
    for message in messages:
        if not isinstance(message, list | tuple) or len(message) < 4:
            continue
        if newest is not None and tuple(message[:3]) == newest:
            return fresh
        fresh.append(list(message))
    if newest is None or not fresh:
        return fresh
    # The known one is gone: the list was begun anew, or more came at once than a state holds.
    return [message for message in fresh if _not_before(message[0], newest[0])]


def _not_before(time: Any, known: Any) -> bool:
    numbers = isinstance(time, int | float) and isinstance(known, int | float)
    return not numbers or time >= known


def _is_of_no_car(message: RaceMessage) -> bool:
    return len(message) < 5 or message[4] in (None, "")


def _with_messages(cars: Cars, fresh: list[RaceMessage]) -> Cars:
    """The cars with their new messages; those of pit stops are what stints tell."""
    changed: Cars = {}
    for message in reversed(fresh):
        number = "" if _is_of_no_car(message) else text(message[4])
        car = changed.get(number) or cars.get(number)
        if car is not None and message[3] not in ("pit", "out"):
            changed[number] = replace(car, messages=(*car.messages, message)[-MESSAGES_LIMIT:])
    return {**cars, **changed} if changed else cars
