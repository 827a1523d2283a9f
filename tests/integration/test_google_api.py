"""The real client of Google's API against a server on loopback that speaks it."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import requests

from livetiming.environment import Environment
from orchestrator.google_api import GoogleNotUsable, calendar_api, trouble
from orchestrator.schedule_settings import CalendarSettings, calendar_settings
from tests.support.google_calendar import CALENDAR_ID, GoogleCalendarServer, google_calendar
from tests.support.loopback import Handler, LoopbackServer
from tests.support.waiting import eventually

TIMES = {"start": {"dateTime": "2026-12-01T10:00:00Z"}, "end": {"dateTime": "2026-12-01T11:00:00Z"}}


@pytest.fixture
def google() -> Iterator[GoogleCalendarServer]:
    with google_calendar() as server:
        yield server


def settings(folder: Path, google: GoogleCalendarServer, credentials: Path | None = None) -> CalendarSettings:
    values = {"LIVETIMING_GOOGLE_API": google.url, "LIVETIMING_CALENDAR_ID": CALENDAR_ID}
    return replace(calendar_settings(Environment(values, folder), folder), google_credentials=credentials)


def client(folder: Path, google: GoogleCalendarServer, *, write: bool = True) -> Any:
    return calendar_api(settings(folder, google, google.credentials_file(folder)), write=write)


def event_ids(api: Any) -> list[str]:
    found: list[str] = []
    request = api.events().list(calendarId=CALENDAR_ID)
    while request is not None:
        answer = request.execute()
        found += [event["id"] for event in answer["items"]]
        request = api.events().list_next(request, answer)
    return found


def test_a_service_account_writes_and_reads_pages(tmp_path: Path, google: GoogleCalendarServer) -> None:
    api = client(tmp_path, google)
    google.page_limit = 2
    for number in range(5):
        api.events().insert(calendarId=CALENDAR_ID, body={"id": f"event{number}", **TIMES}).execute()
    assert event_ids(api) == [f"event{number}" for number in range(5)]
    assert google.accounts.scopes == ["https://www.googleapis.com/auth/calendar.events"]


def test_who_only_reads_asks_for_no_more(tmp_path: Path, google: GoogleCalendarServer) -> None:
    event_ids(client(tmp_path, google, write=False))
    assert google.accounts.scopes == ["https://www.googleapis.com/auth/calendar.events.readonly"]


def test_a_token_that_is_good_no_more_is_renewed(tmp_path: Path, google: GoogleCalendarServer) -> None:
    api = client(tmp_path, google)
    event_ids(api)
    google.accounts.revoke()
    assert event_ids(api) == []
    assert google.accounts.given == 2


@pytest.mark.parametrize(
    ("status", "reason", "passing", "what"),
    [
        (403, "insufficientPermissions", False, "share the calendar"),
        (403, "rateLimitExceeded", True, "slow down"),
        (404, "notFound", False, "LIVETIMING_CALENDAR_ID"),
        (429, "rateLimitExceeded", True, "slow down"),
        (500, "backendError", True, "Google has a problem"),
    ],
)
def test_an_error_is_told_with_what_to_do(
    tmp_path: Path, google: GoogleCalendarServer, status: int, reason: str, passing: bool, what: str
) -> None:
    api = client(tmp_path, google)
    google.fail_next(status, reason, 7)
    with pytest.raises(Exception, match=str(status)) as caught:
        event_ids(api)
    found = trouble(caught.value)
    assert found is not None
    assert (found.status, found.reason, found.passing) == (status, reason, passing)
    assert found.retry_after == (7 if passing else 0)
    assert what in found.what


def synced(api: Any, token: str | None = None) -> tuple[dict[str, str], str]:
    """Status by id of what changed, and the next sync token."""
    answer = api.events().list(calendarId=CALENDAR_ID, syncToken=token).execute()
    return {event["id"]: event["status"] for event in answer["items"]}, answer["nextSyncToken"]


def test_a_sync_token_gives_what_changed_until_it_is_too_old(tmp_path: Path, google: GoogleCalendarServer) -> None:
    api = client(tmp_path, google)
    for name in ("stays", "changes", "goes0"):
        google.events[name] = {"id": name, "status": "confirmed", **TIMES}
    first, token = synced(api)
    assert set(first) == {"stays", "changes", "goes0"}
    api.events().patch(calendarId=CALENDAR_ID, eventId="changes", body={"summary": "x"}).execute()
    api.events().delete(calendarId=CALENDAR_ID, eventId="goes0").execute()
    changes, token = synced(api, token)
    assert changes == {"changes": "confirmed", "goes0": "cancelled"}
    assert synced(api, token)[0] == {}
    google.expire_sync_tokens()
    with pytest.raises(Exception, match="410"):
        synced(api, token)


def test_a_watched_calendar_is_notified_until_the_channel_is_stopped(
    tmp_path: Path, google: GoogleCalendarServer
) -> None:
    api = client(tmp_path, google, write=False)
    heard: list[tuple[str | None, ...]] = []

    class Listening(Handler):
        def do_POST(self) -> None:
            names = ("X-Goog-Channel-ID", "X-Goog-Channel-Token", "X-Goog-Resource-State")
            heard.append(tuple(self.headers[name] for name in names))
            self.reply(200, b"")

    listener = LoopbackServer(Listening)
    try:
        body = {"id": "c", "type": "web_hook", "token": "t", "address": f"http://127.0.0.1:{listener.port}/"}
        channel = api.events().watch(calendarId=CALENDAR_ID, body=body).execute()
        eventually(lambda: heard == [("c", "t", "sync")])
        assert google.notify() == [200]
        assert heard[1:] == [("c", "t", "exists")]
        api.channels().stop(body={"id": "c", "resourceId": channel["resourceId"]}).execute()
        assert google.notify() == []
    finally:
        listener.close()


def test_credentials_that_google_does_not_know_are_told(tmp_path: Path, google: GoogleCalendarServer) -> None:
    with google_calendar() as other:
        file = other.credentials_file(tmp_path)
        content = orjson.loads(file.read_bytes())
        file.write_bytes(orjson.dumps({**content, "token_uri": f"{google.url}/token"}))
    api = calendar_api(settings(tmp_path, google, file), write=True)
    with pytest.raises(Exception, match="invalid_grant") as caught:
        event_ids(api)
    found = trouble(caught.value)
    assert found is not None
    assert found.status == 401
    assert "service account" in found.what


def test_a_server_that_is_not_there_is_worth_another_try(tmp_path: Path, google: GoogleCalendarServer) -> None:
    api = client(tmp_path, google)
    google.close()
    with pytest.raises(OSError, match="refused") as caught:
        event_ids(api)
    found = trouble(caught.value)
    assert found is not None
    assert found.passing


def test_an_error_of_another_kind_is_not_googles() -> None:
    assert trouble(KeyError("a bug")) is None


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"no json", "no JSON file"),
        (b"[]", "neither"),
        (b'{"web": {}}', "Desktop"),
        (b'{"type": "service_account", "private_key": "secret-key"}', "damaged"),
        (b'{"installed": {"client_id": "app"}}', "livetiming-schedule assist once at a terminal"),
    ],
)
def test_a_credentials_file_of_no_use_is_told(
    tmp_path: Path, google: GoogleCalendarServer, content: bytes, what: str
) -> None:
    file = tmp_path / "credentials.json"
    file.write_bytes(content)
    with pytest.raises(GoogleNotUsable, match=what) as caught:
        calendar_api(settings(tmp_path, google, file), write=True)
    assert "secret-key" not in str(caught.value)


def test_no_credentials_file_at_all_is_told(tmp_path: Path, google: GoogleCalendarServer) -> None:
    with pytest.raises(GoogleNotUsable, match="LIVETIMING_GOOGLE_CREDENTIALS is not set"):
        calendar_api(settings(tmp_path, google), write=False)
    with pytest.raises(GoogleNotUsable, match="No such file"):
        calendar_api(settings(tmp_path, google, tmp_path / "none.json"), write=False)


def test_without_the_extra_it_is_told_what_to_install(
    tmp_path: Path, google: GoogleCalendarServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google_auth_httplib2", None)
    with pytest.raises(GoogleNotUsable, match=r"pip install 'livetiming-orchestrator\[google\]'"):
        client(tmp_path, google)


ASK = """
import sys
from pathlib import Path
from orchestrator.google_api import calendar_api
from tests.integration.test_google_api import CalendarSettings, event_ids
settings = CalendarSettings("", "c", Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], 1, 1, "", 1, "", Path("."))
print(event_ids(calendar_api(settings, write=True, interactive=True)))
"""


def test_the_user_of_an_app_agrees_once(tmp_path: Path, google: GoogleCalendarServer) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK, str(google.accounts.app_file(tmp_path)), str(tmp_path / "token.json"), google.url],
        # the library insists on https for the token's address, and this one is on loopback; no browser is opened here
        env={**os.environ, "OAUTHLIB_INSECURE_TRANSPORT": "1", "BROWSER": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert asking.stderr is not None
    address = next(line for line in asking.stderr if line.startswith(google.url))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
    answer = {"code": "agreed", "state": asked["state"]}
    assert requests.get(asked["redirect_uri"], params=answer, timeout=10).ok
    said, errors = asking.communicate(timeout=30)
    assert (said.strip(), asking.returncode) == ("[]", 0), errors
    token = tmp_path / "token.json"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert asked["scope"] == "https://www.googleapis.com/auth/calendar.events"

    again = replace(settings(tmp_path, google, google.accounts.app_file(tmp_path)), google_token=token)
    google.accounts.revoke()
    assert event_ids(calendar_api(again, write=False)) == []  # nobody is asked, and the token is renewed


def test_the_api_is_not_loaded_before_it_is_used() -> None:
    loaded = "import sys, orchestrator.google_api; print([name for name in sys.modules if 'google' in name])"
    answer = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert re.findall(r"'([\w.]+)'", answer.stdout) == ["orchestrator.google_api"]
