"""What is remembered, as JSON: `state/announced.json`. No I/O.

{"version": 1, "airings": {about: {"name", "service", "end"}}, "waiting": [delivery, …], "sending": [delivery, …],
"settled": [[channel, kind, about, Unix s, told], …]}; a delivery is {"channel", "kind", "about", "text", "until"}.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import orjson

from orchestrator.scheduler.announce.news import Airing, State
from orchestrator.scheduler.announce.outbox import Delivery, Key, Kind, Outbox, Settled
from orchestrator.scheduler.announce.standing import Subject

VERSION = 1
T = TypeVar("T")


class MalformedMemory(ValueError):
    """It is no such file."""


def written(state: State) -> bytes:
    """The file's content. How long channels are left alone is not kept: they are asked again after a restart."""
    box = state.outbox
    document = {
        "version": VERSION,
        "airings": {
            about: {"name": airing.subject.name, "service": airing.subject.service, "end": airing.subject.end}
            for about, airing in state.airings.items()
        },
        "waiting": [asdict(delivery) for delivery in box.waiting],
        "sending": [asdict(delivery) for delivery in box.sending.values()],
        "settled": [[*key, settled.at, settled.told] for key, settled in box.settled.items()],
    }
    return orjson.dumps(document)


def recalled(content: bytes) -> tuple[State, int]:
    """The state in a file, and how many entries of it could not be understood; MalformedMemory."""
    try:
        document = orjson.loads(content)
        if not isinstance(document, dict) or document.get("version") != VERSION:
            raise MalformedMemory("it is of another version")
        airings, bad_airings = _each(_items(document, "airings"), _airing)
        waiting, bad_waiting = _each(_list(document, "waiting"), _delivery)
        sending, bad_sending = _each(_list(document, "sending"), _delivery)
        settled, bad_settled = _each(_list(document, "settled"), _settled)
    except orjson.JSONDecodeError as error:
        raise MalformedMemory("it is no JSON") from error
    outbox = Outbox(tuple(waiting), {delivery.channel: delivery for delivery in sending}, dict(settled))
    state = State({airing.subject.about: airing for airing in airings}, outbox)
    return state, bad_airings + bad_waiting + bad_sending + bad_settled


def _each(entries: Iterable[Any], read: Callable[[Any], T]) -> tuple[list[T], int]:
    """What `read` makes of the entries, and of how many it makes nothing."""
    good: list[T] = []
    bad = 0
    for entry in entries:
        try:
            good.append(read(entry))
        except (TypeError, ValueError, KeyError):
            bad += 1
    return good, bad


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise MalformedMemory(f"its {name} is no list")
    return value


def _items(document: Mapping[str, Any], name: str) -> Iterable[Any]:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise MalformedMemory(f"its {name} is no object")
    return value.items()


def _airing(entry: tuple[str, Any]) -> Airing:
    about, value = entry
    return Airing(Subject(about, _text(value["name"]), _text(value["service"]), float(value["end"])))


def _delivery(value: Any) -> Delivery:
    until = value["until"]
    return Delivery(
        _text(value["channel"]),
        Kind(value["kind"]),
        _text(value["about"]),
        _text(value["text"]),
        None if until is None else float(until),
    )


def _settled(value: Any) -> tuple[Key, Settled]:
    channel, kind, about, at, told = value
    return (_text(channel), Kind(kind), _text(about)), Settled(float(at), bool(told))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
