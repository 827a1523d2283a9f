"""A calendar on the real Radicale, read by CalDAV."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.occurrences import occurrences
from orchestrator.scheduler.sources import CalendarUnreadable, Source, source_at
from orchestrator.scheduler.sources.bounded import Limits
from orchestrator.scheduler.sources.dav import CalDavSource, merged
from tests.support.loopback import Handler, LoopbackServer
from tests.support.radicale import RadicaleServer
from tests.support.system import event

HOUR = timedelta(hours=1)


@pytest.fixture
def radicale(tmp_path: Path) -> Iterator[RadicaleServer]:
    server = RadicaleServer(tmp_path, {"anna": "pass/word"})
    yield server
    server.close()


def of_one(title: str, uid: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{event(title, HOUR, HOUR, uid)}END:VCALENDAR\r\n"


def by_caldav(url: str) -> Source:
    return source_at(url.replace("http://", "caldav://anna:pass%2Fword@", 1))


def titles(content: bytes | None) -> list[str]:
    assert content is not None
    now = datetime.now(UTC)
    return sorted(found.title for found in occurrences(content, now, now + timedelta(days=1))[0])


def test_all_events_are_read_and_again_only_when_one_changes(radicale: RadicaleServer) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    radicale.put(url, "b", of_one("B [f1]", "b"))
    source = by_caldav(url)
    assert titles(source.read()) == ["A [f1]", "B [f1]"]
    source.accept()
    assert source.read() is None
    radicale.put(url, "b", of_one("B 2 [f1]", "b"))
    assert titles(source.read()) == ["A [f1]", "B 2 [f1]"]
    source.accept()
    radicale.delete(url, "a")
    assert titles(source.read()) == ["B 2 [f1]"]


def test_what_was_not_accepted_is_read_again(radicale: RadicaleServer) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    source = by_caldav(url)
    assert titles(source.read()) == titles(source.read()) == ["A [f1]"]


def test_an_empty_calendar_is_a_calendar(radicale: RadicaleServer) -> None:
    assert titles(by_caldav(radicale.calendar("empty")).read()) == []


def test_its_web_address_gives_the_whole_calendar_too(radicale: RadicaleServer) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    source = source_at(url.replace("http://", "http://anna:pass%2Fword@", 1))
    assert titles(source.read()) == ["A [f1]"]


def test_a_wrong_password_is_told_and_not_shown(radicale: RadicaleServer) -> None:
    url = radicale.calendar("races").replace("http://", "caldav://anna:wrong-secret@", 1)
    with pytest.raises(CalendarUnreadable, match="name and password") as caught:
        source_at(url).read()
    assert "wrong-secret" not in str(caught.value)


class Front:
    """A server before Radicale's: what it forwards, a test may change."""

    def __init__(self, radicale: RadicaleServer) -> None:
        self.instead: dict[str, tuple[int, bytes, dict[str, str]]] = {}  # by method: status, body, headers
        self.changed: Callable[[bytes], bytes] = lambda body: body  # every answer of Radicale
        self.asked: list[str] = []  # methods
        front = self

        class Forward(Handler):
            def do_GET(self) -> None:
                front.asked.append(self.command)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.command in front.instead:
                    self.reply(*front.instead[self.command])
                    return
                kept = {
                    name: self.headers[name]
                    for name in ("Authorization", "Depth", "Content-Type")
                    if self.headers[name]
                }
                answer = requests.request(self.command, radicale.url + self.path, data=body, headers=kept, timeout=10)
                names = ("DAV", "Content-Type", "ETag", "WWW-Authenticate")
                told = {name: answer.headers[name] for name in names if name in answer.headers}
                self.reply(answer.status_code, front.changed(answer.content), told)

            do_OPTIONS = do_PROPFIND = do_REPORT = do_GET  # noqa: N815 - http.server's names

        self._server = LoopbackServer(Forward)
        self.port = self._server.port
        self.close = self._server.close

    def source(self, url: str, scheme: str) -> Source:
        """The calendar at Radicale's `url`, through this server."""
        address = urlsplit(url)
        return source_at(f"{scheme}://anna:pass%2Fword@127.0.0.1:{self.port}{address.path}")


@pytest.fixture
def front(radicale: RadicaleServer) -> Iterator[Front]:
    made = Front(radicale)
    yield made
    made.close()


