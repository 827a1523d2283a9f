"""A feed's web server for tests: on loopback, and it answers what the test tells it to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


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

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feed.asked.append(self.path)
                answer = feed.answers.pop(0) if len(feed.answers) > 1 else feed.answers[0]
                if answer.hang:
                    feed._closing.wait(30)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
                self.end_headers()
                self.wfile.write(answer.body)
                if answer.length is not None:
                    self.close_connection = True

            def log_message(self, *_args: Any) -> None:
                """Tests say what they want to know."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """End it."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


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
