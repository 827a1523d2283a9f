"""Google's Calendar API v3: who we are there, the client, and what its errors mean. Blocks; for a thread.

Google's libraries are an extra of 110 MB, so they are imported where they are used and nowhere else. The formats of the
two credential files, and of the kept token, are those that Google's console and its library write.
"""

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from livetiming.files import write_whole
from orchestrator.schedule_settings import CalendarSettings

TIMEOUT_SECONDS = 30.0  # for each step of a request
CONSENT_SECONDS = 600  # how long we wait for a person in a browser
# Both reach the events and nothing else: a calendar's time zone comes with the list of its events.
READ_SCOPE = "https://www.googleapis.com/auth/calendar.events.readonly"
WRITE_SCOPE = "https://www.googleapis.com/auth/calendar.events"
_BUSY = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "calendarUsageLimitsExceeded"})
_ASSIST = "run livetiming-schedule assist once at a terminal"
_CREDENTIALS = "LIVETIMING_GOOGLE_CREDENTIALS"


class GoogleNotUsable(RuntimeError):
    """Google's API cannot be used as things are set up here; the text says what to do."""


@dataclass(frozen=True)
class Trouble:
    """Why a request failed, in words without addresses or secrets. `status` is 0 where there was no answer."""

    status: int
    reason: str  # Google's own word, like "rateLimitExceeded"; "" where it gave none
    what: str
    passing: bool  # whether to try again
    retry_after: float = 0.0  # seconds that Google asks us to wait


def calendar_api(settings: CalendarSettings, *, write: bool, interactive: bool = False) -> Any:
    """The client (googleapiclient's Resource). It is for one thread at a time, and each of its requests may block.

    Raises GoogleNotUsable. With `interactive` the user of an installed app is asked for consent in a browser, where
    there is no token yet; the token is kept in `settings.google_token`, and is renewed as it runs out.
    """
    try:
        import google_auth_httplib2
        import httplib2
        from googleapiclient.discovery import build
    except ImportError:
        raise GoogleNotUsable(
            "Google's libraries are not installed: pip install 'livetiming-orchestrator[google]'"
        ) from None
    credentials = _credentials(settings, WRITE_SCOPE if write else READ_SCOPE, interactive=interactive)
    options = {"api_endpoint": f"{settings.google_api}/calendar/v3/"} if settings.google_api else None
    return build(
        "calendar",
        "v3",
        http=google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=TIMEOUT_SECONDS)),
        client_options=options,
        static_discovery=True,
        cache_discovery=False,
    )


def _credentials(settings: CalendarSettings, scope: str, *, interactive: bool) -> Any:
    path = settings.google_credentials
    if path is None:
        raise GoogleNotUsable(
            f"{_CREDENTIALS} is not set: give the JSON file of a service account or of an installed app"
        )
    content = _read(path)
    if content.get("type") == "service_account":
        return _service_account(content, scope)
    if isinstance(content.get("installed"), Mapping):
        return _kept(content["installed"], settings.google_token) or _consent(
            content, settings.google_token, interactive=interactive
        )
    raise GoogleNotUsable(
        f"{_CREDENTIALS} ({path.name}) is neither a service account's nor an installed app's JSON file:"
        " download one in Google's console (for an app, choose the type Desktop)"
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise GoogleNotUsable(f"{_CREDENTIALS} ({path}) cannot be read: {error.strerror}") from None
    except ValueError:
        raise GoogleNotUsable(f"{_CREDENTIALS} ({path}) is no JSON file: download it once more") from None
    return content if isinstance(content, Mapping) else {}


def _service_account(content: Mapping[str, Any], scope: str) -> Any:
    from google.oauth2 import service_account

    try:
        return service_account.Credentials.from_service_account_info(content, scopes=[scope])  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):  # its text may quote the key
        raise GoogleNotUsable(
            f"{_CREDENTIALS} is a service account's file, but a damaged one: download it once more"
        ) from None


