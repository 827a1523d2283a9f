"""The ways to a router: raw socket (unix or TCP) for our own processes, WebSocket for the rest."""

from collections.abc import Callable
from typing import Any

from autobahn.twisted.rawsocket import WampRawSocketClientFactory
from autobahn.twisted.websocket import WampWebSocketClientFactory
from autobahn.wamp.serializer import JsonSerializer, MsgPackSerializer
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from urllib3.util import parse_url

from livetiming.reactor import reactor


def transport(address: str, session: Callable[[], Any], timeout: float) -> tuple[Any, Any]:
    """Protocol factory and endpoint for `rs://unix:/path`, `rs://host:port`, `ws://…` or `wss://…`.

    `session()` makes the WAMP session; the opening handshake may take `timeout` seconds.
    """
    if address.startswith("rs://unix:"):
        path = address.removeprefix("rs://unix:")
        return _raw_socket(session), UNIXClientEndpoint(reactor, path)  # type: ignore[no-untyped-call]
    url = parse_url(address)
    host = url.host or "127.0.0.1"
    if url.scheme == "rs":
        return _raw_socket(session), HostnameEndpoint(reactor, host, url.port or 80)
    factory = WampWebSocketClientFactory(session, address, serializers=[MsgPackSerializer(), JsonSerializer()])
    factory.setProtocolOptions(openHandshakeTimeout=timeout, autoPingInterval=10, autoPingTimeout=15, tcpNoDelay=True)
    if url.scheme == "wss":
        from twisted.internet.ssl import optionsForClientTLS  # OpenSSL is slow to import, and seldom needed

        endpoint: Any = HostnameEndpoint(reactor, host, url.port or 443)
        return factory, wrapClientTLS(optionsForClientTLS(host), endpoint)
    return factory, HostnameEndpoint(reactor, host, url.port or 80)


def _raw_socket(session: Callable[[], Any]) -> Any:
    return WampRawSocketClientFactory(session, serializer=MsgPackSerializer())
