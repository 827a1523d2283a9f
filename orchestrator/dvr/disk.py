"""All journals of the recordings in progress. Everything here may block: it lives in a thread of its own.

The rules' effects come here one after the other, in their order. Records wait in memory until `flush`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.dvr.finalise import JournalName
from orchestrator.dvr.journal import Dropped, Journal
from orchestrator.dvr.recorder import Recorder
from orchestrator.dvr.recover import Left
from orchestrator.dvr.rules import Close, Describe, Discard, Keep, Open, Record

WAITING_LIMIT = 256 * 2**20  # bytes of all journals that wait for a disk that does not take them

Key = tuple[str, int]  # uuid and number of a recording
DiskEffect = Open | Record | Describe | Close | Keep | Discard


class DiskFull(Dropped):
    """Too much of all recordings together waits."""

    def __init__(self) -> None:
        super().__init__("all recordings together", WAITING_LIMIT)


@dataclass
class Flushed:
    """What a flush found: journals that are ready to become finished files, and those that could not be written."""

    ready: list[Path] = field(default_factory=list)
    failed: dict[Path, OSError] = field(default_factory=dict)
    waiting: int = 0  # bytes that are still in memory
    dropped: int = 0  # frames since we began, because too much waited


class Disk:
    """The recorders of all services, with their journals in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._recorders: dict[Key, Recorder] = {}
        self._kept: set[Key] = set()
        self._discarded: list[Journal] = []
        self._waiting = 0  # bytes, of all journals
        self._dropped = 0  # frames

    def resume(self, left: Left) -> None:
        """Take over a journal that an earlier life left; what is behind its good part goes with the next write."""
        key = (left.name.uuid, left.part.number)
        self._recorders[key] = Recorder(Journal(left.path, left.length), left.part.last)

    def apply(self, uuid: str, effect: DiskEffect, at: int, state: object = None) -> None:
        """Do what the rules said about a recording of service `uuid`; `at` is now (Unix s), `state` the frame seen.

        Raises UnusableState and Dropped: then this one frame is lost, and the recording goes on.
        """
        key = (uuid, effect.number)
        if isinstance(effect, Open):
            journal = Journal(self.folder / str(JournalName(uuid, effect.number)))
            self._recorders[key] = Recorder.begin(journal, uuid, at)
            if effect.manifest is not None:
                self._recorders[key].describe(effect.manifest, at)
            return
        recorder = self._recorders[key]
        match effect:
            case Record(_, second):
                self._record(recorder, second, state)
            case Describe(_, manifest):
                recorder.describe(manifest, at)
            case Close(_, reason):
                recorder.end(reason, at)
            case Keep():
                self._kept.add(key)
            case Discard():
                self._discarded.append(recorder.journal)
                del self._recorders[key]

    def _record(self, recorder: Recorder, second: int, state: object) -> None:
        before = recorder.journal.waiting
        try:
            if self._waiting >= WAITING_LIMIT:
                raise DiskFull
            recorder.record(second, state)
        except Dropped:
            self._dropped += 1
            raise
        self._waiting += recorder.journal.waiting - before

    def flush(self) -> Flushed:
        """Bring everything to the disk. What cannot be written now waits for the next time, and so does keeping it."""
        result = Flushed()
        self._delete(result)
        for key, recorder in list(self._recorders.items()):
            try:
                recorder.journal.flush()
            except OSError as error:
                result.failed[recorder.journal.path] = error
                continue
            if key in self._kept:
                recorder.journal.close()
                result.ready.append(recorder.journal.path)
                self._kept.remove(key)
                del self._recorders[key]
        self._waiting = sum(recorder.journal.waiting for recorder in self._recorders.values())
        result.waiting, result.dropped = self._waiting, self._dropped
        return result

    def _delete(self, result: Flushed) -> None:
        discarded, self._discarded = self._discarded, []
        for journal in discarded:
            try:
                journal.delete()
            except OSError as error:
                result.failed[journal.path] = error
                self._discarded.append(journal)

    def close(self) -> None:
        """Close all files; the recordings are continued by the next life."""
        for recorder in self._recorders.values():
            recorder.journal.close()
