"""A stint: the laps of a car from leaving the pits until it enters them again."""

from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from livetiming.racing import FlagStatus

LAPS_LIMIT = 5000  # of one stint; a feed that knows no pits makes one stint of the whole race


@dataclass(frozen=True)
class Stint:
    """Laps are counted as the feed counts them, from 1: `start_lap` is the first one that is driven in the stint.

    Lap times and flags are kept apart, because a race has tens of thousands of them.
    """

    start_lap: int
    start: float  # Unix s
    driver: int  # index in the car's drivers, or -1
    end_lap: int  # the last one completed; start_lap - 1 before the first
    end: float  # Unix s: the last passing, or the entry into the pits
    in_progress: bool = True
    times: tuple[float, ...] = ()  # s
    flags: bytes = b""  # of each lap the worst flag's number

    def with_lap(self, seconds: float, flag: int, number: int) -> "Stint":
        """The stint with one more lap, after which the car has completed `number`."""
        return replace(
            self,
            times=(*self.times, seconds)[-LAPS_LIMIT:],
            flags=(self.flags + bytes([flag]))[-LAPS_LIMIT:],
            end_lap=max(number, self.start_lap - 1),
        )

    def with_time(self, seconds: float) -> "Stint":
        """The stint with another time for its last lap."""
        return replace(self, times=(*self.times[:-1], seconds))

    def document(self) -> list[Any]:
        """The list that readers know (docs/analysis.md)."""
        counted = self.times[1:] if self.in_progress else self.times[1:-1]  # without out-lap and in-lap
        return [
            self.start_lap,
            self.start,
            self.end_lap,
            self.end,
            self.in_progress,
            self.driver,
            min(self.times, default=None),
            sum(flag >= FlagStatus.YELLOW for flag in self.flags),
            fmean(counted) if counted else None,
            [list(lap) for lap in zip(self.times, self.flags, strict=True)],
        ]
