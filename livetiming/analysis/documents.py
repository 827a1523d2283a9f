"""An analysis as readers know it: JSON documents, in one piece or by topic (docs/analysis.md)."""

from collections.abc import Iterator, Mapping
from typing import Any

from livetiming.analysis.car import Car
from livetiming.analysis.race import Analysis
from livetiming.manifest import Manifest
from livetiming.state import State

Topic = tuple[str, Any]  # `static`, `lap/7`, …, and its payload

_GONE = Car()


def documents(analysis: Analysis) -> dict[str, Any]:
    """All modules: `{"static": {number: […]}, "driver", "lap", "stint", "car_messages", "messages", "session"}`."""
    cars = analysis.cars.items()
    return {
        "static": _static(analysis),
        "driver": _driver(analysis),
        "lap": {number: _lap(car) for number, car in cars},
        "stint": {number: _stint(car) for number, car in cars},
        "car_messages": {number: list(car.messages) for number, car in cars},
        "messages": _messages(analysis),
        "session": _session(analysis),
    }


def full(analysis: Analysis, state: State, manifest: Manifest) -> dict[str, Any]:
    """All modules with the last `state` and the `manifest`: the analysis file's one object."""
    return {"state": state, "service": manifest, **documents(analysis)}


def topics(analysis: Analysis) -> Iterator[Topic]:
    """Every live topic, with its payload."""
    return changed(Analysis.EMPTY, analysis)


def changed(before: Analysis, after: Analysis) -> Iterator[Topic]:
    """The live topics whose payload is another after than before. `session` holds the time, and so always is.

    The number in a topic is as it is; `livetiming.network.analysis_topic` encodes it.
    """
    if before.cars is not after.cars:
        yield from _changed_cars(before, after)
    if before.messages is not after.messages:
        yield "messages", _messages(after)
    if before is not after:
        yield "session", _session(after)


def _changed_cars(before: Analysis, after: Analysis) -> Iterator[Topic]:
    others = [
        (number, before.cars.get(number, _GONE), after.cars.get(number, _GONE))
        for number in {**before.cars, **after.cars}
        if before.cars.get(number) is not after.cars.get(number)
    ]
    came_or_went = before.cars.keys() != after.cars.keys()
    if came_or_went or any(old.static != new.static for _, old, new in others):
        yield "static", _static(after)
    if came_or_went or any(old.drivers != new.drivers for _, old, new in others):
        yield "driver", _driver(after)
    for number, old, new in others:
        appeared = number not in before.cars
        if appeared or (old.current, old.passing) != (new.current, new.passing):
            yield f"lap/{number}", {number: _lap(new)}
        if appeared or old.finished != new.finished:
            yield f"stint/{number}", {number: _stint(new)}
        if appeared or old.messages is not new.messages:
            yield f"car_messages/{number}", {number: list(new.messages)}


def _static(analysis: Analysis) -> dict[str, Any]:
    return {number: list(car.static) for number, car in analysis.cars.items()}


def _driver(analysis: Analysis) -> dict[str, Any]:
    return {number: list(car.drivers) for number, car in analysis.cars.items()}


def _lap(car: Car) -> list[Any]:
    return [car.current and car.current.document(), car.passing]


def _stint(car: Car) -> list[Any]:
    return [stint.document() for stint in car.finished]


def _messages(analysis: Analysis) -> Mapping[str, Any]:
    return {"messages": list(analysis.messages)}


def _session(analysis: Analysis) -> dict[str, Any]:
    return {
        "currentTimestamp": analysis.now,
        "flagStats": [list(period) for period in analysis.periods],
        "leaderLap": analysis.leader_lap,
    }
