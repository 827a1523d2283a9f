"""The calendar, read again and again: the copy that is in force, and how old it is.

Reading blocks in a thread, and what was read is expanded in a process of its own (orchestrator.scheduler.worker), so
that neither a slow server nor a large calendar delays a start. What cannot be read changes nothing.
"""

import hashlib
import random
import re
import time
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from livetiming.reactor import reactor
from orchestrator.scheduler.calendar import MARGIN_SECONDS, Calendar
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.scheduler.sources import CalendarUnreadable, source_of
from orchestrator.scheduler.sources.copy import CalendarStatus, keep_copy, read_copy
from orchestrator.scheduler.sources.retry import next_read
from orchestrator.scheduler.worker import WorkerFailed, read_in_worker
from orchestrator.settings import Settings
from orchestrator.threads import in_thread

PATIENCE_SECONDS = 2.0  # at the start, with the first reading; then the last good copy has to do
REREAD_WINDOW_SECONDS = 3600.0  # an unchanged calendar is expanded again so often, as the window moves on
STALE = "calendar-stale"  # the key of the notice

_FETCH_TIME = re.compile(rb"^DTSTAMP[^\r\n]*", re.MULTILINE)  # Google writes a new one at each reading


class Operators(Protocol):
    """Whoever is to be told of trouble."""

    def notice(self, key: str, text: str) -> None:
        """Tell it, once until it is cleared."""

    def clear(self, key: str) -> None:
        """The trouble has ended."""


class Reading:
    """The calendar of one home. `took` is called with each calendar that comes into force."""

    log = Logger()

    def __init__(self, settings: Settings, operators: Operators, took: Callable[[Calendar], None]) -> None:
        self._settings = settings
        self._source = source_of(settings.calendar)
        self._operators = operators
        self._took = took
        self._copy = settings.calendar_copy
        self._status_file = settings.calendar_status
        self._in_force: str | None = None  # what the calendar in force reads like (see _likeness)
        self._raw: bytes = b""  # digest of the bytes that were read last
        self._expanded_at = 0.0
        self._sessions = 0
        self._said: set[str] = set()
        self._outage: str | None = None  # said once, and its end too
        self._good_at: float | None = None  # Unix s: when the calendar was last read well
        self._began = time.time()
        self._failures = 0
        self._reading = False
        self._again = False
        self._next: Any = None

    def start(self) -> None:
        """Read it, and go on reading."""
        Deferred.fromCoroutine(self._begin())

    def stop(self) -> None:
        """Read it no more."""
        if self._next is not None and self._next.active():
            self._next.cancel()

    def read_now(self) -> None:
        """Read it, as on SIGHUP or a notification; once more if it is being read already."""
        if self._reading:
            self._again = True
        else:
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
        if self._in_force is not None:
            return
        try:
            content = await in_thread(read_copy, self._copy)
            if content is not None and self._in_force is None:
                self.log.info("going by the last good copy of the calendar")
                self._good_at = self._copy.stat().st_mtime
                await self._take(content, await in_thread(_likeness, content))
        except (NotACalendar, WorkerFailed, OSError) as error:
            self.log.error("the last good copy cannot be used: {error}", error=error)

    async def _read(self) -> None:
        """Read it once, and see to the next time."""
        self.stop()
        self._reading = True
        began, retry_after = time.time(), 0.0
        try:
            await self._read_once()
            self._failures = 0
        except (CalendarUnreadable, NotACalendar, WorkerFailed) as error:
            self._failures += 1
            retry_after = getattr(error, "retry_after", 0.0)
            self._say_outage(str(error))
        except Exception:
            self._failures += 1
            self.log.failure("reading the calendar failed; the last good copy stays in force")
        finally:
            self._reading = False
        await self._note(began)
        interval = self._settings.calendar.interval
        wait = 0.0 if self._again else next_read(interval, self._failures, retry_after, random.random())  # noqa: S311
        self._again = False
        self._next = reactor.callLater(wait, lambda: Deferred.fromCoroutine(self._read()))

    async def _read_once(self) -> None:
        content = await in_thread(self._source.read)
        if content is None:
            await self._expand_again()
        else:
            await self._take_if_new(content)
        self._source.accept()
        self._good_at = time.time()
        self._operators.clear(STALE)
        if self._outage is not None:
            self._outage = None
            self.log.info("the calendar can be read again")

    async def _take_if_new(self, content: bytes) -> None:
        raw = await in_thread(_digest, content)
        likeness = self._in_force if raw == self._raw else await in_thread(_likeness, content)
        if likeness is not None and likeness == self._in_force:
            self._raw = raw
            await self._expand_again()
            return
        await self._take(content, likeness or "")
        self._raw = raw
        await in_thread(keep_copy, self._copy, content)
        self.log.info("the calendar has {n} sessions in its window", n=self._sessions)

    async def _expand_again(self) -> None:
        """The calendar has not changed, but the window moves on."""
        if time.time() - self._expanded_at >= REREAD_WINDOW_SECONDS and self._in_force is not None:
            content = await in_thread(read_copy, self._copy)
            if content is not None:
                await self._take(content, self._in_force)

    async def _take(self, content: bytes, likeness: str) -> None:
        """Make `content` the calendar in force; NotACalendar or WorkerFailed leave everything as it is."""
        now, margin = time.time(), self._settings.end_buffer + MARGIN_SECONDS
        calendar = await in_thread(read_in_worker, content, now, margin)
        if likeness != self._in_force:
            self._said.clear()
        self._in_force, self._expanded_at, self._sessions = likeness, now, len(calendar.sessions)
        for finding in calendar.findings:
            if finding.wrong and str(finding) not in self._said:
                self._said.add(str(finding))
                self.log.warn("calendar: {finding}", finding=str(finding))
        self._took(calendar)

    # -- how old it is

    def _say_outage(self, what: str) -> None:
        """Once for each outage in the log; to the operators once the copy is old."""
        age = max(0.0, time.time() - (self._good_at or self._began))
        force = "nothing is scheduled until it can" if self._in_force is None else "the last good copy stays in force"
        if self._outage != what:
            self._outage = what
            old = f" ({int(age)} s old)" if self._good_at is not None else ""
            self.log.warn("{what}; {force}{old}", what=what, force=force, old=old)
        if age >= self._settings.calendar.stale:
            since = f"The schedule could not be read for {int(age / 60)} min"
            self._operators.notice(STALE, f"{since}: {what}; {force}.")

    async def _note(self, began: float) -> None:
        """For `livetiming-schedule sync`, which waits for a reading that began after it asked."""
        status = CalendarStatus(read_at=self._good_at, tried_at=began, outage=self._outage, sessions=self._sessions)
        try:
            await in_thread(status.write, self._status_file)
        except OSError as error:
            self.log.error("{file} cannot be written: {error}", file=self._status_file, error=error)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _likeness(content: bytes) -> str:
    """The same for two readings of an unchanged calendar."""
    return hashlib.sha256(_FETCH_TIME.sub(b"", content)).hexdigest()
