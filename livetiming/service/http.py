"""Asking a feed's web server: bounded in time and in size, and a refusal is an error."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss

from livetiming.errors import RemoteError
from livetiming.reactor import reactor

CONNECT_TIMEOUT = 10.0  # seconds
TIMEOUT = 30.0  # seconds for the whole answer
BODY_LIMIT = 16 * 2**20  # bytes; more is no timing
LONGEST_PAUSE = 300.0  # seconds; a server that wants us to wait longer is asked again all the same


class Refused(RemoteError):
    """The server answered, but not with what was asked for. `retry_after` is the pause it wants, in seconds, or 0."""

    def __init__(self, status: int, retry_after: float = 0.0) -> None:
        super().__init__(f"the server answered {status}")
        self.status = status
        self.retry_after = retry_after


def new_client() -> Any:
    """A treq HTTPClient on the reactor."""
    from treq.client import HTTPClient  # slow to import, and most services need none

    agent: Any = Agent  # Twisted types nothing of these
    pool: Any = HTTPConnectionPool
    return HTTPClient(agent(reactor, connectTimeout=CONNECT_TIMEOUT, pool=pool(reactor)))


async def fetch(
    client: Any, url: str | bytes, *, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT
) -> bytes:
    """The body that `url` answers with, within `timeout` seconds and BODY_LIMIT bytes.

    `client` is a treq HTTPClient. Raises Refused for a status other than 2xx, RemoteError for all that goes wrong
    on the way.
    """
    whole: Deferred[bytes] = Deferred.fromCoroutine(_fetch(client, url, headers))
    deadline = reactor.callLater(timeout, whole.cancel)
    try:
        return await whole
    except RemoteError:
        raise
    except Exception as error:  # whatever may happen in a network, and what treq says of an address that is none
        if not deadline.active():
            raise RemoteError(f"no answer within {timeout:g} s") from None
        raise RemoteError(_told(error)) from error
    finally:
        if deadline.active():
            deadline.cancel()


async def _fetch(client: Any, url: str | bytes, headers: Mapping[str, str] | None) -> bytes:
    response = await client.get(url, headers=headers, unbuffered=True)
    accepted = 200 <= response.code < 300
    body = _Body(BODY_LIMIT if accepted else 0)
    response.deliverBody(body)
    if not accepted:
        raise Refused(response.code, _retry_after(response.headers.getRawHeaders("retry-after")))
    return await body.whole


def _retry_after(values: list[str] | None) -> float:
    """The seconds in a Retry-After header; a date, which it may hold instead, counts as none."""
    text = values[0].strip() if values else ""
    return min(float(text), LONGEST_PAUSE) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0


def _told(error: Exception) -> str:
    reasons = getattr(error, "reasons", None)  # Twisted's ResponseNeverReceived and RequestTransmissionFailed
    return (reasons[0].getErrorMessage() if reasons else str(error)) or type(error).__name__


class _Body(Protocol):
    """A response's body, up to `limit` bytes; with 0 it is not wanted at all, and the connection is cut."""

    transport: Any

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._size = 0
        self.whole: Deferred[bytes] = Deferred(lambda _: self._cut())

    def connectionMade(self) -> None:
        if not self._limit:
            self._cut()

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._limit:
            self._chunks.append(data)
        else:
            self._chunks.clear()
            self._cut()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        if self.whole.called:
            return
        if not self._limit:
            self.whole.callback(b"")
        elif self._size > self._limit:
            self.whole.errback(RemoteError(f"the answer is longer than {self._limit >> 20} MiB"))
        elif reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(b"".join(self._chunks))
        else:
            self.whole.errback(RemoteError("the answer was cut short"))

    def _cut(self) -> None:
        self.transport.loseConnection()
