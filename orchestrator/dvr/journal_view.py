"""Reading a journal while another process writes it: what a recording in progress holds so far.

A view holds where the frames stand, 21 bytes of memory for each; the frames stay in the file. `refresh` takes in what
was appended since. A record that is not whole yet is simply not there; one that will never be whole is where the
finished recording ends, too. The file stays open, so that it may be renamed or deleted meanwhile.

It gives what the finished file will give: of each second the newest frame, the newest manifest, and errors that name
file and frame.
"""

import io
import os
from array import array
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from livetiming.recording.format import VERSION, BadEntry, Frame, Json, Kind, frame_name
from livetiming.recording.frames import Frames
from orchestrator.dvr.finalise import JournalName, unknown_manifest
from orchestrator.dvr.journal import HEAD, MAGIC, BadRecord, Record, RecordKind, record_from

_READ_BYTES = 2**20  # at once
_KINDS = {RecordKind.KEY: Kind.KEY, RecordKind.INTRA: Kind.INTRA}


class JournalView(Frames):
    """A journal as far as it was written; a context. There may be no frame yet. It is for one thread at a time.

    Raises OSError where it cannot be opened, and BadRecord where the file is no journal.
    """

    _seconds: "array[int]"
    _keys: "array[int]"  # 1 for a keyframe

    def __init__(self, path: Path) -> None:
        self.path = path
        name = JournalName.parse(path.name)
        self._uuid = "" if name is None else name.uuid
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._forget()
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def _forget(self) -> None:
        self.ended = False  # the service has gone: nothing follows
        self.stopped: str | None = None  # why the last reading did not come to the end of the file
        self._manifest: dict[str, Json] | None = None
        self._length = 0  # how much of the file is good
        self._last_head, self._last_size = b"", 0  # of the last good record, bytes
        self._seconds = array("q")
        self._offsets = array("q")
        self._sizes = array("I")  # of the whole record
        self._keys = array("B")
        self._newest = None

    def refresh(self) -> bool:
        """Take in what was written since the last time; whether there was anything."""
        size = os.fstat(self._descriptor).st_size
        if size < self._length or not self._is_as_it_was():
            self._forget()  # written anew from some point on; that is not our DVR's way
        length = self._length
        if size > length and not self.ended:
            with os.fdopen(os.dup(self._descriptor), "rb", _READ_BYTES) as file:  # a buffer that knows nothing old
                self._read(file)
        return self._length != length

    def _is_as_it_was(self) -> bool:
        begin = self._length - self._last_size if self._last_head else 0
        return os.pread(self._descriptor, len(self._last_head), begin) == self._last_head

    def _read(self, file: BinaryIO) -> None:
        self.stopped = None
        file.seek(self._length)
        if not self._length:
            begin = file.read(len(MAGIC))
            if begin != MAGIC[: len(begin)]:
                raise BadRecord(self.path, 0, "it does not begin as a journal does")
            if len(begin) < len(MAGIC):
                return
            self._length = len(MAGIC)
        try:
            while not self.ended and (head := file.read(HEAD.size)):
                record = record_from(self.path, self._length, head, file)
                self._take(record)
                self._last_head, self._last_size = head, len(head) + len(record.payload)
                self._length += self._last_size
        except BadRecord as error:
            self.stopped = str(error)

    def _take(self, record: Record) -> None:
        if record.kind is RecordKind.UUID:
            self._belongs_to(record.payload.decode(errors="replace"))
        elif record.kind is RecordKind.MANIFEST:
            self._manifest = self._decoded(record.payload)
        elif record.kind is RecordKind.END:
            self.ended = True
        else:
            self._place(record)

    def _belongs_to(self, uuid: str) -> None:
        if self._uuid and uuid != self._uuid:
            raise BadRecord(self.path, self._length, "it belongs to another service than its name says")
        self._uuid = uuid

    def _decoded(self, manifest: bytes) -> dict[str, Json]:
        try:
            decoded: dict[str, Json] = {**orjson.loads(manifest)}
        except (TypeError, ValueError) as error:
            raise BadRecord(self.path, self._length, f"the manifest is none ({error})") from error
        return decoded

    def _place(self, record: Record) -> None:
        if self._seconds and record.second <= self._seconds[-1]:  # in place of the newest one
            for column in (self._seconds, self._offsets, self._sizes, self._keys):
                column.pop()
            if self._newest is not None and self._newest[0] >= len(self):
                self._newest = None
        self._seconds.append(record.second)
        self._offsets.append(self._length)
        self._sizes.append(HEAD.size + len(record.payload))
        self._keys.append(record.kind is RecordKind.KEY)

    @property
    def gone(self) -> bool:
        """Whether the file has another name by now, or none: the recording is made of it, or it was thrown away."""
        try:
            return not os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except FileNotFoundError:
            return True

    @property
    def manifest(self) -> dict[str, Json]:
        """The newest manifest, as the finished file will have it."""
        known = unknown_manifest(self._uuid) if self._manifest is None else self._manifest
        return {**known, "version": VERSION, "startTime": self._seconds[0] if self._seconds else None}

    def _frame(self, index: int) -> Frame:
        second, kind = self._seconds[index], self._kind(index)
        offset, size = self._offsets[index], self._sizes[index]
        try:
            data = os.pread(self._descriptor, size, offset)
            record = record_from(self.path, offset, data[: HEAD.size], io.BytesIO(data[HEAD.size :]))
        except (BadRecord, OSError) as error:
            raise BadEntry(str(self.path), frame_name(second, kind), str(error)) from error
        if record.second != second or _KINDS.get(record.kind) is not kind:
            raise BadEntry(str(self.path), frame_name(second, kind), "it was written anew meanwhile")
        return Frame(second, kind, record.payload)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "JournalView":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
