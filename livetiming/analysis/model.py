"""What is known of a race: values that never change; a step makes new ones of those that do (docs/analysis.md).

`as_list` is a value as readers get it. `json` is the same made ready for the file, once: a step that leaves a value
alone leaves its JSON alone too. Both are shared with whoever asked: treat them as constants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import orjson

from livetiming.analysis.cells import Columns, Picked
from livetiming.analysis.counter import Counter
from livetiming.racing import FlagStatus

Json = Any
Message = tuple[Any, ...]  # (Unix s, category, text, type or None, car number?)


def _ready(value: Json) -> orjson.Fragment:
    """The JSON of `value`, in no more memory than it needs: orjson's bytes have room for ten times as much."""
    return orjson.Fragment(bytes(memoryview(orjson.dumps(value))))


@dataclass(frozen=True)
class Stint:
    """Laps between two stops: in progress, or finished when the car came in. Times in Unix s, laps in s."""

    start_lap: int  # the first lap of the stint: those completed before, + 1
    start: float
    end_lap: int  # the last one completed; `start_lap` - 1 while there is none
    end: float  # in progress: of the last passing, or the start
    driver: int  # index in the car's drivers, or -1
    in_progress: bool = True
    times: tuple[float, ...] = ()  # of the laps whose time is known
    flags: bytes = b""  # the worst flag of each of them

    @property
    def is_empty(self) -> bool:
        """No lap was completed in it."""
        return self.end_lap < self.start_lap and not self.times

    def as_list(self) -> list[Json]:
        """The stint as readers know it (docs/analysis.md)."""
        counted = self.times[1:] if self.in_progress else self.times[1:-1]
        return [
            self.start_lap,
            self.start,
            self.end_lap,
            self.end,
            self.in_progress,
            self.driver,
            min(self.times, default=None),
            sum(flag >= FlagStatus.YELLOW for flag in self.flags),
            sum(counted) / len(counted) if counted else None,
            [[time, flag] for time, flag in zip(self.times, self.flags, strict=True)],
        ]

    @cached_property
    def json(self) -> orjson.Fragment:
        """The JSON of `as_list`."""
        return _ready(self.as_list())

    def with_lap(self, number: int, time: float | None, flag: int, now: float) -> "Stint":
        """The stint after lap `number` was completed; of one that is finished the end stays what it was."""
        longer = self if time is None else self.with_time(time, flag)
        return replace(
            longer,
            start_lap=min(self.start_lap, number),
            end_lap=number,
            end=now if self.in_progress else self.end,
        )

    def with_time(self, time: float, flag: int) -> "Stint":
        """The stint with the time of its newest lap, of which none was known."""
        return replace(self, times=(*self.times, time), flags=self.flags + bytes([flag]))

    def retimed(self, time: float) -> "Stint":
        """The stint with another time for its newest lap."""
        return replace(self, times=(*self.times[:-1], time)) if self.times else self

    def without(self, laps: int, times: int) -> "Stint":
        """The stint without its newest laps, of which `times` have a time."""
        kept = max(0, len(self.times) - times)
        end_lap = max(self.start_lap - 1, self.end_lap - laps)
        return replace(self, end_lap=end_lap, times=self.times[:kept], flags=self.flags[:kept])

    def shortened(self) -> "Stint":
        """The stint without its oldest lap, for want of room."""
        return replace(self, start_lap=self.start_lap + 1, times=self.times[1:], flags=self.flags[1:])


@dataclass(frozen=True)
class Said:
    """Messages, oldest first."""

    messages: tuple[Message, ...] = ()

    def as_list(self) -> list[Json]:
        """The messages as a state has them."""
        return [list(message) for message in self.messages]

    @cached_property
    def json(self) -> orjson.Fragment:
        """The JSON of `as_list`."""
        return _ready(self.messages)

    def with_newer(self, message: Message, limit: int) -> "Said":
        """These, after a newer one; the newest `limit` of them."""
        return Said((*self.messages, message)[-limit:])


@dataclass(frozen=True)
class Car:
    """One car. Without a stint in progress it is in the pits, or has not started."""

    count: Counter
    worst: int  # flag since the last passing
    static: tuple[str, str, str] = ("", "", "")  # class, team, vehicle
    drivers: tuple[str, ...] = ()
    driver: int = -1  # who is in the car: index in `drivers`, or -1
    passed: float | None = None  # when a lap was completed last, Unix s
    sealed: int = FlagStatus.NONE  # the worst flag of the lap that was completed last
    stint: Stint | None = None
    stints: tuple[Stint, ...] = ()  # finished ones, oldest first
    said: Said = Said()

    @cached_property
    def json(self) -> orjson.Fragment:
        """The car as a file keeps it."""
        kept = {
            "count": vars(self.count),
            "worst": self.worst,
            "static": self.static,
            "drivers": self.drivers,
            "driver": self.driver,
            "passed": self.passed,
            "sealed": self.sealed,
            "stint": self.stint and self.stint.json,
            "stints": [stint.json for stint in self.stints],
            "said": self.said.json,
        }
        return _ready(kept)


class Period(NamedTuple):
    """One flag, from when it was shown until another one was; laps are the leader's."""

    flag: int
    start_lap: int
    start: float
    end_lap: int | None = None
    end: float | None = None


@dataclass(frozen=True)
class Flags:
    """The flags of the session so far; the newest period is running."""

    periods: tuple[Period, ...] = ()

    @property
    def current(self) -> int | None:
        """The number of the flag, None before the first frame."""
        return self.periods[-1].flag if self.periods else None

    @cached_property
    def as_list(self) -> list[Json]:
        """The periods as readers know them."""
        return [list(period) for period in self.periods]


@dataclass(frozen=True)
class Analysis:
    """Everything that is known of a race. A step copies what changes: what `is` the same has not changed."""

    EMPTY: ClassVar["Analysis"]

    now: float | None = None  # Unix s of the newest frame
    cars: Mapping[str, Car] = field(default_factory=dict)  # by number, in order of appearance
    leader_lap: int = 0  # the most laps that a car has completed
    flags: Flags = Flags()
    said: Said = Said()  # messages of no car
    newest: Message | None = None  # (Unix s, category, text) of the newest message of all
    # The rows of the newest frame: those that stay the same need no look. Not part of what is known.
    rows: Mapping[str, Picked] = field(default_factory=dict, compare=False, repr=False)
    columns: Columns | None = field(default=None, compare=False, repr=False)


Analysis.EMPTY = Analysis()


def most_laps(cars: Mapping[str, Car]) -> int:
    """The leader's lap."""
    return max((car.count.laps for car in cars.values()), default=0)
