"""Processes of a run that was killed: recognised by what they recorded in the home, and ended.

supervisord and Crossbar are recorded by us as process id and start time, because a process id alone may by now be
somebody else's. Our own programs hold locks, which nobody holds by accident.
"""

import contextlib
import fcntl
import json
from pathlib import Path

import psutil

PATIENCE = 6.0  # seconds from asking to killing


def record(run_dir: Path, name: str, pid: int) -> None:
    """Remember that process `pid` is ours."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already: nothing to remember
        text = json.dumps({"pid": pid, "started": psutil.Process(pid).create_time()})
        (run_dir / f"{name}.process").write_text(text)


def recorded(run_dir: Path, name: str) -> psutil.Process | None:
    """The process that was recorded as `name`, if it still is that process."""
    try:
        known = json.loads((run_dir / f"{name}.process").read_text())
        process = psutil.Process(int(known["pid"]))
        return process if abs(process.create_time() - known["started"]) < 0.01 else None
    except (OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None  # never recorded, or gone


def holders(run_dir: Path, but: str = "") -> list[psutil.Process]:
    """The processes that hold a lock in `run_dir`, but for the lock named `but`."""
    found = []
    for path in sorted(run_dir.glob("*.lock")):
        if path.stem != but and _is_held(path):
            with contextlib.suppress(ValueError, psutil.NoSuchProcess):
                found.append(psutil.Process(int(path.read_text())))
    return found


def end(processes: list[psutil.Process]) -> None:
    """Ask them to end; kill those that do not."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                ask(process)
        _, processes = psutil.wait_procs(processes, timeout=PATIENCE)


def _is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
