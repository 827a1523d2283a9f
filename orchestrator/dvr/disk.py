"""All journals of the recordings in progress. Everything here may block: it lives in a thread of its own.

The rules' effects come here one after the other, in their order. Records wait in memory until `flush`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.dvr.finalise import JournalName
from orchestrator.dvr.journal import Journal
from orchestrator.dvr.recorder import Recorder
from orchestrator.dvr.recover import Left
from orchestrator.dvr.rules import Close, Describe, Discard, Keep, Open, Record

Key = tuple[str, int]  # uuid and number of a recording
DiskEffect = Open | Record | Describe | Close | Keep | Discard


@dataclass
class Flushed:
    """What a flush found: journals that are ready to become finished files, and those that could not be written."""

    ready: list[Path] = field(default_factory=list)
    failed: dict[Path, OSError] = field(default_factory=dict)


class Disk:
    """The recorders of all services, with their journals in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._recorders: dict[Key, Recorder] = {}
        self._kept: set[Key] = set()

    def resume(self, left: Left) -> None:
        """Take over a journal that an earlier life left; what is behind its good part goes with the next write."""
        key = (left.name.uuid, left.part.number)
        self._recorders[key] = Recorder(Journal(left.path, left.length), left.part.last)

    def apply(self, uuid: str, effect: DiskEffect, at: int, state: object = None) -> None:
        """Do what the rules said about a recording of service `uuid`; `at` is now (Unix s), `state` the frame seen.

        Raises UnusableState and JournalFull: then this one effect is lost, and the recording goes on.
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
                recorder.record(second, state)
            case Describe(_, manifest):
                recorder.describe(manifest, at)
            case Close(_, reason):
                recorder.end(reason, at)
            case Keep():
                self._kept.add(key)
            case Discard():
                recorder.journal.close()
                recorder.journal.path.unlink(missing_ok=True)
                del self._recorders[key]

    def flush(self) -> Flushed:
        """Bring everything to the disk. What cannot be written now waits for the next time, and so does keeping it."""
        result = Flushed()
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
        return result

    def close(self) -> None:
        """Close all files; the recordings are continued by the next life."""
        for recorder in self._recorders.values():
            recorder.journal.close()
