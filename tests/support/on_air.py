"""A service that a test plays: it announces itself, answers and publishes as the real host does."""

from typing import Any
from uuid import uuid4

import orjson
from autobahn.wamp.exception import ApplicationError

from livetiming.network import (
    RPC,
    Channel,
    Message,
    MessageClass,
    compressed_state_message,
    service_topic,
    state_message,
)
from livetiming.publishing import forget_state
from livetiming.racing import Stat
from livetiming.wamp import RouterAway
from tests.support.client import Client, in_reactor
from tests.support.waiting import eventually

COLUMNS = [
    Stat.NUM, Stat.STATE, Stat.CLASS, Stat.TEAM, Stat.DRIVER, Stat.LAPS, Stat.GAP, Stat.LAST_LAP, Stat.BEST_LAP,
]  # fmt: skip
DATE = 1_700_000_000_000  # Unix ms


def car(num: str, state: str = "RUN", class_: str = "LMGT3", last: Any = (93.412, "pb")) -> list[Any]:
    """A row of COLUMNS."""
    return [num, state, class_, f"Team {num}", f"Driver {num}", 12, 1.5, list(last), [92.981, "old"]]


def race(*cars: list[Any], **session: Any) -> dict[str, Any]:
    """A state."""
    clocks = {"flagState": "green", "timeElapsed": 5025.0, "timeRemain": 600.0, "pauseClocks": True}
    return {"cars": list(cars), "session": clocks | session, "messages": [], "highlight": []}


class OnAir:
    """One service, on the air as soon as it is made."""

    def __init__(self, client: Client, **manifest: Any) -> None:
        self.client = client
        self.uuid = uuid4().hex
        self.state: dict[str, Any] = race()
        self.manifest = {
            "uuid": self.uuid,
            "name": "Test Series",
            "serviceClass": "tested",
            "description": "Test race",
            "colSpec": [stat.column() for stat in COLUMNS],
            "trackDataSpec": ["Air"],
            **manifest,
        }
        self._gone = False
        for uri, procedure in ((RPC.IS_ALIVE, self._alive), (RPC.REQUEST_STATE, self._state)):
            in_reactor(client.router.register, f"{uri}{self.uuid}", procedure)
        in_reactor(client.router.subscribe, Channel.CONTROL, self._controlled)
        in_reactor(client.router.on_join, self.announce)
        self.announce_and_wait()

    def announce(self) -> None:
        """Send the manifest; called in the reactor."""
        if not self._gone:
            message = Message(MessageClass.SERVICE_REGISTRATION, self.manifest, DATE)
            self.client.router.publish(Channel.CONTROL, message)

    def announce_and_wait(self) -> None:
        """Send the manifest, and wait until the directory has it."""
        in_reactor(self.announce)
        eventually(lambda: self.manifest in self._listed(), what="the directory lists the test's service")

    def _listed(self) -> list[dict[str, Any]]:
        try:
            listed: list[dict[str, Any]] = self.client.call(RPC.LIST_SERVICES, True)
        except (ApplicationError, RouterAway, TimeoutError):  # the directory, or the router, is not there (yet)
            return []
        return [{key: each[key] for key in self.manifest if key in each} for each in listed]

    def publish(self, state: dict[str, Any], *, compressed: bool = True) -> None:
        """Publish a state as class 8, or 4."""
        self.state = state
        message = compressed_state_message(orjson.dumps(state), DATE) if compressed else state_message(state, DATE)
        self.client.publish(service_topic(self.uuid), message)

    def leave(self) -> None:
        """Say goodbye."""
        if not self._gone:
            self._gone = True
            self.client.publish(Channel.CONTROL, Message(MessageClass.SERVICE_DEREGISTRATION, self.uuid, DATE))
            in_reactor(forget_state, self.client.router, self.uuid, DATE)

    def _alive(self, *_args: Any, **_details: Any) -> bool:
        if self._gone:
            raise ApplicationError("wamp.error.no_such_procedure")
        return True

    def _state(self, *_args: Any, **_details: Any) -> dict[str, Any]:
        return self.state

    def _controlled(self, raw: Any, _details: Any) -> None:
        if raw.get("msgClass") == MessageClass.INITIALISE_DIRECTORY:
            self.announce()
