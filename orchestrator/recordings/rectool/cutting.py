"""New recordings out of parts of others: a clip, several in one, one with another manifest.

A part begins with a keyframe, made if need be; the frames behind it are copied as they are, still deflated.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from livetiming.recording.format import Chain, Kind, advance
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from orchestrator.recordings.open_files import Source

Progress = Callable[[int, int], None]  # frames done, of how many


class NothingThere(ValueError):
    """No frame of the recording is in the part that was asked for."""

    def __init__(self, recording: Source) -> None:
        super().__init__(
            f"{recording.path}: there is nothing in that part: the recording lasts from @{recording.start} "
            f"to @{recording.end}, {recording.end - recording.start} s"
        )


@dataclass(frozen=True)
class Part:
    """Of `recording` the Unix seconds from `begin` to before `end`, at each of which it has a state."""

    recording: Source
    begin: int
    end: int

    def __len__(self) -> int:
        """The number of frames that it makes."""
        return 1 + bisect_left(self.recording.seconds, self.end) - bisect_right(self.recording.seconds, self.begin)


@dataclass(frozen=True)
class Made:
    """A recording that was made."""

    file: Path
    frames: int
    start: int  # Unix s
    duration: int  # s


def part(recording: Source, begin: float, end: float | None = None) -> Part:
    """What a clip of the Unix seconds from `begin` to before `end` (None: to the end) takes. Raises NothingThere."""
    first = max(recording.start, int(begin))
    last = recording.end + 1 if end is None else min(recording.end + 1, int(end))
    if first >= last:
        raise NothingThere(recording)
    return Part(recording, first, last)


def parts(recordings: Sequence[Source]) -> list[Part]:
    """How several recordings become one: at each second, of those that cover it, the one that began last counts.

    Of recordings that began in the same second it is the last one in `recordings`.
    """
    ordered = sorted(recordings, key=lambda recording: recording.start)
    edges = sorted({edge for each in ordered for edge in (each.start, each.end + 1)})
    found: list[Part] = []
    for begin, end in pairwise(edges):
        covering = [each for each in ordered if each.start <= begin and end <= each.end + 1]
        if not covering:
            continue
        if found and found[-1].recording is covering[-1] and found[-1].end == begin:
            found[-1] = Part(covering[-1], found[-1].begin, end)
        else:
            found.append(Part(covering[-1], begin, end))
    return found


def make(target: Path, parts: Sequence[Part], manifest: Mapping[str, Any], progress: Progress) -> Made:
    """Write `parts`, which follow one another, as one recording. Raises BadEntry, OSError: then there is no file."""
    total = sum(map(len, parts))
    count, begin, second = 0, parts[0].begin, 0
    with RecordingWriter(target) as writer:
        for each in parts:
            for second in _written(writer, each):  # noqa: B007 - the last one is used below
                count += 1
                progress(count, total)
        writer.finish(manifest)
    return Made(target, count, begin, second - begin)


def _written(writer: RecordingWriter, part: Part) -> Iterator[int]:
    """Write a part; yields the second of each frame."""
    recording = part.recording
    seconds = recording.seconds
    first = bisect_left(seconds, part.begin)
    if first == len(seconds) or seconds[first] != part.begin or recording.frame(part.begin).kind is not Kind.KEY:
        _chain, frame = advance(Chain(), part.begin, recording.state_at(part.begin))
        writer.add(frame)
        yield part.begin
        first = bisect_right(seconds, part.begin)
    for second in seconds[first : bisect_left(seconds, part.end)]:
        if isinstance(recording, Recording):
            writer.add_raw(recording.raw(second))
        else:
            writer.add(recording.frame(second))
        yield second
