"""What is readable of a damaged recording.

An entry is looked for where the ZIP's directory says, and where a header of an entry stands in the file: one of both is
enough, so a file without its directory, cut short or garbled, still gives its frames. A frame is kept if it and all
that it builds on can be read; after a gap that is from the next keyframe on.
"""

import math
import mmap
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile

import orjson

from livetiming.recording.format import (
    MANIFEST_NAME,
    MAX_FRAME_BYTES,
    VERSION,
    Kind,
    NotARecording,
    RawFrame,
    UnusableFrame,
    decode_intra,
    decode_keyframe,
    parse_frame_name,
)
from livetiming.recording.writer import RecordingWriter
from livetiming.recording.zipped import DAMAGE, LOCAL, Entry, inflated, packed
from livetiming.state import State
from orchestrator.dvr.finalise import unknown_manifest
from orchestrator.recordings.opening import check_manifest

Progress = Callable[[int, int], None]  # frames done, of how many

_DESCRIPTOR = struct.Struct(
    "<3L"
)  # CRC-32 and sizes behind an entry whose header did not know them (APPNOTE.TXT 4.3.9)
_SIZES_BEHIND = 8  # bit of an entry's flags
_SIGNATURES = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08")
_CHUNK = 65_536
_UUID_NAME = re.compile(r"([0-9a-f]{32})(?:_[0-9]+)?(?:_[a-z]+)?", re.ASCII)


