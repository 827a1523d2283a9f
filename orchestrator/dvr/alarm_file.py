"""What other programs learn of an outage of the disk: a small file of fixed size, made beforehand, because a disk that
is full has no room for a new one.

It holds one JSON object, filled up with blanks: `date` (Unix s, when it was written), `since` (Unix s), `text` (null
when all is well). It is rewritten in its place while an outage lasts; what is older than STALE_SECONDS was written by a
DVR that runs no more, and says nothing.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import orjson

FILE_NAME = "dvr.status"  # in LIVETIMING_STATE_DIR
SIZE = 4096  # bytes: one page, which a reader sees whole
TEXT_LIMIT = 600  # characters, of which JSON may make six bytes each
HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 30.0


@dataclass(frozen=True)
class Said:
    """An outage: since when (Unix s), and what is to be known of it."""

    since: float
    text: str


class AlarmFile:
    """The file as its one writer has it. Blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self, date: float) -> None:
        """Have the file in its full size on the disk; nothing is wrong. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.write(None, date, sync=True)

    def write(self, said: Said | None, date: float, *, sync: bool = False) -> None:
        """Say how it stands at `date`. Raises OSError."""
        document = {"date": date, "since": said and said.since, "text": said and said.text[:TEXT_LIMIT]}
        content = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE).rjust(SIZE)[-SIZE:]
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.pwrite(descriptor, content, 0)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_alarm(path: Path, date: float) -> Said | None:
    """The outage that lasts at `date`; None where there is none, or nothing that can be used."""
    try:
        with path.open("rb") as file:
            raw = orjson.loads(file.read(SIZE))
        if raw["text"] is None or abs(date - float(raw["date"])) > STALE_SECONDS:
            return None
        return Said(float(raw["since"]), str(raw["text"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
