"""Where a service publishes: a seat on a router (livetiming.wamp.Router), or a server of its own."""

from collections.abc import Callable
from typing import Any, Protocol

from livetiming.network import Json
from livetiming.publishing import Publisher


class Seat(Publisher, Protocol):
    """What the host needs of it; see `livetiming.wamp.Router` for what each does."""

    @property
    def joined(self) -> bool:
        """Whether what is published is heard."""

    def register(self, uri: str, procedure: Callable[..., Any]) -> None:
        """Answer calls of `uri`."""

    def subscribe(self, topic: str, handler: Callable[[Json, Any], Any]) -> None:
        """Hear what comes on `topic`."""

    def on_join(self, callback: Callable[[], Any]) -> None:
        """Run `callback` whenever it is joined."""

    async def settled(self, timeout: float = 2.0) -> None:
        """Wait until what was published has arrived."""

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""
