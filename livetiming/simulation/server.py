"""A feed over TCP: any number of clients connect, and only listen."""

from typing import Any, Protocol

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as Connection
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from livetiming.commandline import EXIT_DONE, EXIT_WRONG, say
from livetiming.process import Life
from livetiming.reactor import reactor

TICK = 0.05  # seconds between two looks at the source
BACKLOG_LIMIT = 1 << 20  # bytes that a client may leave unread before it is dropped
ENCODING = "cp1252"


class Source(Protocol):
    """Whatever can tell a feed's lines (without ends) as time passes, s from 0 on, never backwards."""

    def advance(self, to: float) -> list[str]:
        """The lines since the last call."""

    def snapshot(self) -> list[str]:
        """What a client that comes now must be sent to know the whole state."""


def encode(lines: list[str]) -> bytes:
    """Lines as they travel."""
    return "".join(f"{line}\r\n" for line in lines).encode(ENCODING, errors="replace")


class Listener(Connection):
    """One client. The transport asks us to pause when its buffer is full; what comes then is its backlog."""

    log = Logger()
    transport: Any  # Twisted's type lacks what a TCP transport can do

    def __init__(self, server: "FeedServer") -> None:
        self._server = server
        self._backlog: int | None = None

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        self.transport.registerProducer(self, True)
        self.transport.setTcpNoDelay(True)
        self._server.came(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002, N802 - Twisted's name
        self._server.gone(self)

    def send(self, data: bytes) -> None:
        """Send, or drop a client that does not read."""
        if self._backlog is not None:
            self._backlog += len(data)
            if self._backlog > BACKLOG_LIMIT:
                self.log.warn("a client reads nothing: dropped after {bytes} bytes", bytes=self._backlog)
                self.transport.abortConnection()
                return
        self.transport.write(data)

    def end(self) -> None:
        """Close when what is under way has been sent, and do not wait for a client that does not read."""
        if self._backlog is None:
            self.transport.unregisterProducer()
            self.transport.loseConnection()
        else:
            self.transport.abortConnection()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport's buffer is full; it says so again with every write until it is empty."""
        if self._backlog is None:
            self._backlog = 0

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has read everything."""
        self._backlog = None

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""


class FeedServer(Factory):
    """Sends what `source` tells to every client, at `speed` seconds of it a second."""

    noisy = False

    def __init__(self, source: Source, speed: float = 1.0, *, wait: bool = False) -> None:
        """With `wait` time begins when the first client comes."""
        self.source = source
        self.clients: set[Listener] = set()
        self._speed = speed
        self._waiting = wait
        self._began = 0.0
        self._clock = LoopingCall(self._tick)

    def begin(self) -> None:
        """Let time pass."""
        self._began = reactor.seconds()
        self._clock.start(TICK)

    def end(self) -> None:
        """Stop time, and let the clients go."""
        if self._clock.running:
            self._clock.stop()
        for client in list(self.clients):
            client.end()

    def buildProtocol(self, addr: IAddress | None) -> Listener:  # noqa: ARG002, N802 - Twisted's name
        return Listener(self)

    def came(self, client: Listener) -> None:
        """A client has come: it gets the state at once."""
        if self._waiting:
            self._waiting = False
            self._began = reactor.seconds()
        client.send(encode(self.source.snapshot()))
        self.clients.add(client)

    def gone(self, client: Listener) -> None:
        """A client has left."""
        self.clients.discard(client)

    def _tick(self) -> None:
        if self._waiting:
            return
        data = encode(self.source.advance((reactor.seconds() - self._began) * self._speed))
        if data:
            for client in list(self.clients):
                client.send(data)


async def serve(life: Life, server: FeedServer, bind: str, port: int) -> int:
    """Listen on `bind`:`port` (0: any), say where, and serve until told to end. The exit code."""
    kind: Any = TCP6ServerEndpoint if ":" in bind else TCP4ServerEndpoint
    try:
        listening = await kind(reactor, port, interface=bind).listen(server)
    except CannotListenError as error:
        say(f"cannot listen on {bind}:{port} ({error.socketError}): take another --port, or 0 for any")
        return EXIT_WRONG
    address = listening.getHost()
    print(f"listening on {address.host}:{address.port}", flush=True)
    server.begin()
    await life.ending
    server.end()
    await maybeDeferred(listening.stopListening)
    return EXIT_DONE
