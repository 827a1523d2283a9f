"""Giving a finished recording, and its analysis, another manifest. No frame is inflated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from livetiming.recording.analysed import analysis_path, write_document
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from orchestrator.recordings.editing import edited


def change_manifest(path: Path, change: Mapping[str, Any]) -> bool:
    """Change the manifest of the recording at `path`; false if that changes nothing.

    Raises BadChange, RecordingError and OSError; then the recording is as it was.
    """
    with Recording(path) as recording:
        manifest = edited(recording.manifest, change)
        if manifest == recording.manifest:
            return False
        give_manifest(recording, manifest)
    return True


def give_manifest(recording: Recording, manifest: Mapping[str, Any]) -> None:
    """Replace the file of `recording` by one with this manifest, and likewise in its analysis, if there is one.

    At any moment the old file or the new one is there, whole. Raises BadEntry and OSError.
    """
    with RecordingWriter(recording.path) as writer:
        for second in recording.seconds:
            writer.add_raw(recording.raw(second))
        writer.finish(manifest)
    with Recording(recording.path) as rewritten:
        _tell_analysis(analysis_path(rewritten.path), rewritten.manifest)


def _tell_analysis(path: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest in the analysis, where there is one. One that cannot be read is older than its recording
    from now on, and so is found, and made again, by `livetiming-recordings-index --analyses`."""
    try:
        document = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return
    if isinstance(document, dict):
        write_document({**document, "service": manifest}, path)
