"""A stint: the laps of a car from leaving the pits until it enters them again."""

from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Any

import orjson

from livetiming.racing import FlagStatus

LAPS_LIMIT = 5000  # of one stint; a feed that knows no pits makes one stint of the whole race

Lap = tuple[float, int]  # s, worst flag's number


@dataclass(frozen=True)
class Stint:
    """Laps are counted as the feed counts them, from 1: `start_lap` is the first one that is driven in the stint."""

    start_lap: int
    start: float  # Unix s
    driver: int  # index in the car's drivers, or -1
    end_lap: int  # the last one completed; start_lap - 1 before the first
    end: float  # Unix s: the last passing, or the entry into the pits
    in_progress: bool = True
    laps: tuple[Lap, ...] = ()

    def with_lap(self, lap: Lap, number: int) -> "Stint":
        """The stint with one more lap, after which the car has completed `number`."""
        return replace(self, laps=(*self.laps, lap)[-LAPS_LIMIT:], end_lap=max(number, self.start_lap - 1))

    def with_time(self, seconds: float) -> "Stint":
        """The stint with another time for its last lap."""
        *before, (_, flag) = self.laps
        return replace(self, laps=(*before, (seconds, flag)))

    @cached_property
    def document(self) -> list[Any]:
        """The list that readers know (docs/analysis.md)."""
        times = [seconds for seconds, _ in self.laps]
        counted = times[1:] if self.in_progress else times[1:-1]  # without out-lap and in-lap
        return [
            self.start_lap,
            self.start,
            self.end_lap,
            self.end,
            self.in_progress,
            self.driver,
            min(times, default=None),
            sum(flag >= FlagStatus.YELLOW for _, flag in self.laps),
            fmean(counted) if counted else None,
            [list(lap) for lap in self.laps],
        ]

    @cached_property
    def json(self) -> orjson.Fragment:
        """What is kept of it: the document's first six, and the laps."""
        whole = self.document
        return orjson.Fragment(orjson.dumps([*whole[:6], whole[9]]))
