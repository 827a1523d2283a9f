"""Recordings of earlier versions, made into ones of today's: a table of steps from version n to n + 1, and one loop.

Version 0 is what was written before files had a version. Its frames are named by the seconds since the recording
began, in five digits or more (`00000.json`, `00010i.json`); `startTime` in the manifest says when that was, in Unix
seconds, and may be missing. Keyframes are every tenth frame. Intra-frames hold no highlight, lists may get shorter in
them, and several frames may have one name: each is the change since the one written before it. So all states are played
and recorded anew, by today's rules.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZipFile, ZipInfo

import orjson

from livetiming.recording.format import (
    MANIFEST_NAME,
    VERSION,
    BadEntry,
    Chain,
    Frame,
    Kind,
    NotARecording,
    UnusableFrame,
    UnusableState,
    advance,
    decode_intra,
    decode_keyframe,
    parse_frame_name,
    recordable,
)
from livetiming.recording.writer import RecordingWriter
from livetiming.recording.zipped import DAMAGE, Entry, inflated, packed
from livetiming.state import State

OnBad = Callable[[BadEntry], None]
Progress = Callable[[int, int], None]  # frames done, of how many

_NAME = re.compile(r"([0-9]{5,10})(i?)\.json", re.ASCII)
EARLIEST = 60  # Unix s: a start below is none
LATEST = 10**11 - 1  # Unix s: the last one that the name of a frame can hold
_NO_DATE = 1980  # the year of a ZIP entry that nobody dated


class NothingToConvert(ValueError):
    """The file is of today's version."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is of version {VERSION} already: use it as it is")


