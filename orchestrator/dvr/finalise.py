"""From a journal to the finished recording, in one pass.

The journal's own name says which file it is to become: first it is renamed from `{uuid}.{number}.journal` to
`{uuid}.{number}.as{n}.journal`, where `n` is free. So whenever we are killed, the next attempt makes the same file
again, or finds it made, and no recording appears twice. The journal is deleted last.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from livetiming.recording.format import Frame, Json, Kind
from livetiming.recording.writer import RecordingWriter, sync_directory
from orchestrator.dvr.journal import BadRecord, RecordKind, read

_NAME = re.compile(r"([0-9a-f]{32})\.([0-9]+)(?:\.as([0-9]+))?\.journal", re.ASCII)
_FRAME_KINDS = {RecordKind.KEY: Kind.KEY, RecordKind.INTRA: Kind.INTRA}


class Interrupted(RuntimeError):
    """The program is ending; the recording is finished at its next start."""

    def __init__(self, journal: Path) -> None:
        super().__init__(f"{journal}: interrupted; the recording is finished at the next start")


@dataclass(frozen=True)
class JournalName:
    """What a journal's file name tells. `target` is n of the finished file's name, once that is decided."""

    uuid: str
    number: int
    target: int | None = None

    @classmethod
    def parse(cls, name: str) -> "JournalName | None":
        """The parts of `name`, or None where it is no journal's."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        return cls(match[1], int(match[2]), None if match[3] is None else int(match[3]))

    def __str__(self) -> str:
        decided = "" if self.target is None else f".as{self.target}"
        return f"{self.uuid}.{self.number}{decided}.journal"


@dataclass(frozen=True)
class Finished:
    """A recording that is in its place. What is None was not looked at, because an earlier life had made the file."""

    path: Path
    frames: int | None = None
    duration: int | None = None  # seconds from the first frame to the last
    damage: str | None = None  # of the journal; what stands before it was kept


def recording_name(uuid: str, n: int) -> str:
    """The file of the n-th recording of service `uuid`."""
    return f"{uuid}_{n}.zip" if n else f"{uuid}.zip"


def finalise(journal: Path, folder: Path, interrupted: Callable[[], bool] = lambda: False) -> Finished | None:
    """Make the recording of `journal` in `folder`, and delete the journal; None if it held no frame.

    Where the journal is damaged, what stands before the damage is kept. Raises OSError, and Interrupted soon after
    `interrupted()` is true; both leave the journal for another attempt.
    """
    name = JournalName.parse(journal.name)
    if name is None:
        raise ValueError(f"{journal} is not named as a journal")
    if name.target is None:
        name, journal = _decide(name, journal, folder)
    target = folder / recording_name(name.uuid, name.target or 0)
    finished = Finished(target) if target.exists() else _write(journal, name.uuid, target, interrupted)
    journal.unlink()
    sync_directory(journal.parent)
    return finished


def _decide(name: JournalName, journal: Path, folder: Path) -> tuple[JournalName, Path]:
    """Find a free name for the recording, and claim it by renaming the journal."""
    others = (JournalName.parse(path.name) for path in journal.parent.glob(f"{name.uuid}.*.journal"))
    claimed = {other.target for other in others if other is not None}
    n = 0
    while n in claimed or (folder / recording_name(name.uuid, n)).exists():
        n += 1
    name = replace(name, target=n)
    journal = journal.rename(journal.with_name(str(name)))
    sync_directory(journal.parent)
    return name, journal


def _write(journal: Path, uuid: str, target: Path, interrupted: Callable[[], bool]) -> Finished | None:
    contents = _Contents(journal, unknown_manifest(uuid))
    count = last = 0
    with RecordingWriter(target) as writer:
        for frame in contents:
            if interrupted():
                raise Interrupted(journal)
            writer.add(frame)
            count, last = count + 1, frame.second
        if writer.start is None:
            return None
        writer.finish(contents.manifest)
        return Finished(target, count, last - writer.start, contents.damage)


class _Contents:
    """The frames of a journal's good part, of each second the last; once they are read, the newest manifest."""

    def __init__(self, journal: Path, manifest: dict[str, Json]) -> None:
        self.journal = journal
        self.manifest = manifest
        self.damage: str | None = None

    def __iter__(self) -> Iterator[Frame]:
        newest: Frame | None = None
        try:
            for record, _offset in read(self.journal):
                if record.kind is RecordKind.MANIFEST:
                    self.manifest = orjson.loads(record.payload)
                elif record.kind in _FRAME_KINDS:
                    if newest is not None and record.second > newest.second:
                        yield newest
                    newest = Frame(record.second, _FRAME_KINDS[record.kind], record.payload)
        except BadRecord as error:
            self.damage = str(error)
        if newest is not None:
            yield newest


def unknown_manifest(uuid: str) -> dict[str, Json]:
    """What stands for the manifest of a service that never sent one; hidden, because nobody said it may be shown."""
    return {
        "uuid": uuid,
        "name": "Unknown service",
        "description": "",
        "serviceClass": "",
        "colSpec": [],
        "trackDataSpec": [],
        "hidden": True,
    }
