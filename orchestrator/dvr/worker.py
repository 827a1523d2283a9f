"""Finishing a recording in a process of its own, so that it costs the DVR neither its interpreter nor its memory.

The child makes the file (orchestrator.dvr.finalise) at low priority and answers with one JSON object on standard
output; what it has to complain about goes to our standard error. It ends with its parent, because its standard input
closes then, and is killed when the DVR ends: the journal is there for the next start.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from livetiming.lock import wait_for_end_of_input
from orchestrator.dvr.finalise import Finished, finalise

NICENESS = 10  # what is being recorded, and shown, goes first
MEMORY_BYTES = 2 << 30  # of address space: what needs more is no recording that we know
LOOK_SECONDS = 0.2  # how soon it is noticed that the DVR ends
_COMMAND = [sys.executable, "-m", "orchestrator.dvr.worker"]


class Interrupted(RuntimeError):
    """The program is ending; the recording is finished at its next start."""

    def __init__(self, journal: Path) -> None:
        super().__init__(f"{journal}: interrupted; the recording is finished at the next start")


class WorkerFailed(RuntimeError):
    """The process that was to finish a recording did not: the journal is as it was, or nearly finished."""

    def __init__(self, why: str) -> None:
        super().__init__(f"its worker {why}")


def finalise_in_worker(journal: Path, folder: Path, interrupted: Callable[[], bool]) -> Finished | None:
    """What `finalise` gives, or raises (OSError), in a child. Blocks; for a thread.

    Raises WorkerFailed where the child crashes, and Interrupted soon after `interrupted()` is true.
    """
    if interrupted():
        raise Interrupted(journal)
    lifeline, held = os.pipe()  # the child has the one end for its standard input, and we hold the other
    try:
        worker = _started(journal, folder, lifeline)
        try:
            answer = _answer(worker, journal, interrupted)
        finally:
            _end(worker)
    finally:
        os.close(lifeline)
        os.close(held)
    if worker.returncode != 0:
        raise WorkerFailed(_ending(worker.returncode))
    return _finished(answer)


def _started(journal: Path, folder: Path, lifeline: int) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [*_COMMAND, str(journal), str(folder)], stdin=lifeline, stdout=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:  # too many processes, no memory: not the disk's fault
        raise WorkerFailed(f"cannot be started: {error}") from error


def _answer(worker: "subprocess.Popen[bytes]", journal: Path, interrupted: Callable[[], bool]) -> bytes:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return worker.communicate(timeout=LOOK_SECONDS)[0]
        if interrupted():
            raise Interrupted(journal)


def _end(worker: "subprocess.Popen[bytes]") -> None:
    """Kill it if it still runs. Its id is its own until it has been waited for."""
    if worker.returncode is None:
        worker.kill()
        worker.wait()
    if worker.stdout is not None:
        worker.stdout.close()


def _ending(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed (exit {code})"


def _finished(answer: bytes) -> Finished | None:
    try:
        document = orjson.loads(answer)
        if document["error"] is not None:
            raise OSError(*document["error"])
        made = document["finished"]
        return None if made is None else Finished(**{**made, "path": Path(made["path"])})
    except (orjson.JSONDecodeError, LookupError, TypeError) as error:
        raise WorkerFailed("gave no answer") from error


# -- in the child


def main(argv: list[str]) -> int:
    """The child: `JOURNAL FOLDER`."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.nice(NICENESS)
    journal, folder = map(Path, argv)
    sys.stdout.buffer.write(orjson.dumps(_outcome(journal, folder)))
    sys.stdout.buffer.flush()
    return 0


def _outcome(journal: Path, folder: Path) -> dict[str, Any]:
    try:
        made = finalise(journal, folder)
    except OSError as error:
        return {"error": [error.errno, error.strerror, error.filename], "finished": None}
    return {"error": None, "finished": None if made is None else {**asdict(made), "path": str(made.path)}}


def _end_with_parent() -> None:
    wait_for_end_of_input()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
