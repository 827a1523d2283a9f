"""The scheduler: reads the calendar, compares what should run with what does, and closes the difference.

Three things wake it: APScheduler at the next moment that matters (a start, a stop, a change of name), every second,
and each reading of the calendar. Reading, supervisord's RPC and file work happen in threads, one round at a time, so
that nothing slow holds up the reactor.
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
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from livetiming.network import RPC, Channel, Json, Message, MessageClass, command_topic, quit_command
from livetiming.process import Ending, Life
from livetiming.reactor import reactor
from livetiming.service.checking import check_calendar_options
from livetiming.service.discovery import plugins
from livetiming.wamp import Router
from orchestrator.daemon import run_daemon
from orchestrator.scheduler.calendar import Calendar, read_calendar
from orchestrator.scheduler.fetch import CalendarUnreadable, Validators, fetch, keep_copy, read_copy
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.scheduler.plan import Buffers, Plan, plan, upcoming
from orchestrator.scheduler.programs import Programs
from orchestrator.scheduler.reconcile import Memory, kept_waiting, reconcile
from orchestrator.settings import Settings
from orchestrator.supervision import SupervisionError, Supervisord

COMPARE_SECONDS = 1  # wanted and actual are compared at least so often
MARGIN_SECONDS = 3600.0  # beyond the end buffer: how far back the calendar is looked at
PATIENCE_SECONDS = 2.0  # at the start, with the first reading; then the last good copy has to do
REREAD_WINDOW_SECONDS = 3600  # an unchanged calendar is expanded again so often, as the window moves on


class Scheduler:
    """The scheduler of one home."""

    log = Logger()

    def __init__(self, settings: Settings, router: Router) -> None:
        self.settings = settings
        self.router = router
        self.calendar = Calendar((), ())
        self.plan = Plan((), (), None)
        self._buffers = Buffers(settings.start_buffer, settings.end_buffer)
        self._programs = Programs(
            Supervisord(settings.run_dir, settings.log_dir), settings.place.jobs_dir, self._quit_service
        )
        self._memory = Memory()
        self._listing: list[dict[str, object]] | None = None
        self._copy = settings.state_dir / "calendar.ics"
        self._content: bytes | None = None
        self._expanded_at = 0.0
        self._validators = Validators()
        self._said: set[str] = set()
        self._busy = False  # a round is under way in a thread
        self._reading = False
        self._trouble: str | None = None  # with supervisord, said once
        self._outage: str | None = None  # of the calendar, said once, and its end too
        self._good_at: float | None = None  # Unix s: when the calendar was last read well
        self._not_before = 0.0  # monotonic: the server asked us to wait
        # on the monotonic clock, so that a step of the wall clock is noticed and does not stop us
        self._loops = [LoopingCall(self._read_in_turn), LoopingCall(self._compare_now)]
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
        self._loops[0].start(self.settings.calendar_interval, now=False)
        self._loops[1].start(COMPARE_SECONDS, now=False)
        Deferred.fromCoroutine(self._begin())

    def stop(self) -> None:
        """Let time pass without us. What runs goes on: another scheduler will take it up."""
        for loop in self._loops:
            loop.stop()
        self._timer.shutdown(wait=False)

    def read_now(self) -> None:
        """Read the calendar, as on SIGHUP."""
        Deferred.fromCoroutine(self._read())

    async def _begin(self) -> None:
        """A calendar that is slow, or cannot be read, must not cost an event that is under way: the copy is there."""
        patience = reactor.callLater(PATIENCE_SECONDS, lambda: Deferred.fromCoroutine(self._take_copy()))
        await self._read()
        if patience.active():
            patience.cancel()
        await self._take_copy()

    async def _take_copy(self) -> None:
        """The last good copy, unless a calendar is in force already."""
        content = await deferToThread(read_copy, self._copy)
        if self._content is None and content is not None:
            self.log.info("going by the last good copy of the calendar")
            self._good_at = self._copy.stat().st_mtime
            try:
                await self._take(content, keep=False)
            except NotACalendar as error:
                self.log.error("{error}", error=error)

    async def _on_edge(self) -> None:
        """Awaited by APScheduler, on the same loop."""
        self._compare_now()

    def _read_in_turn(self) -> None:
        if time.monotonic() >= self._not_before:
            self.read_now()

    def _compare_now(self) -> None:
        Deferred.fromCoroutine(self._round())

    # -- the calendar

    async def _read(self) -> None:
        if self._reading:
            return
        self._reading = True
        try:
            if not self.settings.calendar_url:
                self._say_once("LIVETIMING_CALENDAR_URL is not set: nothing is scheduled")
                return
            fetched = await deferToThread(fetch, self.settings.calendar_url, self._validators)
            await self._take_if_new(fetched.content)
            self._validators = fetched.validators
            self._good_at = time.time()
            if self._outage is not None:
                self._outage = None
                self.log.info("the calendar can be read again")
        except (CalendarUnreadable, NotACalendar) as error:
            self._not_before = time.monotonic() + getattr(error, "retry_after", 0.0)
            self._say_outage(str(error))
        except Exception:
            self.log.failure("reading the calendar failed; the last good copy stays in force")
        finally:
            self._reading = False

    async def _take(self, content: bytes, *, keep: bool) -> None:
        """Make `content` the calendar in force; NotACalendar leaves everything as it is."""
        now, margin = time.time(), self.settings.end_buffer + MARGIN_SECONDS
        known = plugins()
        self.calendar = await deferToThread(read_calendar, content, now, margin, known, check_calendar_options)
        self._content, self._expanded_at = content, now
        if keep:
            self._said.clear()
            await deferToThread(keep_copy, self._copy, content)
            self.log.info("the calendar has {n} sessions in its window", n=len(self.calendar.sessions))
        for problem in self.calendar.problems:
            self._say_once(f"calendar: {problem}")
        await self._round()

    async def _take_if_new(self, content: bytes | None) -> None:
        """`content` is None where the server says that nothing has changed."""
        if content is None or content == self._content:
            if time.time() - self._expanded_at < REREAD_WINDOW_SECONDS:
                return
            content = self._content or b""
        await self._take(content, keep=content != self._content)

    def _say_outage(self, what: str) -> None:
        """Once for each outage."""
        if self._outage == what:
            return
        self._outage = what
        if self._good_at is None:
            self.log.warn("{what}; nothing is scheduled until it can, but for the last good copy", what=what)
        else:
            age = int(time.time() - self._good_at)
            self.log.warn("{what}; the copy that is {age} s old stays in force", what=what, age=age)

    def _say_once(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self.log.warn("{what}", what=what)

    # -- wanted and actual

    async def _round(self) -> None:
        """Compare once, and do what is to be done. A round that finds another under way leaves it to that one.

        Without a calendar nothing is done: not to know what should run is no reason to end what runs.
        """
        if self._busy or self._content is None:
            return
        self._busy = True
        try:
            now = time.time()
            self.plan = plan(self.calendar.sessions, now, self._buffers)
            self._set_edge()
            for conflict in self.plan.conflicts:
                self._say_once(f"conflict: {conflict}")
            self._memory = await deferToThread(self._compare, self.plan, self._memory, now)
            self._trouble = None
        except Exception as error:  # supervisord's, mostly
            if self._trouble != repr(error):
                self._trouble = repr(error)
                self._complain(error, "wanted and actual could not be compared")
        finally:
            self._busy = False
        self._tell()

    def _compare(self, wanted: Plan, memory: Memory, now: float) -> Memory:
        actual = self._programs.actual()
        for want in kept_waiting(wanted.desired, actual):
            self._say_once(f"{want.session.name!r} waits: a person runs {want.program} (livetiming-service-manager)")
        actions, memory = reconcile(wanted.desired, actual, memory, now, self.settings.quit_grace)
        for action in actions:
            try:
                self._programs.carry_out(action)
            except Exception as error:  # the others go on; this one is due again in the next round
                key = f"{type(action).__name__} {error!r}"
                if key not in self._said:  # forgotten with the next new calendar
                    self._said.add(key)
                    self._complain(error, f"{type(action).__name__} failed; it is tried again")
        return memory

    def _complain(self, error: Exception, what: str) -> None:
        """supervisord's refusals in a line, what is our own fault with its traceback."""
        if isinstance(error, SupervisionError):
            self.log.error("{error}", error=error)
        else:
            self.log.failure("{what}", what=what)

    def _set_edge(self) -> None:
        """Be woken at the next moment that matters."""
        if self.plan.next_edge is not None:
            at = datetime.fromtimestamp(self.plan.next_edge, UTC)
            self._timer.add_job(self._on_edge, DateTrigger(at, timezone=UTC), id="edge", replace_existing=True)

    def _quit_service(self, uuid: str, why: str) -> None:
        """Called in a thread."""
        command = quit_command(uuid, why, int(time.time()))
        reactor.callFromThread(self.router.publish, command_topic(uuid), command)

    # -- the listing

    def _tell(self) -> None:
        running = [desired.session.instance for desired in self.plan.desired]
        listing = upcoming(self.calendar.sessions, running, time.time())
        if listing != self._listing:
            self._listing = listing
            self._publish_listing()

    def _publish_listing(self) -> None:
        if self._listing is not None:
            payload: Json = self._listing
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
        scheduler.stop()

    return end


if __name__ == "__main__":
    sys.exit(main())
