"""The catalogue: the finished recordings of a directory, as they are listed.

The directory is the truth. A scan reads only what is new or has changed (by size and time of change); what cannot be
read is a problem with a reason, and is not read again until it changes.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from livetiming.recording.format import RecordingError
from livetiming.recording.reader import Recording

Listed = dict[str, Any]  # a manifest with duration, filename, size, hasAnalysis; see docs/wire.md

SUFFIX = ".zip"
ANALYSIS_SUFFIX = ".json"


@dataclass(frozen=True)
class Stamp:
    """By what a change of a file is seen."""

    size: int  # bytes
    changed: int  # Unix ns


@dataclass(frozen=True)
class Entry:
    """One recording, as it was when its file had this stamp."""

    stamp: Stamp
    listed: Listed


@dataclass(frozen=True)
class Problem:
    """One file that is not listed, and why. Without a stamp it is the system that kept us from reading: try again."""

    stamp: Stamp | None
    why: str


@dataclass(frozen=True)
class Catalogue:
    """Recordings and problems by file name."""

    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))
    problems: Mapping[str, Problem] = field(default_factory=lambda: MappingProxyType({}))
    newest_first: tuple[Listed, ...] = ()


def scan(folder: Path, known: Catalogue) -> Catalogue:
    """The catalogue of `folder`, using what an earlier scan knew; `known` itself where nothing changed.

    Raises OSError if the folder cannot be listed.
    """
    stamps, analysed = _look(folder)
    entries: dict[str, Entry] = {}
    problems: dict[str, Problem] = {}
    for name, stamp in stamps.items():
        entry, problem = known.entries.get(name), known.problems.get(name)
        if problem is not None and problem.stamp == stamp:
            problems[name] = problem
            continue
        if entry is None or entry.stamp != stamp:
            try:
                entry = Entry(stamp, read(folder / name, stamp.size))
            except (RecordingError, OSError) as error:
                problems[name] = Problem(stamp if isinstance(error, RecordingError) else None, str(error))
                continue
        has_analysis = name.removesuffix(SUFFIX) in analysed
        if entry.listed["hasAnalysis"] is not has_analysis:
            entry = Entry(stamp, {**entry.listed, "hasAnalysis": has_analysis})
        entries[name] = entry
    if entries == known.entries and problems == known.problems:
        return known
    listed = sorted((entry.listed for entry in entries.values()), key=_age)
    return Catalogue(entries, problems, tuple(listed))


def uuid_of(filename: str) -> str:
    """The uuid under which a file is listed: `X` for `X.zip`, `X:1` for `X_1.zip`."""
    return filename.removesuffix(SUFFIX).replace("_", ":", 1)


def read(path: Path, size: int) -> Listed:
    """What is listed of the recording at `path`. Raises RecordingError and OSError."""
    with Recording(path) as recording:
        manifest = recording.manifest
        return {
            **manifest,
            "uuid": uuid_of(path.name),
            "name": _text(manifest.get("name")),
            "description": _text(manifest.get("description")),
            "hidden": bool(manifest.get("hidden")),
            "startTime": recording.start,
            "duration": recording.duration,
            "filename": path.name,
            "size": size,
            "hasAnalysis": False,
        }


def _look(folder: Path) -> tuple[dict[str, Stamp], set[str]]:
    """The stamps of the ZIP files, and the stems of the analyses."""
    stamps: dict[str, Stamp] = {}
    analysed: set[str] = set()
    with os.scandir(folder) as items:
        for item in items:
            if item.name.endswith(ANALYSIS_SUFFIX):
                analysed.add(item.name.removesuffix(ANALYSIS_SUFFIX))
            elif item.name.endswith(SUFFIX) and not item.name.startswith("."):
                try:
                    stat = item.stat()
                except FileNotFoundError:  # deleted since
                    continue
                stamps[item.name] = Stamp(stat.st_size, stat.st_mtime_ns)
    return stamps, analysed


def _age(listed: Listed) -> tuple[int, str]:
    return -listed["startTime"], listed["filename"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
