"""From a journal to the finished recording and its analysis, in one pass.

The journal's own name says which file it is to become: first it is renamed from `{uuid}.{number}.journal` to
`{uuid}.{number}.as{n}.journal`, where `n` is free. So whenever we are killed, the next attempt makes the same file
again, or finds it made, and no recording appears twice. The journal is deleted last.

The analysis is made of the file that is there, so that it is of the frames that the file holds. That it cannot be made
keeps no recording from being finished: `livetiming-recordings-index` makes it later.
"""

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from livetiming.files import sync_directory
from livetiming.recording.analysed import write_analysis
from livetiming.recording.format import Frame, Json, Kind, NotARecording
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from orchestrator.dvr.aside import set_aside
from orchestrator.dvr.journal import FRAMES, BadRecord, RecordKind, is_damaged, read

_NAME = re.compile(r"([0-9a-f]{32})\.([0-9]+)(?:\.as([0-9]+))?\.journal", re.ASCII)
_FRAME_KINDS = {RecordKind.KEY: Kind.KEY, RecordKind.INTRA: Kind.INTRA}


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
    """A recording that is in its place."""

    path: Path
    frames: int
    duration: int  # seconds from the first frame to the last
    damage: str | None = None  # of the journal; what stands before it was kept
    unanalysed: str | None = None  # why it has no analysis


def recording_name(uuid: str, n: int) -> str:
    """The file of the n-th recording of service `uuid`."""
    return f"{uuid}_{n}.zip" if n else f"{uuid}.zip"


def claim(journal: Path, folder: Path) -> Path:
    """Decide which file of `folder` a journal is to become, by renaming it; the journal as it is named then."""
    name = _parsed(journal)
    return journal if name.target is not None else _claim(name, journal, folder)


def claimed_as(journal: Path) -> Path | None:
    """The journal of this service and number as it is named by now; None where it is gone."""
    name = _parsed(journal)
    return next(journal.parent.glob(f"{name.uuid}.{name.number}.as*.journal"), None)


def finalise(journal: Path, folder: Path, analyse: Callable[[Path], object] = write_analysis) -> Finished | None:
    """Make the recording of `journal` in `folder` and its analysis, and delete the journal; None if it held no frame.

    Where the journal is damaged, what stands before the damage is kept, and the journal is set aside. Raises OSError,
    which leaves the journal for another attempt; FileNotFoundError where an earlier attempt has finished it.
    """
    journal = claim(journal, folder)
    with _alone(journal):
        contents = _Contents(_parsed(journal).uuid)
        journal, finished = _recording(journal, contents, folder)
        trouble = None if finished is None else _tried(analyse, finished.path)
        set_aside(journal) if contents.damaged else journal.unlink()
        sync_directory(journal.parent)
        if finished is not None and isinstance(trouble, OSError):  # the journal's space is free now
            trouble = _tried(analyse, finished.path)
    if finished is None or trouble is None:
        return finished
    return replace(finished, unanalysed=str(trouble) or type(trouble).__name__)


@contextmanager
def _alone(journal: Path) -> Iterator[None]:
    """Wait until nobody else finishes this journal: a worker whose DVR was killed may take a moment to end."""
    descriptor = os.open(journal, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not os.path.samestat(os.fstat(descriptor), journal.stat()):
            raise FileNotFoundError(errno.ENOENT, "it is another file now", str(journal))
        yield
    finally:
        os.close(descriptor)


def _recording(journal: Path, contents: "_Contents", folder: Path) -> tuple[Path, Finished | None]:
    """The recording of a claimed journal, made now or by an earlier attempt; before it the journal, as it is named."""
    name = _parsed(journal)
    target = folder / recording_name(name.uuid, name.target or 0)
    if target.exists():
        finished = _made_before(journal, contents, target)
        if finished is not None:
            return journal, finished
        journal = _claim(name, journal, folder)  # somebody has put another file there
        target = folder / recording_name(name.uuid, _parsed(journal).target or 0)
    return journal, _write(journal, contents, target)


def _parsed(journal: Path) -> JournalName:
    name = JournalName.parse(journal.name)
    if name is None:
        raise ValueError(f"{journal} is not named as a journal")
    return name


def _claim(name: JournalName, journal: Path, folder: Path) -> Path:
    others = (JournalName.parse(path.name) for path in journal.parent.glob(f"{name.uuid}.*.journal"))
    claimed = {other.target for other in others if other is not None}
    n = 0
    while n in claimed or (folder / recording_name(name.uuid, n)).exists():
        n += 1
    journal = journal.rename(journal.with_name(str(replace(name, target=n))))
    sync_directory(journal.parent)
    return journal


def _made_before(journal: Path, contents: "_Contents", target: Path) -> Finished | None:
    """The file that is at `target`, if it holds the frames of the journal."""
    seconds = [frame.second for frame in contents.of(journal)]
    try:
        with Recording(target) as recording:
            same = list(recording.seconds) == seconds
    except NotARecording:
        return None
    return Finished(target, len(seconds), seconds[-1] - seconds[0], contents.damage) if same else None


def _write(journal: Path, contents: "_Contents", target: Path) -> Finished | None:
    count = last = 0
    with RecordingWriter(target) as writer:
        for frame in contents.of(journal):
            writer.add(frame)
            count, last = count + 1, frame.second
        if writer.start is None:
            return None
        writer.finish(contents.manifest)
        return Finished(target, count, last - writer.start, contents.damage)


def _tried(analyse: Callable[[Path], object], recording: Path) -> Exception | None:
    """What came in the way of the analysis."""
    try:
        analyse(recording)
    except Exception as error:  # whatever it is: the recording is worth more
        return error
    return None


class _Contents:
    """The frames of a journal's good part, of each second the last; once they are read, the newest manifest, and why
    reading stopped before the end, if it did: `damaged` where good records stand behind that."""

    def __init__(self, uuid: str) -> None:
        self.manifest = unknown_manifest(uuid)
        self.damage: str | None = None
        self.damaged = False

    def of(self, journal: Path) -> Iterator[Frame]:
        """The frames of `journal`."""
        newest: Frame | None = None
        try:
            for record, _offset in read(journal):
                if record.kind is RecordKind.MANIFEST:
                    self.manifest = orjson.loads(record.payload)
                elif record.kind in FRAMES:
                    if newest is not None and record.second > newest.second:
                        yield newest
                    newest = Frame(record.second, _FRAME_KINDS[record.kind], record.payload)
        except BadRecord as error:
            self.damage, self.damaged = str(error), is_damaged(journal, error.offset)
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
