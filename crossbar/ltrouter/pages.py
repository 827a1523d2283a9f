"""Pages that the router answers itself."""

import json
import re
from typing import Any

from twisted.web.resource import Resource

_HOST = re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")


class Relays(Resource):
    """`/relays`: where deployed clients find a router. `extra`: `public_url` ("" where the request tells)."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, extra: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.public_url: str = extra["public_url"]

    def render_GET(self, request: Any) -> bytes:  # noqa: N802 - Twisted's name
        """`{"args": [{"ws(s)://host:port/ws": [connections, created]}]}`; the counts are not kept."""
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"access-control-allow-origin", b"*")
        request.setHeader(b"cache-control", b"no-store")
        return json.dumps({"args": [{relay_url(self.public_url, request.getHeader(b"host")): [0, 0]}]}).encode()


def relay_url(public_url: str, host: bytes | None) -> str:
    """The router's WebSocket address for a client that asked with the Host header `host`."""
    if public_url:
        return "ws" + public_url.removeprefix("http") + "/ws"
    if host is None or not _HOST.fullmatch(host):
        host = b"127.0.0.1"
    return f"ws://{host.decode('ascii')}/ws"
