"""The analysis as a file keeps it, to go on from exactly there.

JSON: `{"version": 1, "now", "flags": flagStats, "newest", "said": [message, …], "cars": {number: car}}`. A car is
`{"count": {…}, "worst", "static", "drivers", "driver", "passed", "sealed", "stint", "stints", "said"}`; stints and
messages are as readers get them. Only what changed since the last time is made into JSON anew.
"""

from typing import Any

import orjson

from livetiming.analysis.counter import Counter
from livetiming.analysis.model import Analysis, Car, Flags, Message, Period, Said, Stint, most_laps
from livetiming.racing import FlagStatus

VERSION = 1

_SECONDS_LIMIT = 1e15
_LAPS_LIMIT = 2**53
_WORST = max(FlagStatus)


class MalformedAnalysis(ValueError):
    """What should be a kept analysis is none. Begin anew without it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not an analysis of version {VERSION}: {why}")


def dump(analysis: Analysis) -> bytes:
    """What `load` reads."""
    return orjson.dumps(
        {
            "version": VERSION,
            "now": analysis.now,
            "flags": analysis.flags.as_list,
            "newest": analysis.newest,
            "said": analysis.said.json,
            "cars": {number: car.json for number, car in analysis.cars.items()},
        }
    )


def load(raw: bytes) -> Analysis:
    """The analysis in `raw`. Raises MalformedAnalysis on anything that `dump` has not made."""
    try:
        kept = orjson.loads(raw)
        if not isinstance(kept, dict) or kept.get("version") != VERSION:
            raise MalformedAnalysis("another version, or something else altogether")
        cars = {number: _car(car) for number, car in kept["cars"].items()}
        return Analysis(
            now=_optional_time(kept["now"]),
            cars=cars,
            leader_lap=most_laps(cars),
            flags=_flags(kept["flags"]),
            said=_said(kept["said"]),
            newest=None if kept["newest"] is None else _message([*kept["newest"], ""])[:3],
        )
    except MalformedAnalysis:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise MalformedAnalysis(f"{type(error).__name__}: {error}") from error


def _car(kept: Any) -> Car:
    drivers = tuple(_text(driver) for driver in kept["drivers"])
    klass, team, vehicle = map(_text, kept["static"])
    stint = None if kept["stint"] is None else _stint(kept["stint"], len(drivers), in_progress=True)
    return Car(
        count=_counter(**kept["count"]),
        worst=_flag(kept["worst"]),
        static=(klass, team, vehicle),
        drivers=drivers,
        driver=_whole(kept["driver"], -1, len(drivers) - 1),
        passed=_optional_time(kept["passed"]),
        sealed=_flag(kept["sealed"]),
        stint=stint,
        stints=tuple(_stint(each, len(drivers), in_progress=False) for each in kept["stints"]),
        said=_said(kept["said"]),
    )


def _counter(*, laps: Any, column: Any, last: Any, unconfirmed: Any, since: Any, timed: Any) -> Counter:
    return Counter(
        laps=_whole(laps),
        column=None if column is None else _whole(column),
        last=None if last is None else _number(last),
        unconfirmed=_whole(unconfirmed),
        since=_optional_time(since),
        timed=_yes_or_no(timed),
    )


def _stint(kept: Any, drivers: int, *, in_progress: bool) -> Stint:
    start_lap, start, end_lap, end, running, driver, _, _, _, laps = kept
    if running is not in_progress:
        raise MalformedAnalysis("a stint in progress among the finished ones, or the other way round")
    return Stint(
        start_lap=_whole(start_lap, -_LAPS_LIMIT),
        start=_number(start),
        end_lap=_whole(end_lap, -_LAPS_LIMIT),
        end=_number(end),
        driver=_whole(driver, -1, drivers - 1),
        in_progress=in_progress,
        times=tuple(_number(time) for time, _ in laps),
        flags=bytes(_flag(flag) for _, flag in laps),
    )


def _flags(kept: Any) -> Flags:
    return Flags(tuple(map(_period, kept)))


def _period(kept: Any) -> Period:
    flag, start_lap, start, end_lap, end = kept
    end_lap = None if end_lap is None else _whole(end_lap)
    return Period(_flag(flag), _whole(start_lap), _number(start), end_lap, _optional_time(end))


def _said(kept: Any) -> Said:
    return Said(tuple(map(_message, kept)))


def _message(kept: Any) -> Message:
    time, category, text, kind, *number = kept
    if len(number) > 1:
        raise MalformedAnalysis("a message that is too long")
    return (_number(time), _text(category), _text(text), None if kind is None else _text(kind), *map(_text, number))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MalformedAnalysis(f"a {type(value).__name__} instead of a text")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise MalformedAnalysis(f"a {type(value).__name__} instead of yes or no")
    return value


def _whole(value: Any, low: int = 0, high: int = _LAPS_LIMIT) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise MalformedAnalysis(f"no whole number from {low} to {high}, where one is due")
    return value


def _flag(value: Any) -> int:
    return _whole(value, 0, _WORST)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _SECONDS_LIMIT:
        raise MalformedAnalysis(f"a {type(value).__name__} instead of a number, or one that is too large")
    return value


def _optional_time(value: Any) -> float | None:
    return None if value is None else _number(value)
