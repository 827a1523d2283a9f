"""The way recordings are made and read in the field, small: what the benchmarks compare ours with.

dictdiffer makes the diffs; each frame is a file of its own until the recording ends, when they go into a ZIP; who wants
a state opens that ZIP again, sorts its names, and applies dictdiffer's patches.
"""

import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import dictdiffer

KEYFRAME_EVERY = 10  # frames


class Recorder:
    """Writes each frame to a file in `folder`."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self._old: dict[str, Any] | None = None
        self._count = 0
        self._save("manifest.json", {**manifest, "version": 1})

    def record(self, second: int, state: dict[str, Any]) -> None:
        """The frame of Unix second `second`; it keeps `state`."""
        if self._old is None or self._count % KEYFRAME_EVERY == 0:
            self._save(f"{second:011d}.json", state)
        else:
            self._save(f"{second:011d}i.json", intra(self._old, state))
        self._old = state
        self._count += 1

    def finish(self, target: Path) -> None:
        """Make the recording of the files."""
        with ZipFile(target, "w", ZIP_DEFLATED) as archive:
            for path in sorted(self.folder.iterdir()):
                archive.write(path, path.name)

    def _save(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(json.dumps(content))


def intra(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """An intra-frame."""
    known = len(old["messages"])
    fresh = [message for message in new["messages"] if message not in old["messages"]] if known else new["messages"]
    return {
        "cars": list(dictdiffer.diff(old["cars"], new["cars"])),
        "session": list(dictdiffer.diff(old["session"], new["session"])),
        "messages": fresh,
        "highlight": new["highlight"],
    }


def state_at(path: Path, second: int) -> dict[str, Any]:
    """The state of the last frame not after `second`, which there is."""
    with ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name != "manifest.json" and int(name[:11]) <= second)
        last_key = max(index for index, name in enumerate(names) if not name.endswith("i.json"))
        state: dict[str, Any] = json.loads(archive.read(names[last_key]))
        for name in names[last_key + 1 :]:
            state = applied(state, json.loads(archive.read(name)))
    return state


def applied(state: dict[str, Any], frame: dict[str, Any]) -> dict[str, Any]:
    """The state after an intra-frame."""
    return {
        "cars": dictdiffer.patch(frame["cars"], state["cars"]),
        "session": dictdiffer.patch(frame["session"], state["session"]),
        "messages": (frame["messages"] + state["messages"])[:100],
        "highlight": frame["highlight"],
    }
