"""Giving a finished recording, and its analysis, another manifest. No frame is inflated."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from livetiming.recording.analysed import analysis_path, write_document
from livetiming.recording.format import RecordingError
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter

Manifest = dict[str, Any]


class Rewritten(NamedTuple):
    """The file has its new manifest. `left_behind` says why its analysis has not, if so; older than the recording, it
    is made again by `livetiming-recordings-index --analyses`."""

    left_behind: str | None = None


def change_manifest(path: Path, edit: Callable[[Manifest], Manifest]) -> Rewritten | None:
    """Give the recording at `path` the manifest that `edit` makes of its own; None where that is the same.

    At any moment the old file or the new one is there, whole. Of several changes at a time each waits for its turn,
    and edits what the one before it wrote. Raises RecordingError, OSError, and what `edit` raises; then the recording
    is as it was.
    """
    target = path.resolve()  # a symbolic link stays one
    with RecordingWriter(target) as writer, Recording(target) as recording:
        manifest = edit(recording.manifest)
        if manifest == recording.manifest:
            return None
        analysed = _is_current(analysis_path(path), target)
        for second in recording.seconds:
            writer.add_raw(recording.raw(second))
        writer.finish(manifest)
    return _tell_analysis(path) if analysed else Rewritten()


def _is_current(analysis: Path, recording: Path) -> bool:
    """Whether there is an analysis, of this recording as it is: another manifest does not make an old one a new one."""
    try:
        return analysis.stat().st_mtime_ns >= recording.stat().st_mtime_ns
    except FileNotFoundError:
        return False


def _tell_analysis(path: Path) -> Rewritten:
    """Put the manifest of the recording at `path` into its analysis."""
    analysis = analysis_path(path)
    try:
        document = orjson.loads(analysis.read_bytes())
        with Recording(path) as recording:
            write_document({**document, "service": recording.manifest}, analysis)
    except (OSError, RecordingError, TypeError, orjson.JSONDecodeError) as error:
        return Rewritten(f"{analysis}: {error}")
    return Rewritten()