class StartUnknown(ValueError):
    """Nothing in the file tells when the recording began."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not say when it began: give its Unix second (--start @1500000000)")


class StartOutOfRange(ValueError):
    """A recording cannot have begun at the second that was given."""

    def __init__(self, path: Path, start: int, last: int) -> None:
        super().__init__(f"{path} cannot begin at @{start}: give a Unix second from @{EARLIEST} to @{LATEST - last}")


@dataclass(frozen=True)
class Contents:
    """What a recording of some version holds, at which every step of the chain works."""

    path: Path
    manifest: dict[str, Any]
    states: Iterable[tuple[int, State]]  # in order; seconds are that version's
    count: int  # frames, at most
    last: int  # second of the last one
    began: int | None = None  # Unix s of second 0, by the clock that dated the first entry


@dataclass(frozen=True)
class Converted:
    """A recording that was made. `guessed`: its start was told by the date of its first entry, taken for UTC."""

    frames: int
    start: int
    duration: int
    guessed: bool


def convert(
    source: Path, target: Path, *, start: int | None = None, on_bad: OnBad, progress: Progress = lambda *_: None
) -> Converted:
    """Make a recording of today's version at `target`; frames that cannot be read are told to `on_bad` and left out.

    `start` is the Unix second at which it began, where that is known better. Raises NothingToConvert, StartUnknown,
    StartOutOfRange, NotARecording, OSError; then there is no file at `target`.
    """
    with _opened(source, on_bad) as contents:
        given = _start(contents)
        if start is not None:
            if not EARLIEST <= start <= LATEST - contents.last:
                raise StartOutOfRange(source, start, contents.last)
            contents = replace(contents, manifest={**contents.manifest, "startTime": start})
        contents = _upgraded(contents)
        count = last = 0
        with RecordingWriter(target) as writer:
            for frame in _recorded(contents, on_bad):
                writer.add(frame)
                count, last = count + 1, frame.second
                progress(count, contents.count)
            if writer.start is None:
                raise NotARecording(str(source), "none of its frames can be read")
            writer.finish(contents.manifest)
            return Converted(count, writer.start, last - writer.start, guessed=start is None and given is None)


def is_old(path: Path) -> bool:
    """Whether the file has frames named as in version 0. Raises OSError."""
    if not path.is_file():  # a device may have no end
        return False
    with path.open("rb") as file:
        try:
            infos = ZipFile(file).infolist()
        except DAMAGE:
            return False
    return any(_NAME.fullmatch(info.filename) for info in infos)


def _recorded(contents: Contents, on_bad: OnBad) -> Iterator[Frame]:
    """The frames that record the states: of each second the last one."""
    chain, newest = Chain(), None
    for second, state in contents.states:
        try:
            chain, frame = advance(chain, second, state)
        except UnusableState as error:
            on_bad(BadEntry(str(contents.path), f"of @{second}", str(error)))
            continue
        if newest is not None and frame.second > newest.second:
            yield newest
        newest = frame
    if newest is not None:
        yield newest


# The chain


def _to_1(contents: Contents) -> Contents:
    """Seconds are Unix seconds, and the manifest has a version."""
    given = _start(contents)
    start = contents.began if given is None else given
    if start is None:
        raise StartUnknown(contents.path)
    states = ((start + second, state) for second, state in contents.states)
    return replace(contents, manifest={**contents.manifest, "version": 1, "startTime": start}, states=states)


_STEPS: dict[int, Callable[[Contents], Contents]] = {0: _to_1}


def _upgraded(contents: Contents) -> Contents:
    version = contents.manifest.get("version", 0)
    if version == VERSION:
        raise NothingToConvert(contents.path)
    while version != VERSION:
        if type(version) is not int or version not in _STEPS:
            raise NotARecording(str(contents.path), f"it is of version {str(version)[:20]}, which nothing converts")
        contents = _STEPS[version](contents)
        version += 1
    return contents


def _start(contents: Contents) -> int | None:
    """The start in the manifest, where all seconds from there on can be told."""
    given = contents.manifest.get("startTime")
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return int(given) if EARLIEST <= given < LATEST - contents.last + 1 else None


# Files of version 0


@contextmanager
def _opened(path: Path, on_bad: OnBad) -> Iterator[Contents]:
    with path.open("rb") as file:
        if not path.is_file():
            raise NotARecording(str(path), "it is no file")
        try:
            infos = ZipFile(file).infolist()
        except DAMAGE as error:
            raise NotARecording(str(path), f"it is cut short, or no ZIP ({error})") from error
        manifest = _manifest(path, file, infos)
        if "version" not in manifest and any(parse_frame_name(info.filename) for info in infos):
            why = "its frames are named as in version 1, but its manifest has none (livetiming-rectool repair adds it)"
            raise NotARecording(str(path), why)
        frames = sorted(_frames(infos), key=lambda frame: frame[0])  # stable: of one second in the order of writing
        if not frames and "version" not in manifest:
            raise NotARecording(str(path), "it has no frames")
        began = _dated(frames[0][2], frames[0][0]) if frames else None
        last = frames[-1][0] if frames else 0
        yield Contents(path, manifest, _states(path, file, frames, on_bad), len(frames), last, began)


def _manifest(path: Path, file: BinaryIO, infos: list[ZipInfo]) -> dict[str, Any]:
    found = [info for info in infos if info.filename == MANIFEST_NAME]
    if not found:
        raise NotARecording(str(path), f"it has no {MANIFEST_NAME}")
    try:
        manifest = orjson.loads(_body(file, found[-1]))
    except DAMAGE as error:
        raise NotARecording(str(path), f"its entry {MANIFEST_NAME} cannot be read ({error})") from error
    if not isinstance(manifest, dict):
        raise NotARecording(str(path), f"its entry {MANIFEST_NAME} is no object")
    try:
        orjson.dumps(manifest)
    except TypeError as error:
        raise NotARecording(str(path), f"its entry {MANIFEST_NAME} cannot be written again ({error})") from error
    return manifest


def _frames(infos: list[ZipInfo]) -> Iterator[tuple[int, Kind, ZipInfo]]:
    for info in infos:
        if match := _NAME.fullmatch(info.filename):
            yield int(match[1]), Kind.INTRA if match[2] else Kind.KEY, info


def _dated(info: ZipInfo, second: int) -> int | None:
    """The Unix second of second 0, if the entry was written when its frame came."""
    if info.date_time[0] <= _NO_DATE:
        return None
    try:
        return int(datetime(*info.date_time, tzinfo=UTC).timestamp()) - second
    except ValueError:
        return None


def _states(
    path: Path, file: BinaryIO, frames: list[tuple[int, Kind, ZipInfo]], on_bad: OnBad
) -> Iterator[tuple[int, State]]:
    """Each second with its state. After one that cannot be read, they go on from the next keyframe."""
    state: State | None = None
    skipping = False
    for second, kind, info in frames:
        if skipping and kind is Kind.INTRA:
            continue
        try:
            body = _body(file, info)
            if kind is Kind.KEY:
                state = decode_keyframe(body)
            elif state is None:
                raise UnusableFrame("no keyframe comes before it")
            else:
                state = recordable(decode_intra(state, body))
        except (UnusableFrame, UnusableState, *DAMAGE) as error:
            on_bad(BadEntry(str(path), info.filename, str(error) or type(error).__name__))
            skipping = True
            continue
        skipping = False
        yield second, state


def _body(file: BinaryIO, info: ZipInfo) -> bytes:
    sizes = info.compress_size, info.file_size
    entry = Entry(info.orig_filename, info.flag_bits, info.compress_type, info.CRC, *sizes, info.header_offset)
    return inflated(entry, packed(file, entry))
