"""The ZIP below a recording: where its entries are, found in one go, and what they hold, inflated when asked for.

(PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.4.) Where a directory looks as ours do, one regular expression reads it
all; every other one is read by zipfile, which takes ten times as long and knows all there is to know about ZIPs.
"""

import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter, lt
from typing import BinaryIO, overload
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from livetiming.recording.format import MANIFEST_NAME, MAX_FRAME_BYTES, VERSION, Kind, parse_frame_name

# What zipfile raises for damaged input: it checks little, so most errors are those of the layers below.
DAMAGE = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)

LOCAL = struct.Struct("<4s5H3L2H")  # signature, version, flags, method, time, date, CRC, sizes, lengths
CENTRAL = struct.Struct("<4s6H3L5H2L")  # signature, versions, flags … lengths, disk, attributes, offset
END = struct.Struct("<4s4H2LH")  # signature, disks, entries on this disk and in all, size, offset, comment's length
END64 = struct.Struct("<4sQ2H2L4Q")  # signature, its length, versions, disks, entries likewise, size, offset
END64_LOCATOR = struct.Struct("<4sLQL")  # signature, disk, offset of END64, disks

_KEY_BYTES = CENTRAL.size + len("00000000000.json")
_IS_KEY = bytes(length == _KEY_BYTES for length in range(256))  # for bytes.translate
_MANIFEST_BYTES = CENTRAL.size + len(MANIFEST_NAME)
_SECOND = itemgetter(slice(CENTRAL.size, CENTRAL.size + 11))  # the digits of a frame's name
LAST_OFFSET = 2**62  # no file is so large; ZIP64 has room for twice what the system takes
_ENCRYPTED = 1  # bit of an entry's flags

# Entries with neither extra fields nor a comment, whose names are those of frames or the manifest's.
_PLAIN = re.compile(
    rb"PK\x01\x02.{24}(?:"
    rb"\x11\0\0\0\0\0.{12}[0-9]{11}i\.json|"
    rb"\x10\0\0\0\0\0.{12}[0-9]{11}\.json|"
    rb"\x0d\0\0\0\0\0.{12}manifest\.json)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an entry is, and what is told of it. Sizes and offset in bytes."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int  # size in the file
    size: int  # inflated
    offset: int  # of its header


class Entries:
    """The frames of a recording by their place in time, and its manifest, if there is one.

    `seconds` are ascending; `keys[i]` is 1 where frame i is a keyframe, else 0; `foreign` is a name that is no frame's.
    """

    def __init__(
        self,
        seconds: Sequence[int],
        keys: bytes,
        places: list[bytes] | list[Entry],
        manifest: Entry | None,
        foreign: str | None = None,
    ) -> None:
        self.seconds = seconds
        self.keys = keys
        self.manifest = manifest
        self.foreign = foreign
        self._places = places

    def __getitem__(self, index: int) -> Entry:
        """Where frame `index` is."""
        place = self._places[index]
        return place if isinstance(place, Entry) else _plain_entry(place)


def entries(file: BinaryIO) -> Entries:
    """The entries of the recording in `file`. Raises BadZipFile."""
    try:
        return _plain_entries(file) or _entries_by_zipfile(file)
    except DAMAGE as error:
        raise BadZipFile(str(error) or type(error).__name__) from error


def packed(file: BinaryIO, entry: Entry) -> bytes:
    """The entry as it stands in the file. Raises BadZipFile."""
    if entry.size > MAX_FRAME_BYTES or entry.packed > MAX_FRAME_BYTES:
        raise BadZipFile(f"it is larger than {MAX_FRAME_BYTES >> 20} MiB")
    if entry.method not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadZipFile(f"its compression method {entry.method} is none of version {VERSION}")
    if entry.flags & _ENCRYPTED:
        raise BadZipFile("it is encrypted")
    if not 0 <= entry.offset <= LAST_OFFSET:
        raise BadZipFile("there is no entry where its directory says")
    head = LOCAL.size + len(entry.name)
    found = os.pread(file.fileno(), head + entry.packed, entry.offset)
    if len(found) < LOCAL.size or not found.startswith(b"PK\3\4"):
        raise BadZipFile("there is no entry where its directory says")
    *_, name_bytes, extra_bytes = LOCAL.unpack_from(found)
    if found[LOCAL.size : LOCAL.size + name_bytes] != entry.name.encode():
        raise BadZipFile("its own header has another name")
    if extra_bytes:
        head = LOCAL.size + name_bytes + extra_bytes
        found = os.pread(file.fileno(), head + entry.packed, entry.offset)
    if len(found) < head + entry.packed:
        raise BadZipFile("it is cut short")
    return found[head:]


def inflated(entry: Entry, data: bytes) -> bytes:
    """What the entry holds, made of `data`, what stands in the file. Raises BadZipFile."""
    if entry.method == ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, entry.size + 1)
        except zlib.error as error:
            raise BadZipFile(str(error)) from error
    if len(data) != entry.size:
        raise BadZipFile("its size is not the one that its directory says")
    if zlib.crc32(data) != entry.crc:
        raise BadZipFile("its checksum is wrong")
    return data


