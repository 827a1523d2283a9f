"""The journal of one recording in progress: an append-only file that survives kill -9 and power cuts.

After eight bytes that name the format come records: length of the payload, CRC-32 of the rest, Unix second, kind,
payload. Appending only fills memory; `flush` writes all of that and syncs it, so that many records share one fsync.
What was flushed is acknowledged: reading gives it back, whatever happened to the bytes behind it.

The frames in it are those of the finished file, keyframes and intra-frames; a second frame of one second stands for
the first one.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from livetiming.recording.format import MAX_FRAME_BYTES
from livetiming.recording.writer import sync_directory

MAGIC = b"LTJRNL1\n"
PENDING_LIMIT = 64 * 2**20  # bytes waiting for a disk that does not take them: about an hour of 60 cars

_HEAD = struct.Struct("<IIqB")  # length, CRC-32 of what follows it, second, kind
_CHECKED = struct.Struct("<IqB")  # what the CRC covers beside the payload: length, second, kind


class RecordKind(IntEnum):
    """What a record holds. The numbers stand in files: do not renumber."""

    UUID = 1  # of the service; the first record
    MANIFEST = 2  # JSON; the newest counts
    KEY = 3  # a keyframe's body
    INTRA = 4  # an intra-frame's body
    END = 5  # why the recording ended; nothing follows


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `second` is a frame's second, and the time of writing for other kinds (Unix)."""

    kind: RecordKind
    second: int
    payload: bytes


class JournalFull(RuntimeError):
    """The disk has not taken records for so long that no more are kept in memory: this one is dropped."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: {PENDING_LIMIT >> 20} MiB wait for the disk; frames are dropped until it takes them")


class BadRecord(ValueError):
    """Reading stops here. What stands before `offset` (bytes) is good."""

    def __init__(self, path: Path, offset: int, why: str) -> None:
        super().__init__(f"{path}: reading stops at byte {offset}: {why}; what stands before it is good")
        self.offset = offset
        self.why = why


class Journal:
    """A journal being written; made on the first flush. `length` is what an earlier life has left, if any."""

    def __init__(self, path: Path, length: int = 0) -> None:
        self.path = path
        self._length = length
        self._pending = [] if length else [MAGIC]
        self._pending_bytes = 0
        self._descriptor: int | None = None

    @property
    def pending(self) -> bool:
        """Whether anything waits for `flush`."""
        return bool(self._pending)

    def append(self, record: Record) -> None:
        """Take a record, in memory. Raises JournalFull."""
        if self._pending_bytes + len(record.payload) > PENDING_LIMIT:
            raise JournalFull(self.path)
        data = encode(record)
        self._pending.append(data)
        self._pending_bytes += len(data)

    def flush(self) -> None:
        """Bring everything appended to the disk, or raise OSError: then it all waits for the next flush."""
        if not self._pending:
            return
        data = b"".join(self._pending)
        descriptor = self._open()
        position = self._length
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, position)
            position += written
            view = view[written:]
        os.fsync(descriptor)
        if self._length == 0:
            sync_directory(self.path.parent)
        self._length = position
        self._pending.clear()
        self._pending_bytes = 0

    def close(self) -> None:
        """Close the file; what was not flushed is lost."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CLOEXEC | (0 if self._length else os.O_CREAT | os.O_EXCL)
            self._descriptor = os.open(self.path, flags, 0o664)
            os.ftruncate(self._descriptor, self._length)
        return self._descriptor


def encode(record: Record) -> bytes:
    """The record as it stands in the file."""
    length = len(record.payload)
    crc = zlib.crc32(record.payload, zlib.crc32(_CHECKED.pack(length, record.second, record.kind)))
    return _HEAD.pack(length, crc, record.second, record.kind) + record.payload


def read(path: Path) -> Iterator[tuple[Record, int]]:
    """Each record with the offset of the byte behind it. Raises BadRecord where reading has to stop, and OSError."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BadRecord(path, 0, "it does not begin as a journal does")
        offset = len(MAGIC)
        while head := file.read(_HEAD.size):
            record = _record(path, offset, head, file)
            offset += len(head) + len(record.payload)
            yield record, offset


def _record(path: Path, offset: int, head: bytes, file: BinaryIO) -> Record:
    if len(head) < _HEAD.size:
        raise BadRecord(path, offset, "the record is cut short")
    length, crc, second, kind = _HEAD.unpack(head)
    if length > MAX_FRAME_BYTES:
        raise BadRecord(path, offset, f"the record claims {length} bytes")
    payload = file.read(length)
    if len(payload) < length:
        raise BadRecord(path, offset, "the record is cut short")
    if zlib.crc32(payload, zlib.crc32(_CHECKED.pack(length, second, kind))) != crc:
        raise BadRecord(path, offset, "the checksum is wrong")
    try:
        return Record(RecordKind(kind), second, payload)
    except ValueError:
        raise BadRecord(path, offset, f"records of kind {kind} are unknown to this version") from None
