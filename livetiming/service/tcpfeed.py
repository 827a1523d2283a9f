"""A feed over TCP that is only listened to: connected, and connected again, for as long as the service lives.

An outage begins when the connection goes, or when the feed falls silent that had a pulse, and it ends when the feed
has proved to be alive. Each is told once, however often we try in between.
"""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as Connection
from twisted.logger import Logger
from twisted.python.failure import Failure

from livetiming.reactor import reactor

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0  # seconds before the next attempt; doubled each time
CONNECT_TIMEOUT = 10.0  # seconds
LONGEST_SILENCE = 5.0  # seconds without a pulse
PROOF = 3  # pulses after which the feed is alive: a server that is stuck may still send its last one to who connects


class Listener(Protocol):
    """Whose feed it is."""

    def feed_connected(self) -> None:
        """A connection begins: what came before may have been cut off."""

    def feed_received(self, data: bytes) -> int:
        """A chunk; returns how many pulses (heartbeats) were in it."""

    def feed_lost(self) -> None:
        """An outage begins."""

    def feed_restored(self) -> None:
        """An outage is over."""


class TcpFeed:
    """The connection to `endpoint`, from `start` to `stop`; `address` is what logs call it."""

    log = Logger()

    def __init__(self, address: str, endpoint: Any, listener: Listener, clock: Any = reactor) -> None:
        self.address = address
        self._endpoint = endpoint
        self._listener = listener
        self._clock = clock
        self._connection: _Connection | None = None
        self._attempt: Any = None  # the Deferred of a connection under way
        self._later: Any = None  # the call that tries again, or that watches over the silence
        self._delay = FIRST_DELAY
        self._out = False
        self._stopped = False

    @classmethod
    def to(cls, host: str, port: int, listener: Listener) -> "TcpFeed":
        """The feed at `host`:`port`."""
        endpoint = HostnameEndpoint(reactor, host, port, timeout=CONNECT_TIMEOUT)
        return cls(f"{host}:{port}", endpoint, listener)

    def start(self) -> None:
        """Begin to connect."""
        self._connect()

    def stop(self) -> None:
        """Let go of the connection, for good."""
        self._stopped = True
        self._cancel()
        if self._attempt is not None:
            self._attempt.cancel()
        if self._connection is not None:
            self._connection.transport.abortConnection()

    # -- what connections tell

    def came(self, connection: "_Connection") -> None:
        """The connection stands."""
        self._connection = connection
        connection.transport.setTcpKeepAlive(True)
        self._listener.feed_connected()

    def received(self, data: bytes, connection: "_Connection") -> None:
        """A chunk has come."""
        pulses = self._listener.feed_received(data)
        if not pulses:
            return
        connection.pulses += pulses
        if connection.pulses >= PROOF:
            self._alive()
        self._cancel()
        self._call(LONGEST_SILENCE, self._silent)

    def lost(self, reason: str) -> None:
        """The connection is gone, or could not be made."""
        self._connection = self._attempt = None
        self._cancel()
        if self._stopped:
            return
        self._away(reason)
        self._call(self._delay, self._connect)
        self._delay = min(LONGEST_DELAY, self._delay * 2)

    # -- outages

    def _alive(self) -> None:
        self._delay = FIRST_DELAY
        if self._out:
            self._out = False
            self.log.info("the feed at {address} is back", address=self.address)
            self._listener.feed_restored()

    def _away(self, reason: str) -> None:
        if not self._out:
            self._out = True
            self.log.warn("the feed at {address} is gone: {reason}", address=self.address, reason=reason)
            self._listener.feed_lost()

    def _silent(self) -> None:
        self._later = None
        if self._connection is not None:
            self._away(f"no heartbeat for {LONGEST_SILENCE:g} s")
            self._connection.transport.abortConnection()

    # -- time

    def _connect(self) -> None:
        self._later = None
        factory: Any = Factory.forProtocol(lambda: _Connection(self))
        self._attempt = self._endpoint.connect(factory)
        self._attempt.addErrback(lambda failure: self.lost(failure.getErrorMessage()))

    def _call(self, seconds: float, action: Callable[[], None]) -> None:
        self._later = self._clock.callLater(seconds, action)

    def _cancel(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None


class _Connection(Connection):
    transport: Any  # Twisted's type lacks what a TCP transport can do

    def __init__(self, feed: TcpFeed) -> None:
        self._feed = feed
        self.pulses = 0

    def connectionMade(self) -> None:
        self._feed.came(self)

    def dataReceived(self, data: bytes) -> None:
        self._feed.received(data, self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._feed.lost(reason.getErrorMessage())