def _kept(app: Mapping[str, Any], path: Path) -> Any:
    """What the user of `app` agreed to, or None. Its own scopes hold: asking for others would be refused."""
    from google.oauth2.credentials import Credentials

    try:
        kept = orjson.loads(path.read_bytes())
        if kept["client_id"] != app["client_id"]:
            return None
        return Credentials(  # type: ignore[no-untyped-call]
            token=None,  # asked for as it is needed
            refresh_token=kept["refresh_token"],
            token_uri=app["token_uri"],
            client_id=app["client_id"],
            client_secret=app["client_secret"],
            scopes=kept.get("scopes"),
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _consent(content: Mapping[str, Any], path: Path, *, interactive: bool) -> Any:
    """Ask the user, and keep the answer."""
    if not interactive:
        raise GoogleNotUsable(f"nobody has agreed yet to our use of the calendar: {_ASSIST}")
    from google_auth_oauthlib.flow import InstalledAppFlow
    from oauthlib.oauth2 import OAuth2Error

    try:
        flow = InstalledAppFlow.from_client_config(content, [WRITE_SCOPE])
        with contextlib.redirect_stdout(sys.stderr):  # standard output is for results
            credentials = flow.run_local_server(
                port=0,
                timeout_seconds=CONSENT_SECONDS,
                authorization_prompt_message="Open this address in a browser on this machine, and agree:\n{url}",
                success_message="Done: go back to the terminal.",
            )
    except (OAuth2Error, ValueError, OSError, AttributeError) as error:  # the last one is the library's time-out
        raise GoogleNotUsable(f"nobody agreed to our use of the calendar ({type(error).__name__}): {_ASSIST}") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, credentials.to_json().encode(), mode=0o600, sync=True)
    return credentials


# -- errors


def trouble(error: Exception) -> Trouble | None:
    """What an error of the client means; None for one that is neither Google's nor the network's."""
    from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
    from googleapiclient.errors import HttpError
    from httplib2 import HttpLib2Error

    if isinstance(error, HttpError):
        wait = error.resp.get("retry-after", "")
        return answered(error.resp.status, _reason(error.content), float(wait) if wait.isdecimal() else 0.0)
    if isinstance(error, RefreshError) and not error.retryable:
        return Trouble(
            401,
            "",
            "Google does not accept our credentials: look whether the service account still exists and this machine's"
            f" clock is right; for an app, delete google-token.json and {_ASSIST}",
            passing=False,
        )
    if isinstance(error, TransportError | RefreshError | HttpLib2Error | OSError):
        return Trouble(0, "", f"Google cannot be reached ({type(error).__name__})", passing=True)
    if isinstance(error, GoogleAuthError):
        return Trouble(0, "", f"our credentials cannot be used ({type(error).__name__})", passing=False)
    return None


def answered(status: int, reason: str, retry_after: float) -> Trouble:
    """What an error answer means. Source: the Calendar API's guide, "Handle API errors"."""
    if status == 429 or (status == 403 and reason in _BUSY):
        return Trouble(status, reason, "Google asks us to slow down", passing=True, retry_after=retry_after)
    if status >= 500:
        return Trouble(status, reason, f"Google has a problem ({status})", passing=True, retry_after=retry_after)
    advice = {
        401: "Google does not accept our credentials: see LIVETIMING_GOOGLE_CREDENTIALS",
        403: "Google refuses it: share the calendar with us (a service account's client_email), to make changes",
        404: "Google knows no such calendar or event: see LIVETIMING_CALENDAR_ID, and whether it is shared with us",
        412: "the event was changed meanwhile",
    }
    known = advice.get(status, f"Google does not take it ({status})")
    return Trouble(status, reason, f"{known} ({reason})" if reason else known, passing=False)


def _reason(content: bytes) -> str:
    """Google's word for it, out of an answer that may be anything."""
    try:
        reason = str(orjson.loads(content)["error"]["errors"][0]["reason"])
    except (ValueError, LookupError, TypeError):
        return ""
    return reason if reason.isascii() and reason.isalnum() and len(reason) <= 60 else ""
