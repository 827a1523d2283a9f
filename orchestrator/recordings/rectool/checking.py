"""Whether every frame of a recording can be read and applies."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from livetiming.recording.format import BadEntry, NotARecording
from livetiming.recording.reader import Recording
from livetiming.recording.zipped import DAMAGE, LAST_OFFSET, LOCAL
from orchestrator.recordings.opening import opened

Progress = Callable[[int, int], None]  # frames done, of how many
ERRORS_KEPT = 20  # of one file; the others are counted


@dataclass(frozen=True)
class Checked:
    """What a file is worth. `errors` are the first of those there are: each names file and entry, and ends a chain."""

    file: Path
    frames: int = 0
    readable: int = 0  # frames; those that build on a bad one are not
    duration: int = 0  # s
    errors: tuple[str, ...] = ()
    bad_entries: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors


def check(path: Path, progress: Progress = lambda *_: None) -> Checked:
    """Read and apply every frame of the file. What is wrong with it never raises."""
    bad: list[BadEntry] = []
    try:
        with opened(path) as recording:
            if isinstance(recording, Recording):
                bad += _misnamed(path)
            frames, readable = len(recording), 0
            for _second, _state in recording.states(bad.append):
                readable += 1
                progress(readable, frames)
            errors = tuple(map(str, bad[:ERRORS_KEPT]))
            return Checked(path, frames, readable, recording.end - recording.start, errors, len(bad))
    except (NotARecording, OSError) as error:
        return Checked(path, errors=(str(error),))


def _misnamed(path: Path) -> Iterator[BadEntry]:
    """Entries that have another name in their header than in the directory: a frame of another second, it may be.

    Raises NotARecording where other readers cannot open the file, though ours can.
    """
    with path.open("rb") as file:
        try:
            infos = ZipFile(file).infolist()
        except DAMAGE as error:
            raise NotARecording(str(path), f"others cannot open it ({error})") from error
        for info in infos:
            name, at = info.orig_filename.encode(), info.header_offset
            head = os.pread(file.fileno(), LOCAL.size + len(name), at) if 0 <= at <= LAST_OFFSET else b""
            if head[LOCAL.size :] != name:
                yield BadEntry(str(path), info.orig_filename, f"its own header calls it {head[LOCAL.size :]!r}")
