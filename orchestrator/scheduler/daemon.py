"""The scheduler: compares what should run with what does, and closes the difference.

Three things wake it: APScheduler at the next moment that matters (a start, a stop, a change of name), every second,
and each calendar. Everything that may take long happens elsewhere: reading in a thread and a process of its own,
supervisord's RPC and file work in threads, one at a time for each program.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from livetiming.network import RPC, Channel, Json, Message, MessageClass, command_topic, quit_command
from livetiming.process import Ending, Life
from livetiming.reactor import reactor
from livetiming.wamp import Router
from orchestrator.daemon import run_daemon
from orchestrator.dvr.alarm_file import FILE_NAME
from orchestrator.scheduler.announce.announcer import Announcer
from orchestrator.scheduler.announce.standing import standing
from orchestrator.scheduler.calendar import Calendar
from orchestrator.scheduler.disk_alarm import DiskAlarm
from orchestrator.scheduler.hands import Hands
from orchestrator.scheduler.listing import Coming, upcoming
from orchestrator.scheduler.plan import Buffers, Plan, plan
from orchestrator.scheduler.programs import Programs
from orchestrator.scheduler.published import PublicFile
from orchestrator.scheduler.push import PushChannel
from orchestrator.scheduler.reading import Reading
from orchestrator.scheduler.reconcile import Memory, kept_waiting, reconcile
from orchestrator.settings import Settings
from orchestrator.supervision import SupervisionError, Supervisord
from orchestrator.threads import in_thread

COMPARE_SECONDS = 1  # wanted and actual are compared at least so often


class Scheduler:
    """The scheduler of one home."""

    log = Logger()

    def __init__(self, settings: Settings, router: Router) -> None:
        self.settings = settings
        self.router = router
        self._announcer = Announcer(settings)
        self._disk_alarm = DiskAlarm(settings.state_dir / FILE_NAME, self._announcer)
        self._reading = Reading(settings, self._announcer, self._took)
        self._push = PushChannel(settings, self._reading.read_now)
        self._programs = Programs(
            Supervisord(settings.run_dir, settings.log_dir), settings.place.jobs_dir, self._quit_service
        )
        self._hands = Hands(self._programs)
        self._file = PublicFile(settings.schedule_file, settings.public_url)
        self._buffers = Buffers(settings.start_buffer, settings.end_buffer)
        self._calendar: Calendar | None = None
        self._plan: Plan | None = None
        self._planned_at = 0.0
        self._told: Plan | None = None  # what the listing was made of
        self._memory = Memory()
        self._listing: list[Coming] | None = None
        self._said: set[str] = set()
        self._trouble: str | None = None  # with supervisord, said once
        self._looking = False
        self._again = False
        # on the monotonic clock, so that a step of the wall clock is noticed and does not stop us
        self._loop = LoopingCall(self.compare_now)
        self._timer = AsyncIOScheduler(
            event_loop=asyncio.get_event_loop_policy().get_event_loop(),
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        router.register(RPC.SCHEDULE_LIST, lambda *_, **__: self._listing or [])
        router.on_join(self._publish_listing)

    def start(self) -> None:
        """Read the calendar, and keep reading and comparing."""
        self._timer.start()
        self._announcer.start()
        self._disk_alarm.start()
        self._loop.start(COMPARE_SECONDS, now=False)
        if self.settings.calendar.is_set:
            self._reading.start()
            self._push.start()
        else:
            self.log.warn("LIVETIMING_CALENDAR_URL is not set: nothing is scheduled")

    async def stop(self) -> None:
        """Let time pass without us. What runs goes on: another scheduler will take it up."""
        self._loop.stop()
        self._disk_alarm.stop()
        self._reading.stop()
        self._timer.shutdown(wait=False)
        await self._push.stop()
        await self._announcer.stop()

    def read_now(self) -> None:
        """Read the calendar, as on SIGHUP."""
        if self.settings.calendar.is_set:
            self._reading.read_now()

    def _took(self, calendar: Calendar) -> None:
        """There is a calendar, perhaps a new one."""
        if self._calendar is not None and calendar.sessions != self._calendar.sessions:
            self._said.clear()
        self._calendar, self._plan = calendar, None
        self.compare_now()

    # -- wanted and actual

    def compare_now(self) -> None:
        """Compare what should run with what does; once more, if that is being done already."""
        self._again = True
        if not self._looking:
            Deferred.fromCoroutine(self._rounds())

    async def _on_edge(self) -> None:
        """Awaited by APScheduler, on the same loop."""
        self.compare_now()

    async def _rounds(self) -> None:
        self._looking = True
        try:
            while self._again:
                self._again = False
                await self._round()
            self._trouble = None
        except Exception as error:  # supervisord's, mostly
            if self._trouble != repr(error):
                self._trouble = repr(error)
                if isinstance(error, SupervisionError):
                    self.log.error("{error}", error=error)
                else:
                    self.log.failure("wanted and actual could not be compared")
        finally:
            self._looking = False

    async def _round(self) -> None:
        """Without a calendar nothing is done: not to know what should run is no reason to end what runs."""
        if self._calendar is None:
            return
        busy = self._hands.busy  # before we look: what we see of them may be old by the time we decide
        self._tell(self._wanted(time.time()))
        actual = await in_thread(self._programs.actual)
        wanted = self._wanted(time.time())
        for want in kept_waiting(wanted.desired, actual):
            self._say_once(f"{want.session.name!r} waits: a person runs {want.program} (livetiming-service-manager)")
        actions, self._memory = reconcile(
            wanted.desired, actual, self._memory, time.monotonic(), self.settings.quit_grace, busy=busy
        )
        self._hands.carry_out(actions)
        self._announcer.round(standing(wanted.desired, actual))

    def _wanted(self, now: float) -> Plan:
        """The plan at `now`: an old one stays true until its next edge, unless the clock was set back."""
        old, edge = self._plan, self._plan.next_edge if self._plan else None
        if old is not None and self._planned_at <= now and (edge is None or now < edge):
            return old
        fresh = plan(self._calendar.sessions if self._calendar else (), now, self._buffers)
        self._plan, self._planned_at = fresh, now
        for conflict in fresh.conflicts:
            self._say_once(f"conflict: {conflict}")
        if fresh.next_edge is not None:
            at = datetime.fromtimestamp(fresh.next_edge, UTC)
            self._timer.add_job(self._on_edge, DateTrigger(at, timezone=UTC), id="edge", replace_existing=True)
        return fresh

    def _say_once(self, what: str) -> None:
        """Until there is another calendar."""
        if what not in self._said:
            self._said.add(what)
            self.log.warn("{what}", what=what)

    def _quit_service(self, uuid: str, why: str) -> None:
        """Called in a thread."""
        command = quit_command(uuid, why, int(time.time()))
        reactor.callFromThread(self.router.publish, command_topic(uuid), command)

    # -- the listing

    def _tell(self, wanted: Plan) -> None:
        """Publish what is to come, if the plan has changed it."""
        if self._calendar is None or wanted is self._told:
            return
        self._told = wanted
        running = [desired.session.instance for desired in wanted.desired]
        listing = upcoming(self._calendar.sessions, running, self._planned_at)
        if listing != self._listing:
            self._listing = listing
            self._publish_listing()
            self._file.put(listing)

    def _publish_listing(self) -> None:
        if self._listing is not None:
            payload: Json = [{**coming} for coming in self._listing]
            date = int(time.time() * 1000)
            message = Message(MessageClass.SCHEDULE_LISTING, payload, date, retain=True)
            self.router.publish(Channel.SCHEDULER, message)


def main(argv: list[str] | None = None) -> int:
    """`livetiming-scheduler`."""
    what = "Reads the calendar, and starts and stops timing services as it says."
    return run_daemon("scheduler", what, _begin, argv)


def _begin(settings: Settings, router: Router, life: Life) -> Callable[[Ending], Coroutine[Any, Any, None]]:
    scheduler = Scheduler(settings, router)
    scheduler.start()
    life.reload = scheduler.read_now

    async def end(_why: Ending) -> None:
        await scheduler.stop()

    return end


if __name__ == "__main__":
    sys.exit(main())
