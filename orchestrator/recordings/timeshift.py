"""Time shift: any moment of a recording, finished or in progress (docs/time-shift.md).

The recordings of one uuid are one timeline. Each goes from its first frame to its last, or to where the next one
begins; the one in progress has no end. Between two of them there is nothing.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import orjson
from twisted.logger import Logger

from livetiming.recording.format import BadEntry, Frame, Kind, NotARecording, frame_name, parse_frame_name
from livetiming.state import State
from orchestrator.dvr.journal import BadRecord
from orchestrator.dvr.journal_view import JournalView
from orchestrator.recordings.open_files import OpenFiles, Source
from orchestrator.recordings.parts import Asked, Candidate, Parts

Json = Any
T = TypeVar("T")

FRAMES_LIMIT = 300  # in an answer
BYTES_LIMIT = 2 * 2**20  # of JSON in an answer, about: the router takes 16 MiB, a browser should not wait for that
LOOKED_AT_LIMIT = 3000  # frames, for one answer: in a damaged file most may be useless
FURTHEST = 10**11  # Unix s: eleven digits, as in the names of frames
_ATTEMPTS = 5  # to find a file that is renamed or deleted while we look
_BAD_FRAMES = 100  # one after the other; behind so many nothing is looked for
_TOLD = 1000  # troubles that are remembered as told
_SPANS = 10_000  # finished recordings whose first and last second are remembered


@dataclass(frozen=True, slots=True)
class Part:
    """One recording of a timeline. It covers the Unix seconds from `start` to `end`, both included."""

    path: Path
    start: int
    end: int | None  # None: in progress


@dataclass(frozen=True, slots=True)
class _Span:
    """The first and last second of a file that has not changed since; None where it is no recording."""

    stamp: tuple[int, int, int]  # inode, size, ns of its change
    seconds: tuple[int, int] | None


class TimeShift:
    """Looks into the recordings of the folders `finished` and `temp`. It blocks; it is for one thread at a time.

    Answers share parts with what is kept: treat them as constants.
    """

    log = Logger()

    def __init__(self, finished: Path, temp: Path) -> None:
        self._parts = Parts(finished, temp)
        self._files = OpenFiles()
        self._spans: dict[Path, _Span] = {}
        self._told: set[tuple[str, str]] = set()

    def state_at(self, uuid: object, t: object) -> State | None:
        """The state at Unix second `t`: that of the last readable frame not after it.

        None where no recording of `uuid` covers `t`, and where either makes no sense. Raises OSError.
        """
        asked, second = Asked.parse(uuid), _second(t)
        if asked is None or second is None:
            return None
        return self._steadily(lambda: self._state_at(asked, second), None)

    def frames(self, uuid: object, begin: object, end: object) -> dict[str, Json]:
        """`{"frames": [[t, "k" or "i", body], …300 at most], "next": t or null}`, from Unix second `begin` to `end`.

        The first one is always a keyframe: the state at `begin`, with the second of the frame it comes from. `next` is
        where the following answer is to begin; null when there is no more. An answer never holds two recordings.
        None of it where no recording of `uuid` covers the time, and where an argument makes no sense. Raises OSError.
        """
        nothing: dict[str, Json] = {"frames": [], "next": None}
        asked, first, last = Asked.parse(uuid), _second(begin), _second(end)
        if asked is None or first is None or last is None or first > last:
            return nothing
        return self._steadily(lambda: self._frames(asked, first, last) or nothing, nothing)

    def close_idle(self) -> None:
        """Close the files that nobody asked for lately. Call it every minute or so."""
        self._files.close_idle(time.monotonic())

    def close(self) -> None:
        """Close all files."""
        self._files.close()

    # -- what is asked

    def _state_at(self, asked: Asked, second: int) -> State | None:
        part = next((part for part in reversed(self._timeline(asked)) if part.start <= second), None)
        if part is None or (part.end is not None and second > part.end):
            return None
        found = self._readable(self._open(part.path), second)
        return None if found is None else found[1]

    def _frames(self, asked: Asked, first: int, last: int) -> dict[str, Json] | None:
        ahead = [part for part in self._timeline(asked) if part.end is None or part.end >= first]
        if not ahead or ahead[0].start > last:
            return None
        source, end = self._open(ahead[0].path), ahead[0].end
        taken, following = self._page(source, first, last if end is None else min(last, end))
        if following is None and len(ahead) > 1 and ahead[1].start <= last:
            following = ahead[1].start
        return {"frames": taken, "next": following}

    def _page(self, source: Source, first: int, last: int) -> tuple[list[Json], int | None]:
        """Frames of one recording, and the second of the first one that there was no room for."""
        seconds = source.seconds
        begin = max(0, bisect_right(seconds, first) - 1)
        behind = bisect_right(seconds, last)
        taken: list[Json] = []
        opening, room = self._readable(source, seconds[begin]), BYTES_LIMIT
        if opening is not None:
            taken.append([opening[0], Kind.KEY.value, {**opening[1], "lastUpdated": opening[0] * 1000}])
        skipping = opening is None or opening[0] != seconds[begin]  # what follows a bad frame builds on it
        for index in range(begin + 1, behind):
            if len(taken) >= FRAMES_LIMIT or room <= 0 or index - begin > LOOKED_AT_LIMIT:
                return taken, seconds[index]
            frame = self._usable(source, seconds[index])
            skipping = frame is None or (skipping and frame[0].kind is Kind.INTRA)
            if frame is not None and not skipping:
                taken.append([seconds[index], frame[0].kind.value, frame[1]])
                room -= len(frame[0].body)
        return taken, None

    # -- where it is

    def _timeline(self, asked: Asked) -> list[Part]:
        """The recordings that there are of `asked`, in order of time, cut where the next one begins."""
        spans = [
            (span[0], candidate.finished, candidate.path, span[1])
            for candidate in self._parts.of(asked, time.time_ns())
            if (span := self._span(candidate)) is not None
        ]
        spans.sort()
        if asked.n is not None:
            spans = spans[-1:]
        parts = [Part(path, start, end) for start, _, path, end in spans]
        cut = [
            Part(part.path, part.start, following.start - 1 if part.end is None else min(part.end, following.start - 1))
            for part, following in pairwise(parts)
        ]
        return [part for part in (*cut, *parts[-1:]) if part.end is None or part.end >= part.start]

    def _span(self, candidate: Candidate) -> tuple[int, int | None] | None:
        """The first and last second of a file, which is None for one in progress; None where it has no frame.

        Raises FileNotFoundError where it has gone.
        """
        try:
            return self._finished_span(candidate.path) if candidate.finished else self._journal_span(candidate)
        except FileNotFoundError:
            raise
        except (BadRecord, OSError) as error:
            self._tell(str(candidate.path), "", error)
            return None

    def _journal_span(self, candidate: Candidate) -> tuple[int, int | None] | None:
        view = self._open(candidate.path)
        if not isinstance(view, JournalView) or not len(view):
            return None
        return view.start, view.end if view.ended or candidate.n is not None else None

    def _finished_span(self, path: Path) -> tuple[int, int] | None:
        stat = path.stat()
        stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = self._spans.get(path)
        if known is None or known.stamp != stamp:
            try:
                seconds = self._open(path).seconds
                known = _Span(stamp, (seconds[0], seconds[-1]))
            except NotARecording as error:
                self._tell(str(path), "", error)
                known = _Span(stamp, None)
            if len(self._spans) >= _SPANS:
                self._spans.clear()
            self._spans[path] = known
        return known.seconds

    def _open(self, path: Path) -> Source:
        return self._files.get(path, time.monotonic())

    def _steadily(self, look: Callable[[], T], nothing: T) -> T:
        """What `look` finds. A file that goes while it looks has another name by now: it looks again."""
        self.close_idle()
        for _ in range(_ATTEMPTS):
            try:
                return look()
            except (FileNotFoundError, NotARecording, BadRecord):
                continue
        return nothing

    # -- what can be read

    def _readable(self, source: Source, second: int) -> tuple[int, State] | None:
        """The last frame not after `second` whose state can be made: its second, and that state."""
        for _ in range(_BAD_FRAMES):
            index = bisect_right(source.seconds, second) - 1
            if index < 0:
                return None
            try:
                state = source.state_at(source.seconds[index])
            except BadEntry as error:
                self._tell(error.file, error.entry, error)
                bad = parse_frame_name(error.entry)
                second = min(second, source.seconds[index] if bad is None else bad[0]) - 1
                continue
            return None if state is None else (source.seconds[index], state)
        return None

    def _usable(self, source: Source, second: int) -> tuple[Frame, Json] | None:
        """The frame of `second`, and the object that it holds; None, which is told, where there is none."""
        try:
            frame = source.frame(second)
        except BadEntry as error:
            self._tell(error.file, error.entry, error)
            return None
        try:
            body = orjson.loads(frame.body)
        except orjson.JSONDecodeError as error:
            body = error
        if isinstance(body, dict):
            return frame, body
        entry = frame_name(second, frame.kind)
        self._tell(str(source.path), entry, BadEntry(str(source.path), entry, f"no object in JSON ({body})"[:200]))
        return None

    def _tell(self, file: str, entry: str, error: Exception) -> None:
        """Log a trouble, once."""
        if (file, entry) in self._told:
            return
        if len(self._told) >= _TOLD:
            self._told.clear()
        self._told.add((file, entry))
        self.log.warn("{error}", error=error)


def _second(t: object) -> int | None:
    """The Unix second in which `t` lies; None where it is no number, or no time."""
    if isinstance(t, bool) or not isinstance(t, int | float) or not abs(t) < FURTHEST:
        return None
    return math.floor(t)
