"""Reading a calendar in a process of its own, so that no calendar and no plugin costs the scheduler more than one.

The child expands the calendar and asks the plugins about options: both may take for ever, or all memory, or end the
process. It limits itself, ends with its parent, and is killed when it takes too long. Content goes in by standard
input, the answer (JSON) comes out by standard output; what plugins print goes elsewhere.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import orjson

from livetiming.service.checking import CalendarCheck, Declared, declared
from livetiming.service.discovery import plugins
from orchestrator.scheduler.calendar import WINDOW_DAYS, Calendar, read_calendar
from orchestrator.scheduler.findings import Finding, Kind
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.scheduler.plan import Session

CPU_SECONDS = 60
MEMORY_BYTES = 1 << 30  # of address space
WALL_SECONDS = 90.0
PLUGIN_SECONDS = 5.0  # for a plugin to be imported and to name its options
PLUGINS_SECONDS = 40.0  # for all of them
SAID_BYTES = 1 << 20  # of what a plugin prints, and of any file that it writes
_WATCH_SECONDS = 1.0
_COMMAND = [sys.executable, "-m", "orchestrator.scheduler.worker"]


class WorkerFailed(RuntimeError):
    """The calendar could not be worked out within the limits; the last good copy stays in force."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the calendar cannot be worked out: {why}")


def read_in_worker(
    content: bytes, now: float, margin: float, days: float = WINDOW_DAYS, *, wall: float = WALL_SECONDS
) -> Calendar:
    """What read_calendar makes of `content` with the plugins that are installed. Blocks; for a thread.

    Raises NotACalendar for junk, WorkerFailed where the child takes longer than `wall` seconds or crashes.
    """
    arguments = [repr(float(number)) for number in (now, margin, days, wall)]
    with tempfile.TemporaryFile() as said:
        worker = subprocess.Popen(
            [*_COMMAND, *arguments, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,  # a group of its own, with whatever a plugin may start
        )
        try:
            answer, _ = worker.communicate(content, timeout=wall)
        except subprocess.TimeoutExpired:
            raise WorkerFailed(f"it takes longer than {wall:g} s") from None
        finally:
            _end(worker)
        if worker.returncode != 0:
            raise WorkerFailed(_ending(worker.returncode, _last_line(said.seek(0, os.SEEK_END), said)))
    return _answered(answer)


def _end(worker: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of it. Its id is its own until it has been waited for."""
    if worker.returncode is None:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            pipe.close()


def _last_line(size: int, said: Any) -> str:
    said.seek(max(0, size - 1000))
    lines = said.read().decode(errors="replace").split("\n")
    return next(("".join(filter(str.isprintable, line))[:200] for line in reversed(lines) if line.strip()), "")


def _ending(code: int, said: str) -> str:
    if code == -signal.SIGXCPU:
        return f"it takes more than {CPU_SECONDS} s of one core"
    if code < 0:
        return f"its worker was ended by {signal.Signals(-code).name}"
    return f"its worker failed ({said or f'exit {code}'})"


def _answered(answer: bytes) -> Calendar:
    try:
        document = orjson.loads(answer)
    except orjson.JSONDecodeError:
        raise WorkerFailed("its worker gave no answer") from None
    if document["junk"] is not None:
        raise NotACalendar(document["junk"])
    return Calendar(
        tuple(Session(**{**session, "options": tuple(session["options"])}) for session in document["sessions"]),
        tuple(Finding(**{**finding, "kind": Kind(finding["kind"])}) for finding in document["findings"]),
    )


# -- in the child


def main(argv: list[str]) -> int:
    """The child: `NOW MARGIN DAYS WALL PARENT`, the calendar on standard input."""
    now, margin, days, wall = map(float, argv[:4])
    _limit()
    threading.Thread(target=_watch, args=(int(argv[4]), time.monotonic() + wall), daemon=True).start()
    content = sys.stdin.buffer.read()
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answer:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        answer.write(_answer(content, now, margin, days))
    with suppress(OSError):  # too much was printed
        sys.stderr.flush()
    os._exit(0)  # whatever threads a plugin has started


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (SAID_BYTES, SAID_BYTES))  # Python ignores the signal, and gets an error


def _watch(parent: int, until: float) -> None:
    """End with the parent, and in time, whatever the main thread hangs in."""
    while os.getppid() == parent and time.monotonic() < until:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _answer(content: bytes, now: float, margin: float, days: float) -> bytes:
    try:
        calendar = read_calendar(content, now, margin, plugins(), CalendarCheck(_Patience().ask), days)
    except NotACalendar as error:
        return orjson.dumps({"junk": error.why})
    return orjson.dumps({"junk": None, "sessions": calendar.sessions, "findings": calendar.findings})


class _TooLong(BaseException):
    """Not an Exception, so that a plugin's own handlers let it through."""


class _Patience:
    """Asks plugins about their options, for PLUGIN_SECONDS each and PLUGINS_SECONDS together."""

    def __init__(self) -> None:
        self._left = PLUGINS_SECONDS

    def ask(self, service_class: str) -> Declared:
        """What the plugin says, or that it takes too long to say it."""
        allowed = min(PLUGIN_SECONDS, self._left)
        begun = time.monotonic()
        try:
            with _for_at_most(allowed):
                return declared(service_class)
        except _TooLong:
            return Declared(None, broken=f"it takes longer than {allowed:.0f} s to be imported")
        finally:
            self._left = max(0.1, self._left - (time.monotonic() - begun))


@contextmanager
def _for_at_most(seconds: float) -> Iterator[None]:
    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
