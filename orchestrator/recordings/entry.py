"""One file of the recordings' directory: what is listed of it, and the words by which it is found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from livetiming.recording.format import BadEntry, NotARecording, UnusableFrame, decode_keyframe
from livetiming.recording.reader import Recording
from livetiming.state import Row
from orchestrator.recordings.search import words_of

Listed = dict[str, Any]  # a manifest with duration, filename, size, hasAnalysis; see docs/wire.md

SUFFIX = ".zip"
ANALYSIS_SUFFIX = ".json"
MANIFEST_LIMIT = 65_536  # bytes of its JSON: a page of fifty must stay a message


class Stamp(NamedTuple):
    """By what a change of a file is seen."""

    size: int  # bytes
    changed: int  # Unix ns


class Entry(NamedTuple):
    """One recording, as it was when its file had this stamp. `listed` is without `hasAnalysis`."""

    stamp: Stamp
    listed: Listed
    words: str


def is_recording(name: str) -> bool:
    """Whether a file of this name belongs into the catalogue."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def uuid_of(filename: str) -> str:
    """The uuid under which a file is listed: `X` for `X.zip`, `X:1` for `X_1.zip`."""
    return filename.removesuffix(SUFFIX).replace("_", ":", 1)


def analysis_name(filename: str) -> str:
    """The name of the analysis beside a recording."""
    return filename.removesuffix(SUFFIX) + ANALYSIS_SUFFIX


def recording_name(name: str) -> str:
    """The name of the recording to which a file belongs: itself, or that of which it is the analysis."""
    return name.removesuffix(ANALYSIS_SUFFIX) + SUFFIX if name.endswith(ANALYSIS_SUFFIX) else name


def read(path: Path, stamp: Stamp) -> Entry:
    """What the file at `path` is listed as. Raises RecordingError and OSError."""
    with Recording(path) as recording:
        listed = _listed(recording, stamp)
        return Entry(stamp, listed, words_of(listed, _last_cars(recording)))


def _listed(recording: Recording, stamp: Stamp) -> Listed:
    manifest, path = recording.manifest, recording.path
    try:
        length = len(orjson.dumps(manifest))
    except TypeError as error:
        raise NotARecording(str(path), f"its manifest cannot be listed ({error})") from error
    if length > MANIFEST_LIMIT:
        raise NotARecording(str(path), f"its manifest is longer than {MANIFEST_LIMIT} bytes")
    return {
        **manifest,
        "uuid": uuid_of(path.name),
        "name": _text(manifest.get("name")),
        "description": _text(manifest.get("description")),
        "hidden": bool(manifest.get("hidden")),
        "startTime": recording.start,
        "duration": recording.duration,
        "filename": path.name,
        "size": stamp.size,
    }


def _last_cars(recording: Recording) -> Sequence[Row]:
    """The rows of the last keyframe; none where it cannot be read, because the rest of the file may be good."""
    second = recording.keyframe(recording.end)
    if second is None:
        return ()
    try:
        cars: Sequence[Row] = decode_keyframe(recording.frame(second).body)["cars"]
    except (BadEntry, UnusableFrame):
        return ()
    return cars


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
