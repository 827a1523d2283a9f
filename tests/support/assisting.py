"""`livetiming-schedule assist` as it is run, with a source calendar that a test writes."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
MAPPING = """
ignore = ["PODCAST"]
[tags.CLUB]
class = "rmonitor"
name = "Club - {title}"
options = "--host ? -H"
[tags.SIM]
class = "simulated"
"""


def moment(days: float = 0, hours: float = 0) -> datetime:
    """A time after tomorrow's noon (UTC)."""
    return NOON + timedelta(days=days, hours=hours)


def event(uid: str, title: str, start: datetime, *, hours: float = 2, more: str = "") -> str:
    """One VEVENT; `more` are further lines of it."""
    end = start + timedelta(hours=hours)
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:{title}\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{end:%Y%m%dT%H%M%SZ}\r\n{more}END:VEVENT\r\n"
    )


@dataclass
class Said:
    """What the command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, of `--json`."""
        return orjson.loads(self.out)


@dataclass
class Assist:
    """The command in a home of its own."""

    folder: Path
    environ: dict[str, str]  # which calendar is ours
    mapping: str = MAPPING
    source: dict[str, str] = field(default_factory=dict)  # VEVENTs by UID

    def has(self, uid: str, title: str, start: datetime, *, hours: float = 2, more: str = "") -> None:
        """Put an event into the source, or change it."""
        self.source[uid] = event(uid, title, start, hours=hours, more=more)

    def variables(self) -> dict[str, str]:
        """The environment of a run; writes the files that it names."""
        calendar = self.folder / "source.ics"
        events = "".join(self.source.values())
        calendar.write_text(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n", newline="")
        (self.folder / "assist.toml").write_text(self.mapping)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LIVETIMING_")}
        return {
            **inherited,
            "LIVETIMING_HOME": str(self.folder / "home"),
            "LIVETIMING_TIMEZONE": "Europe/Berlin",
            "LIVETIMING_ASSIST_MAPPING": str(self.folder / "assist.toml"),
            "CALENDAR_SOURCE_URL": calendar.as_uri(),
            **self.environ,
        }

    def command(self, *options: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "orchestrator.scheduler.assist.cli", *options]

    def run(self, *options: str) -> Said:
        """Run it without a terminal."""
        done = subprocess.run(
            self.command(*options),
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Said(done.returncode, done.stdout, done.stderr)
