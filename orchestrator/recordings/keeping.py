"""Keeping the catalogue in step with its directory: told by the system what changes there, and looking now and then."""

import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from livetiming.reactor import reactor
from orchestrator.dvr.lane import Lane
from orchestrator.recordings.answers import Problem
from orchestrator.recordings.entry import is_recording, recording_name
from orchestrator.recordings.shelf import Look, Shelf
from orchestrator.recordings.watching import NoWatch, Watch

SETTLE_SECONDS = 0.1  # after the first of several changes
WATCHED_INTERVAL = 30.0  # seconds between full looks where the system tells of changes
LATE_SECONDS = 2.0  # the system may tell of a change after a look has seen it
MANY = 1000  # files: of more it is quicker to look at all
COPYING_SECONDS = 10.0  # a file that changed so recently may still be being copied: no word about it yet
TELL_AT_ONCE = 20  # problems


class Keeper:
    """Looks at `folder` every `interval` seconds, or at once where the system tells of changes.

    `seen(look)` is called after each look. What is told by the system is only a reason to look.
    """

    log = Logger()

    def __init__(self, folder: Path, lane: Lane, shelf: Shelf, interval: float, seen: Callable[[Look], None]) -> None:
        self.folder, self._lane, self._shelf, self._interval, self._seen = folder, lane, shelf, interval, seen
        self._ending = False
        self._watch: Watch | None = None
        self._watching = True  # whether it is worth while to be told
        self._told: set[str] = set()  # names to look at
        self._heard: set[str] = set()  # names told of since the full look before this one
        self._total: int | None = None  # recordings at the last look
        self._full_at = 0.0  # when the next full look is due, by the reactor's clock
        self._damage: str | None = None  # of the cache, that somebody else found
        self._pause: Deferred[None] | None = None
        self._trouble = ""  # what was said of the last look that failed
        self._said: dict[str, str] = {}  # problems that were told

    def start(self) -> None:
        """Begin; returns at once."""
        self._running = Deferred.fromCoroutine(self._run())

    async def end(self) -> None:
        """Stop looking, soon."""
        self._ending = True
        self._wake()
        if self._watch is not None:
            self._watch.stop()
        await self._running

    def look_soon(self, name: str) -> None:
        """Look at one file, because it was changed here."""
        self._changed(name, True)

    def make_anew(self, why: str) -> None:
        """Have the cache thrown away: who asks of it found that it is damaged."""
        self._damage = why
        self._wake()

    async def _run(self) -> None:
        while not self._ending:
            names, self._told = self._told, set()
            full = reactor.seconds() >= self._full_at or len(names) > MANY or self._damage is not None
            if full or names:
                await self._look(None if full else names)
            await self._rest()

    async def _rest(self) -> None:
        """Until the next look."""
        if self._ending:
            return
        self._pause = Deferred()
        due = SETTLE_SECONDS if self._told or self._damage else self._full_at - reactor.seconds()
        alarm = reactor.callLater(max(due, SETTLE_SECONDS), self._wake)
        await self._pause
        if alarm.active():
            alarm.cancel()

    def _wake(self) -> None:
        pause, self._pause = self._pause, None
        if pause is not None:
            pause.callback(None)

    # -- what the system tells

    def _begin_watch(self) -> None:
        if self._watch is None and self._watching:
            try:
                self._watch = Watch(self.folder, self._changed, self._lost)
            except NoWatch as error:
                self._watching = False
                self.log.info("{error}; looking every {s:g} s", error=error, s=self._interval)

    def _changed(self, name: str, done: bool) -> None:
        name = recording_name(name)
        if not is_recording(name):
            return
        self._heard.add(name)
        if done:
            self._told.add(name)
            if len(self._told) == 1:
                reactor.callLater(SETTLE_SECONDS, self._wake)

    def _lost(self) -> None:
        self._watch = None
        self._full_at = 0.0
        self._wake()

    def _check_heard(self, changed: set[str], heard: set[str]) -> None:
        """Network file systems take a watch, and never tell what others change."""
        untold = changed - heard - self._heard
        if untold and self._watch is not None and not self._ending:
            self._watch.stop()
            self._watch, self._watching, self._full_at = None, False, 0.0
            self.log.info(
                "{folder}: the system did not tell that {name} changed (a network's?); looking every {s:g} s",
                folder=self.folder,
                name=min(untold),
                s=self._interval,
            )
            self._wake()

    # -- looking

    async def _look(self, names: set[str] | None) -> None:
        first = self._total is None
        if names is None:
            self._begin_watch()  # before the look, so that nothing falls between
            heard, self._heard = self._heard, set()
            self._full_at = reactor.seconds() + (self._interval if self._watch is None else WATCHED_INTERVAL)
        damage, self._damage = self._damage, None
        try:
            if damage is None:
                look = await self._lane.do(self._shelf.look, names, lambda: self._ending)
            else:
                look = await self._lane.do(self._shelf.make_anew, damage)
        except Exception as error:
            self._failed(error)
            return
        if self._trouble:
            self._trouble = ""
            self.log.info("{folder}: its catalogue can be kept again", folder=self.folder)
        if names is None and self._watch is not None and look.changed and not first and look.rebuilt is None:
            reactor.callLater(LATE_SECONDS, self._check_heard, look.changed, heard)
        self._tell(look)
        self._seen(look)

    def _failed(self, error: Exception) -> None:
        """Keep what was known: a folder that is away for a while has not lost its recordings."""
        self._full_at = min(self._full_at, reactor.seconds() + self._interval)
        if str(error) != self._trouble:
            self._trouble = str(error) or type(error).__name__
            self.log.error(
                "the catalogue of {folder} cannot be kept: {why}; trying again", folder=self.folder, why=self._trouble
            )

    def _tell(self, look: Look) -> None:
        if look.rebuilt is not None:
            self.log.warn("the catalogue's cache was made anew: {why}", why=look.rebuilt)
        if look.total != self._total:
            self.log.info("{count} recordings in {folder}", count=look.total, folder=self.folder)
        self._total = look.total
        problems = [problem for problem in look.problems if not _may_be_copied(problem)]
        new = [problem for problem in problems if self._said.get(problem.filename) != problem.why]
        self._said = {problem.filename: problem.why for problem in problems}
        for problem in new[:TELL_AT_ONCE]:
            self.log.warn("not listed: {why}", why=problem.why)
        if len(new) > TELL_AT_ONCE:
            more = len(new) - TELL_AT_ONCE
            self.log.warn("not listed: {more} more; livetiming-recordings-index --problems lists them", more=more)


def _may_be_copied(problem: Problem) -> bool:
    return abs(time.time() - problem.changed / 1e9) < COPYING_SECONDS
