"""One copy of each program, its last sign of life, and the end of its supervisor. Standard library only."""

import fcntl
import os
from pathlib import Path
from typing import IO

EXIT_TWICE = 3  # another copy holds the lock; an expected exit for supervisord, or it would retry for ever


class AlreadyRunning(RuntimeError):
    """A second copy of a program was started."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(f"{name} is running already (lock {path}): stop that one first (livetiming status)")


class Lock:
    """The lock file of one identity, held until the process ends; its age is the program's last sign of life.

    The file is never deleted: removing a lock that another process has just opened would let two of them in.
    """

    def __init__(self, name: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file: IO[str] = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise AlreadyRunning(name, path) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()
        os.utime(self._file.fileno(), (0, 0))  # no sign of life yet

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def alive(self) -> None:
        """Leave a sign of life."""
        os.utime(self._file.fileno())


def lock_path(run_dir: Path, name: str) -> Path:
    """Where the program `name` keeps its lock."""
    return run_dir / f"{name}.lock"


def last_sign_of_life(path: Path) -> float | None:
    """When the holder of the lock at `path` last left a sign of life (Unix s); None for never."""
    try:
        return path.stat().st_mtime or None
    except OSError:
        return None


def wait_for_end_of_input() -> None:
    """Return when standard input is closed: supervisord holds its other end for as long as it lives."""
    while os.read(0, 4096):
        pass
