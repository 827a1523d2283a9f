"""A calendar on the real Radicale, read by CalDAV."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.scheduler.occurrences import occurrences
from orchestrator.scheduler.sources import CalendarUnreadable, Source, source_at
from orchestrator.scheduler.sources.dav import merged
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


def test_a_server_that_is_gone_is_told_and_found_again(radicale: RadicaleServer) -> None:
    source = by_caldav("http://127.0.0.1:1/anna/races/")
    with pytest.raises(CalendarUnreadable):
        source.read()


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
