"""Google's push channel: a notification that the calendar has changed, so that it is read at once.

Google posts to LIVETIMING_CALENDAR_PUSH_URL, which leads to our port. A notification says nothing but "changed", and
only one that names our channel and its token counts. Polling goes on as the net: a channel can be lost unseen. It ends
after a week at the latest and is not renewed by Google, so we make a new one before.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Site

from livetiming.files import write_whole
from livetiming.reactor import reactor
from livetiming.service.soon import Soon
from orchestrator.google_api import GoogleNotUsable, calendar_api, trouble
from orchestrator.schedule_settings import CalendarSettings
from orchestrator.settings import Settings
from orchestrator.threads import in_thread

RENEW_SECONDS = 3600.0  # before its end
RETRY_SECONDS = 300.0
STOP_SECONDS = 3.0  # at our end: Google may be slow, and a channel ends by itself
READ_SECONDS = 1.0  # no reading more often, however many notifications come


@dataclass(frozen=True)
class Channel:
    """A channel as Google knows it. `expiration` in Unix seconds; the token is a secret between Google and us."""

    id: str
    token: str
    resource: str
    expiration: float


class PushChannel:
    """One channel for one calendar, where the settings ask for it."""

    log = Logger()

    def __init__(self, settings: Settings, changed: Callable[[], None]) -> None:
        self._settings = settings.calendar
        self._bind = settings.bind
        self._file = settings.state_dir / "calendar-push.json"
        self._changed = Soon(changed, READ_SECONDS)
        self._channel: Channel | None = None
        self._port: Any = None
        self._timer: Any = None
        self._trouble = ""

    @property
    def is_set(self) -> bool:
        """Whether there is to be one."""
        settings = self._settings
        return bool(settings.push_url and settings.google_id and not settings.url)

    def start(self) -> None:
        """Listen, and have Google tell us."""
        if not self.is_set:
            return
        site = Site(_Notifications(self._notified))  # type: ignore[no-untyped-call]
        try:
            self._port = reactor.listenTCP(self._settings.push_port, site, interface=self._bind)
        except CannotListenError as error:
            self.log.error(
                "cannot listen for notifications ({error}): choose another LIVETIMING_CALENDAR_PUSH_PORT",
                error=error.socketError,
            )
            return
        Deferred.fromCoroutine(self._renew())

    async def stop(self) -> None:
        """Listen no more, and have the channel ended, if Google is quick about it."""
        self._changed.cancel()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._port is not None:
            await self._port.stopListening()
        if self._channel is not None:
            ending: Deferred[Any] = in_thread(_stop, self._settings, self._channel)
            await ending.addTimeout(STOP_SECONDS, reactor, onTimeoutCancel=lambda *_: None)

    def _notified(self, channel: str, token: str, state: str) -> int:
        """The HTTP status for a notification."""
        ours = self._channel
        if ours is None or not hmac.compare_digest(channel.encode(), ours.id.encode()):
            return 404
        if not hmac.compare_digest(token.encode(), ours.token.encode()):
            return 401
        if state != "sync":  # that one only says that the channel is there
            self._changed.ask()
        return 200

    async def _renew(self) -> None:
        """A new channel, and then the end of the old one: a notification too many is better than one too few."""
        old = self._channel
        fresh = Channel(str(uuid4()), secrets.token_urlsafe(24), "", 0.0)
        try:
            if old is None:
                old = await in_thread(_kept, self._file)
            self._channel = fresh  # Google may notify us before it answers us
            self._channel = await in_thread(_watch, self._settings, fresh)
            await in_thread(_keep, self._file, self._channel)
            self.log.info("Google tells us when the calendar changes")
            wait = max(RETRY_SECONDS, self._channel.expiration - time.time() - RENEW_SECONDS)
            self._trouble = ""
            if old is not None:
                await in_thread(_stop, self._settings, old)
        except Exception as error:
            wait = RETRY_SECONDS
            self._channel = old if self._channel is fresh else self._channel
            self._say(error)
        self._timer = reactor.callLater(wait, lambda: Deferred.fromCoroutine(self._renew()))

    def _say(self, error: Exception) -> None:
        """Once for each trouble."""
        known = None if isinstance(error, GoogleNotUsable) else trouble(error)
        what = str(error) if isinstance(error, GoogleNotUsable) else known.what if known else type(error).__name__
        if what != self._trouble:
            self._trouble = what
            self.log.warn("no notifications from Google: {what}; the calendar is read in turn", what=what)


class _Notifications(Resource):
    """Whatever the path of the push address is."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, notified: Callable[[str, str, str], int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._notified = notified

    def render(self, request: Any) -> bytes:
        """Google's notification is a POST without a body."""
        if request.method != b"POST":
            request.setResponseCode(405)
            return b""
        values = (
            (request.getHeader(name) or b"").decode("latin-1")
            for name in (b"x-goog-channel-id", b"x-goog-channel-token", b"x-goog-resource-state")
        )
        request.setResponseCode(self._notified(*values))
        return b""


def _watch(settings: CalendarSettings, channel: Channel) -> Channel:
    """`channel`, made by Google."""
    body = {"id": channel.id, "token": channel.token, "type": "web_hook", "address": settings.push_url}
    made = calendar_api(settings, write=False).events().watch(calendarId=settings.google_id, body=body).execute()
    return Channel(channel.id, channel.token, str(made["resourceId"]), float(made["expiration"]) / 1000)


def _stop(settings: CalendarSettings, channel: Channel) -> None:
    """End it. Where that cannot be, it ends by itself in time, and what it still tells us is not ours to hear."""
    try:
        body = {"id": channel.id, "resourceId": channel.resource}
        calendar_api(settings, write=False).channels().stop(body=body).execute()
    except Exception as error:
        if trouble(error) is None:
            raise


def _keep(path: Path, channel: Channel) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, orjson.dumps(asdict(channel)), mode=0o600)


def _kept(path: Path) -> Channel | None:
    """The channel of a life of ours that was killed."""
    try:
        return Channel(**orjson.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
