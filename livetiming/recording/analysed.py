"""The analysis of a recording: what a live service would publish, made of the frames that the file holds.

The steps are those of a live analysis (`livetiming.analysis`), and the time of a step is its frame's second. So a live
analysis and the one of its recording are equal when both are fed the frames of the file, under one manifest. A file
has the newest manifest only: where `colSpec` changed on the way, all of the file is read by the newest one.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from livetiming.analysis import Analysis, Columns, advance, full
from livetiming.files import opened_alone, sync_directory
from livetiming.recording.format import BadEntry, RecordingError
from livetiming.recording.reader import Recording
from livetiming.recording.writer import MODE
from livetiming.state import State, empty_state

Json = Any
Tell = Callable[[BadEntry], None]
Progress = Callable[[int, int], None]  # (frames done, frames in all), every PROGRESS_EVERY frames and at the end

SUFFIX = ".json"
PROGRESS_EVERY = 500  # frames


class Unwritable(RecordingError):
    """An analysis nests deeper than JSON is written here: the states of its recording do."""

    def __init__(self, file: Path, why: object) -> None:
        super().__init__(f"{file}: the analysis is no JSON that can be written ({why})")


class Source(Protocol):
    """What is analysed: a finished recording, or a journal."""

    @property
    def seconds(self) -> Sequence[int]:
        """Unix seconds of the frames, in order."""

    @property
    def manifest(self) -> Mapping[str, Json]:
        """As the finished file has it."""

    def states(self, on_bad: Tell | None = None) -> Iterator[tuple[int, State]]:
        """Unix second and state of each frame, in order."""


def analysis_path(recording: Path) -> Path:
    """Where the analysis of a recording stands: beside it, `X.json` for `X.zip`."""
    return recording.with_suffix(SUFFIX)


def columns_of(manifest: Mapping[str, Json]) -> Columns:
    """The columns of a manifest that may have been written by anybody."""
    spec = manifest.get("colSpec")
    return Columns.of(spec if isinstance(spec, list) else [])


def analyse(recording: Source, on_bad: Tell | None = None, progress: Progress | None = None) -> dict[str, Json]:
    """The analysis document (docs/analysis.md) of all frames; of none, that of an empty state.

    A frame that cannot be read raises BadEntry; with `on_bad`, that is told instead, and the frames go on from the
    next keyframe.
    """
    columns, analysis, state = columns_of(recording.manifest), Analysis.EMPTY, empty_state()
    total = len(recording.seconds)
    for done, (second, state) in enumerate(recording.states(on_bad), 1):
        analysis = advance(analysis, columns, state, second)
        if progress is not None and done % PROGRESS_EVERY == 0:
            progress(done, total)
    if progress is not None:
        progress(total, total)
    return full(analysis, state, dict(recording.manifest))


def write_analysis(
    path: Path, target: Path | None = None, on_bad: Tell | None = None, progress: Progress | None = None
) -> Path:
    """Analyse the recording at `path` and write the document to `target` (beside the recording); returns where.

    Raises NotARecording, Unwritable, OSError, and BadEntry where there is no `on_bad`; then what stood there before
    still stands.
    """
    target = analysis_path(path) if target is None else target
    with Recording(path) as recording:
        document = analyse(recording, on_bad, progress)
    write_document(document, target)
    return target


def as_json(document: Mapping[str, Json], file: Path) -> bytes:
    """A document as it is written. Raises Unwritable, which names `file`."""
    try:
        return orjson.dumps(document)
    except TypeError as error:
        raise Unwritable(file, error) from error


def write_document(document: Mapping[str, Json], target: Path) -> None:
    """Write a document so that `target` is whole whenever it is there, and on the disk when this returns.

    Several processes may do so at the same time (the DVR, and somebody who makes what is missing): they take turns,
    and one that is killed leaves a file that the next one uses. Raises Unwritable and OSError.
    """
    content = as_json(document, target)
    fresh = target.with_name(f".{target.name}.new")
    descriptor = opened_alone(fresh, MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), MODE)
            os.fsync(file.fileno())
            fresh.replace(target)  # before it is closed: that ends our turn
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_directory(target.parent)
