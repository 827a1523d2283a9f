"""Retention as the daemon runs it: a review every minute, and a line in the log for what it lists and deletes."""

import time
from datetime import UTC, datetime

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from orchestrator.dvr.lane import Lane
from orchestrator.recordings.expiry import Expiry, Outcome
from orchestrator.recordings.retention import Expiring, Why
from orchestrator.recordings.shelf import Shelf

INTERVAL = 60.0  # seconds between reviews
TELL_AT_ONCE = 20


class Expirer:
    """Has `expiry` review the recordings in `lane`, whose thread owns `shelf`."""

    log = Logger()

    def __init__(self, lane: Lane, shelf: Shelf, expiry: Expiry) -> None:
        self._lane, self._shelf, self._expiry = lane, shelf, expiry
        self._troubles: set[str] = set()
        self._loop = LoopingCall(self._review)

    def start(self) -> None:
        """Begin, if anything is ever deleted; else what an earlier life has listed is listed no more."""
        if self._expiry.limits.none:
            self._expiry.file.unlink(missing_ok=True)
        else:
            self._loop.start(INTERVAL, now=False)  # after the first look at the directory

    def stop(self) -> None:
        """Review no more."""
        if self._loop.running:
            self._loop.stop()

    def _review(self) -> "Deferred[None]":
        return self._lane.do(self._work).addCallbacks(self._done, lambda failure: self._complain({str(failure.value)}))

    def _work(self) -> Outcome:
        now = time.time()
        return self._shelf.ask(lambda answers: self._expiry.review(answers, now))

    def _done(self, outcome: Outcome) -> None:
        for each in outcome.listed[:TELL_AT_ONCE]:
            self.log.warn("to be deleted: {name}: {why}", name=each.filename, why=_why(each))
        if len(outcome.listed) > TELL_AT_ONCE:
            more = len(outcome.listed) - TELL_AT_ONCE
            self.log.warn("to be deleted: {more} more; {file} lists them", more=more, file=self._expiry.file)
        for each in outcome.deleted:
            self.log.warn("deleted: {name}: {why}", name=each.filename, why=_why(each))
        self._complain(set(outcome.troubles))

    def _complain(self, troubles: set[str]) -> None:
        for each in sorted(troubles - self._troubles):
            self.log.error("old recordings: {why}", why=each)
        self._troubles = troubles


def _why(each: Expiring) -> str:
    if each.why is Why.SPACE or each.due is None:
        return "the oldest, when the space is needed (LIVETIMING_RECORDINGS_KEEP_FREE_GB)"
    return f"for its age (LIVETIMING_RECORDINGS_KEEP_DAYS), {datetime.fromtimestamp(each.due, UTC):%Y-%m-%d %H:%M} UTC"
