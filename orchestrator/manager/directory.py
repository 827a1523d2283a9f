"""The directory: asks who is there, listens to who comes and goes, and tells everybody.

It keeps its book in a Registry and nothing on disk: after a restart it asks again (class 1), and services answer.
"""

import time
from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from livetiming.manifest import MalformedManifest, Manifest, checked
from livetiming.network import RPC, Channel, Json, MalformedMessage, Message, MessageClass
from livetiming.publishing import forget_state
from livetiming.reactor import sleep
from livetiming.wamp import Router, RouterAway
from orchestrator.manager.registry import Registry

COLLECT_SECONDS = 2.0  # after a join, before the first listing
REPEAT_SECONDS = 60.0  # the listing is published again though nothing changed
ASK_SECONDS = 10.0
ANSWER_SECONDS = 5.0
TRUSTED, EXTERNAL = "services", "external_service"


class Directory:
    """Serves the directory's topic and procedure on `router`."""

    log = Logger()

    def __init__(self, router: Router) -> None:
        self.router = router
        self.registry = Registry()
        self._published: list[Manifest] | None = None
        self._collecting = True
        self._repeat = LoopingCall(self._publish, True)
        self._ask = LoopingCall(lambda: Deferred.fromCoroutine(self._ask_all()))
        router.subscribe(Channel.CONTROL, self._heard)
        router.register(RPC.LIST_SERVICES, self._list_services)
        router.on_join(self._joined)
        router.on_leave(self._left)

    async def _joined(self) -> None:
        self._collecting = True
        self.router.publish(Channel.CONTROL, Message(MessageClass.INITIALISE_DIRECTORY, None, _now_ms()))
        await sleep(COLLECT_SECONDS)
        if not self.router.joined or self._repeat.running:
            return
        self._collecting = False
        self._repeat.start(REPEAT_SECONDS)
        self._ask.start(ASK_SECONDS, now=False)

    def _left(self) -> None:
        """Nobody can answer while we are away: misses of that time do not count."""
        for loop in (self._repeat, self._ask):
            if loop.running:
                loop.stop()
        self._published = None

    async def _heard(self, raw: Json, details: Any) -> None:
        role, authid = details.publisher_authrole, details.publisher_authid
        try:
            message = Message.decode(raw)
            if message.msg_class is MessageClass.SERVICE_REGISTRATION:
                await self._register(checked(message.payload), role, authid)
            elif message.msg_class is MessageClass.SERVICE_DEREGISTRATION and self.registry.owns(
                authid, message.payload
            ):
                self.log.info("{uuid} has said goodbye", uuid=message.payload)
                self._change(self.registry.without([message.payload]))
        except (MalformedMessage, MalformedManifest) as error:
            self.log.warn("ignored, from {authid}: {error}", authid=authid, error=error)

    async def _register(self, manifest: Manifest, role: str, authid: str) -> None:
        uuid = manifest["uuid"]
        manifest.pop("external", None)  # only the router's word counts for who is external
        if role == EXTERNAL:
            manifest["external"] = await self._extra_of(authid)
        known = self.registry.entries.get(uuid)
        changed = self.registry.registered(manifest, authid, trusted=role == TRUSTED)
        if changed is self.registry:
            self.log.warn(
                "{authid} may not register {uuid}: it is another's, or one too many", authid=authid, uuid=uuid
            )
        elif known is None:
            self.log.info("{uuid} ({name}) is on the air", uuid=uuid, name=manifest["serviceClass"])
        self._change(changed)

    async def _extra_of(self, authid: str) -> dict[str, str]:
        try:
            return await self.router.call(RPC.AUTHENTICATE_LOOKUP, authid) or {}
        except (ApplicationError, RouterAway, TimeoutError) as error:
            self.log.warn("nothing is known of {authid}: {error}", authid=authid, error=error)
            return {}

    async def _ask_all(self) -> None:
        """One question to each service, all at once; those that missed too many are dropped."""
        asked = list(self.registry.entries)
        await gatherResults([Deferred.fromCoroutine(self._ask_one(uuid)) for uuid in asked])
        if not self.router.joined:
            return
        dead = self.registry.dead()
        for uuid in dead:
            self.log.warn("{uuid} does not answer: dropped", uuid=uuid)
            forget_state(self.router, uuid, _now_ms())
        self._change(self.registry.without(dead))

    async def _ask_one(self, uuid: str) -> None:
        try:
            alive = await self.router.call(f"{RPC.IS_ALIVE}{uuid}", timeout=ANSWER_SECONDS) is True
        except (ApplicationError, TimeoutError):
            alive = False
        except RouterAway:
            return
        self.registry = self.registry.answered(uuid, alive=alive)

    def _change(self, registry: Registry) -> None:
        self.registry = registry
        self._publish(False)

    def _publish(self, repeat: bool) -> None:
        listing = self.registry.listing(include_hidden=False)
        if self._collecting or (listing == self._published and not repeat):
            return
        message = Message(MessageClass.DIRECTORY_LISTING, listing, _now_ms(), retain=True)
        try:
            if self.router.publish(Channel.DIRECTORY, message):
                self._published = listing
        except Exception:  # too long for the transport, say; the repetition must go on
            self.log.failure("the listing could not be published")

    def _list_services(self, includeHidden: bool = False, *, details: Any) -> list[Manifest]:  # noqa: N803 - the wire's
        return self.registry.listing(include_hidden=bool(includeHidden) and details.caller_authrole == TRUSTED)

    def stop(self) -> None:
        """End the repetitions."""
        self._left()


def _now_ms() -> int:
    return int(time.time() * 1000)
