"""Reading a recording: opened once, then its manifest, its frames in order, and its state at any second."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from zipfile import BadZipFile

import orjson

from livetiming.recording.format import (
    MANIFEST_NAME,
    VERSION,
    BadEntry,
    Frame,
    Json,
    Kind,
    NotARecording,
    RawFrame,
    UnusableFrame,
    decode_intra,
    decode_keyframe,
    frame_name,
)
from livetiming.recording.zipped import Entry, NotFrames, entries, inflated, packed
from livetiming.state import State


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
            self._entries = entries(self._file)
        except BadZipFile as error:
            raise NotARecording(name, f"it is cut short, or no ZIP ({error})") from error
        except NotFrames as error:
            raise NotARecording(name, str(error)) from error
        self.manifest = self._read_manifest()
        if True not in self._entries.keys:
            raise NotARecording(name, "it has no keyframe")
        self._seconds = self._entries.seconds
        self._newest: tuple[int, State] | None = None  # what `state_at` gave last, and of which frame

    def _read_manifest(self) -> dict[str, Json]:
        name = str(self.path)
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
        return self._frame(self._index(second))

    def raw(self, second: int) -> RawFrame:
        """The same as it stands in the file, to be put into another one."""
        index = self._index(second)
        entry = self._entries[index]
        return RawFrame(second, self._kind(index), entry.method, entry.crc, entry.size, self._packed(entry))

    def frames(self) -> Iterator[Frame]:
        """The frames as they stand in the file, in order."""
        return map(self._frame, range(len(self)))

    def states(self, on_bad: Callable[[BadEntry], None] | None = None) -> Iterator[tuple[int, State]]:
        """Unix second and state of each frame, in order.

        A frame that cannot be read raises BadEntry; with `on_bad`, that is told instead, and the frames go on from
        the next keyframe. The states share parts with each other: treat them as constants.
        """
        state: State | None = None
        skipping = False
        for index, (second, is_key) in enumerate(zip(self._seconds, self._entries.keys, strict=True)):
            if skipping and not is_key:
                continue
            try:
                state = self._after(state, index)
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

        Raises BadEntry where it builds on an entry that cannot be read. Treat the state as a constant.
        """
        last = bisect_right(self._seconds, second) - 1
        if last < 0:
            return None
        first = last
        while first > 0 and not self._entries.keys[first]:
            first -= 1
        if self._newest is not None and first <= self._newest[0] <= last:
            begun, state = self._newest
        else:
            begun, state = first, self._after(None, first)
        for index in range(begun + 1, last + 1):
            state = self._after(state, index)
        self._newest = last, state
        return state

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _index(self, second: int) -> int:
        index = bisect_right(self._seconds, second) - 1
        if index < 0 or self._seconds[index] != second:
            raise KeyError(second)
        return index

    def _kind(self, index: int) -> Kind:
        return Kind.KEY if self._entries.keys[index] else Kind.INTRA

    def _frame(self, index: int) -> Frame:
        return Frame(self._seconds[index], self._kind(index), self._body(self._entries[index]))

    def _after(self, state: State | None, index: int) -> State:
        """The state after frame `index`, where the frame before it left `state`."""
        frame = self._frame(index)
        try:
            if frame.kind is Kind.KEY:
                return decode_keyframe(frame.body)
            if state is None:
                raise UnusableFrame("no keyframe comes before it")
            return decode_intra(state, frame.body)
        except UnusableFrame as error:
            raise BadEntry(str(self.path), frame_name(frame.second, frame.kind), str(error)) from error

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
