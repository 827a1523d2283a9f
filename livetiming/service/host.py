"""What runs a service: publishes its states, manifest and analysis, keeps what it goes on from, and ends in order."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python import threadable

from livetiming.jobs import Job, MalformedJob
from livetiming.lzstring import Compressor
from livetiming.network import (
    RPC,
    Channel,
    Json,
    MalformedMessage,
    Message,
    MessageClass,
    analysis_topic,
    command_topic,
    compressed_state_message,
    is_quit,
    service_topic,
    state_message,
)
from livetiming.process import Ending, Life
from livetiming.publishing import forget_state
from livetiming.reactor import reactor
from livetiming.recording import TimingRecorder
from livetiming.service.analyser import RETAINED
from livetiming.service.api import BaseService, DuePublisher
from livetiming.service.complaints import Complaints
from livetiming.service.frames import Frames, NoState
from livetiming.service.kept import Kept, Unusable
from livetiming.service.notices import notices
from livetiming.service.seat import Seat
from livetiming.service.soon import Soon

REPEAT_STATE_SECONDS = 30.0
REPEAT_MANIFEST_SECONDS = 60.0
AT_MOST_EVERY = 1.0  # seconds between two frames, two manifests, two saved states
SHORTEST_POLL = 0.1  # seconds, whatever a plugin says
LAST_UPDATE_SECONDS = 2.0  # that a plugin may take for its last state
TRUSTED = "services"


class Host:
    """One service on one seat. Everything happens in the reactor's thread."""

    log = Logger()

    def __init__(self, service: BaseService, seat: Seat, life: Life, kept: Kept, *, compress: bool = True) -> None:
        self.service = service
        self.seat = seat
        self.life = life
        self.kept = kept
        self.recorder: TimingRecorder | None = None  # of our own, where one was asked for
        self._compress = Compressor().compress if compress else None
        self._complaints = Complaints()
        self._frames = Frames(service, notices, self._complaints)
        self._updating = False
        self._asked = False  # whether the plugin has been asked for the race
        self._ended = False
        self._soon_update = Soon(self.update, AT_MOST_EVERY)
        self._soon_manifest = Soon(lambda: self._guarded(self._publish_manifest), AT_MOST_EVERY)
        self._soon_save = Soon(self._save, AT_MOST_EVERY)
        self._loops: list[LoopingCall] = []

    # -- life

    def begin(self) -> None:
        """Declare what we do on the router, and let the plugin begin."""
        service, seat, uuid = self.service, self.seat, self.service.uuid
        service._service_host = self
        name = service._getServiceClass()
        self.log.info(
            "timing service {name} {version}, uuid {uuid}", name=name, version=service.getVersion(), uuid=uuid
        )
        self._reload()
        if service._analysed:
            self._resume_analysis()
        seat.subscribe(Channel.CONTROL, self._controlled)
        seat.subscribe(command_topic(uuid), self._commanded)
        seat.register(f"{RPC.IS_ALIVE}{uuid}", lambda *_, **__: True)
        seat.register(f"{RPC.REQUEST_STATE}{uuid}", lambda *_, **__: service.state)
        seat.register(f"{RPC.REQUEST_ANALYSIS}{uuid}", lambda *_, **__: self.analysis_document())
        seat.on_join(self._joined)
        self.life.reload = self._reload
        self.life.healthy = lambda: seat.joined
        notices.changed = self.set_due_update
        service.setup()
        self._repeat(self._publish_manifest, REPEAT_MANIFEST_SECONDS)
        self._repeat(self._publish_state, REPEAT_STATE_SECONDS)
        if service.auto_poll:
            self._repeat(self.update, max(SHORTEST_POLL, service.getPollInterval() or AT_MOST_EVERY), now=True)
        elif isinstance(service, DuePublisher):
            self._repeat(self.update, service.max_publish_interval)
        if service._analysed:
            self._repeat(self._publish_analysis, AT_MOST_EVERY)

    async def end(self, why: Ending) -> None:
        """The last state out, a goodbye, and the state kept. A service whose supervisor died says no goodbye:
        it will be started again, and is to be the same service then."""
        for loop in self._loops:
            if loop.running:
                loop.stop()
        for soon in (self._soon_update, self._soon_manifest, self._soon_save):
            soon.cancel()
        if why is Ending.TOLD:
            await self._last_update()
            self._guarded(self._publish_state)
        self._ended = True  # nothing of ours follows the goodbye
        if why is Ending.TOLD:
            uuid, now = self.service.uuid, _now_ms()
            self.seat.publish(Channel.CONTROL, Message(MessageClass.SERVICE_DEREGISTRATION, uuid, now))
            forget_state(self.seat, uuid, now)
            await self.seat.settled()
        self._save()
        if self.recorder is not None:
            self._guarded(self.recorder.close)
        self._guarded(self.service.teardown)

    async def _last_update(self) -> None:
        """Ask the plugin once more, if it has ever been asked in this life; it may not keep us from ending."""
        if not self._asked:
            return
        update = Deferred.fromCoroutine(self._update())
        update.addTimeout(LAST_UPDATE_SECONDS, reactor)
        try:
            await update
        except Exception as error:
            self.log.warn("the last state could not be had: {error!r}", error=error)

    def _guarded(self, action: Callable[[], Any]) -> None:
        """Do it; what a plugin raises in it is logged, and does not keep us from the rest."""
        try:
            action()
        except Exception as error:
            self._complaints.tell(error, f"{getattr(action, '__name__', action)} failed")

    def _repeat(self, action: Callable[[], Any], seconds: float, *, now: bool = False) -> None:
        loop = LoopingCall(self._guarded, action)
        loop.start(seconds, now=now)
        self._loops.append(loop)

    # -- what plugins ask for, from any thread

    def set_due_update(self) -> None:
        """The feed has something new."""
        _in_reactor(self._soon_update.ask)

    def set_due_manifest(self) -> None:
        """The manifest has changed."""
        _in_reactor(self._soon_manifest.ask)

    def update(self) -> None:
        """Ask the plugin for the race, and publish it if it has changed."""
        _in_reactor(lambda: Deferred.fromCoroutine(self._update()))

    def publish_state(self) -> None:
        """Send the current state."""
        _in_reactor(self._publish_state)

    def analysis_document(self) -> Json:
        """All analysis modules in one object; None where nothing is analysed."""
        if not self.service._analysed:
            return None
        return self.service.analyser.document(self.service.state, self.service._manifest(), time.monotonic())

    # -- the race

    async def _update(self) -> None:
        if self._updating or self._ended:
            return
        self._updating = self._asked = True
        try:
            state = await self._frames.next()
        except NoState:
            state = self._frames.repeated()
        finally:
            self._updating = False
        if state != self.service.state and not self._ended:
            self.service.state = state
            self._guarded(self._publish_state)
            self._guarded(self._follow)
            self._soon_save.ask()

    def _follow(self) -> None:
        """What comes after a frame, and may not delay it: analysis and recording."""
        state, now = self.service.state, time.time()
        if self.service._analysed:
            self.service.analyser.receive(self._frames.column_spec, state, now)
        if self.recorder is not None:
            self.recorder.writeManifest(self.service._manifest())
            self.recorder.writeState(state, now)

    # -- the router

    def _publish_state(self) -> None:
        if self._ended or not self.seat.joined:
            return
        state, now = self.service.state, _now_ms()
        if self._compress is not None:
            message = compressed_state_message(orjson.dumps(state), now, self._compress)
        else:
            message = state_message(state, now)
        if self.seat.publish(service_topic(self.service.uuid), message):
            self.life.sign()

    def _joined(self) -> None:
        self._publish_manifest()
        self._publish_state()
        self.service.analyser.joined()

    def _publish_manifest(self) -> None:
        if self._ended:
            return
        message = Message(MessageClass.SERVICE_REGISTRATION, self.service._manifest(), _now_ms())
        self.seat.publish(Channel.CONTROL, message)

    def _publish_analysis(self) -> None:
        if self.seat.joined and not self._ended:
            self.service.analyser.publish(time.monotonic(), self._publish_module)

    def _publish_module(self, topic: str, payload: Json) -> bool:
        message = Message(MessageClass.ANALYSIS_DATA, payload, _now_ms(), retain=topic in RETAINED)
        return self.seat.publish(analysis_topic(self.service.uuid, *topic.split("/", 1)), message)

    def _controlled(self, raw: Json, details: Any) -> None:
        if details.publisher_authrole != TRUSTED:
            return  # an external service's word is for the directory only
        try:
            if Message.decode(raw).msg_class is MessageClass.INITIALISE_DIRECTORY:
                self._publish_manifest()
        except MalformedMessage as error:
            self.log.warn("{error}", error=error)

    def _commanded(self, raw: Json, details: Any) -> None:
        if details.publisher_authrole == TRUSTED and is_quit(raw):
            self.log.info("told to quit: {why}", why=str((raw.get("payload") or {}).get("why", ""))[:200])
            self.life.end()

    # -- what is kept

    def _resume_analysis(self) -> None:
        try:
            self.service.analyser.resume(self.kept.analysis())
        except Unusable as error:
            self.log.warn("{error}", error=error)

    def _save(self) -> None:
        if self.service.args.no_write_state:
            return
        try:
            self.kept.keep(self.service.state, self.service.analyser.dump() if self.service._analysed else None)
        except OSError as error:
            self._complaints.tell(error, "the state could not be kept")

    def _reload(self) -> None:
        """The job was rewritten: we go by another name now."""
        path: Path | None = self.service.args.job
        if path is None:
            return
        try:
            job = Job.read(path)
        except MalformedJob as error:
            self.log.error("{error}", error=error)
            return
        self.service.args.event = job.event
        self.service.args.description = job.description or self.service.args.description
        self.set_due_manifest()


def _in_reactor(action: Callable[[], Any]) -> None:
    if threadable.isInIOThread():  # type: ignore[no-untyped-call]
        action()
    else:
        reactor.callFromThread(action)


def _now_ms() -> int:
    return int(time.time() * 1000)
