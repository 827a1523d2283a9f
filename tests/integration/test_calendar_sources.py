"""Reading a calendar: from a file, and from a server that does what servers do."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.scheduler.sources import CalendarUnreadable, source_at
from orchestrator.scheduler.sources.bounded import Limits
from orchestrator.scheduler.sources.web import WebSource
from tests.support.loopback import Handler, LoopbackServer
from tests.support.waiting import eventually

CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
Answer = Callable[[Handler], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    servers: list[LoopbackServer] = []

    def serve(answer: Answer) -> str:
        class Answering(Handler):
            def do_GET(self) -> None:
                answer(self)

            def do_OPTIONS(self) -> None:
                self.reply(200, b"")

        servers.append(LoopbackServer(Answering))
        return f"http://127.0.0.1:{servers[-1].port}/secret-token.ics"

    yield serve
    for server in servers:
        server.close()


def test_an_unchanged_calendar_is_not_sent_again(serve: Callable[[Answer], str]) -> None:
    def answer(handler: Handler) -> None:
        known = handler.headers["If-None-Match"] == '"v1"' and handler.headers["If-Modified-Since"] == "yesterday"
        given = {"ETag": '"v1"', "Last-Modified": "yesterday"}
        handler.reply(304 if known else 200, b"" if known else CALENDAR, given)

    source = source_at(serve(answer))
    assert source.read() == CALENDAR
    source.accept()
    assert source.read() is None


def test_what_was_not_accepted_is_read_again_in_full(serve: Callable[[Answer], str]) -> None:
    def answer(handler: Handler) -> None:
        unchanged = handler.headers["If-None-Match"] is not None
        handler.reply(304 if unchanged else 200, b"" if unchanged else b"no calendar", {"ETag": '"v1"'})

    source = source_at(serve(answer))
    assert [source.read(), source.read()] == [b"no calendar", b"no calendar"]


def test_what_was_refused_is_not_known_because_what_was_there_before_comes_back(serve: Callable[[Answer], str]) -> None:
    good, login = (b'"good"', CALENDAR), (b'"login"', b"<html>Sign in</html>")
    now = [good]

    def answer(handler: Handler) -> None:
        tag, body = now[0]
        unchanged = handler.headers["If-None-Match"] == tag.decode()
        handler.reply(304 if unchanged else 200, b"" if unchanged else body, {"ETag": tag.decode()})

    source = source_at(serve(answer))
    source.read()
    source.accept()
    now[0] = login
    assert source.read() == b"<html>Sign in</html>"
    now[0] = good
    assert source.read() is None
    source.accept()
    now[0] = login
    assert source.read() == b"<html>Sign in</html>"


def test_a_scheme_may_be_written_in_capitals(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda handler: handler.reply(200, CALENDAR))
    assert source_at(url.replace("http", "WebCal", 1)).read() == CALENDAR


def test_webcal_is_the_web(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda handler: handler.reply(200, CALENDAR))
    assert source_at(url.replace("http", "webcal", 1)).read() == CALENDAR


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", "Nürburg".encode("latin-1"), b"\xff\xfe\x00", b""])
def test_a_body_passes_as_it_is(serve: Callable[[Answer], str], body: bytes) -> None:
    url = serve(lambda handler: handler.reply(200, body, {"Content-Type": "text/calendar; charset=wrong"}))
    assert source_at(url).read() == body


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_an_error_is_told_without_the_secret_address(serve: Callable[[Answer], str], status: int) -> None:
    url = serve(lambda handler: handler.reply(status, b""))
    with pytest.raises(CalendarUnreadable, match=str(status)) as caught:
        source_at(url).read()
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("120", 120, 120),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 3600, 3600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("soon", 0, 0),
        ("-5", 0, 0),
        ("99999999999", 3600, 3600),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", 0, 0),
    ],
)
def test_a_server_that_asks_us_to_wait_is_heard(
    serve: Callable[[Answer], str], header: str, low: float, high: float
) -> None:
    url = serve(lambda handler: handler.reply(429, b"", {"Retry-After": header}))
    with pytest.raises(CalendarUnreadable) as caught:
        source_at(url).read()
    assert low <= caught.value.retry_after <= high


def test_a_server_that_is_not_there_is_told_without_the_secret_address() -> None:
    with pytest.raises(CalendarUnreadable) as caught:
        source_at("http://127.0.0.1:1/secret-token.ics").read()
    assert "secret-token" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_redirect_loop_ends(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda handler: handler.reply(302, b"", {"Location": "/again"}))
    with pytest.raises(CalendarUnreadable, match="TooManyRedirects"):
        source_at(url).read()


def test_a_redirect_to_another_host_does_not_take_the_password_along(serve: Callable[[Answer], str]) -> None:
    seen: list[str | None] = []

    def other(handler: Handler) -> None:
        seen.append(handler.headers["Authorization"])
        handler.reply(200, CALENDAR)

    elsewhere = serve(other).replace("127.0.0.1", "localhost")
    url = serve(lambda handler: handler.reply(302, b"", {"Location": elsewhere}))
    assert source_at(url.replace("//", "//anna:secret@", 1)).read() == CALENDAR
    assert seen == [None]


def test_a_body_cut_short_is_no_calendar(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda handler: handler.reply(200, CALENDAR, length=1000))
    with pytest.raises(CalendarUnreadable):
        source_at(url).read()


def test_a_body_of_50_mb_and_more_is_given_up(serve: Callable[[Answer], str]) -> None:
    url = serve(lambda handler: handler.reply(200, b"x" * 50_000_001))
    with pytest.raises(CalendarUnreadable, match="larger than 50 MB"):
        source_at(url).read()


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_large_only_when_it_is_unpacked_is_given_up_too(serve: Callable[[Answer], str], times: int) -> None:
    packed = b"x" * 50_000_001
    for _ in range(times):
        packed = gzip.compress(packed)
    url = serve(lambda handler: handler.reply(200, packed, {"Content-Encoding": ", ".join(["gzip"] * times)}))
    with pytest.raises(CalendarUnreadable, match="larger than 50 MB"):
        source_at(url).read()


def test_a_calendar_may_come_packed_and_in_small_parts(serve: Callable[[Answer], str]) -> None:
    packed = gzip.compress(CALENDAR)

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(packed)))
        handler.end_headers()
        for byte in packed:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()

    assert source_at(serve(answer)).read() == CALENDAR


class Dripping:
    """A server that sends a byte now and then, for ever: in the headers, or in a body."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def drip(self, handler: Handler, begin: bytes) -> None:
        handler.close_connection = True
        handler.wfile.write(begin)
        while not self.end.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:  # given up
                return


