"""Reading a recording: opened once, then its manifest, its frames in order, and its state at any second."""

import os
import stat
from pathlib import Path
from types import TracebackType
from zipfile import BadZipFile

import orjson

from livetiming.recording.format import MANIFEST_NAME, VERSION, BadEntry, Frame, Json, NotARecording, RawFrame
from livetiming.recording.frames import Frames
from livetiming.recording.zipped import Entry, entries, inflated, packed


class Recording(Frames):
    """An open recording; a context. Raises NotARecording, or OSError where there is no such file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - `close` closes it
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        name = str(self.path)
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            raise NotARecording(name, "it is no file")
        try:
            self._entries = entries(self._file)
        except BadZipFile as error:
            raise NotARecording(name, f"it is cut short, or no ZIP ({error})") from error
        self.manifest = self._read_manifest()
        if self._entries.foreign is not None:
            raise NotARecording(name, f"its entry {self._entries.foreign} is no frame")
        if 1 not in self._entries.keys:
            raise NotARecording(name, "it has no keyframe")
        self._seconds, self._keys = self._entries.seconds, self._entries.keys

    def _read_manifest(self) -> dict[str, Json]:
        name = str(self.path)
        if self._entries.manifest is None:
            raise NotARecording(name, f"it has no {MANIFEST_NAME}")
        try:
            manifest = orjson.loads(self._body(self._entries.manifest))
        except orjson.JSONDecodeError as error:
            raise NotARecording(name, f"its entry {MANIFEST_NAME} is no JSON ({error})") from error
        except BadEntry as error:
            raise NotARecording(name, str(error)) from error
        if not isinstance(manifest, dict):
            raise NotARecording(name, f"its entry {MANIFEST_NAME} is no object")
        version = manifest.get("version")
        if version is None:
            raise NotARecording(name, "its manifest has no version (livetiming-rectool convert reads such files)")
        if version != VERSION:
            raise NotARecording(name, f"it is of version {str(version)[:20]}")
        return manifest

    def raw(self, second: int) -> RawFrame:
        """The frame of Unix second `second` as it stands in the file, to be put into another one."""
        index = self._index(second)
        entry = self._entries[index]
        return RawFrame(second, self._kind(index), entry.method, entry.crc, entry.size, self._packed(entry))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _frame(self, index: int) -> Frame:
        return Frame(self._seconds[index], self._kind(index), self._body(self._entries[index]))

    def _body(self, entry: Entry) -> bytes:
        data = self._packed(entry)
        try:
            return inflated(entry, data)
        except BadZipFile as error:
            raise BadEntry(str(self.path), entry.name, str(error)) from error

    def _packed(self, entry: Entry) -> bytes:
        try:
            return packed(self._file, entry)
        except (BadZipFile, OSError) as error:
            raise BadEntry(str(self.path), entry.name, str(error)) from error


def _without_waiting(path: str, flags: int) -> int:
    """A descriptor of the file, or of a pipe into which nobody writes, which would wait for ever."""
    return os.open(path, flags | os.O_NONBLOCK)
