"""Deleting recordings for age or space: what is to go is written down first, and only the catalogue's own files go."""

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from livetiming.files import sync_directory, write_whole
from orchestrator.dvr.finalise import JournalName
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.entry import Stamp, analysis_name
from orchestrator.recordings.retention import Expiring, Kept, Limits, Review, Why, review

EXPIRING = "recordings-expiring.json"  # the list's name in the folder of states
DAY = 86_400.0  # seconds
GB = 10**9  # bytes


class Disk(NamedTuple):
    """Bytes of the disk that holds the recordings."""

    free: int
    total: int


@dataclass(frozen=True)
class Outcome:
    """What came of a review."""

    listed: tuple[Expiring, ...] = ()  # that were not listed before
    deleted: tuple[Expiring, ...] = ()
    troubles: tuple[str, ...] = ()


def limits_of(keep_days: float, keep_free_gb: float) -> Limits:
    """The limits in the settings; 0 means none."""
    return Limits(keep_days * DAY if keep_days else None, int(keep_free_gb * GB) if keep_free_gb else None)


def disk_of(folder: Path) -> Disk:
    """How much is free where `folder` is. Raises OSError."""
    usage = shutil.disk_usage(folder)
    return Disk(usage.free, usage.total)


def usable(limits: Limits, disk: Disk) -> tuple[Limits, str | None]:
    """`limits` without one that nothing can fulfil, and what is said of that."""
    if limits.keep_free is None or limits.keep_free < disk.total:
        return limits, None
    gb = f"{limits.keep_free / GB:g} GB (LIVETIMING_RECORDINGS_KEEP_FREE_GB) can never be free on a disk of "
    return Limits(limits.keep_seconds), f"{gb}{disk.total / GB:.0f} GB: nothing is deleted for the space"


def foresee(
    kept: Iterable[Kept], folder: Path, temp: Path, file: Path, limits: Limits, disk: Disk, now: float
) -> tuple[Review, Mapping[tuple[str, Why], float]]:
    """What is to go of `kept`, and since when `file` has it. Deletes nothing. Raises OSError.

    Links, and what else is no regular file of `folder`, are left out: they are never deleted, and a plan that counted
    on their space would delete nothing in their place.
    """
    since, regular = read_list(file), _regular(folder)
    ours = [each for each in kept if each.filename in regular]
    return review(ours, _recording_now(temp), since, limits, disk.free, now), since


@dataclass(frozen=True)
class Expiry:
    """Reviews the recordings of `folder`; what is listed stands in `file`. It blocks."""

    folder: Path
    temp: Path
    file: Path
    limits: Limits
    disk: Callable[[Path], Disk] = disk_of

    def review(self, answers: Answers, now: float) -> Outcome:
        """List what is to go, and delete what has been listed for long enough.

        Raises OSError and sqlite3.Error; nothing is deleted that could not be listed.
        """
        held = answers.kept()
        disk = self.disk(self.folder)
        limits, trouble = usable(self.limits, disk)
        found, since = foresee((kept for kept, _ in held), self.folder, self.temp, self.file, limits, disk, now)
        self._write(found.expiring, answers)
        stamps = {kept.filename: stamp for kept, stamp in held}
        deleted, troubles = [], [] if trouble is None else [trouble]
        for each in found.going:
            try:
                if _delete(self.folder / each.filename, stamps[each.filename]):
                    deleted.append(each)
            except OSError as error:
                troubles.append(f"{each.filename} cannot be deleted: {error}")
        if deleted:
            sync_directory(self.folder)
        new = tuple(each for each in found.expiring if (each.filename, each.why) not in since)
        return Outcome(new, tuple(deleted), tuple(troubles))

    def _write(self, expiring: Iterable[Expiring], answers: Answers) -> None:
        content = orjson.dumps({"expiring": [to_json(each, answers) for each in expiring]}, option=orjson.OPT_INDENT_2)
        try:
            if self.file.read_bytes() == content:
                return
        except FileNotFoundError:
            pass
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, content, sync=True)


def to_json(each: Expiring, answers: Answers) -> dict[str, Any]:
    """What is written of a recording that is to go."""
    listed = answers.by_filename(each.filename) or {}
    about = {key: listed.get(key) for key in ("uuid", "name", "description", "startTime", "duration", "size")}
    return {"filename": each.filename, "why": each.why, "listed": each.listed, "due": each.due, **about}


def read_list(file: Path) -> dict[tuple[str, Why], float]:
    """Since when which file has been listed, and for what. What makes no sense is not listed."""
    try:
        content = orjson.loads(file.read_bytes())
        entries = content["expiring"]
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError):
        return {}
    found: dict[tuple[str, Why], float] = {}
    for entry in entries if isinstance(entries, list) else ():
        with suppress(KeyError, TypeError, ValueError):
            found[str(entry["filename"]), Why(entry["why"])] = float(entry["listed"])
    return found


def _regular(folder: Path) -> set[str]:
    """The names of the regular files in `folder`."""
    with os.scandir(folder) as items:
        return {item.name for item in items if item.is_file(follow_symlinks=False)}


def _recording_now(temp: Path) -> set[str]:
    """The uuids of services of which there is a journal."""
    try:
        names = [path.name for path in temp.iterdir()]
    except FileNotFoundError:
        return set()
    return {name.uuid for name in map(JournalName.parse, names) if name is not None}


def _delete(path: Path, stamp: Stamp) -> bool:
    """Delete a recording and its analysis, if it is still the file that the catalogue has read."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode) or Stamp(found.st_size, found.st_mtime_ns) != stamp:
        return False
    # The analysis first: alone it would be nobody's, and stay for ever.
    with suppress(FileNotFoundError):
        path.with_name(analysis_name(path.name)).unlink()
    path.unlink()
    return True
