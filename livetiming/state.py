"""The universal state: what a frame is, in the one format that every feed is turned into (docs/wire.md)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

State = dict[str, Any]
Row = list[Any]
RaceMessage = list[Any]  # [Unix s, category, text, type, car number?]

MESSAGES_LIMIT = 100

_ROWS = {list, tuple}


def empty_state() -> State:
    """An empty state of the caller's own, to alter as it likes."""
    return {"cars": [], "session": {"flagState": "none"}, "messages": [], "highlight": []}


EMPTY_STATE: Final[State] = empty_state()


class MalformedState(ValueError):
    """A state lacks what readers rely on; it is not published or recorded."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not a state: {what}")


def checked(raw: object) -> State:
    """The state in `raw`, with all four keys; MalformedState where they hold the wrong kind of thing."""
    if not isinstance(raw, Mapping):
        raise MalformedState(f"a {type(raw).__name__} instead of an object")
    cars, session = raw.get("cars", []), raw.get("session", {})
    messages, highlight = raw.get("messages", []), raw.get("highlight", [])
    if not isinstance(cars, list) or not set(map(type, cars)) <= _ROWS:
        raise MalformedState("its cars are no list of rows")
    if not isinstance(session, Mapping):
        raise MalformedState("its session is no object")
    if not isinstance(messages, list) or not isinstance(highlight, list):
        raise MalformedState("its messages or highlight are no list")
    return {**raw, "cars": cars, "session": session, "messages": messages, "highlight": highlight}


def with_messages(cars: Sequence[Row], session: Mapping[str, Any], old: State, fresh: Sequence[RaceMessage]) -> State:
    """The next state: `fresh` messages (newest first) before the `old` state's, and the cars they name highlighted.

    What changes least stands first, because compression profits from a beginning that stays the same.
    """
    numbers = [str(message[4]) for message in fresh if len(message) > 4 and message[4]]
    return {
        "messages": [*fresh, *old["messages"]][:MESSAGES_LIMIT],
        "cars": list(cars),
        "session": dict(session),
        "highlight": list(dict.fromkeys(numbers)),
    }
