"""Recordings read and written as the field does it: zipfile, json, dictdiffer, and the file opened for each look-up.

Written from recording.md, to prove that files go both ways; slow, as it was.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import dictdiffer

State = dict[str, Any]

MESSAGES = 100
KEYFRAME_EVERY = 10
_FRAME = re.compile(r"([0-9]{11})(i?)\.json")


class OldReader:
    """A recording in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = self._entry("manifest.json")
        assert self.manifest["version"] == 1
        with ZipFile(path) as file:
            found = sorted(match.groups() for name in file.namelist() if (match := _FRAME.fullmatch(name)))
        self.keyframes = [int(second) for second, intra in found if not intra]
        self.seconds = [int(second) for second, _intra in found]

    def state_at(self, second: int) -> State:
        """The state of the newest frame that is not after `second`."""
        key = max(each for each in self.keyframes if each <= second)
        state: State = self._entry(f"{key:011d}.json")
        for each in self.seconds:
            if key < each <= second:
                state = applied(state, self._entry(f"{each:011d}i.json"))
        return state

    def _entry(self, name: str) -> Any:
        with ZipFile(self.path) as file:
            return json.loads(file.read(name))


def applied(state: State, intra: dict[str, Any]) -> State:
    """The state after an intra-frame."""
    return {
        **state,
        "cars": dictdiffer.patch(intra["cars"], state["cars"]),
        "session": dictdiffer.patch(intra["session"], state["session"]),
        "messages": (intra["messages"] + state["messages"])[:MESSAGES],
        "highlight": intra["highlight"],
    }


def intra_frame(old: State, new: State) -> dict[str, Any]:
    """The change from `old` to `new`, as dictdiffer tells it."""
    known = [message[:3] for message in old["messages"][:1]]
    fresh = new["messages"]
    if known:
        fresh = fresh[: next((at for at, each in enumerate(fresh) if each[:3] == known[0]), len(fresh))]
    return {
        "cars": list(dictdiffer.diff(old["cars"], new["cars"])),
        "session": list(dictdiffer.diff(old["session"], new["session"])),
        "messages": fresh,
        "highlight": new["highlight"],
    }


def write(path: Path, manifest: Mapping[str, Any], states: Iterable[tuple[int, State]]) -> Path:
    """A recording of these states (Unix s, state): a keyframe each tenth, whatever the others take away from lists."""
    old: State = {}
    start = None
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for index, (second, state) in enumerate(states):
            start = second if start is None else start
            if index % KEYFRAME_EVERY == 0:
                file.writestr(f"{second:011d}.json", json.dumps(state))
            else:
                file.writestr(f"{second:011d}i.json", json.dumps(intra_frame(old, state)))
            old = state
        file.writestr("manifest.json", json.dumps({**manifest, "version": 1, "startTime": start}))
    return path
