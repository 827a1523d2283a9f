"""Which files there are of one uuid: finished recordings and journals.

A journal `{uuid}.{number}.journal` is renamed to `{uuid}.{number}.as{n}.journal`, then `{uuid}_{n}.zip` appears, then
the journal goes (`orchestrator.dvr.finalise`). So who lists the journals first finds each recording at least once.
"""

import os
import re
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from orchestrator.dvr.finalise import JournalName

_ASKED = re.compile(r"([0-9a-f]{32})(?::([1-9][0-9]{0,8}))?", re.ASCII)
_FINISHED = re.compile(r"[0-9a-f]{32}(?:_([1-9][0-9]{0,8}))?\.zip", re.ASCII)
_SURE_AFTER = 2 * 10**9  # ns; a folder that changed later may change again without a newer time of change


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for: a service's uuid, and which of its recordings; None: whatever covers the time."""

    uuid: str
    n: int | None = None

    @classmethod
    def parse(cls, text: object) -> "Asked | None":
        """`{32 hex}` or `{32 hex}:n`; None where `text` is neither."""
        match = _ASKED.fullmatch(text) if isinstance(text, str) else None
        return None if match is None else cls(match[1], int(match[2]) if match[2] else None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may hold what is asked for. `n` is None for a journal whose recording has no name yet."""

    path: Path
    n: int | None
    finished: bool


class Parts:
    """The files of each uuid in the folders `finished` and `temp`."""

    def __init__(self, finished: Path, temp: Path) -> None:
        self._finished = Names(finished)
        self._temp = Names(temp)

    def of(self, asked: Asked, now: int) -> list[Candidate]:
        """The files there are now (Unix ns), finished ones last. Raises OSError where a folder cannot be read."""
        found: list[Candidate] = []
        for name in self._temp.beginning_with(asked.uuid, now):
            journal = JournalName.parse(name)
            if journal is not None:
                found.append(Candidate(self._temp.folder / name, journal.target, finished=False))
        for name in self._finished.beginning_with(asked.uuid, now):
            match = _FINISHED.fullmatch(name)
            if match is not None:
                found.append(Candidate(self._finished.folder / name, int(match[1] or 0), finished=True))
        return [each for each in found if asked.n is None or each.n == asked.n]


class Names:
    """The names in a folder, which is listed again only when it has changed; none where there is no folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: list[str] = []
        self._changed: int | None = None  # Unix ns: the folder's time of change when it was listed, if that is sure

    def beginning_with(self, start: str, now: int) -> list[str]:
        """The names that begin with `start`, in order; `now` is in Unix ns."""
        try:
            changed = self.folder.stat().st_mtime_ns
            if changed != self._changed:
                self._names = sorted(os.listdir(self.folder))  # noqa: PTH208 - of names only; there may be 100,000
                self._changed = changed if now - changed > _SURE_AFTER else None
        except FileNotFoundError:
            self._names, self._changed = [], None
        first = last = bisect_left(self._names, start)
        while last < len(self._names) and self._names[last].startswith(start):
            last += 1
        return self._names[first:last]
