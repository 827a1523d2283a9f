"""One car of a session, as its laps, stints and stops tell it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from livetiming.openf1.board import Board
from livetiming.openf1.flags import Track
from livetiming.openf1.records import SECTORS, Lap, Stint
from livetiming.racing import CarState

RETIRED_AFTER = 4  # laps that the car with the most laps has begun since this one last crossed the line
FLAG_SLACK = 5.0  # seconds; the starts of laps are approximate


@dataclass(frozen=True)
class Car:
    """A car of one board. Times in seconds, None where there is none yet."""

    number: int
    laps: Mapping[int, Lap]
    stint: Stint | None  # the one it is in
    stops: int

    @cached_property
    def newest_first(self) -> list[Lap]:
        """Its laps, the one that was begun last first."""
        return [self.laps[number] for number in sorted(self.laps, reverse=True)]

    @property
    def current(self) -> Lap | None:
        """The lap that was begun last."""
        return self.newest_first[0] if self.newest_first else None

    @property
    def completed(self) -> int:
        """Laps completed: a lap that is begun completes the one before it, timed or not."""
        lap = self.current
        return 0 if lap is None else lap.number if lap.duration is not None else lap.number - 1

    @property
    def last(self) -> Lap | None:
        """The latest lap that has a time."""
        return next((lap for lap in self.newest_first if lap.duration is not None), None)

    @cached_property
    def best(self) -> float | None:
        """The best lap time."""
        return least(lap.duration for lap in self.newest_first)

    @cached_property
    def best_sectors(self) -> list[float | None]:
        """The best time in each sector."""
        return [least(lap.sectors[index] for lap in self.newest_first) for index in range(SECTORS)]

    def sector(self, index: int) -> tuple[float | None, bool]:
        """The latest time in sector `index`, from 0 on, and whether it is of an earlier lap than the current one."""
        for lap in self.newest_first:
            time = lap.sectors[index]
            if time is not None:
                return time, lap is not self.current
        return None, False

    @property
    def speed(self) -> float | None:
        """The latest speed at the trap, km/h."""
        return next((lap.speed for lap in self.newest_first if lap.speed is not None), None)

    @property
    def best_speed(self) -> float | None:
        """The highest speed at the trap, km/h."""
        return max((lap.speed for lap in self.newest_first if lap.speed is not None), default=None)

    @property
    def tyre_laps(self) -> int | None:
        """Laps completed on these tyres since they were fitted."""
        if self.stint is None or self.stint.first_lap is None:
            return None
        return max(0, self.completed - self.stint.first_lap + 1)

    def has_finished(self, track: Track) -> bool:
        """Whether its last lap ended under the chequered flag."""
        lap = self.current
        if track.chequered_at is None or lap is None or lap.start is None or lap.duration is None:
            return False
        return lap.start + lap.duration >= track.chequered_at - FLAG_SLACK

    def has_retired(self, front: "Car") -> bool:
        """Whether, in a race, it stays away for so long that it will not come back."""
        lap = self.current
        since = lap.start if lap is not None and lap.start is not None else 0.0
        return sum(1 for other in front.newest_first if (other.start or 0.0) > since) >= RETIRED_AFTER

    def in_pit_lane(self) -> bool:
        """By the mini-sectors; in the garage those of its new lap are still to come."""
        for lap in self.newest_first[:2]:
            if lap.in_pit_lane is not None:
                return lap.in_pit_lane
        return False


def cars_of(board: Board) -> dict[int, Car]:
    """All cars, by number."""
    found = {}
    for number in board.cars():
        stints = board.stints.get(number, {})
        stint = stints[max(stints)] if stints else None
        found[number] = Car(number, board.laps.get(number, {}), stint, len(board.stops.get(number, {})))
    return found


def state_of(car: Car, board: Board, track: Track, front: Car) -> CarState:
    """What stands in the car's STATE. `front` is the car with the most laps."""
    lap = car.current
    if car.has_finished(track):
        return CarState.FINISHED
    race = board.session.is_race
    if race and car.has_retired(front):
        return CarState.RETIRED if car.laps else CarState.NOT_STARTED
    if lap is None:
        return CarState.NOT_STARTED
    # In a race nothing tells of the pit lane until a car has left it.
    if car.number in board.pitting if race else car.in_pit_lane():
        return CarState.PIT
    return CarState.OUT if lap.pit_out and lap.duration is None else CarState.RUN


def least(times: Iterable[float | None]) -> float | None:
    """The shortest of the times that there are."""
    return min((time for time in times if time is not None), default=None)
