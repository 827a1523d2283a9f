"""What readers get of an analysis: one document, or its parts on live topics (docs/analysis.md)."""

from collections.abc import Iterator
from typing import Any

from livetiming.analysis.model import Analysis, Car, Json
from livetiming.state import State

Published = tuple[str, Json]  # (`static`, `lap/7` …, payload); the number as it is: network.analysis_topic encodes it


def documents(analysis: Analysis) -> dict[str, Json]:
    """All modules by name."""
    cars = analysis.cars
    return {
        "static": _static(analysis),
        "driver": _drivers(analysis),
        "lap": {number: _lap(car) for number, car in cars.items()},
        "stint": {number: _stints(car) for number, car in cars.items()},
        "car_messages": {number: car.said.as_list() for number, car in cars.items()},
        "messages": _messages(analysis),
        "session": _session(analysis),
    }


def full(analysis: Analysis, state: State, manifest: dict[str, Any]) -> dict[str, Json]:
    """The analysis document: all modules, the last state and the manifest."""
    return {"state": state, "service": manifest, **documents(analysis)}


def topics(analysis: Analysis) -> list[Published]:
    """Everything there is to publish."""
    return list(_differences(None, analysis))


def changed(before: Analysis, after: Analysis) -> list[Published]:
    """What there is to publish after the step from `before` to `after`: the topics whose payload differs."""
    return list(_differences(before, after))


def _differences(before: Analysis | None, after: Analysis) -> Iterator[Published]:
    if before is after:
        return
    if before is None or before.cars is not after.cars:
        known = {} if before is None else before.cars
        new = [(number, car) for number, car in after.cars.items() if known.get(number) is not car]
        same_cars = before is not None and known.keys() == after.cars.keys()
        if not same_cars or any(known[number].static != car.static for number, car in new):
            yield "static", _static(after)
        if not same_cars or any(known[number].drivers != car.drivers for number, car in new):
            yield "driver", _drivers(after)
        for number, car in new:
            yield from _differences_of_car(number, known.get(number), car)
    if before is None or before.said != after.said:
        yield "messages", _messages(after)
    if before is None or _of_session(before) != _of_session(after):
        yield "session", _session(after)


def _differences_of_car(number: str, before: Car | None, after: Car) -> Iterator[Published]:
    if before is None or (before.passed, before.stint) != (after.passed, after.stint):
        yield f"lap/{number}", {number: _lap(after)}
    if before is None or before.stints != after.stints:
        yield f"stint/{number}", {number: _stints(after)}
    if before is None or before.said != after.said:
        yield f"car_messages/{number}", {number: after.said.as_list()}


def _static(analysis: Analysis) -> Json:
    return {number: list(car.static) for number, car in analysis.cars.items()}


def _drivers(analysis: Analysis) -> Json:
    return {number: list(car.drivers) for number, car in analysis.cars.items()}


def _lap(car: Car) -> Json:
    return [car.stint and car.stint.as_list(), car.passed]


def _stints(car: Car) -> Json:
    return [stint.as_list() for stint in car.stints]


def _messages(analysis: Analysis) -> Json:
    return {"messages": analysis.said.as_list()}


def _session(analysis: Analysis) -> Json:
    return {
        "currentTimestamp": analysis.now,
        "flagStats": analysis.flags.as_list,
        "leaderLap": analysis.leader_lap,
    }


def _of_session(analysis: Analysis) -> tuple[Any, ...]:
    return analysis.now, analysis.leader_lap, analysis.flags
