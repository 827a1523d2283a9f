"""Writing a recording: frames stream into a ZIP, which appears under its name only when it is whole and on the disk.

The ZIP is written here, not by zipfile, because that takes 45 µs more for each entry (a quarter of all) and 0.5 kB of
memory; this takes 60 bytes. (PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.3.)
"""

import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from zipfile import ZIP_DEFLATED

import orjson

from livetiming.files import opened_alone, sync_directory
from livetiming.recording.format import MANIFEST_NAME, VERSION, Frame, Json, RawFrame, frame_name
from livetiming.recording.zipped import CENTRAL, END, END64, END64_LOCATOR, LOCAL

PART_SUFFIX = ".part"  # of the file while it is written
MODE = 0o664  # the router's web server reads it

_LEVEL = 6  # of deflate: 5 is an eighth faster, and 0.6 % larger
_BUFFER_BYTES = 1 << 20
_VERSION, _VERSION_64 = 20, 45  # of ZIPs: 2.0 has deflate, 4.5 has ZIP64
_MADE_BY = 3 << 8 | _VERSION_64  # Unix
_DATE = 0, 0x21  # 1980-01-01 00:00, so that the same frames make the same file
_ATTRIBUTES = 0o100644 << 16
_LIMIT, _LIMIT_ENTRIES = 0xFFFFFFFF, 0xFFFF  # from here on ZIP64


class RecordingWriter:
    """One recording being written to `target`; a context. What is not finished when it ends leaves no file.

    Memory grows by the table of entries only, 60 bytes a frame. An interrupted writer leaves `{target}.part`, which
    the next one for the same target overwrites. Of several at a time each waits for its turn, or, without `wait`,
    gets BlockingIOError.
    """

    def __init__(self, target: Path, *, wait: bool = True) -> None:
        self.target = target
        self.start: int | None = None  # Unix second of the first frame
        self._part = target.with_name(target.name + PART_SUFFIX)
        self._descriptor = opened_alone(self._part, MODE, wait=wait)
        self._waiting = bytearray()
        self._offset = 0  # behind all that was written or waits
        self._directory = bytearray()
        self._entries = 0
        self._finished = False

    def add(self, frame: Frame) -> None:
        """Append a frame; its second is after that of the frame before."""
        self.add_raw(_deflated(frame))

    def add_raw(self, frame: RawFrame) -> None:
        """The same for a frame as another file has it."""
        if self.start is None:
            self.start = frame.second
        self._entry(frame_name(frame.second, frame.kind), frame.method, frame.crc, frame.size, frame.data)

    def finish(self, manifest: Mapping[str, Json]) -> None:
        """Write the manifest, which gets its `version` and `startTime` here, and give the file its name."""
        body = orjson.dumps({**manifest, "version": VERSION, "startTime": self.start})
        self._entry(MANIFEST_NAME, ZIP_DEFLATED, zlib.crc32(body), len(body), _deflate(body))
        self._end()
        self._flush()
        os.fchmod(self._descriptor, MODE)  # whatever the umask
        os.fsync(self._descriptor)
        self._part.rename(self.target)
        self._finished = True
        self._close()
        sync_directory(self.target.parent)

    def abandon(self) -> None:
        """Leave no file."""
        try:
            self._part.unlink(missing_ok=True)
        finally:
            self._close()

    def __enter__(self) -> "RecordingWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            self._close()
        else:
            self.abandon()

    def _entry(self, name: str, method: int, crc: int, size: int, data: bytes) -> None:
        encoded = name.encode("ascii")
        offset, extra = min(self._offset, _LIMIT), b""
        if offset == _LIMIT:
            extra = b"\1\0\x08\0" + self._offset.to_bytes(8, "little")
        about = (0, method, *_DATE, crc, len(data), size, len(encoded))
        head = LOCAL.pack(b"PK\3\4", _VERSION, *about, 0) + encoded
        needs = _VERSION_64 if extra else _VERSION
        central = CENTRAL.pack(b"PK\1\2", _MADE_BY, needs, *about, len(extra), 0, 0, 0, _ATTRIBUTES, offset)
        self._directory += central + encoded + extra
        self._entries += 1
        self._write(head, data)

    def _end(self) -> None:
        """The directory and what tells where it is."""
        begin, length = self._offset, len(self._directory)
        self._write(self._directory)
        if self._entries >= _LIMIT_ENTRIES or begin >= _LIMIT:
            counts = self._entries, self._entries, length, begin
            end64 = END64.pack(b"PK\6\6", END64.size - 12, _MADE_BY, _VERSION_64, 0, 0, *counts)
            self._write(end64, END64_LOCATOR.pack(b"PK\6\7", 0, begin + length, 1))
        entries = min(self._entries, _LIMIT_ENTRIES)
        self._write(END.pack(b"PK\5\6", 0, 0, entries, entries, min(length, _LIMIT), min(begin, _LIMIT), 0))

    def _write(self, *parts: bytes | bytearray) -> None:
        for part in parts:
            self._waiting += part
            self._offset += len(part)
        if len(self._waiting) >= _BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        with memoryview(self._waiting) as waiting:
            written = 0
            while written < len(waiting):
                written += os.write(self._descriptor, waiting[written:])
        self._waiting.clear()

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


def _deflated(frame: Frame) -> RawFrame:
    body = frame.body
    return RawFrame(frame.second, frame.kind, ZIP_DEFLATED, zlib.crc32(body), len(body), _deflate(body))


def _deflate(body: bytes) -> bytes:
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packing.compress(body) + packing.flush()
