"""The real system, started as an operator starts it, in a temporary home and on free ports."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from orchestrator import leftovers
from tests.support.waiting import eventually

PLUGINS = Path(__file__).parent / "plugins"
_PORTS = Path(tempfile.gettempdir()) / "livetiming-test-ports"


def free_port() -> int:
    """A TCP port that nobody uses, and that no other test process will be given."""
    _PORTS.mkdir(exist_ok=True)
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        claim = (_PORTS / str(port)).open("w")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            continue
        _CLAIMS.append(claim)  # held until this test process ends
        return port


_CLAIMS: list[Any] = []


def new_home() -> Path:
    """An empty home."""
    return Path(tempfile.mkdtemp(prefix="lt-", dir="/tmp"))


def remove_home(folder: Path) -> None:
    """Remove a home; AssertionError if a process of it is left."""
    left = processes_of(folder)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"left running: {left}"


def processes_of(folder: Path) -> list[psutil.Process]:
    """The processes that were started for this home. Crossbar overwrites its environment, so it is asked by name."""
    crossbar = leftovers.recorded(folder / "run", "crossbar")
    found = [] if crossbar is None or crossbar.status() == psutil.STATUS_ZOMBIE else [crossbar]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("LIVETIMING_HOME") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def event(title: str, start: timedelta, length: timedelta, uid: str = "one@test") -> str:
    """An event that starts `start` from now."""
    begin = datetime.now(UTC) + start
    escaped = title.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\r\n".join(
        [
            "BEGIN:VEVENT",
            f"UID:{uid}",
            f"DTSTAMP:{begin:%Y%m%dT%H%M%SZ}",
            f"DTSTART:{begin:%Y%m%dT%H%M%SZ}",
            f"DTEND:{begin + length:%Y%m%dT%H%M%SZ}",
            f"SUMMARY:{escaped}",
            "END:VEVENT",
            "",
        ]
    )


class RunningSystem:
    """One system: `livetiming up` and what it runs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.calendar = home / "calendar.ics"
        self.environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PLUGINS), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "LIVETIMING_HOME": str(home),
            "LIVETIMING_PORT": str(self.port),
            "LIVETIMING_CALENDAR_URL": self.calendar.as_uri(),
            "LIVETIMING_CALENDAR_INTERVAL": "1",
            "LIVETIMING_START_BUFFER": "0",
            "LIVETIMING_END_BUFFER": "1",
            "LIVETIMING_DVR_MIN_DURATION": "0",
            "LIVETIMING_DVR_TIMEOUT": "5",
            "LIVETIMING_DEMO_FEED_PORT": str(free_port()),
        }
        self.up: subprocess.Popen[str] | None = None
        self.write_calendar()

    def write_calendar(self, *events: str) -> None:
        """Replace the calendar."""
        fresh = self.calendar.with_suffix(".new")
        fresh.write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(events) + "END:VCALENDAR\r\n", newline="")
        fresh.replace(self.calendar)

    def start(self, *arguments: str, python: Path | str = sys.executable, cwd: Path | None = None) -> None:
        """`livetiming up`, until it says that everything runs."""
        with (self.home / "up.out").open("w") as out:
            self.up = subprocess.Popen(
                [python, "-m", "orchestrator.cli", "up", *arguments],
                env=self.environ,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        eventually(lambda: "everything runs" in self.said() or self.up_ended(), within=60, what="livetiming up")
        assert not self.up_ended(), self.said()

    def said(self) -> str:
        """What `livetiming up` has said."""
        return (self.home / "up.out").read_text()

    def up_ended(self) -> bool:
        """Whether `livetiming up` has ended."""
        return self.up is not None and self.up.poll() is not None

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a `livetiming` command to its end."""
        command = [sys.executable, "-m", "orchestrator.cli", *arguments]
        return subprocess.run(
            command,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def status(self) -> dict[str, dict[str, Any]]:
        """`livetiming status --json`, by program."""
        answer = json.loads(self.run("status", "--json").stdout)
        return {row["name"]: row for row in answer["programs"]}

    def state_of(self, name: str) -> str | None:
        """The state of one program; None for one that is not there."""
        row = self.status().get(name)
        return None if row is None else str(row["state"])

    def pid_of(self, name: str) -> int:
        """The process of one program that runs."""
        pid: int = eventually(lambda: self.status().get(name, {}).get("pid") or 0, what=f"{name} runs")
        return pid

    def kill(self, pid: int) -> None:
        """kill -9 one process of ours, by its id."""
        assert pid in {process.pid for process in processes_of(self.home)}
        os.kill(pid, signal.SIGKILL)

    def log(self, name: str) -> str:
        """The log of one program."""
        path = self.home / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def get(self, path: str) -> bytes:
        """A page of the router."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            body: bytes = answer.read()
        return body

    def end(self) -> None:
        """Ctrl-C, and wait for the end of everything."""
        if self.up is not None and self.up.poll() is None:
            self.up.send_signal(signal.SIGINT)
            self.up.wait(25)
        if processes_of(self.home):
            self.run("down")
