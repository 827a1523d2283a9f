"""Feeds that are asked over HTTP, again and again."""

from collections.abc import Callable
from typing import Any, ClassVar

import orjson
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from livetiming.errors import RemoteError
from livetiming.reactor import reactor
from livetiming.service.http import fetch, new_client
from livetiming.service.notices import notices

Url = str | bytes | Callable[[], str | bytes]

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0  # seconds until the next attempt after a failure; doubled each time
GONE_BACKOFF = 4.0  # seconds; after failures up to there, viewers are told
SHORTEST_PAUSE = 0.05  # seconds between two requests, whatever the interval


class Fetcher:
    """Asks `url` every `interval` seconds, and gives what it answers to `callback`, as bytes.

    `url` may be a callable, which is asked for the address each time (see `livetiming.utils.uncache`). After a
    failure it tries again in 1, 2, 4 … 60 s, or when the server says (Retry-After). An outage is logged once, and
    its end; viewers are told of one that lasts. What `callback` raises is logged, and the asking goes on.
    """

    log = Logger()
    _client: ClassVar[Any] = None  # one for all: it keeps no state but connections

    def __init__(self, url: Url, callback: Callable[[Any], Any], interval: float) -> None:
        self.url = url
        self.callback = callback
        self.interval = interval
        self.backoff = 0.0
        self.running = False
        self._later: Any = None
        self._asking: Any = None
        self._answered_once = False

    def start(self) -> None:
        """Begin to ask, at once."""
        if not self.running:
            self.running = True
            self._ask()

    def stop(self) -> None:
        """Ask no more; an answer that is under way is not delivered."""
        self.running = False
        for pending in (self._later, self._asking):
            if pending is not None:
                pending.cancel()
        self._later = self._asking = None
        notices.feed_back(self._address())

    def parse(self, body: Any) -> Any:
        """What `callback` gets for `body`; ValueError where that is not what it should be."""
        return body

    def _defer(self) -> Any:
        """A Deferred of the next body. Plugins override this for feeds that are asked in other ways."""
        if Fetcher._client is None:
            Fetcher._client = new_client()
        url = self.url() if callable(self.url) else self.url
        return Deferred.fromCoroutine(fetch(Fetcher._client, url))

    def _ask(self) -> None:
        self._later = None
        asking = self._asking = maybeDeferred(self._defer)  # what the plugin's own address raises is a failure too
        asking.addCallback(self.parse)
        asking.addCallbacks(self._answered, self._failed)

    def _answered(self, content: Any) -> None:
        self._asking = None
        if not self.running:
            return
        self._answered_once = True
        if self.backoff:
            self.backoff = 0.0
            self.log.info("{url} answers again", url=self._address())
            notices.feed_back(self._address())
        try:
            self.callback(content)
        except Exception:
            self.log.failure("what {url} answered could not be handled", url=self._address())
        self._schedule(max(SHORTEST_PAUSE, self.interval))

    def _failed(self, failure: Failure) -> None:
        self._asking = None
        if not self.running:
            return
        if not self.backoff:
            why = failure.getErrorMessage() or getattr(failure.type, "__name__", "unknown")
            self.log.warn("{url} cannot be read: {why}; trying until it can", url=self._address(), why=why[:300])
        self.backoff = min(LONGEST_BACKOFF, self.backoff * 2 or FIRST_BACKOFF)
        if self._answered_once and self.backoff > GONE_BACKOFF:
            notices.feed_gone(self._address())
        self._schedule(max(self.backoff, getattr(failure.value, "retry_after", 0.0)))

    def _schedule(self, seconds: float) -> None:
        if self.running:  # the callback may have stopped us
            self._later = reactor.callLater(seconds, self._ask)

    def _address(self) -> str:
        """The address for a log: without its query, which may hold a token."""
        if callable(self.url):
            return str(getattr(self.url, "__name__", "the feed"))
        text = self.url.decode("ascii", "replace") if isinstance(self.url, bytes) else self.url
        return text.partition("?")[0]


class JSONFetcher(Fetcher):
    """A Fetcher whose callback gets the JSON value of the answer. What is no JSON counts as a failure."""

    def parse(self, body: Any) -> Any:
        try:
            return orjson.loads(body)
        except ValueError as error:
            raise RemoteError(f"the answer is no JSON ({error}): {bytes(body)[:60]!r}") from error


class MultiLineFetcher(Fetcher):
    """A Fetcher whose callback gets the lines of the answer, as bytes."""

    def parse(self, body: Any) -> Any:
        return body.splitlines()