@pytest.fixture
def dripping() -> Iterator[Dripping]:
    made = Dripping()
    yield made
    made.end.set()


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\nETag: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 500 Trouble\r\n\r\n",
    ],
    ids=["headers", "body", "body of a length", "redirect", "error"],
)
def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    serve: Callable[[Answer], str], dripping: Dripping, begin: bytes
) -> None:
    url = serve(lambda handler: dripping.drip(handler, begin))
    with pytest.raises(CalendarUnreadable, match=r"longer than 0\.5 s"):
        WebSource(url, Limits(whole=0.5)).read()


def test_a_tls_handshake_that_never_ends_is_given_up(dripping: Dripping) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def handshake() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"\x16\x03\x03\x40\x00")
            while not dripping.end.wait(0.05):
                connection.sendall(b"x")

    thread = threading.Thread(target=handshake, daemon=True)
    thread.start()
    with pytest.raises(CalendarUnreadable, match=r"longer than 0\.5 s"):
        WebSource(f"https://127.0.0.1:{server.getsockname()[1]}/", Limits(whole=0.5)).read()
    dripping.end.set()
    thread.join(10)
    server.close()


def test_a_server_that_never_answers_is_given_up(serve: Callable[[Answer], str], dripping: Dripping) -> None:
    def hang(_: Handler) -> None:
        dripping.end.wait(20)

    with pytest.raises(CalendarUnreadable, match="Timeout"):
        WebSource(serve(hang), Limits(read=0.2)).read()


def test_a_reading_leaves_no_timer_behind(serve: Callable[[Answer], str]) -> None:
    source = source_at(serve(lambda handler: handler.reply(500, b"")))
    with pytest.raises(CalendarUnreadable):
        source.read()
    eventually(lambda: not [each for each in threading.enumerate() if isinstance(each, threading.Timer)])


@pytest.mark.parametrize(
    "url",
    [
        "http://a..b/secret",
        "http://127.0.0.1:99999/secret",
        "http://[x/secret",
        "caldav://anna:secret@[x/",
        "file:///%00secret",
    ],
)
def test_an_address_that_is_none_is_told_and_not_shown(url: str) -> None:
    with pytest.raises(CalendarUnreadable) as caught:
        source_at(url).read()
    assert "secret" not in str(caught.value)


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a calendar.ics"
    source = source_at(path.as_uri())
    with pytest.raises(CalendarUnreadable, match="No such file"):
        source.read()
    path.write_bytes(CALENDAR)
    assert source.read() == CALENDAR
    source.accept()
    assert source.read() == CALENDAR
