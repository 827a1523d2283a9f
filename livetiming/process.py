"""How every long-running program of ours lives: one lock, one log, one orderly end.

It ends on SIGTERM and SIGINT, and, under supervisord, when its standard input closes: that means supervisord
died, and a program that nobody supervises any more must not go on beside the one its successor starts.
"""

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    formatEvent,
    globalLogBeginner,
)

from livetiming.commandline import EXIT_WRONG
from livetiming.lock import EXIT_TWICE, AlreadyRunning, Lock, lock_path, wait_for_end_of_input
from livetiming.reactor import reactor

STOP_SECONDS = 8.0  # an end that takes longer is cut short: supervisord would kill us anyway
SIGN_OF_LIFE_SECONDS = 5.0
# A state of 60 cars is a thousand lists, and none is part of a cycle: by its default of 700 the collector would look at
# each of them several times, which costs a third of what a frame costs.
GARBAGE_THRESHOLDS = (50_000, 20, 100)

_CONTROLS = [*range(32), 127, *range(0x80, 0xA0), 0x2028, 0x2029]
_ESCAPED = {code: repr(chr(code))[1:-1] for code in _CONTROLS}  # what comes from outside must not forge lines

log = Logger("process")


class Ending(StrEnum):
    """Why the program is ending."""

    TOLD = "told to"  # a signal, or the program's own work is done
    ORPHANED = "supervisord is gone"


def run(
    name: str,
    main: Callable[["Life"], Coroutine[Any, Any, int]],
    *,
    run_dir: Path | None = None,
    verbose: bool = False,
    handler: logging.Handler | None = None,
) -> int:
    """Run `main(life)` in the reactor until it returns its exit code; the process's exit code.

    With `run_dir` the program takes the lock of its `name` there. `main` learns by `life.ending` that it is to end.
    What is logged goes to `handler`, or else to standard error.
    """
    begin_log(verbose=verbose, handler=handler)
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        lock = Lock(name, lock_path(run_dir, name)) if run_dir else None
    except AlreadyRunning as error:
        log.error("{error}", error=error)
        return EXIT_TWICE
    life = Life(lock)
    codes: list[int] = []

    async def live() -> None:
        try:
            codes.append(await main(life))
        except Exception:
            log.failure("{name} failed", name=name)
            codes.append(EXIT_WRONG)
        if reactor.running:
            reactor.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(live()))
    reactor.callWhenRunning(life.begin)  # second, because `main` says what a sign of life means
    reactor.run(installSignalHandlers=False)
    return codes[0] if codes else EXIT_WRONG


class Life:
    """What a program is told about its own life."""

    def __init__(self, lock: Lock | None) -> None:
        self.lock = lock
        self.ending: Deferred[Ending] = Deferred()
        self.reload: Callable[[], None] | None = None  # called on SIGHUP
        self.healthy: Callable[[], bool] = lambda: True  # whether a sign of life would be true
        self._ended = False

    def begin(self) -> None:
        """Listen for the signals that end us; called in the reactor."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reactor.callFromThread(self.end, Ending.TOLD))
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(self._reload))
        if "SUPERVISOR_ENABLED" in os.environ:
            threading.Thread(target=self._watch_stdin, daemon=True).start()
        if self.lock is not None:
            LoopingCall(self.sign).start(SIGN_OF_LIFE_SECONDS)

    def sign(self) -> None:
        """Leave a sign of life, if all is well."""
        if self.lock is not None and self.healthy():
            self.lock.alive()

    def end(self, why: Ending = Ending.TOLD) -> None:
        """Tell the program to end; it gets STOP_SECONDS for it."""
        if self._ended:
            return
        self._ended = True
        log.info("ending: {why}", why=why.value)
        deadline = threading.Timer(STOP_SECONDS, _cut_short)
        deadline.daemon = True
        deadline.start()
        self.ending.callback(why)

    def _reload(self) -> None:
        if self.reload is not None:
            self.reload()

    def _watch_stdin(self) -> None:
        wait_for_end_of_input()
        reactor.callFromThread(self.end, Ending.ORPHANED)


def _cut_short() -> None:
    sys.stderr.write(f"could not end within {STOP_SECONDS:g} s: cut short\n")
    sys.stderr.flush()
    os._exit(EXIT_WRONG)


def begin_log(*, verbose: bool = False, handler: logging.Handler | None = None) -> None:
    """Everything that is logged, Twisted's or the standard library's, as lines of `handler` (standard error)."""
    level = logging.DEBUG if verbose else logging.INFO
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("apscheduler", "urllib3"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    threshold: Any = LogLevelFilterPredicate(LogLevel.debug if verbose else LogLevel.info)
    for chatty in ("txaio", "autobahn", "twisted", "log_legacy"):
        threshold.setLogLevelForNamespace(chatty, LogLevel.warn)
    to_stdlib: Any = _Observer()
    observer: Any = FilteringLogObserver(to_stdlib, [threshold])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


class _Observer(STDLibLogObserver):
    """Twisted's events under their own namespace, without Twisted's multi-line decorations."""

    def __call__(self, event: LogEvent) -> None:
        failure = event.get("log_failure")
        levels = {"warn": "WARNING", "failure": "ERROR"}
        name = event["log_level"].name
        record = logging.getLogger(str(event.get("log_namespace", "-")).rpartition(".")[2])
        record.log(
            logging.getLevelName(levels.get(name, name.upper())),
            "%s",
            formatEvent(event).translate(_ESCAPED),
            exc_info=None if failure is None else (failure.type, failure.value, failure.getTracebackObject()),
        )


class _Formatter(logging.Formatter):
    """Local time with its offset, so that logs of a race night can be laid beside each other."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        local = time.localtime(record.created)
        return f"{time.strftime('%Y-%m-%d %H:%M:%S', local)}.{int(record.msecs):03d}{time.strftime('%z', local)}"
