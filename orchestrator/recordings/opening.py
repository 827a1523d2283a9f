"""A file that somebody named: a finished recording, or the journal of one in progress."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from livetiming.recording.convert import is_old
from livetiming.recording.format import NotARecording
from livetiming.recording.reader import Recording
from orchestrator.dvr.journal import MAGIC, BadRecord
from orchestrator.dvr.journal_view import JournalView
from orchestrator.recordings.open_files import Source


class NotAJournal(NotARecording):
    """The file is a journal, and nothing of it can be read."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(str(path), f"it is a journal, of which nothing can be read: {why}")


class StillAJournal(NotARecording):
    """The file is a journal, where only a finished recording will do."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            str(path),
            "it is the journal of one in progress, of which the DVR makes a file when the service has gone "
            "(livetiming-rectool clip FILE 0 makes one of what is there by now)",
        )


class BeforeVersion1(NotARecording):
    """The file was written before files had a version."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), "it was written before that (livetiming-rectool convert makes one of it)")


def is_journal(path: Path) -> bool:
    """Whether the file begins as journals do. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def refuse_journal(path: Path) -> None:
    """Raise StillAJournal where the file is one, and OSError."""
    if is_journal(path):
        raise StillAJournal(path)


def check_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Raise NotARecording where a manifest that was read cannot be written again."""
    try:
        orjson.dumps(manifest)
    except TypeError as error:
        raise NotARecording(str(path), f"its manifest is no JSON that can be written ({error})") from error


@contextmanager
def finished(path: Path) -> Iterator[Recording]:
    """The recording at `path`. Raises NotARecording with advice, and OSError."""
    refuse_journal(path)
    try:
        recording = Recording(path)
    except NotARecording as error:
        if is_old(path):
            raise BeforeVersion1(path) from error
        raise
    with recording:
        check_manifest(path, recording.manifest)
        yield recording


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The recording at `path`, or what a journal holds by now. Raises NotARecording with advice, and OSError."""
    if not is_journal(path):
        with finished(path) as recording:
            yield recording
        return
    try:
        view = JournalView(path)
    except BadRecord as error:
        raise NotAJournal(path, error.why) from error
    with view:
        if not view.seconds:
            raise NotAJournal(path, view.stopped or "it holds no frame yet")
        yield view