def _plain_entries(file: BinaryIO) -> Entries | None:
    """The entries, where they are in order, nothing is unusual, and nothing is there twice; else None."""
    directory = _directory(file)
    found: list[bytes] = _PLAIN.findall(directory)
    lengths = bytearray(map(len, found))
    if sum(lengths) != len(directory) or lengths.count(_MANIFEST_BYTES) != 1:
        return None
    at = lengths.index(_MANIFEST_BYTES)
    manifest = found.pop(at)
    del lengths[at]
    digits = list(map(_SECOND, found))
    if not all(map(lt, digits, digits[1:])):
        return None
    return Entries(_Seconds(digits), bytes(lengths.translate(_IS_KEY)), found, _plain_entry(manifest))


class _Seconds(Sequence[int]):
    """Numbers of eleven digits each, made when they are asked for: few of them are."""

    def __init__(self, digits: list[bytes]) -> None:
        self._digits = digits

    def __len__(self) -> int:
        return len(self._digits)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        found = self._digits[index]
        return int(found) if isinstance(found, bytes) else list(map(int, found))

    def __iter__(self) -> Iterator[int]:
        return map(int, self._digits)


def _directory(file: BinaryIO) -> bytes:
    """The central directory, where it stands right before the end; else nothing."""
    descriptor = file.fileno()
    size = os.fstat(descriptor).st_size
    tail_at = max(0, size - END.size - END64_LOCATOR.size - END64.size)
    tail = os.pread(descriptor, size - tail_at, tail_at)
    end = len(tail) - END.size
    if end < 0 or not tail.startswith(b"PK\5\6", end):
        return b""
    *_, directory_bytes, offset, _comment = END.unpack_from(tail, end)
    if tail.startswith(b"PK\6\7", end - END64_LOCATOR.size):
        end -= END64_LOCATOR.size + END64.size
        if end < 0 or not tail.startswith(b"PK\6\6", end):
            return b""
        *_, directory_bytes, offset = END64.unpack_from(tail, end)
    if offset + directory_bytes != tail_at + end:
        return b""
    return os.pread(descriptor, directory_bytes, offset)


def _plain_entry(place: bytes) -> Entry:
    _, _, _, flags, method, _, _, crc, packed_size, size, _, _, _, _, _, _, offset = CENTRAL.unpack_from(place)
    return Entry(place[CENTRAL.size :].decode("ascii"), flags, method, crc, packed_size, size, offset)


def _entries_by_zipfile(file: BinaryIO) -> Entries:
    """The entries of any ZIP. Of two frames of one second the keyframe counts, of two alike the later one."""
    with ZipFile(file) as archive:
        infos = archive.infolist()
    manifest: Entry | None = None
    foreign: str | None = None
    frames: dict[int, tuple[bool, Entry]] = {}
    for info in infos:
        sizes = info.compress_size, info.file_size
        entry = Entry(info.orig_filename, info.flag_bits, info.compress_type, info.CRC, *sizes, info.header_offset)
        if entry.name == MANIFEST_NAME:
            manifest = entry
            continue
        frame = parse_frame_name(entry.name)
        if frame is None:
            foreign = foreign or entry.name
            continue
        second, key = frame[0], frame[1] is Kind.KEY
        if key or second not in frames or not frames[second][0]:
            frames[second] = key, entry
    seconds = sorted(frames)
    keys, places = bytes(frames[second][0] for second in seconds), [frames[second][1] for second in seconds]
    return Entries(seconds, keys, places, manifest, foreign)
