"""A viewer's place on the router, and what is known there of the services on the air."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout

from livetiming.manifest import MalformedManifest, Manifest
from livetiming.manifest import checked as checked_manifest
from livetiming.network import RPC, Channel, Json, MalformedMessage, Message, MessageClass
from livetiming.reactor import reactor
from livetiming.state import MalformedState, State
from livetiming.state import checked as checked_state
from livetiming.wamp import Router, RouterAway
from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.screen import Notice

ANSWER_SECONDS = 2.0
SERVICES_LIMIT = 200  # that are listed
WELCOME = ("services", "anonymous")  # roles that may watch; an external service may not


class Seat(Router):
    """A seat among the audience, where our credentials are of no use there."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.trouble = ""  # why we are away

    def say_away(self, why: str) -> None:
        """Keep why; a router that does not know us lets us in as anybody."""
        self.trouble = clean(why, LINE_LIMIT)
        if why.startswith("it refused us"):
            self.credentials = None
        super().say_away(why)

    async def session_ready(self, session: Any, details: Any) -> None:
        """Join as anybody where our own role may not watch."""
        if details.authrole not in WELCOME:
            self.credentials = None
            session.abort()
            return
        self.trouble = ""
        await super().session_ready(session, details)


class Bell:
    """Wakes the one who waits for news."""

    def __init__(self) -> None:
        self._rung = False
        self._waiting: Deferred[None] | None = None

    def ring(self) -> None:
        """There is news."""
        self._rung = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    async def wait(self, seconds: float) -> None:
        """Return at the news that came since the last return, or after `seconds`."""
        if not self._rung:
            waiting: Deferred[None] = Deferred()
            self._waiting = waiting
            waiting.addTimeout(seconds, reactor)
            with contextlib.suppress(DeferredTimeout):
                await waiting
        self._rung = False

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until `condition()`, `seconds` at most; whether it holds."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            await self.wait(min(0.25, seconds))
        return condition()


class Air:
    """The services on the air, by uuid. Hidden ones, too, if we may see them."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.bell = Bell()
        self.trouble = ""  # with the latest listing
        self._visible: dict[str, Manifest] | None = None
        self._hidden: dict[str, Manifest] = {}
        self._asked = False  # for the hidden ones
        seat.subscribe(Channel.DIRECTORY, self._heard, get_retained=True)
        for tell in (seat.on_join, seat.on_leave):
            tell(self.bell.ring)

    @property
    def known(self) -> bool:
        """Whether a listing has come, and hidden ones have been asked for."""
        return self._visible is not None and self._asked

    @property
    def services(self) -> dict[str, Manifest]:
        """What is on the air, the hidden ones last."""
        return {**(self._visible or {}), **self._hidden}

    async def _heard(self, raw: Json, _details: Any) -> None:
        try:
            message = Message.decode(raw)
            if message.msg_class is not MessageClass.DIRECTORY_LISTING:
                raise MalformedMessage(f"class {message.msg_class.name} instead of a listing")
            visible = self._checked(message.payload)
        except MalformedMessage as error:
            self.trouble = clean(str(error), LINE_LIMIT)
            return
        self._visible = visible
        await self.look_for_hidden()
        self.bell.ring()

    async def look_for_hidden(self) -> None:
        """Ask for the services that the public listing does not have."""
        if self.seat.credentials is None:
            hidden = {}
        elif not self.seat.joined:
            return
        else:
            try:
                listed = self._checked(await self.seat.call(RPC.LIST_SERVICES, True, timeout=ANSWER_SECONDS))
                hidden = {uuid: manifest for uuid, manifest in listed.items() if manifest["hidden"]}
            except (ApplicationError, RouterAway, TimeoutError, MalformedMessage) as error:
                self.trouble = clean(f"hidden services are not known: {error}", LINE_LIMIT)
                hidden = self._hidden
        self._asked = True
        if hidden != self._hidden:
            self._hidden = hidden
            self.bell.ring()

    def _checked(self, payload: Json) -> dict[str, Manifest]:
        if not isinstance(payload, list):
            raise MalformedMessage(f"a listing that is a {type(payload).__name__}")
        self.trouble = ""
        services = {}
        for raw in payload[:SERVICES_LIMIT]:
            try:
                manifest = checked_manifest(raw)
            except MalformedManifest as error:
                self.trouble = clean(str(error), LINE_LIMIT)
            else:
                services[manifest["uuid"]] = manifest
        return services

    async def state_of(self, uuid: str) -> State | None:
        """The service's state as it says it now, or None where it says none."""
        try:
            answer = await self.seat.call(f"{RPC.REQUEST_STATE}{uuid}", timeout=ANSWER_SECONDS)
            return checked_state(answer)
        except (ApplicationError, RouterAway, TimeoutError, MalformedState):
            return None

    async def is_there(self, uuid: str) -> bool:
        """Whether a service answers. While we are away we cannot know, and take it to be there."""
        try:
            return await self.seat.call(f"{RPC.IS_ALIVE}{uuid}", timeout=ANSWER_SECONDS) is True
        except RouterAway:
            return True
        except (ApplicationError, TimeoutError):
            return False

    def away(self) -> Notice | None:
        """What to say while there is no router, or the listing makes no sense."""
        if not self.seat.joined:
            return Notice(f"the router is away ({self.seat.trouble or 'joining'}); trying again", urgent=True)
        return Notice(self.trouble, urgent=True) if self.trouble else None
