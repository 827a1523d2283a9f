"""Things that are asked for often and done seldom."""

from collections.abc import Callable
from typing import Any

from livetiming.reactor import reactor


class Soon:
    """Runs an action when it is asked for, but not more often than every `seconds`."""

    def __init__(self, action: Callable[[], Any], seconds: float) -> None:
        self._action = action
        self._seconds = seconds
        self._call: Any = None
        self._last = -seconds

    def ask(self) -> None:
        """Run it now, or when enough time has passed."""
        if self._call is None:
            delay = max(0.0, self._last + self._seconds - reactor.seconds())
            self._call = reactor.callLater(delay, self._run)

    def cancel(self) -> None:
        """Forget what was asked for."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _run(self) -> None:
        self._call = None
        self._last = reactor.seconds()
        self._action()
