"""The program `router`: runs Crossbar and sees to it that none is left behind.

Crossbar does not watch its standard input, so this launcher does: when supervisord dies, Crossbar ends. When the
launcher itself is killed, the kernel tells Crossbar (Linux), and supervisord ends the process group elsewhere.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

from livetiming.lock import EXIT_TWICE, AlreadyRunning, Lock, lock_path, wait_for_end_of_input
from orchestrator import leftovers
from orchestrator.router_setup import crossbar
from orchestrator.settings import Settings

STOP_SECONDS = 6.0  # Crossbar needs half a second
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run Crossbar until it ends or we are told to; exit 0 if we were told."""
    settings = Settings.load()
    try:
        lock = Lock("router", lock_path(settings.run_dir, "router"))
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return EXIT_TWICE
    settings.place.router_socket.unlink(missing_ok=True)  # of a router that was killed
    child = subprocess.Popen(
        [crossbar(settings), "start", "--cbdir", settings.router_dir, "--loglevel", "warn", "--logformat", "none"],
        stdin=subprocess.DEVNULL,
        env=_environment(settings),
        preexec_fn=_die_with_parent,  # noqa: PLW1509,RUF100 - no thread runs yet
    )
    leftovers.record(settings.run_dir, "crossbar", child.pid)
    told = threading.Event()

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        told.set()
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT)  # SIGTERM would end it with exit code 1

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)

    def stop_with_supervisord() -> None:
        wait_for_end_of_input()
        stop()

    if "SUPERVISOR_ENABLED" in os.environ:
        threading.Thread(target=stop_with_supervisord, daemon=True).start()
    return _wait(child, told, lock)


def _wait(child: subprocess.Popen[bytes], told: threading.Event, lock: Lock) -> int:
    deadline = None
    while True:
        try:
            code = child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            lock.alive()
            if told.is_set():
                deadline = deadline or time.monotonic() + STOP_SECONDS
                if time.monotonic() > deadline:
                    child.kill()
            continue
        return 0 if told.is_set() else code or 1


def _environment(settings: Settings) -> dict[str, str]:
    credentials = settings.place.credentials
    if credentials is None:
        raise SystemExit(
            "no shared secret: set LIVETIMING_SHARED_SECRET, or start with `livetiming up`, which makes one"
        )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LIVETIMING_", "TWITTER_"))}
    return {**kept, "LIVETIMING_SHARED_SECRET": credentials.secret}


def _die_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
