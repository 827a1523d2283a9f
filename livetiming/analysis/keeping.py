"""An analysis as a service keeps it to go on from: versioned JSON, which cannot run code when it is read."""

from typing import Any

import orjson

from livetiming.analysis.car import Car
from livetiming.analysis.race import Analysis
from livetiming.analysis.stint import Stint

VERSION = 1


class MalformedAnalysis(ValueError):
    """What was kept is no analysis, or one of another version. Begin anew."""

    def __init__(self, why: object) -> None:
        super().__init__(f"no analysis of version {VERSION}: {why}")


def dump(analysis: Analysis) -> bytes:
    """What `load` reads. Cars that have not changed since the last dump cost next to nothing."""
    return orjson.dumps(
        {
            "version": VERSION,
            "flag": analysis.flag,
            "periods": analysis.periods,
            "leader_lap": analysis.leader_lap,
            "now": analysis.now,
            "newest": analysis.newest,
            "messages": analysis.messages,
            "cars": {number: car.json for number, car in analysis.cars.items()},
        }
    )


def load(content: bytes) -> Analysis:
    """The analysis that `dump` made `content` of. Raises MalformedAnalysis for anything else."""
    try:
        raw = orjson.loads(content)
        if raw["version"] != VERSION:
            raise MalformedAnalysis(f"it is of version {str(raw['version'])[:20]}")
        return Analysis(
            cars={str(number): _car(each) for number, each in raw["cars"].items()},
            flag=_maybe(int, raw["flag"]),
            periods=tuple(_period(*each) for each in raw["periods"]),
            leader_lap=_is(int, raw["leader_lap"]),
            now=_maybe(float, raw["now"]),
            newest=None if raw["newest"] is None else tuple(_is(list, raw["newest"])),
            messages=_messages(raw["messages"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, MalformedAnalysis):
            raise
        raise MalformedAnalysis(repr(error)) from error


def _car(raw: Any) -> Car:
    klass, team, vehicle = raw["static"]
    told = raw["told"]
    return Car(
        static=(_is(str, klass), _is(str, team), _is(str, vehicle)),
        drivers=tuple(_is(str, name) for name in raw["drivers"]),
        driver=_is(int, raw["driver"]),
        in_pits=_maybe(bool, raw["in_pits"]),
        laps=_is(int, raw["laps"]),
        time=_maybe(float, raw["time"]),
        passing=_maybe(float, raw["passing"]),
        worst=_is(int, raw["worst"]),
        told=None if told is None else (_is(str, told[0]), _is(float, told[1])),
        current=None if raw["current"] is None else _stint(raw["current"]),
        finished=tuple(_stint(each) for each in raw["finished"]),
        messages=_messages(raw["messages"]),
    )


def _stint(raw: Any) -> Stint:
    start_lap, start, driver, end_lap, end, in_progress, times, flags = raw
    if len(times) != len(flags):
        raise ValueError("laps without a flag")
    return Stint(
        start_lap=_is(int, start_lap),
        start=_is(float, start),
        driver=_is(int, driver),
        end_lap=_is(int, end_lap),
        end=_is(float, end),
        in_progress=_is(bool, in_progress),
        times=tuple(_is(float, seconds) for seconds in times),
        flags=bytes(flags),
    )


def _period(flag: Any, lap: Any, start: Any, end_lap: Any, end: Any) -> Any:
    return _is(int, flag), _is(int, lap), _is(float, start), _maybe(int, end_lap), _maybe(float, end)


def _messages(raw: Any) -> tuple[list[Any], ...]:
    messages = tuple(_is(list, message) for message in raw)
    if any(len(message) < 4 for message in messages):
        raise ValueError("a message is too short")
    return messages


def _is(kind: type, value: Any) -> Any:
    """`value`, which must be of that kind; a whole number may stand for one with a fraction."""
    if kind is float and type(value) is int:
        return value
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:40]!r} is no {kind.__name__}")
    return value


def _maybe(kind: type, value: Any) -> Any:
    return None if value is None else _is(kind, value)
