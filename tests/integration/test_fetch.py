"""Reading a calendar from a server that does what servers do."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestrator.scheduler import fetch as fetching
from orchestrator.scheduler.fetch import CalendarUnreadable, Validators, fetch

CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
Answer = Callable[[BaseHTTPRequestHandler], None]


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *args: object) -> None:
                """Not in the test's output."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/secret-token.ics"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_unchanged_calendar_is_not_sent_again(serve: Callable[[Answer], str]) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        known = handler.headers["If-None-Match"] == '"v1"' and handler.headers["If-Modified-Since"] == "yesterday"
        say(handler, 304 if known else 200, b"" if known else CALENDAR, ETag='"v1"', Last_Modified="yesterday")

    url = serve(answer)
    first = fetch(url, Validators())
    assert (first.content, first.validators) == (CALENDAR, Validators('"v1"', "yesterday"))
    assert fetch(url, first.validators).content is None


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_an_error_is_told_without_the_secret_address(serve: Callable[[Answer], str], status: int) -> None:
    url = serve(lambda handler: say(handler, status))
    with pytest.raises(CalendarUnreadable, match=str(status)) as caught:
        fetch(url, Validators())
    assert "secret-token" not in str(caught.value)


def test_a_server_that_asks_us_to_wait_is_heard(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda handler: say(handler, 429, Retry_After="120"))
    with pytest.raises(CalendarUnreadable) as caught:
        fetch(url, Validators())
    assert caught.value.retry_after == 120


def test_a_server_that_is_not_there_is_told_without_the_secret_address() -> None:
    with pytest.raises(CalendarUnreadable) as caught:
        fetch("http://127.0.0.1:1/secret-token.ics", Validators())
    assert "secret-token" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_redirect_loop_ends(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda handler: say(handler, 302, Location="/again"))
    with pytest.raises(CalendarUnreadable, match="TooManyRedirects"):
        fetch(url, Validators())


def test_a_body_cut_short_is_no_calendar(serve: Callable[[Answer], str]) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(CALENDAR)

    with pytest.raises(CalendarUnreadable):
        fetch(serve(answer), Validators())


def test_a_body_without_end_is_given_up(serve: Callable[[Answer], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SIZE_LIMIT", 200_000)
    url = serve(lambda handler: say(handler, 200, b"x" * 300_000))
    with pytest.raises(CalendarUnreadable, match="larger"):
        fetch(url, Validators())


def test_a_server_that_dribbles_is_given_up(serve: Callable[[Answer], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WHOLE_SECONDS", 0.5)
    stop = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:  # given up
                return

    url = serve(answer)
    with pytest.raises(CalendarUnreadable, match="longer"):
        fetch(url, Validators())
    stop.set()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CalendarUnreadable, match="No such file"):
        fetch((tmp_path / "no.ics").as_uri(), Validators())


def test_an_address_of_another_kind_is_told() -> None:
    with pytest.raises(CalendarUnreadable, match="use file:"):
        fetch("ftp://example.org/x.ics", Validators())
