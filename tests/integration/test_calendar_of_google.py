"""A Google calendar, read by the real client from a server that speaks its API; and told of its changes."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from twisted.logger import LogLevel, capturedLogs, formatEvent

from livetiming.environment import Environment
from orchestrator.schedule_settings import calendar_settings
from orchestrator.scheduler import push
from orchestrator.scheduler.occurrences import occurrences
from orchestrator.scheduler.push import PushChannel
from orchestrator.scheduler.sources import CalendarUnreadable, Source, retry, source_of
from orchestrator.settings import Settings
from tests.support.client import in_reactor
from tests.support.google_calendar import CALENDAR_ID, GoogleCalendarServer, google_calendar
from tests.support.loopback import Handler, LoopbackServer
from tests.support.system import free_port
from tests.support.waiting import eventually


@pytest.fixture
def google() -> Iterator[GoogleCalendarServer]:
    with google_calendar() as server:
        yield server


@pytest.fixture
def source(tmp_path: Path, google: GoogleCalendarServer) -> Source:
    values = {"LIVETIMING_GOOGLE_API": google.url, "LIVETIMING_CALENDAR_ID": CALENDAR_ID}
    settings = calendar_settings(Environment(values, tmp_path), tmp_path)
    return source_of(replace(settings, google_credentials=google.credentials_file(tmp_path)))


def race(title: str, **more: Any) -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(hours=1)
    times = {"start": start, "end": start + timedelta(hours=1)}
    return {"summary": title, **{name: {"dateTime": at.isoformat()} for name, at in times.items()}, **more}


def put(google: GoogleCalendarServer, event_id: str, title: str, **more: Any) -> None:
    google.events[event_id] = {"id": event_id, "iCalUID": f"{event_id}@google.com", **race(title, **more)}


def titles(content: bytes | None) -> list[str]:
    assert content is not None
    now = datetime.now(UTC)
    return sorted(found.title for found in occurrences(content, now, now + timedelta(days=3))[0])


def lists(google: GoogleCalendarServer) -> list[list[tuple[str, str]]]:
    return [query for method, path, query in google.requests if method == "GET" and path.endswith("/events")]


def test_all_pages_are_read_once_and_then_what_has_changed(google: GoogleCalendarServer, source: Source) -> None:
    google.page_limit = 2
    for number in range(5):
        put(google, f"event{number}", f"Race {number} [f1]")
    assert titles(source.read()) == [f"Race {number} [f1]" for number in range(5)]
    source.accept()
    assert len(lists(google)) == 3
    assert source.read() is None
    put(google, "event1", "Race 1, retitled [f1]")
    del google.events["event2"]
    assert titles(source.read()) == ["Race 0 [f1]", "Race 1, retitled [f1]", "Race 3 [f1]", "Race 4 [f1]"]
    assert "syncToken" in dict(lists(google)[-1])


def test_what_was_not_accepted_is_asked_for_again(google: GoogleCalendarServer, source: Source) -> None:
    put(google, "event1", "Race [f1]")
    assert titles(source.read()) == titles(source.read()) == ["Race [f1]"]


def test_a_series_and_its_cancelled_instance_are_expanded_by_us(google: GoogleCalendarServer, source: Source) -> None:
    put(google, "daily", "Daily [f1]", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    second = datetime.fromisoformat(google.events["daily"]["start"]["dateTime"]) + timedelta(days=1)
    google.events["daily_2"] = {
        "id": "daily_2",
        "status": "cancelled",
        "recurringEventId": "daily",
        "originalStartTime": {"dateTime": second.isoformat()},
    }
    assert titles(source.read()) == ["Daily [f1]"] * 2


def test_a_series_that_is_deleted_takes_its_moved_instances_along(google: GoogleCalendarServer, source: Source) -> None:
    put(google, "daily", "Daily [f1]", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    put(google, "daily_1", "Daily, later [f1]", recurringEventId="daily")
    google.events["daily_1"]["originalStartTime"] = google.events["daily"]["start"]
    assert titles(source.read()) == ["Daily [f1]", "Daily [f1]", "Daily, later [f1]"]
    source.accept()
    google.events["daily"]["status"] = "cancelled"  # and of its instance Google says nothing
    assert titles(source.read()) == []


def test_when_the_sync_token_is_too_old_all_is_read_again(google: GoogleCalendarServer, source: Source) -> None:
    put(google, "event1", "Race 1 [f1]")
    source.read()
    source.accept()
    del google.events["event1"]
    put(google, "event2", "Race 2 [f1]")
    google.expire_sync_tokens()
    assert titles(source.read()) == ["Race 2 [f1]"]


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (401, "authError", "credentials"),
        (403, "forbidden", "share the calendar"),
        (403, "rateLimitExceeded", "slow down"),
        (404, "notFound", "LIVETIMING_CALENDAR_ID"),
        (429, "rateLimitExceeded", "slow down"),
        (500, "backendError", "a problem"),
    ],
)
def test_an_error_is_told_with_what_to_do_and_costs_nothing_that_was_known(
    google: GoogleCalendarServer, source: Source, status: int, reason: str, said: str
) -> None:
    put(google, "event1", "Race 1 [f1]")
    source.read()
    source.accept()
    put(google, "event2", "Race 2 [f1]")
    google.fail_next(status, reason, retry_after=7, times=9)  # the client tries a refused token again
    with pytest.raises(CalendarUnreadable, match=said):
        source.read()
    google._faults.clear()
    assert titles(source.read()) == ["Race 1 [f1]", "Race 2 [f1]"]


@pytest.mark.parametrize("page", [b"<html>Sign in</html>", b'"Sign in"', b'{"items": "none"}', b"\xff", b""])
def test_what_is_no_answer_of_google_is_told(tmp_path: Path, google: GoogleCalendarServer, page: bytes) -> None:
    class Login(Handler):
        def do_GET(self) -> None:
            self.reply(200, page, {"Content-Type": "text/html"})

    login = LoopbackServer(Login)
    values = {"LIVETIMING_GOOGLE_API": f"http://127.0.0.1:{login.port}", "LIVETIMING_CALENDAR_ID": CALENDAR_ID}
    settings = calendar_settings(Environment(values, tmp_path), tmp_path)
    with pytest.raises(CalendarUnreadable, match="Google's"):
        source_of(replace(settings, google_credentials=google.credentials_file(tmp_path))).read()
    login.close()


def test_how_long_google_asks_us_to_wait_is_heard(google: GoogleCalendarServer, source: Source) -> None:
    google.fail_next(429, "rateLimitExceeded", retry_after=77)
    with pytest.raises(CalendarUnreadable) as caught:
        source.read()
    assert caught.value.retry_after == 77


def test_without_credentials_it_says_what_is_missing(tmp_path: Path) -> None:
    settings = calendar_settings(Environment({"LIVETIMING_CALENDAR_ID": "x"}, tmp_path), tmp_path)
    with pytest.raises(CalendarUnreadable, match="LIVETIMING_GOOGLE_CREDENTIALS"):
        source_of(settings).read()


class Pushed:
    """A push channel of ours, in the reactor."""

    def __init__(self, folder: Path, google: GoogleCalendarServer, port: int = 0) -> None:
        self.port = port or free_port()
        values = {
            "LIVETIMING_HOME": str(folder),
            "LIVETIMING_GOOGLE_API": google.url,
            "LIVETIMING_CALENDAR_ID": CALENDAR_ID,
            "LIVETIMING_GOOGLE_CREDENTIALS": str(google.credentials_file(folder)),
            "LIVETIMING_CALENDAR_PUSH_URL": f"http://127.0.0.1:{self.port}/push",
            "LIVETIMING_CALENDAR_PUSH_PORT": str(self.port),
        }
        self.url = values["LIVETIMING_CALENDAR_PUSH_URL"]
        self.changes = 0
        self.settings = Settings.load(Environment(values, folder))
        self.channel = PushChannel(self.settings, self._changed)
        in_reactor(self.channel.start)

    def _changed(self) -> None:
        self.changes += 1

    @property
    def file(self) -> Path:
        """What a killed life leaves."""
        return self.settings.state_dir / "calendar-push.json"

    def close(self) -> None:
        """End it, as the scheduler does."""
        in_reactor(self.channel.stop)

    def kill(self) -> None:
        """End it as a kill does: Google is told nothing."""
        self.channel._channels = ()
        self.close()


def start(folder: Path, google: GoogleCalendarServer) -> Pushed:
    """A channel that Google and we know of."""
    made = Pushed(folder, google)
    eventually(lambda: google.channels and made.file.is_file(), what="the channel is there")
    return made


@pytest.fixture
def pushed(tmp_path: Path, google: GoogleCalendarServer) -> Iterator[Pushed]:
    made = start(tmp_path, google)
    yield made
    made.close()


def test_a_notification_has_the_calendar_read_at_once(google: GoogleCalendarServer, pushed: Pushed) -> None:
    assert google.notify() == [200]
    eventually(lambda: pushed.changes == 1, what="it is read")


def test_that_the_channel_is_there_is_no_change(google: GoogleCalendarServer, pushed: Pushed) -> None:
    assert google.notify("sync") == [200]
    assert pushed.changes == 0


def test_a_storm_of_notifications_is_no_storm_of_readings(google: GoogleCalendarServer, pushed: Pushed) -> None:
    began = time.monotonic()
    for _ in range(50):
        assert google.notify() == [200]
    eventually(lambda: pushed.changes > 0, what="it is read")
    assert pushed.changes <= 2 + (time.monotonic() - began)


def test_what_does_not_know_the_token_is_not_heard(google: GoogleCalendarServer, pushed: Pushed) -> None:
    (channel,) = google.channels.values()
    known = {"X-Goog-Channel-ID": channel.id, "X-Goog-Resource-State": "exists"}
    for headers, status in (({}, 404), (known, 401), ({**known, "X-Goog-Channel-Token": "é"}, 401)):
        encoded = {name: value.encode() for name, value in headers.items()}
        assert requests.post(pushed.url, headers=encoded, timeout=10).status_code == status
    assert requests.get(pushed.url, timeout=10).status_code == 405
    assert pushed.changes == 0


def test_a_large_body_is_not_listened_to(google: GoogleCalendarServer, pushed: Pushed) -> None:
    (channel,) = google.channels.values()
    headers = {
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Token": channel.token,
        "X-Goog-Resource-State": "exists",
    }
    with pytest.raises(requests.ConnectionError):
        requests.post(pushed.url, headers=headers, data=b"x" * 1_000_000, timeout=10)
    assert pushed.changes == 0


def test_the_channel_is_ended_with_us(tmp_path: Path, google: GoogleCalendarServer) -> None:
    start(tmp_path, google).close()
    assert not google.channels


class Slow:
    """Google does what it is told to, and answers only when it is released."""

    def __init__(self, google: GoogleCalendarServer) -> None:
        self.asked, self.release = threading.Event(), threading.Event()
        self.answered = False
        google.after_write = self._wait

    def _wait(self) -> None:
        self.asked.set()
        self.release.wait(20)
        self.answered = True


def test_at_our_end_a_google_that_hangs_is_not_waited_for(
    tmp_path: Path, google: GoogleCalendarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "STOP_SECONDS", 0.2)
    made = start(tmp_path, google)
    slow = Slow(google)
    made.close()
    assert slow.asked.is_set()
    assert not slow.answered
    slow.release.set()


def test_a_channel_that_is_made_while_we_end_is_ended(tmp_path: Path, google: GoogleCalendarServer) -> None:
    slow = Slow(google)
    made = Pushed(tmp_path, google)
    eventually(slow.asked.is_set, what="Google makes it")
    made.close()
    assert google.channels
    slow.release.set()
    eventually(lambda: not google.channels, what="it is ended")


def test_what_is_kept_of_the_channel_is_for_us_alone(pushed: Pushed) -> None:
    assert pushed.file.stat().st_mode & 0o777 == 0o600


def test_a_channel_of_a_life_that_was_killed_is_ended_by_the_next(tmp_path: Path, google: GoogleCalendarServer) -> None:
    start(tmp_path, google).kill()
    (before,) = google.channels
    after = Pushed(tmp_path, google)
    eventually(lambda: google.channels and before not in google.channels, what="the old one is ended")
    assert len(google.channels) == 1
    after.close()


def test_until_there_is_another_the_channel_of_a_killed_life_is_heard(
    tmp_path: Path, google: GoogleCalendarServer
) -> None:
    killed = start(tmp_path, google)
    killed.kill()
    google.fail_next(503, "backendError", method="POST", times=9)
    after = Pushed(tmp_path, google, killed.port)
    eventually(lambda: google.notify() == [200], what="it is heard")
    eventually(lambda: after.changes, what="it is read")
    after.close()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"id": 1}', '{"id": "a", "token": "b", "resource": "c", "expiration": "x"}']
)
def test_a_file_that_makes_no_sense_is_replaced(tmp_path: Path, google: GoogleCalendarServer, text: str) -> None:
    first = start(tmp_path, google)
    first.close()
    first.file.write_text(text)
    second = Pushed(tmp_path, google)
    eventually(lambda: google.channels and next(iter(google.channels)) in first.file.read_text())
    second.close()


def test_without_google_the_scheduler_goes_on_and_tries_again(
    tmp_path: Path, google: GoogleCalendarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 0.05)
    google.fail_next(403, "forbidden", method="POST", times=3)
    with capturedLogs() as said:
        made = start(tmp_path, google)
    warnings = [formatEvent(event) for event in said if event["log_level"] is LogLevel.warn]
    assert len(warnings) == 1
    assert "share the calendar" in warnings[0]
    made.close()


def test_a_push_address_without_googles_api_is_told_to_be_of_no_use(tmp_path: Path) -> None:
    values = {"LIVETIMING_HOME": str(tmp_path), "LIVETIMING_CALENDAR_PUSH_URL": "https://timing.example/push"}
    channel = PushChannel(Settings.load(Environment(values, tmp_path)), lambda: None)
    with capturedLogs() as said:
        in_reactor(channel.start)
    assert ["LIVETIMING_CALENDAR_PUSH_URL is not used" in formatEvent(event) for event in said] == [True]
    in_reactor(channel.stop)
