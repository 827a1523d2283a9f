"""Writing a recording: frames stream into a ZIP, which appears under its name only when it is whole and on the disk."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from livetiming.recording.format import MANIFEST_NAME, VERSION, Frame, Json, frame_name

PART_SUFFIX = ".part"  # of the file while it is written
MODE = 0o664  # the router's web server reads it
_ENTRY_MODE = 0o644 << 16  # where a ZIP keeps it


class RecordingWriter:
    """One recording being written to `target`; a context. What is not finished when it ends leaves no file.

    Memory grows by the table of entries only, about 0.5 kB a frame. An interrupted writer leaves `{target}.part`,
    which the next one for the same target overwrites.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.start: int | None = None  # Unix second of the first frame
        self._part = target.with_name(target.name + PART_SUFFIX)
        self._file = self._part.open("wb")
        self._zip = ZipFile(self._file, "w", ZIP_DEFLATED, allowZip64=True)
        self._finished = False

    def add(self, frame: Frame) -> None:
        """Append a frame; its second is after that of the frame before."""
        if self.start is None:
            self.start = frame.second
        self._entry(frame_name(frame.second, frame.kind), frame.body)

    def finish(self, manifest: Mapping[str, Json]) -> None:
        """Write the manifest, which gets its `version` and `startTime` here, and give the file its name."""
        self._entry(MANIFEST_NAME, orjson.dumps({**manifest, "version": VERSION, "startTime": self.start}))
        self._zip.close()
        self._file.flush()
        os.fchmod(self._file.fileno(), MODE)  # whatever the umask
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.rename(self.target)
        self._finished = True
        sync_directory(self.target.parent)

    def __enter__(self) -> "RecordingWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        try:
            with suppress(OSError, ValueError):  # the disk may be full: what matters is that the part goes
                self._zip.close()
            self._file.close()
        finally:
            self._part.unlink(missing_ok=True)

    def _entry(self, name: str, body: bytes) -> None:
        info = ZipInfo(name)  # dated 1980, so that the same frames make the same file
        info.compress_type = ZIP_DEFLATED
        info.external_attr = _ENTRY_MODE
        self._zip.writestr(info, body)


def sync_directory(folder: Path) -> None:
    """Make names that were just created, renamed or removed in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
