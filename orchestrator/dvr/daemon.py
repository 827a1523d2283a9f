"""`livetiming-dvr`: records every service that is on the air. What it hears on the router goes to the Dvr."""

import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from livetiming.manifest import MalformedManifest, Manifest, checked
from livetiming.network import (
    RPC,
    Channel,
    Json,
    MalformedMessage,
    Message,
    MessageClass,
    decode_state,
    is_uuid,
    uuid_of_topic,
)
from livetiming.process import Ending, Life
from livetiming.wamp import Router, RouterAway
from orchestrator.daemon import run_daemon
from orchestrator.dvr.alarm_file import FILE_NAME, AlarmFile
from orchestrator.dvr.dvr import SERVICES_LIMIT, Dvr
from orchestrator.dvr.rules import Alive, FrameSeen, Left, Limits, ManifestSeen
from orchestrator.settings import Settings

TRUSTED, EXTERNAL = "services", "external_service"  # roles on the router
OURS = ""  # stands for the authid of our own services
TICK_SECONDS = 1.0
SHORTEST_FLUSH_SECONDS = 0.02  # what LIVETIMING_DVR_FSYNC=0 means
ANSWER_SECONDS = 5.0
FINISH_SECONDS = 5.5  # at the end; what is not finished then, the next start finishes

log = Logger()


def main(argv: list[str] | None = None) -> int:
    """`livetiming-dvr`."""
    return run_daemon("dvr", "The DVR: records every service that is on the air.", _begin, argv)


def _begin(settings: Settings, router: Router, _life: Life) -> Callable[[Ending], Coroutine[Any, Any, None]]:
    return Listener(settings, router).end


