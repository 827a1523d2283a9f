"""Recordings and journals that are kept open, because whoever asked for one second soon asks for another.

A file is known by its inode: renamed it is the same one, and replaced it is another. A finished recording that changed
in its place is opened anew; a journal grows, and is read on.
"""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from livetiming.recording.reader import Recording
from orchestrator.dvr.journal_view import JournalView

Source = Recording | JournalView

FILES = 16  # open at once
FRAMES = 500_000  # of all open files; each takes some 150 bytes of memory
IDLE_SECONDS = 60.0  # a deleted file keeps its place on the disk while it is open

JOURNAL_SUFFIX = ".journal"


@dataclass(slots=True)
class _Opened:
    source: Source
    stamp: tuple[int, int]  # size in bytes, Unix ns of the last change
    used: float  # when, seconds of the caller's clock


class OpenFiles:
    """Open recordings and journals, the longest unused one first. `now` is any clock that runs forward, in seconds."""

    def __init__(self) -> None:
        self._opened: OrderedDict[tuple[int, int], _Opened] = OrderedDict()  # by device and inode

    def get(self, path: Path, now: float) -> Source:
        """The file at `path`, with all that was written to it so far; good until the next call.

        Raises OSError, and NotARecording or BadRecord where the file is not what its name says.
        """
        stat = path.stat()
        key, stamp = (stat.st_dev, stat.st_ino), (stat.st_size, stat.st_mtime_ns)
        opened = self._opened.get(key)
        if opened is not None and isinstance(opened.source, Recording) and opened.stamp != stamp:
            self._close(key)
            opened = None
        if opened is None:
            source = JournalView(path) if path.name.endswith(JOURNAL_SUFFIX) else Recording(path)
            opened = self._opened[key] = _Opened(source, stamp, now)
        elif isinstance(opened.source, JournalView):
            opened.source.refresh()
        opened.used = now
        self._opened.move_to_end(key)
        while len(self._opened) > 1 and self._too_many():
            self._close(next(iter(self._opened)))
        return opened.source

    def close_idle(self, now: float) -> None:
        """Close what was not asked for lately."""
        for key in [key for key, opened in self._opened.items() if now - opened.used >= IDLE_SECONDS]:
            self._close(key)

    def close(self) -> None:
        """Close all."""
        for key in list(self._opened):
            self._close(key)

    def __len__(self) -> int:
        """How many are open."""
        return len(self._opened)

    def _too_many(self) -> bool:
        return len(self._opened) > FILES or sum(len(opened.source) for opened in self._opened.values()) > FRAMES

    def _close(self, key: tuple[int, int]) -> None:
        self._opened.pop(key).source.close()