@pytest.mark.parametrize(
    "page",
    [
        (200, b"<html>WebDAV interface</html>", {}),
        (405, b"", {}),
        (501, b"<error/>", {}),
        (403, b"", {}),
        (404, b"", {}),
    ],
    ids=lambda page: str(page[0]),
)
def test_a_web_address_without_a_calendar_is_read_by_caldav(
    radicale: RadicaleServer, front: Front, page: tuple[int, bytes, dict[str, str]]
) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    front.instead["GET"] = page
    source = front.source(url, "http")
    assert titles(source.read()) == ["A [f1]"]
    source.accept()
    front.asked.clear()
    assert source.read() is None
    assert "GET" not in front.asked


def test_a_server_that_is_busy_is_not_asked_by_caldav_too(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    front.instead["GET"] = (429, b"", {"Retry-After": "77"})
    with pytest.raises(CalendarUnreadable, match="429") as caught:
        front.source(url, "http").read()
    assert caught.value.retry_after == 77
    assert front.asked == ["GET"]


def test_a_login_page_for_a_while_does_not_lose_the_web_address(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    source = front.source(url, "http")
    front.instead = {"GET": (200, b"<html>Back soon</html>", {}), "PROPFIND": (500, b"", {})}
    with pytest.raises(CalendarUnreadable, match="500"):
        source.read()
    front.instead.clear()
    front.asked.clear()
    assert titles(source.read()) == ["A [f1]"]
    assert front.asked == ["GET"]


def test_where_caldav_fails_a_calendar_at_the_web_address_is_found(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    source = front.source(url, "http")
    front.instead = {"GET": (405, b"", {})}
    source.read()
    source.accept()
    front.instead = {"PROPFIND": (405, b"", {})}
    with pytest.raises(CalendarUnreadable, match="405"):
        source.read()
    assert titles(source.read()) == ["A [f1]"]


def test_an_answer_about_caldav_that_is_too_large_is_none(radicale: RadicaleServer, front: Front) -> None:
    front.instead = {
        "GET": (200, b"<html>Sign in</html>", {}),
        "OPTIONS": (200, b"x" * 50_000_001, {"DAV": "calendar-access"}),
    }
    assert front.source(radicale.calendar("races"), "http").read() == b"<html>Sign in</html>"


@pytest.mark.parametrize("method", ["PROPFIND", "REPORT"])
@pytest.mark.parametrize(
    ("status", "said"), [(401, "password"), (403, "shared"), (404, "gone"), (429, "429"), (503, "503")]
)
def test_an_error_by_caldav_is_told_with_what_to_do(
    radicale: RadicaleServer, front: Front, method: str, status: int, said: str
) -> None:
    front.instead[method] = (status, b"", {"Retry-After": "77"})
    with pytest.raises(CalendarUnreadable, match=said) as caught:
        front.source(radicale.calendar("races"), "caldav").read()
    assert caught.value.retry_after == 77


@pytest.mark.parametrize("body", [b"", b"<html>", b"no xml", b'<multistatus xmlns="DAV:"/>', b"\xff\xfe"])
def test_what_is_no_caldav_is_told(radicale: RadicaleServer, front: Front, body: bytes) -> None:
    front.instead["PROPFIND"] = (207, body, {"Content-Type": "text/xml"})
    with pytest.raises(CalendarUnreadable, match="CalDAV"):
        front.source(radicale.calendar("races"), "caldav").read()


def test_a_collection_that_is_no_calendar_is_not_taken_for_an_empty_one(radicale: RadicaleServer) -> None:
    radicale.calendar("races")
    with pytest.raises(CalendarUnreadable, match="address of one calendar"):
        by_caldav(f"{radicale.url}/anna/").read()


def test_a_part_of_a_calendar_is_not_taken_for_all(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    source = front.source(url, "caldav")
    cut = b"<response><href>/</href><status>HTTP/1.1 507 Insufficient Storage</status></response></multistatus>"
    front.changed = lambda body: body.replace(b"</multistatus>", cut) if b"calendar-data" in body else body
    with pytest.raises(CalendarUnreadable, match="a part"):
        source.read()


def test_without_sync_token_and_ctag_all_is_read_each_time(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    source = front.source(url, "caldav")
    front.changed = lambda body: body.replace(b"sync-token", b"other").replace(b"getctag", b"other")
    for _ in range(2):
        assert titles(source.read()) == ["A [f1]"]
        source.accept()


def test_an_object_that_is_broken_costs_no_other(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    for name in "abc":
        radicale.put(url, name, of_one(f"{name} [f1]", name))
    front.changed = lambda body: body.replace(b"SUMMARY:b [f1]", b"SUMMARY:b [f1]\nBEGIN:VALARM\nDTSTART:never")
    assert [title for title in titles(front.source(url, "caldav").read()) if title != "b [f1]"] == ["a [f1]", "c [f1]"]


def test_the_calendars_own_zone_is_that_of_its_floating_times(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    zone = b"<C:calendar-timezone xmlns:C='urn:ietf:params:xml:ns:caldav'>BEGIN:VTIMEZONE\nTZID:Asia/Tokyo\n"
    zone += b"</C:calendar-timezone>"
    front.changed = lambda body: body.replace(b"<resourcetype>", zone + b"<resourcetype>", 1)
    assert b"X-WR-TIMEZONE:Asia/Tokyo\r\n" in (front.source(url, "caldav").read() or b"")


def test_a_server_that_was_gone_is_found_again(radicale: RadicaleServer, front: Front) -> None:
    url = radicale.calendar("races")
    radicale.put(url, "a", of_one("A [f1]", "a"))
    source = front.source(url, "caldav")
    source.read()
    source.accept()
    front.instead["PROPFIND"] = (502, b"", {})
    with pytest.raises(CalendarUnreadable):
        source.read()
    front.instead.clear()
    radicale.put(url, "a", of_one("A 2 [f1]", "a"))
    assert titles(source.read()) == ["A 2 [f1]"]


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(CalendarUnreadable, match="ConnectionError"):
        by_caldav("http://127.0.0.1:1/anna/races/").read()


def test_a_server_that_dribbles_by_caldav_is_given_up() -> None:
    end = threading.Event()

    class Dripping(Handler):
        def do_PROPFIND(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Type: ")
                while not end.wait(0.05):
                    self.wfile.write(b"x")

    server = LoopbackServer(Dripping)
    with pytest.raises(CalendarUnreadable, match="longer"):
        CalDavSource(f"http://127.0.0.1:{server.port}/", Limits(whole=0.5)).read()
    end.set()
    server.close()


def test_the_library_logs_nothing_as_it_would_tell_addresses_and_answers(
    radicale: RadicaleServer, front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = radicale.calendar("races")
    front.source(url, "caldav").read()
    for status, kind in ((207, "text/xml"), (207, "text/html"), (503, "text/html")):
        front.instead["PROPFIND"] = (status, b"<html>no xml", {"Content-Type": kind})
        with pytest.raises(CalendarUnreadable):
            front.source(url, "caldav").read()
    assert [record.name for record in caplog.records if not record.name.startswith("urllib3")] == []


def test_an_end_in_a_folded_title_ends_nothing() -> None:
    text = of_one("A [f1]", "a").replace("SUMMARY:A [f1]", "SUMMARY:A [f1]\r\n END:VEVENT\r\nLOCATION:Spa")
    assert titles(merged([text, of_one("B [f1]", "b")])) == ["A [f1]END:VEVENT", "B [f1]"]


@given(
    st.lists(
        st.sampled_from(
            [
                "BEGIN:VEVENT",
                "END:VEVENT",
                " END:VEVENT",
                "BEGIN:VALARM",
                "END:VALARM",
                "END:VCALENDAR",
                "BEGIN:VCALENDAR",
                "X:1",
                "",
            ]
        )
    )
)
def test_no_object_however_broken_costs_another(lines: list[str]) -> None:
    broken = "\r\n".join(lines)
    assert "B [f1]" in titles(merged([broken, of_one("B [f1]", "b")]))


def test_one_broken_object_costs_no_other() -> None:
    texts: list[str | bytes] = [
        of_one("A [f1]", "a"),
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\n",
        b"\xff junk",
        of_one("B [f1]", "b"),
    ]
    assert titles(merged(texts)) == ["A [f1]", "B [f1]"]


def test_a_time_zone_is_taken_over_once() -> None:
    zone = "BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nEND:VTIMEZONE\r\n"
    texts = [of_one(f"{name} [f1]", name).replace("BEGIN:VEVENT", f"{zone}BEGIN:VEVENT") for name in "ab"]
    assert merged(texts).count(b"BEGIN:VTIMEZONE") == 1
