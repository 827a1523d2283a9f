"""The recordings of all services: events go to the rules, and what these say is done in threads, in its order."""

import errno
import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from livetiming.reactor import sleep
from livetiming.recording.format import UnusableState
from orchestrator.dvr.alarm import Alarm, Amounts
from orchestrator.dvr.alarm_file import HEARTBEAT_SECONDS, AlarmFile, Said
from orchestrator.dvr.disk import Disk, Flushed
from orchestrator.dvr.finalise import recording_name
from orchestrator.dvr.finishing import Finishing
from orchestrator.dvr.journal import Dropped
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
SILENT_SECONDS = 10.0  # a flush that takes longer means that the disk is in trouble
QUEUE_LIMIT = 500  # frames that wait for the disk's thread; more are dropped
COMPLAINT_SECONDS = 60.0  # between two lines about the same trouble


class Dvr:
    """Journals in `temp`, finished recordings in `finished`; `ask` sends a service the question whether it is alive.

    What is wrong with the disk stands in `alarm_file`, for others.
    """

    log = Logger()

    def __init__(
        self, temp: Path, finished: Path, limits: Limits, ask: Callable[[str], None], alarm_file: AlarmFile
    ) -> None:
        self.temp = temp
        self.finished = finished
        self.limits = limits
        self.ask = ask
        self.services: dict[str, Service] = {}
        self._disk = Disk(temp)
        self._disk_lane = Lane("dvr-disk")
        self._finishing = Finishing(finished, self._finish_tried)
        self._flushing = False
        self._flush_began = 0.0  # monotonic s
        self._waiting = self._dropped = self._overrun = 0  # bytes; frames that the disk, and the queue, did not take
        self._alarm = Alarm()
        self._alarm_file = alarm_file
        self._alarm_lane = Lane("dvr-alarm")
        self._heartbeat_due = 0.0  # when an alarm is to be written (again), monotonic s
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
        self._alarm_lane.do(self._alarm_file.prepare, time.time()).addErrback(self._alarm_unwritable)
        for folder in (self.temp, self.finished):
            folder.mkdir(parents=True, exist_ok=True)
        found = recover(self.temp)
        for path, why in found.aside:
            self.log.error("{path}: set aside, because {why}", path=path, why=why)
        for path in found.empty:
            self.log.info("{path}: held no frame, and is gone", path=path)
        for path in found.to_finalise:
            self._finishing.finish(path)
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
        self._flushing, self._flush_began = True, time.monotonic()
        return self._disk_lane.do(self._disk.flush).addCallbacks(self._flushed, self._flush_failed)

    async def end(self, seconds: float) -> None:
        """Bring everything to the disk, and finish within `seconds` what can be; the next life does the rest."""
        until = time.monotonic() + seconds
        while (flushing := self.flush()) is None:
            await sleep(0.02)
        await flushing
        while self._finishing.busy and time.monotonic() < until:
            await sleep(0.02)
        self._finishing.end()
        await self._disk_lane.do(self._disk.close)
        if self._waiting:
            self.log.error("{n} bytes of recordings are lost: the disk did not take them", n=self._waiting)

    # -- what the rules say

    def _do(self, uuid: str, effects: list[Effect], state: object) -> None:
        for effect in effects:
            if isinstance(effect, Ask):
                self.ask(uuid)
            elif isinstance(effect, Record) and self._disk_lane.waiting >= QUEUE_LIMIT:
                self._overrun += 1
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
        if isinstance(failure.value, (UnusableState, Dropped)):
            self.complain(f"{uuid} {failure.type}", f"{uuid}: {failure.getErrorMessage()}")
        else:
            self.log.failure("{uuid}: could not be recorded", failure=failure, uuid=uuid)

    def _flushed(self, result: Flushed) -> None:
        self._flushing = False
        self._waiting, self._dropped = result.waiting, result.dropped
        self._alarm = self._alarm.flushed(result.failed)
        self.watch()
        for path in result.ready:
            self._finishing.finish(path)

    def _flush_failed(self, failure: Failure) -> None:
        self._flushing = False
        self.log.failure("the journals could not be written", failure=failure)

    # -- what is wrong with it

    def watch(self) -> None:
        """See whether the disk takes what it is given, and tell; call it about once a second."""
        now, date = time.monotonic(), time.time()
        if self._flushing and now - self._flush_began > SILENT_SECONDS:
            silent = f"it has not answered for {now - self._flush_began:.0f} s"
            self._alarm = self._alarm.flushed({self.temp: OSError(errno.ETIMEDOUT, silent, str(self.temp))})
        amounts = Amounts(self._waiting, self._dropped + self._overrun)
        before = self._alarm.outage
        self._alarm, change = self._alarm.look(now, date, amounts)
        outage = self._alarm.outage
        if change is not None:
            self.log.error("{text}", text=change) if outage else self.log.info("{text}", text=change)
        if outage is None:
            if before is not None:
                self._heartbeat_due = 0.0
                self._write_alarm(None, date)
        elif not self._alarm_lane.waiting and now >= self._heartbeat_due:
            self._heartbeat_due = now + HEARTBEAT_SECONDS
            self._write_alarm(Said(outage.date, self._alarm.text(amounts)), date)

    def _write_alarm(self, said: Said | None, date: float) -> None:
        self._alarm_lane.do(self._alarm_file.write, said, date).addErrback(self._alarm_unwritable)

    def _alarm_unwritable(self, failure: Failure) -> None:
        why = failure.getErrorMessage()
        self.complain("alarm", f"the state of the disk cannot be told to others ({why}); it stands in this log only")

    def _finish_tried(self, journal: Path, error: OSError | None) -> None:
        self._alarm = self._alarm.finished(journal, error)
        self.watch()

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
