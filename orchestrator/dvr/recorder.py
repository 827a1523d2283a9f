"""One recording in progress: states in, records of its journal out."""

from collections.abc import Mapping
from typing import Any

import orjson

from livetiming.recording.format import Chain, Kind, advance
from orchestrator.dvr.journal import Journal, Record, RecordKind
from orchestrator.dvr.rules import End

_RECORD_KINDS = {Kind.KEY: RecordKind.KEY, Kind.INTRA: RecordKind.INTRA}


class Recorder:
    """Makes frames of states and appends them to `journal`. `newest` is the last second that an earlier life recorded.

    Nothing here touches the disk: `journal.flush()` does.
    """

    def __init__(self, journal: Journal, newest: int = -1) -> None:
        self.journal = journal
        self._chain = Chain(second=newest)  # no state: the next frame is a keyframe
        self._owed: Record | None = None  # the newest manifest, while the journal takes none

    @classmethod
    def begin(cls, journal: Journal, uuid: str, at: int) -> "Recorder":
        """A new recording of service `uuid`; `at` is now, in Unix seconds."""
        journal.append(Record(RecordKind.UUID, at, uuid.encode()))
        return cls(journal)

    def record(self, second: int, state: object) -> None:
        """Take the state of Unix second `second`; of one second the newest counts, and time does not go back.

        Raises UnusableState or JournalFull; then the recording goes on as if the state had not come: the next frame
        is made from the last one that was taken. The state is kept until the next one comes: do not alter it.
        """
        chain, frame = advance(self._chain, second, state)
        self.journal.append(Record(_RECORD_KINDS[frame.kind], frame.second, frame.body))
        self._chain = chain
        self._describe()

    def describe(self, manifest: Mapping[str, Any], at: int) -> None:
        """Take a newer manifest. While too much waits for the disk, only the newest is kept."""
        self._owed = Record(RecordKind.MANIFEST, at, orjson.dumps(manifest))
        if not self.journal.full:
            self._describe()

    def end(self, reason: End, at: int) -> None:
        """Say in the journal that the recording is over, so that nobody continues it."""
        self._describe()
        self.journal.append(Record(RecordKind.END, at, reason.encode()))

    def _describe(self) -> None:
        if self._owed is not None:
            self.journal.append(self._owed)
            self._owed = None
