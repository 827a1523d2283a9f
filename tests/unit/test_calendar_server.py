"""The demo's calendar in Radicale's real storage."""

import sys
from pathlib import Path

import pytest

from orchestrator import calendar_server, demo
from orchestrator.preflight import PreflightError
from orchestrator.settings import Settings


def whole(uid: str, title: str) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test", "BEGIN:VEVENT", f"UID:{uid}"]
    lines += ["DTSTAMP:20260101T000000Z", "DTSTART:20260101T000000Z", f"SUMMARY:{title}"]
    return "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""])


def fill(home: Path, *uids: str) -> str:
    return calendar_server.fill(home, 5232, {uid: whole(uid, f"title of {uid}") for uid in uids}, "@demo")


def test_the_calendar_is_made_with_its_events(tmp_path: Path) -> None:
    assert "title of one@demo" in fill(tmp_path, "one@demo")


def test_the_events_of_an_earlier_demo_go(tmp_path: Path) -> None:
    fill(tmp_path, "one@demo", "two@demo")
    text = fill(tmp_path, "three@demo")
    assert [uid in text for uid in ("one@demo", "two@demo", "three@demo")] == [False, False, True]


def test_what_the_user_put_there_stays(tmp_path: Path) -> None:
    fill(tmp_path, "mine@elsewhere")
    assert "title of mine@elsewhere" in fill(tmp_path, "one@demo")


def test_without_the_extra_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVETIMING_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "radicale", None)
    with pytest.raises(PreflightError, match=r"pip install 'livetiming-orchestrator\[calendar-server\]'"):
        demo.extras(Settings.load(), None, server=True)
