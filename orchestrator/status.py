"""`livetiming status`: every component and service, whether it runs, since when, and its last sign of life."""

import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from livetiming.commandline import EXIT_DONE, EXIT_WRONG
from livetiming.lock import last_sign_of_life, lock_path
from livetiming.times import format_clock
from orchestrator.dvr.alarm_file import FILE_NAME, Said, read_alarm
from orchestrator.launch import System
from orchestrator.scheduler.sources.copy import CalendarStatus
from orchestrator.settings import Settings
from orchestrator.supervision import Program, ProgramState

PIPE_WIDTH = 160  # columns, where there is no terminal to ask


@dataclass(frozen=True)
class Row:
    """One program. Times in seconds; None where there is nothing to tell."""

    name: str
    state: str
    should_run: bool
    pid: int | None
    uptime: int | None
    last_sign_of_life: float | None  # seconds ago
    memory: int | None  # bytes resident, children included
    note: str

    @property
    def wrong(self) -> bool:
        """Whether it should run, and does not."""
        return self.should_run and self.state != ProgramState.RUNNING


def rows(programs: list[Program], run_dir: Path, jobs_dir: Path, now: float) -> list[Row]:
    """One row for each program, daemons first."""
    listed = [_row(program, run_dir, jobs_dir, now) for program in programs]
    return sorted(listed, key=lambda row: (row.name.startswith("service-"), row.name))


def _row(program: Program, run_dir: Path, jobs_dir: Path, now: float) -> Row:
    job = _job(jobs_dir / f"{program.name}.json")
    over = job.get("over")
    alive = program.alive
    seen = last_sign_of_life(lock_path(run_dir, program.name)) if alive else None
    return Row(
        name=program.name,
        state=program.state.value,
        should_run=not over,
        pid=program.pid if alive else None,
        uptime=max(0, program.now - program.started) if alive else None,
        last_sign_of_life=None if seen is None else round(max(0.0, now - seen), 1),
        memory=_memory(program.pid) if alive else None,
        note=over or program.why or job.get("description") or "",
    )


def _outage(calendar: CalendarStatus | None, now: float) -> str:
    """What there is to say of a calendar that cannot be read."""
    if calendar is None or calendar.outage is None:
        return ""
    age = "" if calendar.read_at is None else f" (read last {int(max(0.0, now - calendar.read_at) / 60)} min ago)"
    return f"{calendar.outage}{age}"


def _disk_outage(said: Said | None, now: float) -> str:
    """What there is to say of a disk that does not take recordings."""
    return "" if said is None else f"{said.text} (since {format_clock(int(max(0.0, now - said.since)))})"


def _job(path: Path) -> dict[str, str]:
    try:
        job = json.loads(path.read_text())
    except (OSError, ValueError):  # a daemon has none
        return {}
    return job if isinstance(job, dict) else {}


def _memory(pid: int) -> int | None:
    try:
        process = psutil.Process(pid)
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
    except psutil.Error:
        return None


def status(settings: Settings, *, as_json: bool) -> int:
    """Print the table; exit 1 if anything that should run does not."""
    programs = System(settings).programs()
    if programs is None:
        if as_json:
            print(json.dumps({"running": False, "programs": []}))
        else:
            print(f"not running in {settings.home} (start it with: livetiming up)")
        return EXIT_WRONG
    now = time.time()
    outages = {
        "scheduler": _outage(CalendarStatus.read(settings.calendar_status), now),
        "dvr": _disk_outage(read_alarm(settings.state_dir / FILE_NAME, now), now),
    }
    listed = rows(programs, settings.run_dir, settings.place.jobs_dir, now)
    listed = [replace(row, note=row.note or outages.get(row.name, "")) for row in listed]
    if as_json:
        print(json.dumps({"running": True, "programs": [{**asdict(row), "wrong": row.wrong} for row in listed]}))
    else:
        _print(listed)
    return EXIT_WRONG if any(row.wrong for row in listed) else EXIT_DONE


def _print(listed: list[Row]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("NAME", "STATE", "UPTIME", "SIGN OF LIFE", "MEMORY", "PID", "NOTE"):
        right = heading in ("UPTIME", "SIGN OF LIFE", "MEMORY", "PID")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "NOTE")
    for row in listed:
        style = "bold red" if row.wrong else "dim" if not row.should_run else None
        table.add_row(
            row.name,
            row.state,
            "" if row.uptime is None else format_clock(row.uptime),
            "" if row.last_sign_of_life is None else f"{row.last_sign_of_life:.0f} s ago",
            "" if row.memory is None else f"{row.memory / 2**20:.0f} MB",
            str(row.pid or ""),
            row.note,
            style=style,
        )
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)
