"""The journal of one recording in progress: an append-only file that survives kill -9 and power cuts.

After eight bytes that name the format come records: length of the payload, CRC-32 of the rest, Unix second, kind,
payload. Appending only fills memory; `flush` writes all of that and syncs it, so that many records share one fsync.
What was flushed is acknowledged: reading gives it back, whatever happened to the bytes behind it.

The frames in it are those of the finished file, keyframes and intra-frames; a second frame of one second stands for
the first one.
"""

import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from livetiming.files import sync_directory
from livetiming.recording.format import MAX_FRAME_BYTES

MAGIC = b"LTJRNL1\n"
PENDING_LIMIT = 64 * 2**20  # bytes waiting for a disk that does not take them: about an hour of 60 cars

HEAD = struct.Struct("<IIqB")  # length, CRC-32 of what follows it, second, kind
_CHECKED = struct.Struct("<IqB")  # what the CRC covers beside the payload: length, second, kind
_HEAD_ENDS = re.compile(rb"\0{4}[\x01-\x05]")  # the upper half of a second (until 2106), and a kind
_BATCH_BYTES = 2**20  # written at once
_READ_BYTES = 2**20  # read at once


class RecordKind(IntEnum):
    """What a record holds. The numbers stand in files: do not renumber."""

    UUID = 1  # of the service; the first record
    MANIFEST = 2  # JSON; the newest counts
    KEY = 3  # a keyframe's body
    INTRA = 4  # an intra-frame's body
    END = 5  # why the recording ended; nothing follows


FRAMES = frozenset((RecordKind.KEY, RecordKind.INTRA))
_KINDS = {int(kind): kind for kind in RecordKind}


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `second` is a frame's second, and the time of writing for other kinds (Unix)."""

    kind: RecordKind
    second: int
    payload: bytes


class Dropped(RuntimeError):
    """The disk has not taken frames for so long that no more are kept in memory: this one is lost."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what}: {limit >> 20} MiB wait for the disk; frames are dropped until it takes them")


class JournalFull(Dropped):
    """Too much of one recording waits."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), PENDING_LIMIT)


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
        self.waiting = 0  # bytes that were appended and are not on the disk
        self._length = length
        self._pending = [] if length else [MAGIC]
        self._descriptor: int | None = None
        self._cut = False

    @property
    def pending(self) -> bool:
        """Whether anything waits for `flush`."""
        return bool(self._pending)

    @property
    def full(self) -> bool:
        """Whether so much waits that frames are refused."""
        return self.waiting >= PENDING_LIMIT

    def append(self, record: Record) -> None:
        """Take a record, in memory. Raises JournalFull for a frame that would make too much wait."""
        if record.kind in FRAMES and self.waiting + len(record.payload) > PENDING_LIMIT:
            raise JournalFull(self.path)
        data = encode(record)
        self._pending.append(data)
        self.waiting += len(data)

    def flush(self) -> None:
        """Bring everything appended to the disk, or raise OSError: then the rest waits for the next flush.

        What a failed sync was to bring to the disk is written again by the next flush, because the kernel may have
        forgotten it, and a second sync would say that all is well.
        """
        if not self._pending:
            return
        descriptor = self._open()
        position, taken, trouble = self._length, 0, None
        try:
            for count, data in _batches(self._pending):
                _write(descriptor, data, position)
                position += len(data)
                taken += count
        except OSError as error:
            if not taken:
                raise
            trouble = error
        os.fsync(descriptor)
        if self._length == 0:
            sync_directory(self.path.parent)
        self._length = position
        del self._pending[:taken]
        self.waiting = sum(map(len, self._pending))
        if trouble is not None:
            raise trouble

    def close(self) -> None:
        """Close the file; what was not flushed is lost."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):  # what was flushed is on the disk
                os.close(descriptor)

    def delete(self) -> None:
        """Close and remove the file."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CLOEXEC | (0 if self._length else os.O_CREAT | os.O_EXCL)
            self._descriptor = os.open(self.path, flags, 0o664)
        if not self._cut:
            os.ftruncate(self._descriptor, self._length)
            self._cut = True
        return self._descriptor


def _batches(pieces: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """The pieces joined to about _BATCH_BYTES each, with how many of them each batch holds."""
    begin = size = 0
    for index, piece in enumerate(pieces):
        size += len(piece)
        if size >= _BATCH_BYTES or index == len(pieces) - 1:
            yield index + 1 - begin, b"".join(pieces[begin : index + 1])
            begin, size = index + 1, 0


def _write(descriptor: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, position)
        position += written
        view = view[written:]


def encode(record: Record) -> bytes:
    """The record as it stands in the file."""
    length = len(record.payload)
    crc = zlib.crc32(record.payload, zlib.crc32(_CHECKED.pack(length, record.second, record.kind)))
    return HEAD.pack(length, crc, record.second, record.kind) + record.payload


def read(path: Path) -> Iterator[tuple[Record, int]]:
    """Each record with the offset of the byte behind it. Raises BadRecord where reading has to stop, and OSError."""
    with path.open("rb", _READ_BYTES) as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise BadRecord(path, 0, "it does not begin as a journal does")
        offset = len(MAGIC)
        while head := file.read(HEAD.size):
            record = record_from(path, offset, head, file)
            offset += HEAD.size + len(record.payload)
            yield record, offset


def record_from(path: Path, offset: int, head: bytes, file: BinaryIO) -> Record:
    """The record at `offset` of a journal: `head` was read, its payload stands next in `file`. Raises BadRecord."""
    if len(head) < HEAD.size:
        raise BadRecord(path, offset, "the record is cut short")
    length, crc, second, number = HEAD.unpack(head)
    if length > MAX_FRAME_BYTES:
        raise BadRecord(path, offset, f"the record claims {length} bytes")
    payload = file.read(length)
    if len(payload) < length:
        raise BadRecord(path, offset, "the record is cut short")
    if zlib.crc32(payload, zlib.crc32(_CHECKED.pack(length, second, number))) != crc:
        raise BadRecord(path, offset, "the checksum is wrong")
    kind = _KINDS.get(number)
    if kind is None:
        raise BadRecord(path, offset, f"records of kind {number} are unknown to this version")
    return Record(kind, second, payload)


def is_damaged(path: Path, offset: int) -> bool:
    """Whether good records stand behind `offset`, where reading has stopped: a kill, which tears the last record, does
    not leave any there. Raises OSError."""
    with path.open("rb") as file:
        file.seek(offset)
        for found in _HEAD_ENDS.finditer(file.read()):
            begin = offset + found.end() - HEAD.size
            if begin > offset:
                file.seek(begin)
                with suppress(BadRecord):
                    record_from(path, begin, file.read(HEAD.size), file)
                    return True
    return False
