"""A feed's web server for tests: on loopback, and it answers what the test tells it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.loopback import Handler, LoopbackServer


@dataclass
class Answer:
    """What the server says: a body, perhaps cut short or very long in coming."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None  # what it claims
    hang: bool = False  # it says nothing at all, until the server is closed


class WebFeed:
    """`answers` are given in turn; the last one for ever. `asked` are the paths that were asked for."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer()]
        self.asked: list[str] = []
        self._closing = threading.Event()
        feed = self

        class Answering(Handler):
            def do_GET(self) -> None:
                feed.asked.append(self.path)
                answer = feed.answers.pop(0) if len(feed.answers) > 1 else feed.answers[0]
                if answer.hang:
                    feed._closing.wait(30)
                    return
                self.reply(answer.status, answer.body, answer.headers, answer.length)
                if answer.length is not None:
                    self.close_connection = True

        self._server = LoopbackServer(Answering)

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """End it."""
        self._closing.set()
        self._server.close()


@contextmanager
def web_feed(*answers: Answer) -> Iterator[WebFeed]:
    """A server that gives `answers`."""
    feed = WebFeed()
    if answers:
        feed.answers = list(answers)
    try:
        yield feed
    finally:
        feed.close()