class NothingReadable(NotARecording):
    """No frame of the file can be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), "no frame of it can be read (of files from before version 1: rectool convert)")


@dataclass
class Loss:
    """What is not in the repaired recording."""

    entries: list[tuple[str, str]] = field(default_factory=list)  # that cannot be read: name, why
    frames: int = 0  # of unreadable entries, and those that build on them
    foreign: list[str] = field(default_factory=list)  # names of entries that are no part of a recording
    manifest: str | None = None  # why a new one had to be made

    def __bool__(self) -> bool:
        return bool(self.frames or self.entries or self.foreign or self.manifest)


@dataclass(frozen=True)
class Repaired:
    """A recording that was made."""

    frames: int
    start: int  # Unix s
    duration: int  # s
    loss: Loss


def repair(source: Path, target: Path, progress: Progress = lambda *_: None) -> Repaired:
    """Write what is readable of `source` to `target`. Raises NotARecording where that is nothing, and OSError."""
    with source.open("rb") as file:
        if not source.is_file():  # a device may have no end
            raise NotARecording(str(source), "it is no file")
        loss = Loss()
        found = _found(file)
        manifest = _manifest(source, file, found.pop(MANIFEST_NAME, []), loss)
        frames = _frames(found, loss)
        count = last = 0
        with RecordingWriter(target) as writer:
            for raw in _readable(file, frames, loss, progress):
                writer.add_raw(raw)
                count, last = count + 1, raw.second
            if writer.start is None:
                raise NothingReadable(source)
            writer.finish(manifest)
            return Repaired(count, writer.start, last - writer.start, loss)


def _manifest(source: Path, file: BinaryIO, places: Iterable[Entry], loss: Loss) -> dict[str, Any]:
    why = "there is none"
    for place in places:
        try:
            manifest = orjson.loads(_body(file, place))
        except DAMAGE as error:
            why = str(error)
            continue
        if not isinstance(manifest, dict):
            why = "it is no object"
            continue
        version = manifest.get("version", VERSION)
        if version != VERSION:
            raise NotARecording(str(source), f"it is of version {str(version)[:20]}")
        check_manifest(source, manifest)
        return manifest
    loss.manifest = why
    match = _UUID_NAME.fullmatch(source.stem)
    return unknown_manifest(match[1] if match else "0" * 32)


def _frames(found: dict[str, list[Entry]], loss: Loss) -> list[tuple[int, list[tuple[Kind, Entry]]]]:
    """Each second with the entries that may hold its frame, keyframes first."""
    seconds: defaultdict[int, list[tuple[Kind, Entry]]] = defaultdict(list)
    for name in sorted(found):  # `…0.json` comes before `…0i.json`
        frame = parse_frame_name(name)
        if frame is None:
            loss.foreign.append(name)
        else:
            seconds[frame[0]] += ((frame[1], place) for place in found[name])
    return sorted(seconds.items())


def _readable(
    file: BinaryIO, frames: list[tuple[int, list[tuple[Kind, Entry]]]], loss: Loss, progress: Progress
) -> Iterator[RawFrame]:
    """The frames that can be read, and of which all that they build on can be."""
    state: State | None = None
    for done, (second, places) in enumerate(frames, start=1):
        why = ""
        for kind, place in places:
            try:
                data = packed(file, place)
                body = inflated(place, data)
                if kind is Kind.KEY:
                    state = decode_keyframe(body)
                elif state is not None:
                    state = decode_intra(state, body)
                else:
                    continue  # it builds on what is lost
            except (UnusableFrame, *DAMAGE) as error:
                why = why or str(error)
                continue
            yield RawFrame(second, kind, place.method, place.crc, place.size, data)
            break
        else:
            state = None
            loss.frames += 1
            if why:
                loss.entries.append((places[0][1].name, why))
        progress(done, len(frames))


def _body(file: BinaryIO, place: Entry) -> bytes:
    return inflated(place, packed(file, place))


# Where the entries are


def _found(file: BinaryIO) -> dict[str, list[Entry]]:
    """Where the entry of each name may be, the likeliest place first."""
    listed, met = _listed(file), _met(file)
    offsets = sorted(listed.keys() | met.keys())
    places = [[place for place in (listed.get(offset), met.get(offset)) if place is not None] for offset in offsets]
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    before = -1
    for alike, behind in zip(places, _seconds_behind(places), strict=True):
        name = _likeliest(dict.fromkeys(place.name for place in alike), before, behind)
        found[name] += (place for place in alike if place not in found[name])
        before = max(before, _second(name))
    return dict(found)


def _likeliest(names: Iterable[str], before: int, behind: float) -> str:
    """The name of an entry that may be garbled in one of two places: frames mostly stand in the order of time.

    `before` and `behind` are the seconds of the frames next to it, -1 and infinity at the ends.
    """

    def distance(name: str) -> float:
        second = _second(name)
        if name == MANIFEST_NAME:
            return -1
        if not before < second < behind:
            return math.inf
        return min(second - before if before >= 0 else math.inf, behind - second)

    return min(names, key=distance)  # of two alike the first, which is the directory's


def _seconds_behind(places: list[list[Entry]]) -> list[float]:
    """For each entry the second of the next frame behind it whose name is beyond doubt."""
    behind, seconds = math.inf, list[float]()
    for alike in reversed(places):
        seconds.append(behind)
        if len(alike) == 2 and alike[0].name == alike[1].name and _second(alike[0].name) >= 0:
            behind = _second(alike[0].name)
    return seconds[::-1]


def _second(name: str) -> int:
    frame = parse_frame_name(name)
    return -1 if frame is None else frame[0]


def _listed(file: BinaryIO) -> dict[int, Entry]:
    """The entries of the directory by their offset; none where it cannot be read."""
    try:
        infos = ZipFile(file).infolist()
    except DAMAGE:
        return {}
    return {
        info.header_offset: Entry(
            info.orig_filename,
            info.flag_bits,
            info.compress_type,
            info.CRC,
            info.compress_size,
            info.file_size,
            info.header_offset,
        )
        for info in infos
    }


def _met(file: BinaryIO) -> dict[int, Entry]:
    """The entries whose headers stand in the file, by their offset."""
    try:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # of an empty file there is no map
        return {}
    with content:
        met: dict[int, Entry] = {}
        offset = content.find(b"PK\3\4")
        while offset >= 0:
            end = offset + 1
            entry = _header(content, offset)
            if entry is not None:
                met[offset] = entry
                behind = offset + LOCAL.size + len(entry.name) + entry.packed
                end = max(end, behind) if content[behind : behind + 4] in _SIGNATURES else end
            offset = content.find(b"PK\3\4", end)
        return met


def _header(content: mmap.mmap, offset: int) -> Entry | None:
    """The entry whose header stands at `offset`, unless that is no header."""
    head = content[offset : offset + LOCAL.size]
    if len(head) < LOCAL.size:
        return None
    _, _, flags, method, _, _, crc, packed_size, size, name_bytes, extra_bytes = LOCAL.unpack(head)
    begin = offset + LOCAL.size
    name = content[begin : begin + name_bytes]
    if not name.isascii() or len(name) < name_bytes:
        return None
    if flags & _SIZES_BEHIND and not packed_size:
        measured = _measured(content, begin + name_bytes + extra_bytes)
        if measured is None:
            return None
        crc, packed_size, size = measured
    return Entry(name.decode(), flags, method, crc, packed_size, size, offset)


def _measured(content: mmap.mmap, begin: int) -> tuple[int, int, int] | None:
    """CRC-32 and sizes of the deflated data that begin there, where what stands behind them says the same."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    crc = size = read = 0
    while not stream.eof:
        chunk = content[begin + read : begin + read + _CHUNK]
        if not chunk or size > MAX_FRAME_BYTES:
            return None
        try:
            body = stream.decompress(chunk, MAX_FRAME_BYTES)
        except zlib.error:
            return None
        crc, size, read = zlib.crc32(body, crc), size + len(body), read + len(chunk)
    read -= len(stream.unused_data)
    told = content[begin + read : begin + read + 4 + _DESCRIPTOR.size].removeprefix(b"PK\7\x08")
    if told[: _DESCRIPTOR.size] != _DESCRIPTOR.pack(crc, read, size):
        return None
    return crc, read, size
