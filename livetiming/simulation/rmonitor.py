"""A race as an RMonitor server tells it: heartbeats, changes, and the whole state every half minute.

With IMSA's line crossings, so that who is in the pits is known. The protocol has one yellow flag: all cautions are it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from livetiming.racing import FlagStatus
from livetiming.simulation.grid import CLASSES, Driver
from livetiming.simulation.race import (
    Car,
    Event,
    FlagShown,
    LineCrossed,
    PitEntered,
    PitLeft,
    Race,
    Retired,
)
from livetiming.times import format_padded

REFRESH_BEATS = 30  # heartbeats
INTERVAL = 30.0  # seconds from the end of a race to the next one's beginning
_TRACK = "Kestrel Ridge"
_TIME_OF_DAY = 14 * 3600  # when every simulation begins: the same seed gives the same lines
_DAY = 24 * 3600
_DATE, _LONG_DATE = "06/15/2024", "15 Jun 24"
_FLAGS = {
    FlagStatus.NONE: "      ",
    FlagStatus.GREEN: "Green ",
    FlagStatus.RED: "Red   ",
    FlagStatus.CHEQUERED: "Finish",
}
_CAUTION = "Yellow"


@dataclass(slots=True, eq=False)
class _Standing:
    """What has been sent of a car."""

    car: Car
    driver: str  # record fields: "first","last"
    position: int
    best_position: int
    laps: int | None = None
    total: float | None = None
    best: float | None = None
    best_lap: int = 0
    status: str = ""

    def place(self) -> str:
        """$G."""
        laps = "" if not self.laps else self.laps
        return f'$G,{self.position},"{self.car.starter.number}",{laps},"{format_padded(self.total or 0.0)}"'

    def best_place(self) -> str:
        """$H."""
        number, best = self.car.starter.number, format_padded(self.best or 0.0)
        return f'$H,{self.best_position},"{number}",{self.best_lap},"{best}"'

    def entry(self) -> list[str]:
        """$A and $COMP."""
        starter = self.car.starter
        number, class_id = f'"{starter.number}","{starter.number}"', class_id_of(self.car)
        return [
            f'$A,{number},{starter.transponder},{self.driver},"",{class_id}',
            f'$COMP,{number},{class_id},{self.driver},"{self.status}","{starter.team}"',
        ]

    def race_key(self) -> tuple[float, ...]:
        """By laps and total time; who has not started, as on the grid."""
        if self.laps is None or self.total is None:
            return (1, self.car.starter.index)
        return (0, -self.laps, self.total)

    def best_key(self) -> tuple[float, ...]:
        """By best lap."""
        return (self.best is None, self.best or 0.0, self.car.starter.index)


class Transmission:
    """One race told as lines (without their ends). `number` tells the races of one server apart."""

    def __init__(self, race: Race, number: int = 1, began: float = 0.0) -> None:
        self.race = race
        self.number = number
        self.began = began  # s, where the races before it took time
        self.flag = FlagStatus.NONE
        self.over_at: float | None = None  # when every car had finished or retired
        self._beats = 0
        self._race_time = 0
        self._cars = {
            id(car): _Standing(car, _names(car.driver), place, place) for place, car in enumerate(race.cars, start=1)
        }
        self._by_race = list(self._cars.values())
        self._by_best = list(self._by_race)

    def opening(self) -> list[str]:
        """What a server sends when it clears its scoreboard for this race."""
        init = f'$I,"{self._time_of_day(0)}.000","{_LONG_DATE}"'
        return [init, init, *self.refresh()]

    def advance(self, to: float) -> list[str]:
        """The lines of everything up to `to` (s since the beginning). The first heartbeat is at second 0."""
        lines: list[str] = []
        while self._beats <= to:
            beat = self._beats
            lines += self._tell(self.race.advance(beat))
            lines += self.opening() if beat == 0 else self.refresh() if beat % REFRESH_BEATS == 0 else []
            lines.append(self.heartbeat(beat))
            self._beats += 1
        lines += self._tell(self.race.advance(to))
        return lines

    def refresh(self) -> list[str]:
        """The whole state, as it is repeated, and as a client that has just come gets it."""
        race, standings = self.race, self._by_race
        classes = {class_id_of(car): car.starter.race_class.name for car in race.cars}
        lines = [f'$B,{self.run_id},"{self.description}"']
        lines += [f'$C,{class_id},"{name}"' for class_id, name in classes.items()]
        lines += [f'$E,"TRACKNAME","{_TRACK}"', f'$E,"TRACKLENGTH","{race.track_km:.3f}"']
        for standing in self._cars.values():
            lines += standing.entry()
        lines += [standing.place() for standing in standings]
        return lines + [standing.best_place() for standing in self._by_best]

    def snapshot(self) -> list[str]:
        """What a client that comes now is sent at once."""
        return [*self.refresh(), self.heartbeat(max(0, self._beats - 1))]

    def heartbeat(self, beat: int) -> str:
        """$F at second `beat`. Race and clock stand still when the race is over."""
        race = self.race
        if self.over_at is None:
            self._race_time = max(0, int(beat - race.green_at))
        to_go = max(0, int(race.ends_at - max(beat, race.green_at)))
        flag = _FLAGS.get(self.flag, _CAUTION)
        clocks = f'"{format_padded(to_go, 0)}","{self._time_of_day(beat)}","{format_padded(self._race_time, 0)}"'
        return f'$F,9999,{clocks},"{flag}"'

    @property
    def run_id(self) -> int:
        """1 to 94: 95 means that nothing is on."""
        return (self.number - 1) % 94 + 1

    @property
    def description(self) -> str:
        """The run's name."""
        return f"Simulated race {self.number}" if self.number > 1 else "Simulated race"

    def _time_of_day(self, at: float) -> str:
        return format_padded((_TIME_OF_DAY + int(self.began + at)) % _DAY, 0)

    def _line(self, car: Car, at: float, line: str, line_type: str) -> str:
        """$L."""
        time = f"{self._time_of_day(at)}.{int(at * 1000) % 1000:03d}"
        return f'$L,"{car.starter.number}","{line}","{line_type}","{_DATE}","{time}"'

    def _tell(self, events: list[Event]) -> Iterator[str]:
        for event in events:
            if isinstance(event, FlagShown):
                self.flag = event.flag
                yield self.heartbeat(int(event.at))  # at once, as real servers do
            elif isinstance(event, LineCrossed):
                yield from self._crossing(event)
            elif isinstance(event, PitEntered):
                yield self._line(event.car, event.at, "P3", "PIP")
            elif isinstance(event, PitLeft):
                yield from self._pit_exit(event)
            elif isinstance(event, Retired):
                standing = self._cars[id(event.car)]
                standing.status = "Retired"
                yield from standing.entry()
        if self.over_at is None and self.race.over:
            self.over_at = events[-1].at if events else 0.0

    def _pit_exit(self, event: PitLeft) -> Iterator[str]:
        yield self._line(event.car, event.at, "P2", "POP")
        if event.changed:
            standing = self._cars[id(event.car)]
            standing.driver = _names(event.driver)
            yield from standing.entry()

    def _crossing(self, event: LineCrossed) -> Iterator[str]:
        """The line, the crossing, the car's own positions, and then whose positions it has changed."""
        car, standing = event.car, self._cars[id(event.car)]
        number = car.starter.number
        yield self._line(car, event.at, *(("P1", "SFP") if event.in_pits else ("T1", "SFT")))
        yield f'$J,"{number}","{format_padded(event.lap_time or 0.0)}","{format_padded(event.total)}"'
        standing.laps, standing.total = event.laps, event.total
        if event.lap_time is not None and (standing.best is None or event.lap_time < standing.best):
            standing.best, standing.best_lap = event.lap_time, event.laps
        moved = _place(self._by_race, _Standing.race_key, "position", standing)
        moved_best = _place(self._by_best, _Standing.best_key, "best_position", standing)
        yield standing.place()
        yield standing.best_place()
        yield from (other.place() for other in moved)
        yield from (other.best_place() for other in moved_best)


