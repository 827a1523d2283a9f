"""From what a plugin says of the race to the next state: one frame."""

import sys
import time
from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any

import orjson
from twisted.internet.defer import ensureDeferred
from twisted.logger import Logger

from livetiming.errors import RemoteError
from livetiming.messages import Generator, generate, standard_generators
from livetiming.reactor import reactor
from livetiming.service.api import BaseService
from livetiming.service.complaints import Complaints
from livetiming.service.notices import Notices
from livetiming.state import RaceMessage, State, checked, with_messages

LONGEST_WAIT = 60.0  # seconds that a coroutine may take for the race's state
BLOCKED_SECONDS = 1.0  # a plugin that takes longer without `await` keeps the whole service from answering
GONE_SECONDS = 10.0  # of failures in a row until viewers are told
EARLY_SECONDS = 30.0  # after our start, in which a race without cars may be one whose cars are not known yet
FEED = "state"  # the notices' name for what we hear of failures here


class NoState(Exception):
    """There is no state to be had for this frame; why has been told."""


class Frames:
    """Asks `service` for the race, and makes states of it, with their messages."""

    log = Logger()

    def __init__(self, service: BaseService, notices: Notices, complaints: Complaints) -> None:
        self.service = service
        self.notices = notices
        self.column_spec: list[list[str]] = []
        self._complaints = complaints
        self._standard: list[Generator] = []
        self._failing_since: float | None = None
        self._remote: str | None = None  # the feed's fault that was told, while it lasts
        self._blocked_told = False
        self._saw_cars = False
        self._began = reactor.seconds()

    async def next(self) -> State:
        """The race now, as the state that follows the service's. Raises NoState."""
        try:
            raw = await self._asked()
            race: State = checked(orjson.loads(orjson.dumps(raw, default=_plain, option=orjson.OPT_NON_STR_KEYS)))
            self._look_at_columns()
            state = None if self._is_too_early(race) else self._with_messages(race)
        except RemoteError as error:
            self._failed()
            if self._remote is None:
                self._remote = str(error)
                self.log.warn("the race's state could not be had: {error}; asking until it can", error=error)
            raise NoState from error
        except Exception as error:
            self._failed()
            self._complaints.tell(error, "the race's state could not be had")
            raise NoState from error
        self._succeeded()
        if state is None:
            raise NoState
        return state

    def repeated(self) -> State:
        """The service's state once more, with the notices that are due."""
        return self._with_messages(self.service.state, only=[self.notices])

    def _is_too_early(self, race: State) -> bool:
        """A service that was started again may not know its cars yet: what viewers see is not wiped for that."""
        self._saw_cars = self._saw_cars or bool(race["cars"])
        early = reactor.seconds() - self._began < EARLY_SECONDS
        return early and not self._saw_cars and bool(self.service.state["cars"])

    async def _asked(self) -> Mapping[str, Any]:
        """What the plugin says. A copy is made of it at once, so that the plugin may go on changing its lists."""
        began = reactor.seconds()
        raw: Any = self.service.getRaceState()
        took = reactor.seconds() - began
        if took > BLOCKED_SECONDS and not self._blocked_told:
            self._blocked_told = True
            self.log.warn(
                "getRaceState took {took:.1f} s, in which this service could not answer: "
                "use a Fetcher, deferToThread, or `async def getRaceState`",
                took=took,
            )
        if not isawaitable(raw):
            said: Mapping[str, Any] = raw
            return said
        pending: Any = raw
        waiting: Any = ensureDeferred(pending)
        waiting.addTimeout(LONGEST_WAIT, reactor)
        answer: Mapping[str, Any] = await waiting
        return answer

    def _look_at_columns(self) -> None:
        """A plugin's columns may change with the session."""
        column_spec = self.service._column_spec()
        if column_spec != self.column_spec:
            self.column_spec = column_spec
            self._standard = standard_generators(column_spec)

    def _with_messages(self, race: State, only: Sequence[Generator] | None = None) -> State:
        old = self.service.state
        generators = only or [*self._standard, self.notices, *self._extra()]
        fresh = generate(generators, old, race, time.time(), self._failed_generator)
        return with_messages(race["cars"], race["session"], old, self._own_copy(fresh))

    def _own_copy(self, messages: list[RaceMessage]) -> list[RaceMessage]:
        """The messages as JSON has them: a plugin's generator may put anything into one."""
        try:
            copied: list[RaceMessage] = orjson.loads(orjson.dumps(messages, default=_plain)) if messages else []
        except TypeError as error:
            self._complaints.tell(error, "a message that is no JSON")
            return []
        return copied

    def _extra(self) -> Sequence[Generator]:
        """Asked for with every frame: which ones a plugin has may depend on its feed."""
        try:
            return self.service.getExtraMessageGenerators()
        except Exception as error:
            self._complaints.tell(error, "getExtraMessageGenerators failed")
            return []

    def _failed_generator(self, generator: Generator) -> None:
        self._complaints.tell(sys.exc_info()[1], f"the message generator {type(generator).__name__} failed")

    def _failed(self) -> None:
        now = reactor.seconds()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= GONE_SECONDS and self.service.state["cars"]:
            self.notices.feed_gone(FEED)

    def _succeeded(self) -> None:
        self._failing_since = None
        if self._remote is not None:
            self._remote = None
            self.log.info("the race's state is to be had again")
        self.notices.feed_back(FEED)


def _plain(value: Any) -> Any:
    """What JSON has no word for: numbers of other kinds (Decimal, numpy's) as numbers, collections as lists."""
    if hasattr(value, "__float__"):
        return float(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if hasattr(value, "__iter__"):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be part of a state")
