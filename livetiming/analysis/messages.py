"""Which messages of a state are new, and which are kept where."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from livetiming.analysis.cells import NUMBER_LIMIT, text
from livetiming.analysis.limits import TRACK_MESSAGES, Share
from livetiming.analysis.model import Analysis, Car, Message
from livetiming.state import MESSAGES_LIMIT

MESSAGE_LIMIT = 500  # characters
IN_AND_OUT = frozenset(("pit", "out"))  # readers have these from the stints


def listened(analysis: Analysis, messages: list[Any], room: Share) -> Analysis:
    """The analysis after a frame with `messages`, newest first, most of which were in the frame before."""
    newest, fresh = _fresh(messages, analysis.newest, lambda message: _is_kept(analysis, message))
    if newest == analysis.newest:
        return analysis
    said, cars = analysis.said, dict(analysis.cars)
    for message in reversed(fresh):
        kind, number = message[3], message[4] if len(message) > 4 else None
        car = None if number is None else cars.get(number)
        if number is not None and kind in IN_AND_OUT:
            continue
        if number is not None and car is not None:
            cars[number] = replace(car, said=car.said.with_newer(message, room.messages))
        elif kind is not None:  # null is a driver change, of a car that is not there (any more)
            said = said.with_newer(message, TRACK_MESSAGES)
    return replace(analysis, newest=newest, said=said, cars=_unless_same(cars, analysis.cars))


def _fresh(
    messages: list[Any], newest: Message | None, is_kept: Callable[[Message], bool]
) -> tuple[Message | None, list[Message]]:
    """The newest message now (time, category, text), and those that came after `newest`.

    Where that one is gone, no older one is new, nor one that is kept.
    """
    found: list[Message] = []
    for raw in messages[:MESSAGES_LIMIT]:
        message = _message(raw)
        if message is None:
            continue
        if message[:3] == newest:
            break
        found.append(message)
    else:
        if newest is not None:
            fresh = [message for message in found if message[0] >= newest[0] and not is_kept(message)]
            return (found[0][:3] if found else newest), fresh
    return (found[0][:3] if found else newest), found


def _message(raw: Any) -> Message | None:
    """`(Unix s, category, text, type, car number?)`, or None where that is no message."""
    if not isinstance(raw, list | tuple) or len(raw) < 3:
        return None
    time, kind = raw[0], raw[3] if len(raw) > 3 else ""
    if isinstance(time, bool) or not isinstance(time, int | float) or not abs(time) < 1e15:
        return None
    number = text(raw[4], NUMBER_LIMIT) if len(raw) > 4 else ""
    said = (time, text(raw[1]), text(raw[2], MESSAGE_LIMIT), None if kind is None else text(kind))
    return (*said, number) if number else said


def _is_kept(analysis: Analysis, message: Message) -> bool:
    car = analysis.cars.get(message[4]) if len(message) > 4 else None
    return message in (analysis.said if car is None else car.said).messages


def _unless_same(cars: dict[str, Car], before: Mapping[str, Car]) -> Mapping[str, Car]:
    return before if all(car is before[number] for number, car in cars.items()) else cars
