"""The calendar, read again and again: the copy that is in force, and how old it is.

Reading blocks in a thread. What cannot be read changes nothing.
"""

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from livetiming.reactor import reactor
from livetiming.service.checking import check_calendar_options
from livetiming.service.discovery import plugins
from orchestrator.scheduler.calendar import Calendar, read_calendar
from orchestrator.scheduler.fetch import CalendarUnreadable, Validators, fetch, keep_copy, read_copy
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.settings import Settings
from orchestrator.threads import in_thread

MARGIN_SECONDS = 3600.0  # beyond the end buffer: how far back the calendar is looked at
PATIENCE_SECONDS = 2.0  # at the start, with the first reading; then the last good copy has to do
REREAD_WINDOW_SECONDS = 3600.0  # an unchanged calendar is expanded again so often, as the window moves on

_FETCH_TIME = re.compile(rb"^DTSTAMP[^\r\n]*", re.MULTILINE)  # Google writes a new one at each reading


class Reading:
    """The calendar of one home. `took` is called with each calendar that comes into force."""

    log = Logger()

    def __init__(self, settings: Settings, took: Callable[[Calendar], None]) -> None:
        self._settings = settings
        self._validators = Validators()
        self._took = took
        self._copy = settings.state_dir / "calendar.ics"
        self._in_force: str | None = None  # what the calendar in force reads like (see _likeness)
        self._raw: bytes = b""  # digest of the bytes that were read last
        self._expanded_at = 0.0
        self._sessions = 0
        self._said: set[str] = set()
        self._outage: str | None = None  # said once, and its end too
        self._good_at: float | None = None  # Unix s: when the calendar was last read well
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
        except (NotACalendar, OSError) as error:
            self.log.error("the last good copy cannot be used: {error}", error=error)

    async def _read(self) -> None:
        """Read it once, and see to the next time."""
        self.stop()
        self._reading = True
        retry_after = 0.0
        try:
            await self._read_once()
        except (CalendarUnreadable, NotACalendar) as error:
            retry_after = getattr(error, "retry_after", 0.0)
            self._say_outage(str(error))
        except Exception:
            self.log.failure("reading the calendar failed; the last good copy stays in force")
        finally:
            self._reading = False
        wait = 0.0 if self._again else max(self._settings.calendar.interval, retry_after)
        self._again = False
        self._next = reactor.callLater(wait, lambda: Deferred.fromCoroutine(self._read()))

    async def _read_once(self) -> None:
        fetched = await in_thread(fetch, self._settings.calendar.url, self._validators)
        if fetched.content is None:
            await self._expand_again()
        else:
            await self._take_if_new(fetched.content)
        self._validators = fetched.validators
        self._good_at = time.time()
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
        """Make `content` the calendar in force; NotACalendar leaves everything as it is."""
        now, margin = time.time(), self._settings.end_buffer + MARGIN_SECONDS
        calendar = await in_thread(read_calendar, content, now, margin, plugins(), check_calendar_options)
        if likeness != self._in_force:
            self._said.clear()
        self._in_force, self._expanded_at, self._sessions = likeness, now, len(calendar.sessions)
        for problem in calendar.problems:
            if problem not in self._said:
                self._said.add(problem)
                self.log.warn("calendar: {problem}", problem=problem)
        self._took(calendar)

    # -- how old it is

    def _say_outage(self, what: str) -> None:
        """Once for each outage in the log; to the operators once the copy is old."""
        age = None if self._good_at is None else max(0.0, time.time() - self._good_at)
        if self._outage != what:
            self._outage = what
            if age is None:
                self.log.warn("{what}; nothing is scheduled until it can", what=what)
            else:
                self.log.warn("{what}; the copy that is {age} s old stays in force", what=what, age=int(age))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _likeness(content: bytes) -> str:
    """The same for two readings of an unchanged calendar."""
    return hashlib.sha256(_FETCH_TIME.sub(b"", content)).hexdigest()
