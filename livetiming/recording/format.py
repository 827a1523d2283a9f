"""The file format of recordings, version 1: names of entries, keyframes and intra-frames, and what is an error.

A recording is a ZIP: `manifest.json`; `{t:011d}.json`, a keyframe, which is the whole state at Unix second `t`; and
`{t:011d}i.json`, an intra-frame, which is the change since the frame before it:
`{"cars": diff, "session": diff, "messages": [the new ones, newest first], "highlight": […]}` with the diffs of
`livetiming.diff`. A keyframe is the first frame, at least every tenth, and every one that an intra-frame cannot tell.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from livetiming.diff import DiffError, diff, patch, shortens_a_list
from livetiming.state import MESSAGES_LIMIT, MalformedState, State, checked

Json = Any

VERSION = 1
MANIFEST_NAME = "manifest.json"
KEYFRAME_EVERY = 10  # frames
MAX_FRAME_BYTES = 64 * 2**20  # more is no state, but an attack on the reader's memory

_NOT_OWN_PARTS = frozenset(("cars", "session", "messages", "highlight", "lastUpdated"))
_FRAME_NAME = re.compile(r"([0-9]{11})(i?)\.json", re.ASCII)


class Kind(StrEnum):
    """What a frame holds."""

    KEY = "k"  # the whole state
    INTRA = "i"  # the change since the frame before it


class RecordingError(Exception):
    """A recording cannot be read, wholly or in part."""


class NotARecording(RecordingError):
    """The file is no recording of this version, and nothing of it is read."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(_visible(f"{file} is no version {VERSION} recording: {why}"))
        self.file = file


class BadEntry(RecordingError):
    """One entry of a recording cannot be read; frames that do not build on it still can."""

    def __init__(self, file: str, entry: str, why: str) -> None:
        super().__init__(_visible(f"{file}: entry {entry}: {why}; what does not build on it can still be read"))
        self.file = file
        self.entry = entry


class UnusableState(ValueError):
    """What came as a state cannot be recorded. Ignore it, and say so."""

    def __init__(self, why: str) -> None:
        super().__init__(f"cannot be recorded: {why}")


class UnusableFrame(ValueError):
    """The body of a frame is not what its kind promises."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it stands in a file: Unix second, kind, JSON."""

    second: int
    kind: Kind
    body: bytes


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame as its entry has it: compressed by a `method` of ZIPs to `data`, from `size` bytes of this CRC-32."""

    second: int
    kind: Kind
    method: int
    crc: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a recording in the making stands: its newest frame, which may still be replaced, and the one before it."""

    second: int = -1
    newest: State | None = None
    run: int = 0  # frames since the last keyframe, that and the newest included
    before: State | None = None
    before_run: int = 0


def frame_name(second: int, kind: Kind) -> str:
    """The entry that holds the frame of Unix second `second`."""
    return f"{second:011d}{'i' if kind is Kind.INTRA else ''}.json"


def parse_frame_name(name: str) -> tuple[int, Kind] | None:
    """The Unix second and kind of the frame in entry `name`, or None where that is no name of a frame."""
    match = _FRAME_NAME.fullmatch(name)
    return None if match is None else (int(match[1]), Kind.INTRA if match[2] else Kind.KEY)


def recordable(state: object) -> State:
    """`state` with all its parts (a missing one is empty) and no more messages than a recording keeps."""
    try:
        whole = checked(state)
    except MalformedState as error:
        raise UnusableState(str(error)) from error
    if not set(map(type, whole["messages"])) <= {list}:
        raise UnusableState("not a state: one of its messages is no list")
    whole["messages"] = whole["messages"][:MESSAGES_LIMIT]
    return whole


def advance(chain: Chain, second: int, state: object) -> tuple[Chain, Frame]:
    """Record `state` at `second`: the next frame, or one in place of the newest where `second` is not after it.

    Raises UnusableState, and then the chain stands as it stood.
    """
    if second > chain.second:
        before, before_run = chain.newest, chain.run
    else:
        second, before, before_run = chain.second, chain.before, chain.before_run
    try:
        new = recordable(state)
        intra = intra_frame(before, new) if before is not None and before_run < KEYFRAME_EVERY else None
        if intra is None:
            run, frame = 1, Frame(second, Kind.KEY, orjson.dumps({**new, "lastUpdated": second * 1000}))
        else:
            run, frame = before_run + 1, Frame(second, Kind.INTRA, orjson.dumps(intra))
    except (TypeError, RecursionError) as error:
        raise UnusableState(str(error)) from error
    return Chain(second, new, run, before, before_run), frame


