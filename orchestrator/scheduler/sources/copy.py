"""The last good copy of the calendar, and how its reading goes, on the disk."""

from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from livetiming.files import write_whole


def read_copy(path: Path) -> bytes | None:
    """The last good copy, if there is one."""
    return path.read_bytes() if path.is_file() else None


def keep_copy(path: Path, content: bytes) -> None:
    """Keep `content` as the last good copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content, mode=0o600, sync=True)


@dataclass(frozen=True)
class CalendarStatus:
    """How reading goes, for other programs. Times are Unix seconds."""

    read_at: float | None  # the last time that went well; None for never
    tried_at: float
    outage: str | None  # why it does not go well now
    sessions: int  # of the calendar in force

    def write(self, path: Path) -> None:
        """Replace the file at `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, orjson.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "CalendarStatus | None":
        """What the file at `path` says; None where it says nothing that can be used."""
        try:
            raw = orjson.loads(path.read_bytes())
            read_at, outage = raw["read_at"], raw["outage"]
            return cls(
                None if read_at is None else float(read_at),
                float(raw["tried_at"]),
                None if outage is None else str(outage),
                int(raw["sessions"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
