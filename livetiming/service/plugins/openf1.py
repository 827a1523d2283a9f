"""Timing service for Formula 1: what OpenF1's public API tells of a session."""

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall, deferLater

from livetiming.commandline import parser
from livetiming.environment import Environment
from livetiming.errors import RemoteError
from livetiming.messages import Generator, RaceControlMessage
from livetiming.openf1.feed import LATEST, Feed, documents
from livetiming.openf1.outages import Outages
from livetiming.openf1.polling import GONE_AFTER, WITH_ACCOUNT, WITHOUT_ACCOUNT, Kind, Poller
from livetiming.openf1.state import COLUMNS, TRACK_DATA_SPEC, race_state
from livetiming.racing import Stat
from livetiming.ranges import decimal, whole
from livetiming.reactor import reactor
from livetiming.service import BaseService, DuePublisher
from livetiming.service.complaints import Complaints
from livetiming.service.http import Refused, fetch
from livetiming.service.notices import notices
from livetiming.state import empty_state

__spec = {"description": "Formula 1, from OpenF1's public API"}

URL = "https://api.openf1.org/v1"
TOKEN = "OPENF1_TOKEN"  # noqa: S105 - the setting's name
SESSION_KEY = "sessionKey"  # in a state's session: which one it is, by which a restart goes on
ANSWER_WITHIN = 15.0  # seconds; the API gives up after 10
COMPLAIN_SECONDS = 60.0
MOST_REQUESTS = 6000  # a minute, of a server of one's own
REFUSED = (401, 403)
EXAMPLES = [
    ("livetiming-service openf1", "the session that is on, or was last"),
    ("livetiming-service openf1 --session 9165", "one that is over"),
]


