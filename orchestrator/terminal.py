"""The terminal of a command that shows what goes on: drawn upon until Ctrl-C, and left clean."""

import contextlib
import json
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import STDLibLogObserver, globalLogBeginner
from twisted.python.failure import Failure

from livetiming.commandline import EXIT_DONE
from livetiming.network import Json
from livetiming.reactor import reactor
from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.screen import Size

DEEPEST = 50  # levels of a state that are written; a real one has five


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the error through: it is for `run` to end us."""
        raise


class Output:
    """Standard output: drawn again and again on a terminal, else written once or as JSON lines."""

    def __init__(self, *, live: bool, once: bool, as_json: bool) -> None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a terminal that is not UTF-8 must not end us
        self.as_json = as_json
        self._console = _Console(markup=False, highlight=False, emoji=False)
        self.live = live and not self._console.is_dumb_terminal
        self.once = once or not (self.live or as_json)
        if not sys.stdout.isatty():
            self._console.width = self._room("COLUMNS") or 10_000

    @property
    def size(self) -> Size:
        """The room there is. Without a terminal COLUMNS and LINES say, or nothing is cut."""
        if sys.stdout.isatty():
            return Size(self._console.width, self._console.height)
        return Size(self._room("COLUMNS"), self._room("LINES"))

    @staticmethod
    def _room(name: str) -> int | None:
        text = os.environ.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 10_000 else None

    def write(self, renderable: RenderableType) -> None:
        """Print once."""
        self._console.print(renderable)

    @staticmethod
    def line(value: Json) -> None:
        """One JSON line. ASCII only: what a terminal would obey is escaped."""
        print(json.dumps(plain(value), separators=(",", ":")), flush=True)

    @contextlib.contextmanager
    def drawing(self) -> Iterator[Callable[[RenderableType], None]]:
        """The whole terminal, given back at the end."""
        with Live(
            console=self._console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        ) as live:
            yield lambda renderable: live.update(renderable, refresh=True)


def plain(value: Json, depth: int = 0) -> Json:
    """`value` as JSON can have it: null for what is no finite number or too deep, a description of what is no JSON."""
    if depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, str | int | bool) else repr(value)


@contextlib.contextmanager
def every(seconds: float, action: Callable[[], Any]) -> Iterator[None]:
    """Have `action` (it may be a coroutine function) run every so often meanwhile."""

    def act() -> Any:
        result = action()
        return Deferred.fromCoroutine(result) if isinstance(result, Coroutine) else result

    loop = LoopingCall(act)
    loop.start(seconds, now=False)
    try:
        yield
    finally:
        if loop.running:
            loop.stop()


def run(main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run `main()` in the reactor; Ctrl-C, SIGTERM, and a reader that has left, are a good end."""
    outcome: list[int | Failure] = []

    def begin() -> None:
        running = Deferred.fromCoroutine(main())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reactor.callFromThread(running.cancel))
        running.addBoth(outcome.append)
        running.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    result = outcome[0]
    if not isinstance(result, Failure):
        return result
    if isinstance(result.value, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
    elif not isinstance(result.value, CancelledError):
        result.raiseException()
    return EXIT_DONE


class Complaints(logging.Handler):
    """Keeps what went wrong until the terminal is ours no more."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: deque[str] = deque(maxlen=60)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, as lines that are safe to print."""
        self.lines += [clean(line, LINE_LIMIT) for line in self.format(record).splitlines()]


def begin_quiet_log() -> Complaints:
    """Nothing that is logged reaches the terminal by itself; errors are kept for later."""
    complaints = Complaints()
    logging.basicConfig(level=logging.ERROR, handlers=[complaints], force=True)
    observer: Any = STDLibLogObserver()
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
    return complaints
