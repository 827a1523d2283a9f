"""The helpers for feeds that are asked over HTTP, with a real server on loopback."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from livetiming.errors import RemoteError
from livetiming.reactor import reactor
from livetiming.service import Fetcher, JSONFetcher, MultiLineFetcher
from livetiming.service import http as ours
from livetiming.utils import uncache
from tests.support.client import in_reactor
from tests.support.waiting import eventually
from tests.support.web_feed import Answer, WebFeed, web_feed

Start = Callable[[Fetcher], Fetcher]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts fetchers, and stops them after the test."""
    started: list[Fetcher] = []

    def start(fetcher: Fetcher) -> Fetcher:
        started.append(fetcher)
        in_reactor(fetcher.start)
        return fetcher

    yield start
    for fetcher in started:
        in_reactor(fetcher.stop)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What is logged, as text."""
    lines: list[str] = []

    def observe(event: Any) -> None:
        if event.get("log_format"):
            lines.append(event["log_format"].format(**event))

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


@pytest.fixture
def feed() -> Iterator[WebFeed]:
    with web_feed() as server:
        yield server


def test_its_callback_gets_the_body_at_every_interval(feed: WebFeed, start: Start) -> None:
    feed.answers = [Answer(b"one"), Answer(b"two"), Answer(b"three")]
    got: list[bytes] = []
    start(Fetcher(feed.url, got.append, 0.05))
    eventually(lambda: got[:3] == [b"one", b"two", b"three"])


@pytest.mark.parametrize("as_bytes", [True, False])
def test_an_address_may_be_bytes_or_text(feed: WebFeed, start: Start, as_bytes: bool) -> None:
    got: list[bytes] = []
    start(Fetcher(f"{feed.url}/live?x=1".encode() if as_bytes else f"{feed.url}/live?x=1", got.append, 10))
    eventually(lambda: got)
    assert feed.asked == ["/live?x=1"]


def test_an_address_that_is_a_callable_is_asked_for_each_time(feed: WebFeed, start: Start) -> None:
    paths = iter(range(100))
    start(Fetcher(lambda: f"{feed.url}/{next(paths)}", lambda _body: None, 0.05))
    eventually(lambda: feed.asked[:2] == ["/0", "/1"])


def test_uncache_gives_every_request_an_address_of_its_own(feed: WebFeed, start: Start) -> None:
    start(Fetcher(uncache(f"{feed.url}/live.json?series=1"), lambda _body: None, 10))
    eventually(lambda: feed.asked)
    assert feed.asked[0].startswith("/live.json?series=1&t=1")


def test_json_is_parsed(feed: WebFeed, start: Start) -> None:
    feed.answers = [Answer(b'{"cars": [1]}')]
    got: list[Any] = []
    start(JSONFetcher(feed.url, got.append, 10))
    assert eventually(lambda: got) == [{"cars": [1]}]


def test_lines_are_split(feed: WebFeed, start: Start) -> None:
    feed.answers = [Answer(b"a\r\nb\nc")]
    got: list[Any] = []
    start(MultiLineFetcher(feed.url, got.append, 10))
    assert eventually(lambda: got) == [[b"a", b"b", b"c"]]


def test_an_outage_and_its_end_are_told_once_and_it_is_tried_again(
    feed: WebFeed, start: Start, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livetiming.service.fetchers.FIRST_BACKOFF", 0.02)
    feed.answers = [Answer(status=500), Answer(b"<html>"), Answer(status=404), Answer(b"[1]")]
    got: list[Any] = []
    start(JSONFetcher(f"{feed.url}/live?token=secret", got.append, 0.05))
    eventually(lambda: len(got) > 2)
    told = [line for line in said if feed.url in line]
    assert [line.partition(": ")[0] for line in told] == [
        f"{feed.url}/live cannot be read",
        f"{feed.url}/live answers again",
    ]
    assert "the server answered 500" in told[0]
    assert "secret" not in str(told)


def test_the_pause_after_failures_doubles_up_to_a_minute_and_the_server_may_ask_for_more() -> None:
    fetcher = Fetcher("http://x", print, 1)
    fetcher.running = True
    pauses: list[float] = []
    setattr(fetcher, "_schedule", pauses.append)  # noqa: B010 - a method
    for _ in range(8):
        fetcher._failed(_failure(RemoteError("gone")))
    fetcher._failed(_failure(ours.Refused(429, 120.0)))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 120]


def _failure(error: Exception) -> Any:
    wrap: Any = Failure
    return wrap(error)


def test_what_the_callback_raises_does_not_end_the_asking(feed: WebFeed, start: Start, said: list[str]) -> None:
    def fail(_body: bytes) -> None:
        raise RuntimeError("the plugin's own")

    start(Fetcher(feed.url, fail, 0.05))
    eventually(lambda: len(feed.asked) > 2)
    assert any("could not be handled" in line for line in said)


def test_it_may_be_stopped_by_its_own_callback(feed: WebFeed, start: Start) -> None:
    got: list[bytes] = []

    def stop(body: bytes) -> None:
        got.append(body)
        fetcher.stop()

    fetcher = start(Fetcher(feed.url, stop, 0.05))
    eventually(lambda: got)
    assert not fetcher.running
    assert fetcher._later is None


def test_a_subclass_may_ask_in_its_own_way(start: Start) -> None:
    from twisted.internet.threads import deferToThread

    class InThread(Fetcher):
        def _defer(self) -> Any:
            return deferToThread(lambda: {"asked": self.url})

    got: list[Any] = []
    start(InThread("theirs", got.append, 10))
    assert eventually(lambda: got) == [{"asked": "theirs"}]


# -- http.fetch


def asked(url: str, **options: Any) -> bytes:
    async def ask() -> bytes:
        return await ours.fetch(ours.new_client(), url, **options)

    body: bytes = in_reactor(ask)
    return body


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(status=503), "answered 503"),
        (Answer(b"abc", length=10), "cut short"),
        (Answer(hang=True), "no answer within 0.3 s"),
    ],
)
def test_an_answer_that_is_none_is_the_feeds_fault(feed: WebFeed, answer: Answer, why: str) -> None:
    feed.answers = [answer]
    with pytest.raises(RemoteError, match=why):
        asked(feed.url, timeout=0.3)


def test_an_answer_without_end_is_cut(feed: WebFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "BODY_LIMIT", 2**20)
    feed.answers = [Answer(b"x" * (2**20 + 1))]
    with pytest.raises(RemoteError, match="longer than 1 MiB"):
        asked(feed.url)


def test_nobody_there_is_the_feeds_fault() -> None:
    with web_feed() as gone:
        url = gone.url
    with pytest.raises(RemoteError, match="refused"):
        asked(url)


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "ftp://127.0.0.1/", "http://[::1"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(RemoteError):
        asked(url)


@pytest.mark.parametrize(
    ("header", "pause"), [("7", 7), ("999999", 300), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("", 0)]
)
def test_the_servers_wish_to_be_left_alone_is_heard(feed: WebFeed, header: str, pause: float) -> None:
    feed.answers = [Answer(status=429, headers={"Retry-After": header})]
    with pytest.raises(ours.Refused) as caught:
        asked(feed.url)
    assert (caught.value.status, caught.value.retry_after) == (429, pause)


def test_the_reactor_is_the_one_that_everything_uses() -> None:
    from twisted.internet import reactor as theirs

    assert theirs is reactor
    assert logging.getLogger("twisted") is not None