class Service(DuePublisher, BaseService):
    """A client of OpenF1 for one session, or for whatever is on."""

    attribution = ("OpenF1", "https://openf1.org")
    not_for_calendars: ClassVar[Sequence[str]] = ("url", "requests")

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        super().__init__(args, extra_args)
        own = self.argument_parser().parse_args(self.extra_args)
        self.url: str = own.url
        self._token = _token()
        self.feed = Feed(own.session, [message[2] for message in self.state["messages"] if len(message) > 2])
        self.poller = Poller(own.poll, own.requests or (WITH_ACCOUNT if self._token else WITHOUT_ACCOUNT))
        self._texts = RaceControlMessage(self.feed.texts)
        self._described: dict[int, str] = {}  # session → what it is called, which stays
        self._outages = Outages()
        self._complaints = Complaints()
        self._polling: Any = None
        self._running = False
        self._complaining = LoopingCall(self._complain)
        self._complained = 0
        self._seen = False  # the feed has been there

    @classmethod
    def argument_parser(cls) -> argparse.ArgumentParser:
        text = f"Times Formula 1 sessions from OpenF1's API. {TOKEN} holds an access token, which live data need."
        own = parser("livetiming-service openf1", text, EXAMPLES)
        own.add_argument(
            "--session", type=_session, default=LATEST, metavar="KEY", help="a session's key, or latest (latest)"
        )
        own.add_argument(
            "--poll",
            type=decimal(0, 3600),
            default=4.0,
            metavar="S",
            help="seconds between two requests for what changes all the time, within the limit (4)",
        )
        own.add_argument("--url", type=_url, default=URL, metavar="BASE", help=f"where the API is ({URL})")
        own.add_argument(
            "--requests",
            type=whole(1, MOST_REQUESTS),
            metavar="N",
            help=f"most requests a minute ({WITHOUT_ACCOUNT}, with a token {WITH_ACCOUNT})",
        )
        return own

    def getName(self) -> str:
        return "Formula 1"

    def getDefaultDescription(self) -> str:
        board = self.feed.board
        return "" if board is None else self._described.get(board.session.key, "")

    def getColumnSpec(self) -> Sequence[Stat]:
        return COLUMNS

    def getTrackDataSpec(self) -> Sequence[str]:
        return TRACK_DATA_SPEC

    def getPollInterval(self) -> float:
        return 1

    def getExtraMessageGenerators(self) -> Sequence[Generator]:
        return [self._texts]

    def getRaceState(self) -> Mapping[str, Any]:
        board = self.feed.board
        if board is None or not self.poller.ready or not board.cars():
            return self.state
        race = race_state(board, time.time())
        if board.pitting:  # for one frame
            board.pitting.clear()
            self.set_due_publish()
        return {"cars": race["cars"], "session": {**race["session"], SESSION_KEY: board.session.key}}

    def setup(self) -> None:
        self._running = True
        self._polling = Deferred.fromCoroutine(self._poll())
        self._polling.addErrback(lambda failure: failure.trap(CancelledError))
        self._complaining.start(COMPLAIN_SECONDS, now=False)

    def teardown(self) -> None:
        self._running = False
        if self._polling is not None:
            self._polling.cancel()
        if self._complaining.running:
            self._complaining.stop()
        self._complain()

    # -- the feed

    async def _poll(self) -> None:
        while self._running:
            kind, wait = self.poller.next(reactor.seconds())
            if kind is None:
                await deferLater(reactor, wait)
                continue
            try:
                another = self.feed.take(kind, await self._asked(kind), time.time())
            except RemoteError as error:
                self._failed(kind, error)
            except Exception as error:
                self._complaints.tell(error, f"what OpenF1 said about {kind.name} could not be taken in")
                self.poller.failed(kind, reactor.seconds(), all_of_it=False)
            else:
                self._answered(kind, another=another)

    async def _asked(self, kind: Kind) -> list[Any]:
        """The documents that there are. None at all is a 404, which a mistake in the address looks like as well."""
        question = self.feed.query(kind)
        if question is None:
            return []
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        try:
            body = await fetch(self.http_client, f"{self.url}/{question}", headers=headers, timeout=ANSWER_WITHIN)
        except Refused as error:
            if error.status == 404:
                return []
            raise
        return documents(body)

    def _answered(self, kind: Kind, *, another: bool) -> None:
        board = self.feed.board
        if self._outages.answered(kind.name, self.poller.failures):
            self.log.info("OpenF1 answers again ({kind})", kind=kind.name)
        self.poller.answered(kind, reactor.seconds(), quiet=self.feed.is_over(time.time()))
        self._seen = True
        notices.feed_back()
        if another and board is not None:
            self._begin(board.session.key, race=board.session.is_race)
        elif board is not None and self.poller.ready:
            if board.session.key not in self._described:
                self._described = {board.session.key: self.feed.description}
                self.publishManifest()
            self.set_due_publish()

    def _begin(self, session: int, *, race: bool) -> None:
        """Another session than before; after a restart it may be the one of the kept state."""
        self._outages.clear()
        self.poller.begin(race=race)
        if self.state["session"].get(SESSION_KEY, session) != session:
            # The host compares with our state: one session after the other is nothing that the cars did.
            self.state = {**empty_state(), "messages": self.state["messages"]}
            self.analyser.reset()

    def _failed(self, kind: Kind, error: RemoteError) -> None:
        if not self._running:  # it was us who gave up
            return
        refused = isinstance(error, Refused)
        status = error.status if isinstance(error, Refused) else None
        pause = error.retry_after if isinstance(error, Refused) else 0.0
        self.poller.failed(kind, reactor.seconds(), pause=pause, all_of_it=not refused or status in (*REFUSED, 429))
        if status in REFUSED:
            self._token = _token()  # it may have been renewed
        if self._outages.failed(kind.name, self.poller.failures):
            self.log.warn(
                "OpenF1 does not answer ({kind}): {error}{advice}; asking until it does",
                kind=kind.name,
                error=error,
                advice=self._advice(status),
            )
        if self._seen and self.poller.failures >= GONE_AFTER:
            notices.feed_gone()

    def _advice(self, status: int | None) -> str:
        if status not in REFUSED:
            return ""
        if not self._token:
            return f" (while a session is on, only accounts are answered: set {TOKEN})"
        return f" (a token lasts an hour: put a new one into {TOKEN} in livetiming.env)"

    def _complain(self) -> None:
        board, refused = self.feed.board, self.feed.refused
        if board is not None and refused > self._complained:
            self.log.warn(
                "{count} documents of OpenF1 could not be read, e.g. {example} ({why})",
                count=refused - self._complained,
                example=board.refused.example,
                why=board.refused.why,
            )
        self._complained = refused


def _token() -> str:
    return Environment.load().text(TOKEN)


def _session(text: str) -> str:
    if text != LATEST and not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is neither a session's key (a number) nor {LATEST}")
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s?#]+", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no address that begins with http:// or https://")
    return text.rstrip("/")
