"""Reading a recording: opened once, then its manifest, its frames in order, and its state at any second."""

import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import orjson

from livetiming.recording.format import (
    MANIFEST_NAME,
    MAX_FRAME_BYTES,
    VERSION,
    BadEntry,
    Frame,
    Json,
    Kind,
    NotARecording,
    UnusableFrame,
    decode_intra,
    decode_keyframe,
    frame_name,
    parse_frame_name,
)
from livetiming.state import State

# What zipfile raises for damaged input: it checks little, so most errors are those of the layers below.
_DAMAGE = (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class Recording:
    """An open recording; a context. Raises NotARecording, or OSError where there is no such file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        try:
            self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        name = str(self.path)
        try:
            self._zip = ZipFile(self._file)
        except _DAMAGE as error:
            raise NotARecording(name, f"it is cut short, or no ZIP ({error})") from error
        self._entries = {info.filename: info for info in self._zip.infolist()}
        self.manifest = self._read_manifest()
        kinds: dict[int, Kind] = {}
        for entry in self._entries:
            if entry == MANIFEST_NAME:
                continue
            frame = parse_frame_name(entry)
            if frame is None:
                raise NotARecording(name, f"its entry {entry} is no frame")
            if kinds.get(frame[0]) is not Kind.KEY:
                kinds[frame[0]] = frame[1]
        if Kind.KEY not in kinds.values():
            raise NotARecording(name, "it has no keyframe")
        self._seconds = sorted(kinds)
        self._kinds = kinds

    def _read_manifest(self) -> dict[str, Json]:
        name = str(self.path)
        if MANIFEST_NAME not in self._entries:
            raise NotARecording(name, f"it has no {MANIFEST_NAME}")
        try:
            manifest = orjson.loads(self._body(MANIFEST_NAME))
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

    @property
    def start(self) -> int:
        """Unix second of the first frame."""
        return self._seconds[0]

    @property
    def seconds(self) -> Sequence[int]:
        """Unix seconds of the frames, in order; a constant."""
        return self._seconds

    @property
    def end(self) -> int:
        """Unix second of the last frame."""
        return self._seconds[-1]

    @property
    def duration(self) -> int:
        """Seconds from the first frame to the last."""
        return self.end - self.start

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._seconds)

    def frame(self, second: int) -> Frame:
        """The frame of Unix second `second`, which must be one of the file's; BadEntry if it cannot be read."""
        kind = self._kinds[second]
        return Frame(second, kind, self._body(frame_name(second, kind)))

    def frames(self) -> Iterator[Frame]:
        """The frames as they stand in the file, in order."""
        return map(self.frame, self._seconds)

    def states(self, on_bad: Callable[[BadEntry], None] | None = None) -> Iterator[tuple[int, State]]:
        """Unix second and state of each frame, in order.

        A frame that cannot be read raises BadEntry; with `on_bad`, that is told instead, and the frames go on from
        the next keyframe. The states share parts with each other: treat them as constants.
        """
        state: State | None = None
        skipping = False
        for second in self._seconds:
            if skipping and self._kinds[second] is Kind.INTRA:
                continue
            try:
                state = self._after(state, second)
            except BadEntry as error:
                if on_bad is None:
                    raise
                on_bad(error)
                skipping = True
                continue
            skipping = False
            yield second, state

    def state_at(self, second: int) -> State | None:
        """The state at Unix second `second`: that of the last frame not after it; None before the first.

        Raises BadEntry where it builds on an entry that cannot be read.
        """
        last = bisect_right(self._seconds, second) - 1
        first = last
        while first > 0 and self._kinds[self._seconds[first]] is Kind.INTRA:
            first -= 1
        state: State | None = None
        for each in self._seconds[first : last + 1] if last >= 0 else ():
            state = self._after(state, each)
        return state

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _after(self, state: State | None, second: int) -> State:
        """The state after the frame of `second`, where the frame before it left `state`."""
        frame = self.frame(second)
        try:
            if frame.kind is Kind.KEY:
                return decode_keyframe(frame.body)
            if state is None:
                raise UnusableFrame("no keyframe comes before it")
            return decode_intra(state, frame.body)
        except UnusableFrame as error:
            raise BadEntry(str(self.path), frame_name(second, frame.kind), str(error)) from error

    def _body(self, entry: str) -> bytes:
        """What the entry holds, inflated to no more than it says, and no more than a frame may hold."""
        info = self._entries[entry]
        try:
            _check(info)
            with self._zip.open(info) as stream:
                body = stream.read(info.file_size)
            if len(body) != info.file_size:
                raise BadZipFile("it is cut short")
        except _DAMAGE as error:
            raise BadEntry(str(self.path), entry, str(error) or type(error).__name__) from error
        return body


def _check(info: ZipInfo) -> None:
    if info.file_size > MAX_FRAME_BYTES:
        raise BadZipFile(f"it is larger than {MAX_FRAME_BYTES >> 20} MiB")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadZipFile(f"its compression method {info.compress_type} is none of version {VERSION}")
