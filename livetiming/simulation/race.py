"""A multi-class endurance race as a sequence of events. Pure and deterministic: time is what `advance` is given.

Every car has exactly one step ahead of it (the end of a sector, the pit entry, the finish line, the pit exit, its
retirement), and all these steps stand in one queue in order of time. All chance is drawn while steps are taken, so
a seed gives the same race whatever the steps of `advance` are.

A short race is run on a short track: laps, stops and cautions shrink, so that there is always something to see.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from livetiming.racing import CarState, FlagStatus
from livetiming.simulation.cautions import flag_plan, lap_factor
from livetiming.simulation.grid import CAR_LIMIT, Driver, Starter, starters

GRID_SECONDS = 10.0  # from the beginning to the green flag
FULL_LENGTH = 20.0  # minutes of race from which on the track has its full length
FULL_TRACK_KM = 5.8
_SHORTEST_SCALE = 0.2
_SECTORS = (0.285, 0.395, 0.320)  # shares of a lap
_START_INTERVAL = 0.45  # seconds between two cars at the rolling start
_PIT_ENTRY, _PIT_LANE, _PIT_EXIT = 9.0, 4.0, 6.0  # s before the line; s lost before it; s lost after the stop
_STOP = (45.0, 85.0)  # seconds from the line to the pit exit


@dataclass(frozen=True)
class FlagShown:
    """Another flag is shown."""

    at: float
    flag: FlagStatus


@dataclass(frozen=True)
class LineCrossed:
    """The finish line. `laps` is 0 and `lap_time` None for the start."""

    at: float
    car: "Car"
    in_pits: bool
    laps: int
    lap_time: float | None
    total: float


@dataclass(frozen=True)
class SectorDone:
    """The end of sector 0 or 1; the line is the end of sector 2."""

    at: float
    car: "Car"
    sector: int
    time: float


@dataclass(frozen=True)
class PitEntered:
    """The car is in the pit lane."""

    at: float
    car: "Car"


@dataclass(frozen=True)
class PitLeft:
    """The car is on the track again, with `driver` in it."""

    at: float
    car: "Car"
    driver: Driver
    changed: bool


@dataclass(frozen=True)
class Retired:
    """The car has stopped for good."""

    at: float
    car: "Car"


Event = FlagShown | LineCrossed | SectorDone | PitEntered | PitLeft | Retired


class Step(Enum):
    """What a car does next."""

    START = auto()
    SECTOR = auto()
    LINE = auto()
    PIT_ENTRY = auto()
    PIT_EXIT = auto()
    RETIRE = auto()


@dataclass(slots=True, eq=False)
class Car:
    """One car and how far it is. Times in seconds since the beginning, totals since the green flag."""

    starter: Starter
    driver: Driver
    stint_left: int
    retires: float | None
    state: CarState = CarState.NOT_STARTED
    laps: int = 0
    total: float = 0.0
    last: float | None = None
    best: float | None = None
    best_lap: int = 0
    pits: int = 0
    tyre_age: int = 0
    lines: int = 0  # timing lines passed since the start, three a lap
    line_at: float = 0.0
    sectors: list[float | None] = field(default_factory=lambda: [None, None, None])
    best_sectors: list[float | None] = field(default_factory=lambda: [None, None, None])
    # What comes next.
    step: Step = Step.START
    due: float = 0.0
    sector: int = 0
    began: float = 0.0  # of this sector
    lap_began: float = 0.0
    line_due: float = 0.0  # when the pit entry is the next step
    version: int = 0  # entries of the queue with another one are out of date

    @property
    def done(self) -> bool:
        """Finished or retired."""
        return self.state in (CarState.FINISHED, CarState.RETIRED)


class Race:
    """`cars` cars for `minutes` of green flag and what the leader needs to complete its lap."""

    def __init__(self, seed: int | str = 1, cars: int = 24, minutes: float = 30.0) -> None:
        if not 1 <= cars <= CAR_LIMIT or not minutes > 0:
            raise ValueError(
                f"{cars} cars, {minutes:g} minutes: there must be 1 to {CAR_LIMIT} cars, and more than 0 minutes"
            )
        self.seed = seed
        self.minutes = minutes
        self.scale = min(1.0, max(_SHORTEST_SCALE, minutes / FULL_LENGTH))
        self.track_km = round(FULL_TRACK_KM * self.scale, 3)
        self.green_at = GRID_SECONDS
        self.ends_at = GRID_SECONDS + minutes * 60  # the leader finishes when it completes the lap it is on then
        self.flag = FlagStatus.NONE
        self._rng = random.Random(f"race {seed} {cars} {minutes:g}")
        self.cars = [self._car(starter) for starter in starters(self._rng, cars)]
        self._queue: list[tuple[float, int, int]] = []  # (time, car's index, version), car -1 for flags
        self._flags = flag_plan(self._rng, self.green_at, self.ends_at)
        for version, (at, _) in enumerate(self._flags):
            self._queue.append((at, -1, version))
        for car in self.cars:
            self._plan(car, Step.START, self.green_at + _START_INTERVAL * (car.starter.index + 1))

    @property
    def over(self) -> bool:
        """Every car has finished or retired."""
        return all(car.done for car in self.cars)

    def running_order(self) -> list[Car]:
        """By timing lines passed, and who passed the latest first; the grid before the start."""
        return sorted(self.cars, key=lambda car: (-car.lines, car.line_at, car.starter.index))

    def advance(self, to: float) -> list[Event]:
        """Take all steps up to second `to`; what happened, in order of time."""
        events: list[Event] = []
        while self._queue and self._queue[0][0] <= to:
            at, index, version = heapq.heappop(self._queue)
            if index < 0:
                events += self._show(at, self._flags[version][1])
            elif self.cars[index].version == version:
                events += self._take(self.cars[index], at)
        return events

    # -- setting up

    def _car(self, starter: Starter) -> Car:
        rng = self._rng
        car = Car(starter, rng.choice(starter.drivers), 0, None)
        car.stint_left = self._stint(car)
        if rng.random() < 0.25:  # some run a short first stint
            car.stint_left = rng.randint(2, max(2, car.stint_left))
        if rng.random() < 0.1:
            car.retires = self.green_at + rng.uniform(0.05, 1.0) * self.minutes * 60
        return car

    def _stint(self, car: Car) -> int:
        """Laps until the next stop: what the tank lasts, but two stops a race in any case."""
        race_laps = self.minutes * 60 / (car.starter.lap * self.scale)
        longest = max(3, min(car.starter.race_class.stint, round(race_laps / 2.5)))
        return self._rng.randint(max(2, longest - 4), longest)

    def _plan(self, car: Car, step: Step, at: float) -> None:
        car.step, car.due = step, round(at, 3)
        car.version += 1
        heapq.heappush(self._queue, (car.due, car.starter.index, car.version))

    # -- steps

    def _show(self, at: float, flag: FlagStatus) -> Iterator[Event]:
        before, self.flag = lap_factor(self.flag), flag
        scale = lap_factor(flag) / before
        for car in self.cars:
            if (
                scale != 1.0
                and not car.done
                and car.state is not CarState.PIT
                and car.step in (Step.SECTOR, Step.LINE, Step.PIT_ENTRY)
            ):
                car.line_due = at + (car.line_due - at) * scale
                self._plan(car, car.step, at + (car.due - at) * scale)
        yield FlagShown(at, flag)

    def _take(self, car: Car, at: float) -> Iterator[Event]:
        if car.step is Step.START:
            car.state, car.line_at = CarState.RUN, at
            car.total = round(at - self.green_at, 3)
            self._begin_lap(car, at)
            yield LineCrossed(at, car, False, 0, None, car.total)
        elif car.step is Step.SECTOR:
            yield self._end_sector(car, at)
            car.sector += 1
            self._begin_sector(car, at, self._sector_time(car))
        elif car.step is Step.PIT_ENTRY:
            car.state = CarState.PIT
            car.pits += 1
            self._plan(car, Step.LINE, car.line_due)
            yield PitEntered(at, car)
        elif car.step is Step.LINE:
            yield from self._cross_line(car, at)
        elif car.step is Step.PIT_EXIT:
            yield self._leave_pits(car, at)
        else:
            car.state = CarState.RETIRED
            yield Retired(at, car)

    def _end_sector(self, car: Car, at: float) -> SectorDone:
        time = round(at - car.began, 3)
        car.sectors[car.sector] = time
        best = car.best_sectors[car.sector]
        car.best_sectors[car.sector] = time if best is None else min(best, time)
        car.lines += 1
        car.line_at = at
        if car.state is CarState.OUT and car.sector == 0:
            car.state = CarState.RUN
        return SectorDone(at, car, car.sector, time)

    def _cross_line(self, car: Car, at: float) -> Iterator[Event]:
        in_pits = car.state is CarState.PIT
        self._end_sector(car, at)
        car.laps += 1
        car.tyre_age += 1
        car.stint_left -= 1
        car.total = round(at - self.green_at, 3)
        car.last = round(at - car.lap_began, 3)
        if car.best is None or car.last < car.best:
            car.best, car.best_lap = car.last, car.laps
        if at >= self.ends_at and self.flag is not FlagStatus.CHEQUERED and car is self._leader():
            self.flag = FlagStatus.CHEQUERED
            yield FlagShown(at, self.flag)
        if self.flag is FlagStatus.CHEQUERED:
            car.state = CarState.FINISHED
        elif in_pits:
            car.lap_began = car.began = at
            car.sector = 0
            self._plan(car, Step.PIT_EXIT, at + self._rng.uniform(*_STOP) * self.scale)
        else:
            self._begin_lap(car, at)
        yield LineCrossed(at, car, in_pits, car.laps, car.last, car.total)

    def _leader(self) -> Car | None:
        running = (car for car in self.cars if not car.done)
        return max(running, key=lambda car: (car.laps, -car.total), default=None)

    def _leave_pits(self, car: Car, at: float) -> PitLeft:
        rng, crew = self._rng, car.starter.drivers
        before = car.driver
        if rng.random() < 0.7:
            car.driver = crew[(crew.index(before) + 1) % len(crew)]
        car.tyre_age, car.stint_left, car.state = 0, self._stint(car), CarState.OUT
        rest = self._sector_time(car) + _PIT_EXIT * self.scale
        self._begin_sector(car, at, rest, began=car.lap_began)
        return PitLeft(at, car, car.driver, changed=car.driver is not before)

    # -- pace

    def _begin_lap(self, car: Car, at: float) -> None:
        car.lap_began, car.sector = at, 0
        self._begin_sector(car, at, self._sector_time(car))

    def _begin_sector(self, car: Car, at: float, time: float, began: float | None = None) -> None:
        car.began = at if began is None else began
        ends = at + time
        if car.retires is not None and car.retires <= ends:
            self._plan(car, Step.RETIRE, max(at, car.retires))
        elif car.sector < 2:
            self._plan(car, Step.SECTOR, ends)
        elif car.stint_left <= 1 and ends < self.ends_at:
            car.line_due = ends + _PIT_LANE * self.scale
            self._plan(car, Step.PIT_ENTRY, max(at, ends - _PIT_ENTRY * self.scale))
        else:
            self._plan(car, Step.LINE, ends)

    def _sector_time(self, car: Car) -> float:
        """Pace, driver, tyres, fuel, chance, now and then a mistake, and the flag."""
        rng = self._rng
        lap = car.starter.lap + car.driver.slower + 0.045 * car.tyre_age + 0.03 * car.stint_left
        if car.laps == 0:
            lap += 4.0  # everybody is in everybody's way
        time = lap * _SECTORS[car.sector] + rng.gauss(0.0, 0.22) + rng.expovariate(1 / 0.18)
        if rng.random() < 0.01:
            time += rng.uniform(2.0, 15.0)
        return time * self.scale * lap_factor(self.flag)
