"""Frames in order of time, wherever they stand: what is made of them is the same for a file and for a journal."""

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from livetiming.recording.format import (
    BadEntry,
    Frame,
    Kind,
    UnusableFrame,
    decode_intra,
    decode_keyframe,
    frame_name,
)
from livetiming.state import State

# Frames, and bytes of them, that are read before their changes are made; others may write a keyframe seldom.
AT_ONCE, AT_ONCE_BYTES = 50, 2**20


class Frames(ABC):
    """The frames of one recording. Who derives from it sets `path`, `_seconds`, `_keys`, and gives `_frame`."""

    path: Path
    _seconds: Sequence[int]  # ascending
    _keys: Sequence[int]  # whether each is a keyframe
    _newest: tuple[int, State] | None = None  # what was reached last, and by which frame; None when that is no more

    @abstractmethod
    def _frame(self, index: int) -> Frame:
        """Frame `index`; BadEntry if it cannot be read."""

    @property
    def seconds(self) -> Sequence[int]:
        """Unix seconds of the frames, in order; a constant."""
        return self._seconds

    @property
    def start(self) -> int:
        """Unix second of the first frame; IndexError where there is none."""
        return self._seconds[0]

    @property
    def end(self) -> int:
        """Unix second of the last frame; IndexError where there is none."""
        return self._seconds[-1]

    @property
    def duration(self) -> int:
        """Seconds from the first frame to the last."""
        return self.end - self.start

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._seconds)

    def frame(self, second: int) -> Frame:
        """The frame of Unix second `second`. KeyError where there is none, BadEntry if it cannot be read."""
        return self._frame(self._index(second))

    def keyframe(self, second: int) -> int | None:
        """The Unix second of the last keyframe not after `second`; None where there is none."""
        index = bisect_right(self._seconds, second) - 1
        while index >= 0 and not self._keys[index]:
            index -= 1
        return None if index < 0 else self._seconds[index]

    def frames(self) -> Iterator[Frame]:
        """The frames as they stand there, in order."""
        return map(self._frame, range(len(self)))

    def states(
        self, on_bad: Callable[[BadEntry], None] | None = None, begin: int | None = None
    ) -> Iterator[tuple[int, State]]:
        """Unix second and state of each frame (from second `begin` on), in order; those that there are now.

        A frame that cannot be read raises BadEntry; with `on_bad`, that is told instead, and the frames go on from
        the next keyframe. The states share parts with each other: treat them as constants.
        """
        skipping = False
        for index in range(0 if begin is None else bisect_left(self._seconds, begin), len(self)):
            if skipping and not self._keys[index]:
                continue
            try:
                state = self._state(index)
            except BadEntry as error:
                if on_bad is None:
                    raise
                on_bad(error)
                skipping = True
                continue
            skipping = False
            yield self._seconds[index], state

    def state_at(self, second: int) -> State | None:
        """The state at Unix second `second`: that of the last frame not after it; None before the first.

        Raises BadEntry where it builds on an entry that cannot be read. Treat the state as a constant.
        """
        index = bisect_right(self._seconds, second) - 1
        return None if index < 0 else self._state(index)

    def _state(self, index: int) -> State:
        """The state after frame `index`: from the keyframe before it, or from the state that was made last."""
        known = -1 if self._newest is None or self._newest[0] > index else self._newest[0]
        first = index
        while first > max(known, 0) and not self._keys[first]:
            first -= 1
        if self._newest is not None and first == known:
            reached, state = self._newest
        else:
            reached, state = first, self._begun(first)
        while reached < index:
            following = range(reached + 1, min(reached + AT_ONCE, index) + 1)
            reached, state = self._after(state, following)
        self._newest = index, state
        return state

    def _begun(self, index: int) -> State:
        """The state in keyframe `index`."""
        frame = self._frame(index)
        try:
            if frame.kind is not Kind.KEY:
                raise UnusableFrame("no keyframe comes before it")
            return decode_keyframe(frame.body)
        except UnusableFrame as error:
            raise self._bad(frame, error) from error

    def _after(self, state: State, indices: range) -> tuple[int, State]:
        """The last of these intra-frames that was reached from `state`, which the frame before them left, and the
        state there. At least one is."""
        if len(indices) > 1:
            with suppress(BadEntry, UnusableFrame):  # then one by one: which of them it is
                bodies = self._bodies(indices)
                return indices[len(bodies) - 1], decode_intra(state, *bodies)
        for each in indices:
            frame = self._frame(each)
            try:
                state = decode_intra(state, frame.body)
            except UnusableFrame as error:
                raise self._bad(frame, error) from error
        return indices[-1], state

    def _bodies(self, indices: range) -> list[bytes]:
        """What the first of these frames hold, as many as may be in memory together."""
        bodies: list[bytes] = []
        size = 0
        for each in indices:
            bodies.append(self._frame(each).body)
            size += len(bodies[-1])
            if size >= AT_ONCE_BYTES:
                break
        return bodies

    def _bad(self, frame: Frame, error: UnusableFrame) -> BadEntry:
        return BadEntry(str(self.path), frame_name(frame.second, frame.kind), str(error))

    def _index(self, second: int) -> int:
        index = bisect_left(self._seconds, second)
        if index == len(self) or self._seconds[index] != second:
            raise KeyError(second)
        return index

    def _kind(self, index: int) -> Kind:
        return Kind.KEY if self._keys[index] else Kind.INTRA