class Listener:
    """Hears manifests, frames and goodbyes, and asks for what it missed."""

    def __init__(self, settings: Settings, router: Router) -> None:
        self.router = router
        limits = Limits(settings.dvr_timeout, settings.dvr_min_duration)
        alarm_file = AlarmFile(settings.state_dir / FILE_NAME)
        self.dvr = Dvr(settings.recordings_temp_dir, settings.recordings_dir, limits, self._ask, alarm_file)
        self.dvr.recover()
        self._owners: dict[str, str] = {}  # uuid → authid of the outsider who registered it first, or OURS
        self._outsiders: dict[str, Json] = {}  # authid → what the router knew of it last
        flush_seconds = max(settings.dvr_fsync, SHORTEST_FLUSH_SECONDS)
        self._loops = [LoopingCall(work) for work in (self._tick, self.dvr.watch, self.dvr.flush)]
        for loop, seconds in zip(self._loops, (TICK_SECONDS, TICK_SECONDS, flush_seconds), strict=True):
            loop.start(seconds, now=False)
        router.subscribe(Channel.SERVICE, self._heard_frame, prefix=True)
        router.subscribe(Channel.CONTROL, self._heard_control)
        router.on_join(self._joined)

    async def end(self, _why: Ending) -> None:
        """Leave everything so that the next start goes on with it."""
        for loop in self._loops:
            loop.stop()
        await self.dvr.end(FINISH_SECONDS)

    # -- what comes by itself

    def _heard_frame(self, raw: Json, details: Any) -> None:
        uuid = uuid_of_topic(details.topic)
        if uuid is None:
            return
        try:
            message = Message.decode(raw)
            state = decode_state(message)
        except MalformedMessage as error:
            self.dvr.complain(f"{uuid} frame", f"{uuid}: a frame is not recorded: {error}")
            return
        self.dvr.event(uuid, FrameSeen(message.date, time.time()), state)

    def _heard_control(self, raw: Json, details: Any) -> None:
        role, authid = details.publisher_authrole, details.publisher_authid
        try:
            message = Message.decode(raw)
            if message.msg_class is MessageClass.SERVICE_REGISTRATION:
                manifest = _sound(message.payload)
                if self._may_speak_for(manifest["uuid"], role, authid):
                    self._registered(manifest, role, authid)
            elif message.msg_class is MessageClass.SERVICE_DEREGISTRATION and self._may_speak_for(
                message.payload, role, authid
            ):
                self.dvr.event(message.payload, Left())
        except (MalformedMessage, MalformedManifest) as error:
            self.dvr.complain(f"control {authid}", f"ignored, from {authid}: {error}")

    def _may_speak_for(self, uuid: Json, role: str, authid: str) -> bool:
        """Whether this publisher is one of ours, or the outsider who registered `uuid` first."""
        if not is_uuid(uuid):
            return False
        if len(self._owners) > 2 * SERVICES_LIMIT:
            self._owners = {known: owner for known, owner in self._owners.items() if known in self.dvr.services}
        if role == TRUSTED:
            self._owners[uuid] = OURS
            return True
        return role == EXTERNAL and self._owners.setdefault(uuid, authid) == authid

    def _registered(self, manifest: Manifest, role: str, authid: str) -> None:
        """A service sent its manifest. In `external` of an outsider's only the router's word counts, which may come
        later: the manifest itself must not be overtaken by the frames and the goodbye behind it."""
        manifest.pop("external", None)
        if role == EXTERNAL:
            manifest["external"] = self._outsiders.get(authid, {})
            self._go(self._look_up(authid, manifest), manifest["uuid"])
        self._manifest_seen(manifest)

    async def _look_up(self, authid: str, manifest: Manifest) -> None:
        """Put what the router knows of an outsider into the manifest that it sent, if that counts still."""
        try:
            known = await self.router.call(RPC.AUTHENTICATE_LOOKUP, authid) or {}
        except (ApplicationError, RouterAway, TimeoutError) as error:
            self.dvr.complain(f"lookup {authid}", f"nothing is known of {authid}: {error}")
            return
        self._outsiders[authid] = known
        service = self.dvr.services.get(manifest["uuid"])
        if known != manifest["external"] and service is not None and service.manifest == manifest:
            self.dvr.event(manifest["uuid"], ManifestSeen({**manifest, "external": known}))

    def _manifest_seen(self, manifest: Manifest, *, fetch: bool = False) -> None:
        """Tell the rules. Of a service that is new to us (or with `fetch`) ask what it has published before."""
        uuid = manifest["uuid"]
        before = self.dvr.services.get(uuid)
        self.dvr.event(uuid, ManifestSeen(manifest))
        service = self.dvr.services.get(uuid)
        if service is None:
            return
        if not manifest.get("doNotRecord"):
            if fetch or before is None:
                self._go(self._fetch_state(uuid), uuid)
        elif before is None or before.manifest is None:
            log.info("{uuid} ({name}) is not recorded: doNotRecord", uuid=uuid, name=manifest["name"])

    # -- what we ask for

    async def _joined(self) -> None:
        self.dvr.joined()
        try:
            listing = await self.router.call(RPC.LIST_SERVICES, True, timeout=ANSWER_SECONDS)
        except (ApplicationError, RouterAway, TimeoutError) as error:
            why = error.error if isinstance(error, ApplicationError) else error
            log.info("no listing yet ({why}): services are recorded as they are heard", why=why)
            return
        for raw in listing if isinstance(listing, list) else []:
            try:
                manifest = _sound(raw)
            except MalformedManifest as error:
                self.dvr.complain("listing", f"ignored, from the directory: {error}")
                continue
            if "external" not in manifest:
                self._owners[manifest["uuid"]] = OURS
            self._manifest_seen(manifest, fetch=True)

    async def _fetch_state(self, uuid: str) -> None:
        """The state that was published before we listened. One without cars is not worth beginning with."""
        state = await self.router.call(f"{RPC.REQUEST_STATE}{uuid}", timeout=ANSWER_SECONDS)
        if isinstance(state, dict) and state.get("cars"):
            self.dvr.event(uuid, FrameSeen(None, time.time()), state)

    async def _ask_alive(self, uuid: str) -> None:
        if await self.router.call(f"{RPC.IS_ALIVE}{uuid}", timeout=ANSWER_SECONDS) is True:
            self.dvr.event(uuid, Alive())

    def _ask(self, uuid: str) -> None:
        self._go(self._ask_alive(uuid), uuid)

    def _go(self, question: Coroutine[Any, Any, None], uuid: str) -> None:
        """Put a question to a service; that it does not answer is an answer too."""

        def failed(failure: Failure) -> None:
            if not isinstance(failure.value, (ApplicationError, RouterAway, TimeoutError)):
                log.failure("{uuid}: the question failed", failure=failure, uuid=uuid)

        Deferred.fromCoroutine(question).addErrback(failed)

    def _tick(self) -> None:
        if not self.router.joined:
            return
        try:
            self.dvr.tick()
        except Exception:
            log.failure("a recording's time could not be looked at")


def _sound(raw: Json) -> Manifest:
    """The manifest in `raw`, as it can stand in a file. Raises MalformedManifest."""
    try:
        return checked(orjson.loads(orjson.dumps(raw)))
    except (TypeError, RecursionError) as error:
        raise MalformedManifest(None, str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