class Season:
    """Races one after the other, the next seed each time; or one race, whose result stays on."""

    def __init__(self, make: Callable[[int], Race], *, loop: bool = False) -> None:
        """`make(n)` is the race after n others."""
        self._make = make
        self._loop = loop
        self._now = 0.0
        self.current = Transmission(make(0))

    def advance(self, to: float) -> list[str]:
        """The lines of everything up to `to` (s since the beginning); the same ones in steps of any size."""
        lines: list[str] = []
        for second in range(math.floor(self._now) + 1, math.floor(to) + 1):
            lines += self.current.advance(second - self.current.began)
            over_at = self.current.over_at
            if self._loop and over_at is not None and second >= self.current.began + over_at + INTERVAL:
                number = self.current.number + 1
                self.current = Transmission(self._make(number - 1), number, began=second)
        self._now = to
        lines += self.current.advance(to - self.current.began)
        return lines

    def snapshot(self) -> list[str]:
        """What a client that comes now is sent at once."""
        return self.current.snapshot()


def class_id_of(car: Car) -> int:
    """The class's number in records."""
    return CLASSES.index(car.starter.race_class) + 1


def _names(driver: Driver) -> str:
    return f'"{driver.first_name}","{driver.last_name}"'


def _place(
    standings: list[_Standing], key: Callable[[_Standing], tuple[float, ...]], place: str, moved: _Standing
) -> list[_Standing]:
    """Sort, number anew, and tell who but `moved` has another place now."""
    standings.sort(key=key)
    others = []
    for position, standing in enumerate(standings, start=1):
        if getattr(standing, place) != position:
            setattr(standing, place, position)
            if standing is not moved:
                others.append(standing)
    return others
