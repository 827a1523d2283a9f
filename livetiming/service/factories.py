"""Keeping a connection to a feed: a watchdog for silence, and a WebSocket that comes back."""

from collections.abc import Callable
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory
from twisted.internet.protocol import ReconnectingClientFactory
from twisted.logger import Logger

from livetiming.reactor import reactor
from livetiming.service.notices import notices

_Reconnecting: Any = ReconnectingClientFactory  # Twisted types nothing of it


class Watchdog:
    """Calls `action(*args, **kwargs)` when `notify()` has not been called for `timeout` seconds, and again after as
    many more. What the action raises is logged.
    """

    log = Logger()

    def __init__(self, timeout: float, action: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.clock = reactor
        self._timeout = timeout
        self._action = action
        self._args = args
        self._kwargs = kwargs
        self._notified = 0.0
        self._call: Any = None

    def start(self) -> None:
        """Begin to watch, as if something had just been heard."""
        self.stop()
        self.notify()
        self._call = self.clock.callLater(self._timeout, self._check)

    def notify(self) -> None:
        """Something was heard."""
        self._notified = self.clock.seconds()

    def stop(self) -> None:
        """Watch no more."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _check(self) -> None:
        silence = self.clock.seconds() - self._notified
        due = silence >= self._timeout
        # first, because the action may stop us
        self._call = self.clock.callLater(self._timeout if due else self._timeout - silence, self._check)
        if not due:
            return
        self.log.warn("nothing was heard for {seconds:.0f} s", seconds=silence)
        try:
            self._action(*self._args, **self._kwargs)
        except Exception:
            self.log.failure("what is done about the silence failed")


class ReconnectingWebSocketClientFactory(WebSocketClientFactory, _Reconnecting):  # type: ignore[misc]
    """autobahn's factory for a WebSocket client (give it to `connectWS`), connecting again for as long as we live.

    The pause between attempts grows up to 30 s. It begins small again when the `protocol` says that the feed is alive
    (`self.factory.resetDelay()`), or after a connection that lasted. An outage is logged once.
    """

    log = Logger()
    maxDelay = 30
    _out = False
    _since = 0.0  # when the connection was made

    def buildProtocol(self, addr: Any) -> Any:
        """The connection stands."""
        self._since = reactor.seconds()
        return super().buildProtocol(addr)

    def resetDelay(self) -> None:
        """The feed is alive."""
        super().resetDelay()
        if self._out:
            self._out = False
            self.log.info("the feed at {url} is back", url=self._address())
            notices.feed_back(self._address())

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """It could not be reached."""
        self._lost(reason)
        super().clientConnectionFailed(connector, reason)

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        """The connection is gone."""
        if reactor.seconds() - self._since > self.maxDelay:
            self.resetDelay()
        self._lost(reason)
        super().clientConnectionLost(connector, reason)

    def _lost(self, reason: Any) -> None:
        if not self._out:
            self._out = True
            if self._since:
                notices.feed_gone(self._address())
            self.log.warn(
                "the feed at {url} is gone: {reason}", url=self._address(), reason=reason.getErrorMessage()[:300]
            )

    def _address(self) -> str:
        """The address without its query, which may hold a token."""
        return str(self.url).partition("?")[0]