def intra_frame(old: State, new: State) -> dict[str, Json] | None:
    """The change from `old` to `new`, or None where only a keyframe tells it.

    That is where a list got shorter, because readers in JavaScript leave holes in it; where known messages went
    away or changed; and where the state has parts of its own that changed.
    """
    cars = diff(old["cars"], new["cars"])
    session = diff(old["session"], new["session"])
    messages = new_messages(old["messages"], new["messages"])
    if (
        shortens_a_list(cars)
        or shortens_a_list(session)
        or (messages + old["messages"])[:MESSAGES_LIMIT] != new["messages"]
        or _own_parts(old) != _own_parts(new)
    ):
        return None
    return {"cars": cars, "session": session, "messages": messages, "highlight": new["highlight"]}


def new_messages(old: list[Json], new: list[Json]) -> list[Json]:
    """The messages of `new` before the first that equals the newest of `old` in time, category and text."""
    if not old:
        return new
    newest = old[0][:3]
    return new[: next((index for index, message in enumerate(new) if message[:3] == newest), len(new))]


def apply_intra(old: State, intra: Json) -> State:
    """The state after an intra-frame. Raises UnusableFrame where it is none, or does not apply to `old`."""
    return _apply(old, [intra])


def decode_keyframe(body: bytes) -> State:
    """The state in a keyframe, without the `lastUpdated` that recording added. Raises UnusableFrame."""
    try:
        state = recordable(orjson.loads(body))
    except ValueError as error:
        raise UnusableFrame(str(error)) from error
    state.pop("lastUpdated", None)
    return state


def decode_intra(old: State, *bodies: bytes) -> State:
    """The state after the intra-frames in `bodies`, one after the other. Raises UnusableFrame."""
    try:
        return _apply(old, list(map(orjson.loads, bodies)))
    except orjson.JSONDecodeError as error:
        raise UnusableFrame(f"no JSON ({error})") from error


def _apply(old: State, intras: list[Json]) -> State:
    """The state after these intra-frames, of which the changes are made in one go: a row is copied once for all.

    Several are refused where one of them might leave no state behind that the next one mends: try them one by one.
    """
    try:
        cars = [change for intra in intras for change in intra["cars"]]
        session = [change for intra in intras for change in intra["session"]]
        messages, highlight = old["messages"], []
        for intra in intras:
            messages = (_rows(intra["messages"]) + messages)[:MESSAGES_LIMIT]
            highlight = _list(intra.get("highlight") or [])
        if len(intras) > 1 and not (_changes_cells(cars) and all(change[1] for change in session)):
            raise UnusableFrame("several intra-frames that change more than cells")
        new_cars, new_session = patch(old["cars"], cars), patch(old["session"], session)
    except DiffError as error:
        raise UnusableFrame(str(error)) from error
    except (AttributeError, LookupError, TypeError) as error:
        raise UnusableFrame(f"no intra-frame ({type(error).__name__}: {error})") from error
    if not isinstance(new_session, dict):
        raise UnusableFrame(f"no intra-frame (it makes session a {type(new_session).__name__})")
    return {**old, "cars": _rows(new_cars), "session": new_session, "messages": messages, "highlight": highlight}


def _changes_cells(changes: Json) -> bool:
    """Whether no row as a whole is changed."""
    return all(type(change[1]) is list and len(change[1]) > 1 for change in changes)


def _rows(value: Json) -> list[Json]:
    """The value, which is a list of lists. Raises UnusableFrame."""
    rows = _list(value)
    if not set(map(type, rows)) <= {list}:
        raise UnusableFrame("no intra-frame (what should be rows is something else)")
    return rows


def _list(value: Json) -> list[Json]:
    if type(value) is not list:
        raise UnusableFrame(f"no intra-frame (a {type(value).__name__} in place of a list)")
    items: list[Json] = value
    return items


def _visible(text: str) -> str:
    """The text without what a terminal would obey: names in a ZIP may hold anything."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _own_parts(state: State) -> dict[str, Json]:
    return {part: value for part, value in state.items() if part not in _NOT_OWN_PARTS}
