"""The catalogue: the finished recordings of a directory, kept in step with it.

The directory is the truth. A look reads only what is new or has changed (by size and time of change); what cannot be
read is a problem with a reason, and is not read again until it changes.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import orjson

from livetiming.files import shown
from livetiming.recording.format import RecordingError
from orchestrator.recordings.database import FAILURES, first_id, open_database
from orchestrator.recordings.entry import (
    ANALYSIS_SUFFIX,
    Entry,
    Stamp,
    analysis_name,
    is_recording,
    read,
    recording_name,
)
from orchestrator.recordings.search import marks_of

BATCH = 100  # files a transaction
# A file may change again without a new time of change, for as long as its clock ticks: FAT's every 2 s.
FRESH_SECONDS = 2.0


class Known(NamedTuple):
    """What the catalogue knows of a file."""

    stamp: Stamp | None  # None where it is to be read again
    analysed: bool | None  # None: it is not listed


class Seen(NamedTuple):
    """What the directory says of a file."""

    stamp: Stamp
    analysed: bool
    sound_name: bool  # whether it is UTF-8


class Unlisted(NamedTuple):
    """A file that is not listed, and why."""

    stamp: Stamp
    again: bool  # whether it is to be read again, though it seems the same
    why: str


class Catalogue:
    """The catalogue of `folder`, cached in `file` (None: in memory). It belongs to the thread that makes it.

    Raises sqlite3.Error and OSError where there can be no cache.
    """

    def __init__(self, folder: Path, file: Path | None) -> None:
        self.folder = folder
        self.database, self.rebuilt = open_database(file, folder)

    @property
    def is_new(self) -> bool:
        """Whether nothing has been written into it yet."""
        query = "SELECT 1 FROM recordings UNION ALL SELECT 1 FROM problems LIMIT 1"
        return self.database.execute(query).fetchone() is None

    def close(self) -> None:
        """Close the cache."""
        self.database.close()

    def look(
        self,
        names: Iterable[str] | None = None,
        *,
        stop: Callable[[], bool] = lambda: False,
        report: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> set[str]:
        """Bring the catalogue in step with the directory; the names of the files of which something changed.

        With `names` of files only these are looked at. Soon after `stop()` is true the rest is left for the next
        look. `report(done, of how many)` is called as files are read. Raises OSError if the folder cannot be listed,
        and sqlite3.Error.
        """
        now = time.time_ns()
        seen = _listing(self.folder) if names is None else _stats(self.folder, names)
        known = self._known(None if names is None else seen)
        changed = self._write([(name, None) for name in known if seen.get(name) is None])
        new = [(name, each) for name, each in seen.items() if each is not None and not _same(known.get(name), each)]
        new.sort(key=lambda item: item[1].stamp.changed, reverse=True)  # the newest are what somebody waits for
        for first in range(0, len(new), BATCH):
            if stop():
                break
            batch = new[first : first + BATCH]
            changed |= self._write([(name, self._found(name, each, known.get(name), now)) for name, each in batch])
            report(first + len(batch), len(new))
        return changed

    def _known(self, names: Iterable[str] | None) -> dict[str, Known]:
        query = (
            "SELECT filename, size, changed, again, analysed FROM recordings{0}"
            " UNION ALL SELECT filename, size, changed, again, NULL FROM problems{0}"
        )
        if names is None:
            rows = self.database.execute(query.format("")).fetchall()
        else:
            one = query.format(" WHERE filename = ?1")
            rows = [row for name in names for row in self.database.execute(one, (name,))]
        return {
            name: Known(None if again else Stamp(size, changed), None if analysed is None else bool(analysed))
            for name, size, changed, again, analysed in rows
        }

    def _found(self, name: str, seen: Seen, known: Known | None, now: int) -> "_Row | Unlisted | None":
        """What to write of a file: None where it has gone meanwhile."""
        stamp = seen.stamp
        if not seen.sound_name:
            return Unlisted(stamp, False, f"{self.folder / name}: its name is no UTF-8")
        if known is not None and known.stamp == stamp:
            row = self.database.execute(_DOCUMENT, (name,)).fetchone()
            if row is not None:  # only its analysis came or went
                return _Row(Entry(stamp, orjson.loads(row[0]), row[1]), False, seen.analysed)
        fresh = abs(now - stamp.changed) < FRESH_SECONDS * 1e9
        try:
            return _Row(read(self.folder / name, stamp), fresh, seen.analysed)
        except FileNotFoundError:
            return None
        except RecordingError as error:
            return Unlisted(stamp, fresh, str(error))
        except OSError as error:
            return Unlisted(stamp, True, str(error))  # it is not the file's fault
        except Exception as error:  # a mistake of ours, which must cost this one file only
            return Unlisted(stamp, fresh, f"{self.folder / name}: it cannot be read ({type(error).__name__}: {error})")

    def _write(self, found: "list[tuple[str, _Row | Unlisted | None]]") -> set[str]:
        """Write what was found of files; the names of those for which it is something new."""
        if not found:
            return set()
        with _transaction(self.database):
            return {name for name, each in found if self._write_one(name, each)}

    def _write_one(self, name: str, found: "_Row | Unlisted | None") -> bool:
        execute = self.database.execute
        old = execute(_WHOLE, (name,)).fetchone()
        if isinstance(found, _Row):
            listed = orjson.dumps(found.entry.listed)
            if old is not None and old[1:] == (listed, found.entry.words, int(found.analysed)):
                values = found.entry.stamp.changed, found.again, old[0]
                execute("UPDATE recordings SET changed = ?, again = ? WHERE id = ?", values)
                return False
        elif isinstance(found, Unlisted):
            was = execute("SELECT why FROM problems WHERE filename = ?", (name,)).fetchone()
            problem = name, found.stamp.size, found.stamp.changed, found.again, found.why
            execute("INSERT OR REPLACE INTO problems VALUES (?, ?, ?, ?, ?)", problem)
            if old is None and was is not None and was[0] == found.why:
                return False
        if old is not None:
            execute("DELETE FROM documents WHERE id = ?", old[:1])
            execute("DELETE FROM recordings WHERE id = ?", old[:1])
        if not isinstance(found, Unlisted):
            execute("DELETE FROM problems WHERE filename = ?", (name,))
        if isinstance(found, _Row):
            self._insert(name, found, listed)
        return True

    def _insert(self, name: str, row: "_Row", listed: bytes) -> None:
        entry, execute = row.entry.listed, self.database.execute
        number = first_id(entry["startTime"], name)
        while execute("SELECT 1 FROM recordings WHERE id = ?", (number,)).fetchone():
            number += 1
        marks = marks_of(entry["name"], entry.get("serviceClass"), hidden=entry["hidden"], analysed=row.analysed)
        execute(
            "INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                name,
                entry["uuid"],
                row.entry.stamp.size,
                row.entry.stamp.changed,
                row.again,
                entry["name"],
                entry["hidden"],
                row.analysed,
                entry["duration"],
            ),
        )
        execute("INSERT INTO documents VALUES (?, ?, ?, ?)", (number, listed, row.entry.words, marks))


class _Row(NamedTuple):
    """A recording as it is written down."""

    entry: Entry
    again: bool  # whether it is to be read again, though it seems the same
    analysed: bool


_DOCUMENT = "SELECT listed, words FROM documents JOIN recordings USING (id) WHERE filename = ?"
_WHOLE = "SELECT id, listed, words, analysed FROM recordings JOIN documents USING (id) WHERE filename = ?"


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(*FAILURES):
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _same(known: Known | None, seen: Seen) -> bool:
    """Whether nothing is to be read, or written, of a file."""
    return known is not None and known.stamp == seen.stamp and known.analysed in (None, seen.analysed)


def _listing(folder: Path) -> dict[str, Seen | None]:
    """What the directory says of every file in it that may be a recording."""
    stamps: dict[str, tuple[Stamp, bool]] = {}
    analyses: set[str] = set()
    with os.scandir(folder) as items:
        for item in items:
            name, sound = _utf8(item.name)
            if name.endswith(ANALYSIS_SUFFIX):
                analyses.add(name)
            elif is_recording(name):
                with suppress(FileNotFoundError):  # deleted since
                    stamps[name] = _stamp(item), sound
    return {name: Seen(stamp, analysis_name(name) in analyses, sound) for name, (stamp, sound) in stamps.items()}


def _stats(folder: Path, names: Iterable[str]) -> dict[str, Seen | None]:
    """The same of some names; None of those that are not there. The name of an analysis stands for its recording."""
    seen: dict[str, Seen | None] = {}
    for each in names:
        raw = recording_name(each)
        name, sound = _utf8(raw)
        if is_recording(name):
            try:
                seen[name] = Seen(_stamp(folder / raw), (folder / analysis_name(raw)).exists(), sound)
            except FileNotFoundError:
                seen[name] = None
    return seen


def _stamp(item: "os.DirEntry[str] | Path") -> Stamp:
    """Of what a link leads to, or of the link where that cannot be told: reading it says why."""
    try:
        stat = item.stat()
    except FileNotFoundError:
        raise
    except OSError:
        stat = item.stat(follow_symlinks=False)
    return Stamp(stat.st_size, stat.st_mtime_ns)


def _utf8(name: str) -> tuple[str, bool]:
    """The name as it can be written down, and whether it is the name itself."""
    if name.isascii():
        return name, True
    text = shown(name)
    return text, text == name
