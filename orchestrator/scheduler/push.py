"""Google's push channel: a notification that the calendar has changed, so that it is read at once.

Google posts to LIVETIMING_CALENDAR_PUSH_URL, which leads to our port. A notification says nothing but "changed", and
only one that names our channel and its token counts. Polling goes on as the net: a channel can be lost unseen. It ends
after a week at the latest and is not renewed by Google, so we make a new one before.
"""

import hmac
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from livetiming.files import write_whole
from livetiming.reactor import reactor
from livetiming.service.soon import Soon
from orchestrator.google_api import GoogleNotUsable, calendar_api, trouble
from orchestrator.schedule_settings import CalendarSettings
from orchestrator.scheduler.sources.retry import next_read
from orchestrator.settings import Settings
from orchestrator.threads import in_thread

RENEW_SECONDS = 3600.0  # before its end
SHORTEST_SECONDS = 300.0  # no renewal sooner than that
RETRY_SECONDS = 3600.0  # between two attempts, at most; the first ones come sooner
STOP_SECONDS = 3.0  # at our end: Google may be slow, and a channel ends by itself
READ_SECONDS = 1.0  # no reading more often, however many notifications come
BODY_LIMIT = 1000  # bytes; Google's notifications have none
IDLE_SECONDS = 10  # a connection that says nothing is closed
DAY = 86400.0


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
        self._channels: tuple[Channel, ...] = ()  # the newest last; another only while it is being replaced
        self._ended = False
        self._port: Any = None
        self._timer: Any = None
        self._failures = 0
        self._trouble = ""

    def start(self) -> None:
        """Listen, and have Google tell us."""
        settings = self._settings
        if not settings.push_url:
            return
        if settings.url or not settings.google_id:
            self.log.warn("LIVETIMING_CALENDAR_PUSH_URL is not used: only Google's API tells us of changes")
            return
        site = Site(_Notifications(self._notified), requestFactory=_Notification, timeout=IDLE_SECONDS)  # type: ignore[no-untyped-call]
        try:
            self._port = reactor.listenTCP(settings.push_port, site, interface=self._bind)
        except CannotListenError as error:
            self.log.error(
                "cannot listen for notifications ({error}): choose another LIVETIMING_CALENDAR_PUSH_PORT",
                error=error.socketError,
            )
            return
        Deferred.fromCoroutine(self._begin())

    async def stop(self) -> None:
        """Listen no more, and have the channel ended, if Google is quick about it."""
        self._ended = True
        self._changed.cancel()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._port is not None:
            await self._port.stopListening()
        ending: Deferred[Any] = Deferred.fromCoroutine(self._end(self._channels))
        await ending.addTimeout(STOP_SECONDS, reactor, onTimeoutCancel=lambda *_: None)

    def _notified(self, channel: str, token: str, state: str) -> int:
        """The HTTP status for a notification."""
        ours = [each for each in self._channels if hmac.compare_digest(channel.encode(), each.id.encode())]
        if not ours:
            return 404
        if not hmac.compare_digest(token.encode(), ours[0].token.encode()):
            return 401
        if state != "sync":  # that one only says that the channel is there
            self._changed.ask()
        return 200

    async def _begin(self) -> None:
        """The channel of a life of ours that was killed is heard until there is another."""
        kept = await in_thread(_kept, self._file)
        if kept is not None and kept.expiration > time.time():
            self._channels = (kept,)
        await self._renew()

    async def _renew(self) -> None:
        """A new channel, and then the end of the old one: a notification too many is better than one too few."""
        old, fresh = self._channels, Channel(str(uuid4()), secrets.token_urlsafe(24), "", 0.0)
        self._channels = (*old, fresh)  # Google may notify us before it answers us
        try:
            made = await in_thread(_watch, self._settings, fresh)
        except Exception as error:
            self._channels = old
            self._failed(error)
            return
        self._channels = (made,)
        self._failures, self._trouble = 0, ""
        self.log.info("Google tells us when the calendar changes")
        try:
            await in_thread(_keep, self._file, made)
        except OSError as error:
            self.log.error("{file} cannot be written: {error}", file=self._file, error=error.strerror)
        self._later(max(SHORTEST_SECONDS, made.expiration - time.time() - RENEW_SECONDS))
        await self._end((*old, made) if self._ended else old)

    async def _end(self, channels: tuple[Channel, ...]) -> None:
        for channel in channels:
            try:
                await in_thread(_stop, self._settings, channel)
            except CancelledError:  # there is no more time
                return
            except Exception:
                self.log.failure("a channel of Google's notifications was not ended")

    def _failed(self, error: Exception) -> None:
        """Said once for each trouble, and tried again."""
        known = None if isinstance(error, GoogleNotUsable) else trouble(error)
        what = str(error) if isinstance(error, GoogleNotUsable) else known.what if known else type(error).__name__
        if what != self._trouble:
            self._trouble = what
            self.log.warn("no notifications from Google: {what}; the calendar is read in turn", what=what)
        self._failures += 1
        wish = known.retry_after if known else 0.0
        self._later(next_read(RETRY_SECONDS, self._failures, wish, random.random()))  # noqa: S311

    def _later(self, seconds: float) -> None:
        if not self._ended:
            self._timer = reactor.callLater(seconds, lambda: Deferred.fromCoroutine(self._renew()))


class _Notification(Request):
    """A request whose body is not kept, and not even listened to if it is large."""

    received = 0

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """See Request."""
        self.received += len(data)
        if self.received > BODY_LIMIT:
            self.channel.loseConnection()  # type: ignore[no-untyped-call]


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
    expiration = float(made["expiration"]) / 1000 if "expiration" in made else time.time() + DAY
    return Channel(channel.id, channel.token, str(made["resourceId"]), expiration)


def _stop(settings: CalendarSettings, channel: Channel) -> None:
    """End it. Where that cannot be, it ends by itself in time, and what it still tells us is not ours to hear."""
    if not channel.resource:  # Google has not told us yet that it is there
        return
    try:
        body = {"id": channel.id, "resourceId": channel.resource}
        calendar_api(settings, write=False).channels().stop(body=body).execute()
    except Exception as error:
        if not isinstance(error, GoogleNotUsable) and trouble(error) is None:
            raise


def _keep(path: Path, channel: Channel) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, orjson.dumps(asdict(channel)), mode=0o600)


def _kept(path: Path) -> Channel | None:
    """The channel that was made last; None for a file that says nothing of use."""
    try:
        known = orjson.loads(path.read_bytes())
        return Channel(str(known["id"]), str(known["token"]), str(known["resource"]), float(known["expiration"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None
