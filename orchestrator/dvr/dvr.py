"""The recordings of all services: events go to the rules, and what these say is done in threads, in its order."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from livetiming.reactor import reactor, sleep
from livetiming.recording.format import UnusableState
from orchestrator.dvr.disk import Disk, Flushed
from orchestrator.dvr.finalise import Finished, Interrupted, JournalName, finalise, recording_name
from orchestrator.dvr.journal import JournalFull
from orchestrator.dvr.lane import Lane
from orchestrator.dvr.recover import Left, recover
from orchestrator.dvr.rules import (
    Ask,
    Close,
    Discard,
    Effect,
    Event,
    Joined,
    Limits,
    Open,
    Record,
    Service,
    Tick,
    resume,
    step,
)

SERVICES_LIMIT = 2000  # as many as the directory lists
QUEUE_LIMIT = 500  # frames that wait for the disk's thread; more are dropped
RETRY_SECONDS = 30.0  # until a recording that could not be finished is tried again
COMPLAINT_SECONDS = 60.0  # between two lines about the same trouble


class Dvr:
    """Journals in `temp`, finished recordings in `finished`; `ask` sends a service the question whether it is alive."""

    log = Logger()

    def __init__(self, temp: Path, finished: Path, limits: Limits, ask: Callable[[str], None]) -> None:
        self.temp = temp
        self.finished = finished
        self.limits = limits
        self.ask = ask
        self.services: dict[str, Service] = {}
        self._disk = Disk(temp)
        self._disk_lane = Lane("dvr-disk")
        self._finish_lane = Lane("dvr-finish")
        self._ending = threading.Event()
        self._flushing = False
        self._unwritable: set[Path] = set()
        self._complained: dict[str, float] = {}

    # -- events

    def event(self, uuid: str, event: Event, state: object = None) -> None:
        """Something happened to service `uuid`; a frame brings its `state`, which stays as it is from now on."""
        service = self.services.get(uuid)
        if service is None:
            if not self._make_room():
                self.complain("room", f"{uuid} is not recorded: {SERVICES_LIMIT} services are already")
                return
            service = Service(uuid, enough=self._was_kept(uuid))
        service, effects = step(service, event, time.monotonic(), self.limits)
        self.services[uuid] = service
        self._do(uuid, effects, state)

    def joined(self) -> None:
        """We are on the router (again)."""
        for uuid in list(self.services):
            self.event(uuid, Joined())

    def tick(self) -> None:
        """Time passed; call it about once a second, while on the router."""
        for uuid in list(self.services):
            self.event(uuid, Tick())

    def complain(self, about: str, text: str) -> None:
        """Log a trouble that may come with every frame: once a minute."""
        now = time.monotonic()
        if now - self._complained.get(about, -COMPLAINT_SECONDS) >= COMPLAINT_SECONDS:
            if len(self._complained) > SERVICES_LIMIT:
                self._complained.clear()
            self._complained[about] = now
            self.log.warn("{text}", text=text)

    # -- the disk

    def recover(self) -> None:
        """Take up what an earlier life left. It reads every journal: call it before there is anything else to do."""
        for folder in (self.temp, self.finished):
            folder.mkdir(parents=True, exist_ok=True)
        found = recover(self.temp)
        for path, why in found.aside:
            self.log.error("{path}: set aside, because {why}", path=path, why=why)
        for path in found.empty:
            self.log.info("{path}: held no frame, and is gone", path=path)
        for path in found.to_finalise:
            self._finish(path)
        for uuid, journals in found.services.items():
            self._resume(uuid, journals)

    def _resume(self, uuid: str, journals: list[Left]) -> None:
        for left in journals:
            if left.stopped:
                self.log.warn("{stopped}", stopped=left.stopped)
            self._disk.resume(left)
        manifest = None if journals[-1].end else journals[-1].manifest
        service = Service(uuid, manifest=manifest, enough=self._was_kept(uuid))
        parts = [(left.part, left.end) for left in journals]
        service, effects = resume(service, parts, time.monotonic(), self.limits)
        if service.current is not None:
            self.log.info("{uuid}: its recording goes on", uuid=uuid)
        self.services[uuid] = service
        self._do(uuid, effects, None)

    def flush(self) -> "Deferred[None] | None":
        """Bring all that was recorded to the disk; None while an earlier flush is still at it."""
        if self._flushing:
            return None
        self._flushing = True
        return self._disk_lane.do(self._disk.flush).addCallbacks(self._flushed, self._flush_failed)

    async def end(self, seconds: float) -> None:
        """Bring everything to the disk, and finish within `seconds` what can be; the next life does the rest."""
        until = time.monotonic() + seconds
        while (flushing := self.flush()) is None:
            await sleep(0.02)
        await flushing
        while self._finish_lane.waiting and time.monotonic() < until:
            await sleep(0.02)
        self._ending.set()
        await self._disk_lane.do(self._disk.close)

    # -- what the rules say

    def _do(self, uuid: str, effects: list[Effect], state: object) -> None:
        for effect in effects:
            if isinstance(effect, Ask):
                self.ask(uuid)
            elif isinstance(effect, Record) and self._disk_lane.waiting >= QUEUE_LIMIT:
                self.complain("queue", f"{uuid}: the disk does not keep up: frames are dropped")
            else:
                self._tell(uuid, effect)
                done = self._disk_lane.do(self._disk.apply, uuid, effect, int(time.time()), state)
                done.addErrback(self._effect_failed, uuid)
        if any(isinstance(effect, Close) for effect in effects):
            self.flush()

    def _tell(self, uuid: str, effect: Effect) -> None:
        match effect:
            case Open(number, manifest):
                name = manifest.get("name", "") if manifest else "no manifest yet"
                self.log.info("{uuid}: recording {number} begins ({name})", uuid=uuid, number=number, name=name)
            case Close(number, reason):
                self.log.info("{uuid}: recording {number} ended: {why}", uuid=uuid, number=number, why=reason)
            case Discard(number, why):
                self.log.info("{uuid}: recording {number} thrown away: {why}", uuid=uuid, number=number, why=why)

    def _effect_failed(self, failure: Failure, uuid: str) -> None:
        if isinstance(failure.value, (UnusableState, JournalFull)):
            self.complain(f"{uuid} {failure.type}", f"{uuid}: {failure.getErrorMessage()}")
        else:
            self.log.failure("{uuid}: could not be recorded", failure=failure, uuid=uuid)

    def _flushed(self, result: Flushed) -> None:
        self._flushing = False
        for path, error in result.failed.items():
            if path not in self._unwritable:
                self.log.error("{path}: cannot be written ({error}); frames wait in memory", path=path, error=error)
        for path in self._unwritable - set(result.failed):
            self.log.info("{path}: can be written again", path=path)
        self._unwritable = set(result.failed)
        for path in result.ready:
            self._finish(path)

    def _flush_failed(self, failure: Failure) -> None:
        self._flushing = False
        self.log.failure("the journals could not be written", failure=failure)

    # -- finishing

    def _finish(self, journal: Path) -> None:
        done = self._finish_lane.do(finalise, journal, self.finished, self._ending.is_set)
        done.addCallbacks(self._finished, self._finish_failed, callbackArgs=(journal,), errbackArgs=(journal,))

    def _finished(self, result: Finished | None, journal: Path) -> None:
        if result is None:
            self.log.info("{path}: held no frame, and is gone", path=journal)
            return
        if result.damage:
            self.log.warn("{damage}", damage=result.damage)
        self.log.info(
            "kept: {path} ({duration} s, {frames} frames)",
            path=result.path,
            duration="?" if result.duration is None else result.duration,
            frames="?" if result.frames is None else result.frames,
        )

    def _finish_failed(self, failure: Failure, journal: Path) -> None:
        if isinstance(failure.value, Interrupted):
            self.log.info("{why}", why=failure.getErrorMessage())
            return
        self.log.failure("{path}: could not be finished; it is tried again", failure=failure, path=journal)
        name = JournalName.parse(journal.name)
        pattern = f"{name.uuid}.{name.number}.as*.journal" if name else journal.name
        reactor.callLater(RETRY_SECONDS, lambda: self._finish(next(self.temp.glob(pattern), journal)))

    # -- housekeeping

    def _was_kept(self, uuid: str) -> bool:
        """Whether a recording of this uuid has been kept, or is about to be."""
        return (self.finished / recording_name(uuid, 0)).exists() or any(self.temp.glob(f"{uuid}.*.as*.journal"))

    def _make_room(self) -> bool:
        """Forget a service that is not being recorded, if there are too many."""
        if len(self.services) >= SERVICES_LIMIT:
            idle = next((uuid for uuid, service in self.services.items() if service.idle), None)
            if idle is None:
                return False
            del self.services[idle]
        return True
