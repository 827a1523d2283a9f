"""Web requests that end: within a time and within a size, whatever the server does.

The time-outs of the HTTP library are for each read of a socket, so a server that sends a byte now and then (in its
headers, in the body of a redirect) would hold us for ever. Here one timer cuts the connections of a whole reading.
Errors of the library quote the address, which is a secret: they are told by their kind.
"""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from orchestrator.scheduler.sources.base import SIZE_LIMIT, CalendarUnreadable, check_size

_CHUNK = 65536
_Send = Callable[[tuple[float, float]], requests.Response]  # with the time-outs for connecting and for reading
_ADVICE = {401: ": are name and password in the address right?", 403: ": is the calendar shared?", 404: ": is it gone?"}


@dataclass(frozen=True)
class Limits:
    """Of one reading: seconds, and bytes."""

    connect: float = 5.0
    read: float = 15.0  # between two parts of an answer
    whole: float = 60.0
    size: int = SIZE_LIMIT  # of all answers together, unpacked


class Refused(CalendarUnreadable):
    """The server answered, but not with what we asked for. `status` is HTTP's."""

    def __init__(self, status: int, headers: Mapping[str, str], now: datetime) -> None:
        super().__init__(
            f"the server answered {status}{_ADVICE.get(status, '')}", retry_after(headers.get("Retry-After", ""), now)
        )
        self.status = status


def refused(response: requests.Response) -> Refused:
    """What to raise for an answer that is an error."""
    return Refused(response.status_code, response.headers, datetime.now(UTC))


def retry_after(value: str, now: datetime) -> float:
    """Seconds, of either form of the header (RFC 9110, 10.2.3); 0 for what is neither."""
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment - now).total_seconds()) if moment.tzinfo else 0.0
    except (ValueError, TypeError, OverflowError):
        return 0.0


class BoundedSession(requests.Session):
    """For one reading. Each answer is read at once, up to the limits; CalendarUnreadable beyond them.

    Close it at the end, or its timer lives on.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.last: requests.Response | None = None  # the last answer, for libraries that hide it
        self._limits = limits
        self._left = limits.size
        # Two threads see these, and need no lock: a connection is noted before `_late` is looked at, and `_late` is
        # set before the connections are.
        self._connections: list[socket.socket] = []
        self._late = False
        adapter = _Adapter(self._note, self._exchange)
        self.mount("http://", adapter)
        self.mount("https://", adapter)
        self._timer = threading.Timer(limits.whole, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """End the connections and the timer."""
        self._timer.cancel()
        super().close()
        while self._connections:
            self._connections.pop().close()

    def _note(self, connection: socket.socket) -> socket.socket:
        self._connections.append(connection.dup())  # TLS takes the socket itself over; this one leads to the same peer
        self._check_time()
        return connection

    def _cut(self) -> None:
        """In the timer's thread: whoever waits for the server sees the end of the connection."""
        self._late = True
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _check_time(self) -> None:
        if self._late:
            raise CalendarUnreadable(f"it takes longer than {self._limits.whole:g} s")

    def _exchange(self, send: _Send) -> requests.Response:
        """One request and its whole answer."""
        try:
            response = send((self._limits.connect, self._limits.read))
            response._content = self._body(response)  # as Response.content does, but within the limits
            response._content_consumed = True  # type: ignore[attr-defined]
            response.raw.release_conn()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self._check_time()
            raise CalendarUnreadable(type(error).__name__) from None
        self._check_time()  # the end of the body may be our cut
        self.last = response
        return response

    def _body(self, response: requests.Response) -> bytes:
        """All of it, in what comes at a time: something small may unpack to something large."""
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._left:
                response.close()
                check_size(self._limits.size + 1, self._limits.size)
        self._left -= len(body)
        return bytes(body)


class _Adapter(HTTPAdapter):
    """Tells of each connection that is made, and has each request sent by `exchange`."""

    def __init__(
        self,
        note: Callable[[socket.socket], socket.socket],
        exchange: Callable[[_Send], requests.Response],
    ) -> None:
        self._pools = _pools(note)
        self._exchange = exchange
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """See HTTPAdapter."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """See HTTPAdapter."""
        manager: Any = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """See HTTPAdapter; the time-outs are ours."""
        send = super().send
        return self._exchange(lambda ours: send(request, *args, **{**kwargs, "stream": True, "timeout": ours}))


def _pools(note: Callable[[socket.socket], socket.socket]) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's own, but for the sockets that are noted."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return note(super()._new_conn())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return note(super()._new_conn())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
