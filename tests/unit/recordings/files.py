"""Recordings for tests, of 61 seconds."""

import os
from pathlib import Path
from typing import Any

import orjson

from livetiming.racing import Stat
from livetiming.recording.format import Frame, Kind
from livetiming.recording.writer import RecordingWriter
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.catalogue import Catalogue
from orchestrator.recordings.entry import Listed

UUID = "0123456789abcdef0123456789abcdef"
NOON = 1_700_000_000
LONG_AGO = 1_600_000_000  # so that a file counts as one that has not just changed
COLUMNS = [stat.column() for stat in (Stat.NUM, Stat.CLASS, Stat.TEAM, Stat.DRIVER)]


def write(folder: Path, filename: str, start: int = NOON, *, changed: int = LONG_AGO, **manifest: Any) -> Path:
    """A recording of 61 seconds, in a file that was changed at Unix second `changed`."""
    cars = manifest.pop("cars", [])
    duration = manifest.pop("duration", 61)
    with RecordingWriter(folder / filename) as writer:
        for second in sorted({start, start + duration}):
            writer.add(Frame(second, Kind.KEY, orjson.dumps({"cars": cars})))
        writer.finish({"uuid": UUID, "name": "FIA WEC", "description": "Race", **manifest})
    return age(folder / filename, changed)


def age(path: Path, changed: int = LONG_AGO) -> Path:
    """`path`, changed at that Unix second."""
    os.utime(path, (changed, changed))
    return path


def answers(folder: Path) -> Answers:
    """What a catalogue of `folder` that is made now answers."""
    catalogue = Catalogue(folder, None)
    catalogue.look()
    return Answers(catalogue.database)


def listed(folder: Path) -> list[Listed]:
    """All that such a catalogue lists."""
    return list(answers(folder).every())
