"""What services and the directory publish alike, wherever it goes."""

from collections.abc import Sequence
from typing import Protocol

import orjson

from livetiming.network import Json, Message, compressed_state_message, service_topic
from livetiming.state import EMPTY_STATE


class Publisher(Protocol):
    """Whatever publishes as a seat on the router does (livetiming.wamp.Router)."""

    def publish(
        self,
        topic: str,
        body: Message | Json,
        *,
        retain: bool = False,
        eligible_authrole: Sequence[str] | None = None,
    ) -> bool:
        """See Router.publish."""


def forget_state(publisher: Publisher, uuid: str, date: int) -> None:
    """Replace what the router retains of a service that has left, without disturbing whoever looks at it.

    An event for a role that nobody has is delivered to nobody, but retained all the same.
    """
    empty = compressed_state_message(orjson.dumps(EMPTY_STATE), date)
    publisher.publish(service_topic(uuid), empty, eligible_authrole=["nobody"])
