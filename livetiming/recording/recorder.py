"""A recording of a service's own, without the DVR: what `livetiming-service -r` writes."""

import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from livetiming.recording.format import Chain, Frame, UnusableState, advance
from livetiming.recording.writer import RecordingWriter


class TimingRecorder:
    """Writes states to the recording `path` as they come; it has its name when `close()` is called.

    A file that is there already, or that another process is writing, is kept: `name.zip`, then `name_1.zip`, …
    """

    log = Logger()

    def __init__(self, path: str | Path) -> None:
        self._writer = _begun(Path(path))
        self.path = self._writer.target
        self._chain = Chain()
        self._newest: Frame | None = None  # may still be replaced, by a later state of its second
        self._manifest: Mapping[str, Any] = {}
        self._closed = False

    def writeManifest(self, manifest: Mapping[str, Any]) -> None:  # noqa: N802 - the field's name
        """Take the newest manifest."""
        self._manifest = manifest

    def writeState(self, state: Any, timestamp: float | None = None) -> None:  # noqa: N802 - the field's name
        """Take the state of Unix second `timestamp` (now). One that cannot be recorded is told, and left out."""
        second = int(time.time() if timestamp is None else timestamp)
        try:
            self._chain, frame = advance(self._chain, second, state)
        except UnusableState as error:
            self.log.warn("{error}", error=error)
            return
        if self._newest is not None and frame.second > self._newest.second:
            self._writer.add(self._newest)
        self._newest = frame

    def close(self) -> None:
        """Finish the file; without a frame there is none."""
        if self._closed:
            return
        self._closed = True
        with self._writer as writer:
            if self._newest is not None:
                writer.add(self._newest)
                writer.finish(self._manifest)


def _begun(path: Path) -> RecordingWriter:
    """The writer of the first of `name.zip`, `name_1.zip`, … that nobody else has or makes."""
    path = path if path.suffix == ".zip" else path.with_name(f"{path.name}.zip")
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in count():
        candidate = path.with_name(f"{path.stem}_{number}{path.suffix}") if number else path
        if not candidate.exists():
            with suppress(BlockingIOError):  # somebody writes it
                writer = RecordingWriter(candidate, wait=False)
                if not candidate.exists():  # nobody has finished it since
                    return writer
                writer.abandon()
    raise AssertionError  # there is no last number
