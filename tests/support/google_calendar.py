"""Google for tests: Calendar API v3 and its token endpoint on loopback, as far as we use them.

Written from the API's reference. What it does not speak it refuses, so that a test never passes by a guess.
"""

import hashlib
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

import orjson
import requests

from tests.support.google_accounts import GoogleAccounts, InvalidGrant
from tests.support.loopback import Handler, LoopbackServer

CALENDAR_ID = "races@group.calendar.example"
API = "/calendar/v3"
Event = dict[str, Any]
_EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
_NOT_WITH_SYNC = {"timeMin", "timeMax", "privateExtendedProperty", "q", "orderBy", "updatedMin", "iCalUID"}
_LIST = {"pageToken", "maxResults", "syncToken", "showDeleted", "singleEvents", "timeZone", "alt", *_NOT_WITH_SYNC}


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        self.status, self.reason, self.retry_after = status, reason, retry_after


@dataclass
class Channel:
    """A push channel."""

    id: str
    token: str
    resource: str
    address: str
    expiration: float  # Unix s
    messages: int = 0


@dataclass
class _Fault:
    refusal: Refusal
    method: str
    times: int


@dataclass
class _Call:
    method: str
    path: tuple[str, ...]  # after /calendar/v3/calendars
    query: list[tuple[str, str]]
    body: Event
    headers: Mapping[str, str]

    def one(self, name: str, default: str = "") -> str:
        return dict(self.query).get(name, default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]


class GoogleCalendarServer:
    """One calendar, `CALENDAR_ID`. A test may change `events` (by id) as it likes: etags and sync tokens follow."""

    def __init__(self, time_zone: str = "Europe/Berlin") -> None:
        self.events: dict[str, Event] = {}
        self.requests: list[tuple[str, str, list[tuple[str, str]]]] = []  # method, path, query
        self.channels: dict[str, Channel] = {}
        self.time_zone = time_zone
        self.page_limit = 250  # events in an answer, at most
        self.channel_seconds = 604_800.0
        self.after_write: Callable[[], None] = lambda: None  # between a change and its answer
        self._faults: list[_Fault] = []
        self._syncs: dict[str, dict[str, str]] = {}  # token → (id → etag) of what stood there then
        self._pages: dict[str, tuple[list[Event], str]] = {}
        self._count = itertools.count(1)
        self._lock = threading.Lock()
        google = self

        class Answering(Handler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with google._lock:
                    status, answer, headers = google._answer(
                        self.command, self.path, body, {name.lower(): value for name, value in self.headers.items()}
                    )
                self.reply(status, b"" if answer is None else orjson.dumps(answer), headers)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server's names

        self._server = LoopbackServer(Answering)
        self.accounts = GoogleAccounts(self.url)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def url(self) -> str:
        """For LIVETIMING_GOOGLE_API."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End it."""
        self._server.close()

    # -- what a test may say

    def credentials_file(self, folder: Path) -> Path:
        """A service account's file."""
        return self.accounts.service_account_file(folder)

    def fail_next(
        self, status: int, reason: str, retry_after: int | None = None, *, method: str = "", times: int = 1
    ) -> None:
        """Refuse the next API calls (of HTTP `method`, if given), `times` of them; tokens are given all the same."""
        self._faults.append(_Fault(Refusal(status, reason, retry_after), method, times))

    def expire_sync_tokens(self) -> None:
        """As after some weeks: 410 for each that was given."""
        self._syncs.clear()

    def notify(self, state: str = "exists") -> list[int]:
        """Post a notification to each watched address; what they answered."""
        return [self._post(channel, state) for channel in list(self.channels.values())]

    def _post(self, channel: Channel, state: str) -> int:
        channel.messages += 1
        headers = {
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Token": channel.token,
            "X-Goog-Channel-Expiration": datetime.fromtimestamp(channel.expiration, UTC).strftime(
                "%a, %d %b %Y %H:%M:%S GMT"
            ),
            "X-Goog-Resource-ID": channel.resource,
            "X-Goog-Resource-URI": f"{self.url}{API}/calendars/{CALENDAR_ID}/events",
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(channel.messages),
        }
        return requests.post(channel.address, headers=headers, timeout=10).status_code

    # -- HTTP

    def _answer(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Event | None, dict[str, str]]:
        url = urlsplit(target)
        kind = {"Content-Type": "application/json; charset=UTF-8"}
        try:
            if (method, url.path) == ("POST", "/token"):
                return 200, self.accounts.token(dict(parse_qsl(body.decode()))), kind
            query = parse_qsl(url.query, keep_blank_values=True)
            self.requests.append((method, url.path, query))
            if not self.accounts.knows(headers.get("authorization", "")):
                raise Refusal(401, "authError")
            self._fault(method)
            parts = tuple(unquote(part) for part in url.path.removeprefix(f"{API}/").split("/"))
            answer = self._call(parts, _Call(method, parts[1:], query, orjson.loads(body) if body else {}, headers))
            if method != "GET":
                self.after_write()
            return (204 if answer is None else 200), answer, kind
        except InvalidGrant:
            return 400, {"error": "invalid_grant", "error_description": "no"}, kind
        except Refusal as refusal:
            wait = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
            said = {"domain": "global", "reason": refusal.reason, "message": refusal.reason}
            error = {"code": refusal.status, "message": refusal.reason, "errors": [said]}
            return refusal.status, {"error": error}, {**kind, **wait}

    def _fault(self, method: str) -> None:
        for fault in self._faults:
            if fault.method in ("", method):
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                raise fault.refusal

    def _call(self, parts: tuple[str, ...], call: _Call) -> Event | None:
        if parts == ("channels", "stop") and call.method == "POST":
            self._stop(call.body)
            return None
        if parts[0] != "calendars" or len(parts) < 2 or parts[1] != CALENDAR_ID:
            raise Refusal(404, "notFound")
        match call.method, parts[2:]:
            case "GET", ():
                return {"kind": "calendar#calendar", "id": CALENDAR_ID, "summary": "Races", "timeZone": self.time_zone}
            case "GET", ("events",):
                return self._list(call)
            case "POST", ("events",):
                return self._insert(call.body)
            case "POST", ("events", "watch"):
                return self._watch(call.body)
            case "GET", ("events", event_id):
                return _shown(self._known(event_id))
            case "PUT", ("events", event_id):
                return self._write(event_id, call, call.body)
            case "PATCH", ("events", event_id):
                return self._write(event_id, call, _merged(self._known(event_id), call.body))
            case "DELETE", ("events", event_id):
                self._delete(event_id, call)
                return None
        raise Refusal(404, "notFound")

    # -- events

    def _list(self, call: _Call) -> Event:
        if unknown := {name for name, _ in call.query} - _LIST:
            raise Refusal(501, f"thisTestServerDoesNotSpeak{sorted(unknown)}")
        if call.one("singleEvents") == "true":
            raise Refusal(501, "thisTestServerDoesNotExpand")
        if page := call.one("pageToken"):
            if page not in self._pages:
                raise Refusal(400, "invalidPageToken")
            found, sync = self._pages.pop(page)
        else:
            found, sync = self._found(call)
        size = min(self.page_limit, int(call.one("maxResults", "250")))
        answer: Event = {
            "kind": "calendar#events",
            "timeZone": self.time_zone,
            "summary": "Races",
            "items": [_shown(event) for event in found[:size]],
        }
        if found[size:]:
            answer["nextPageToken"] = f"page-{next(self._count)}"
            self._pages[answer["nextPageToken"]] = found[size:], sync
        elif sync:
            answer["nextSyncToken"] = sync
        return answer

    def _found(self, call: _Call) -> tuple[list[Event], str]:
        """The events that are asked for, and the next sync token."""
        sync = f"sync-{next(self._count)}"
        self._syncs[sync] = {key: _etag(event) for key, event in self.events.items()}
        given = call.one("syncToken")
        if given:
            return self._since(given, call), sync
        if call.one("orderBy") or call.one("q") or call.one("iCalUID") or call.one("updatedMin"):
            raise Refusal(501, "thisTestServerDoesNotSearch")
        deleted = call.one("showDeleted") == "true"
        found = [event for event in self.events.values() if deleted or not self._is_gone(event)]
        for wanted in call.all("privateExtendedProperty"):
            name, _, value = wanted.partition("=")
            found = [each for each in found if _private(each).get(name) == value]
        found = [each for each in found if self._touches(each, call.one("timeMin"), call.one("timeMax"))]
        return found, "" if call.all("privateExtendedProperty") else sync

    def _since(self, given: str, call: _Call) -> list[Event]:
        if call.one("showDeleted") == "false" or {name for name, _ in call.query} & _NOT_WITH_SYNC:
            raise Refusal(400, "invalid")
        if given not in self._syncs:
            raise Refusal(410, "fullSyncRequired")
        seen = self._syncs[given]
        changed = [event for key, event in self.events.items() if seen.get(key) != _etag(event)]
        return changed + [{"id": key, "status": "cancelled"} for key in seen.keys() - self.events.keys()]

    def _is_gone(self, event: Event) -> bool:
        """A cancelled instance of a series that goes on is always listed: it is what says so."""
        master = self.events.get(event.get("recurringEventId", ""), {"status": "cancelled"})
        return event.get("status") == "cancelled" and master.get("status") == "cancelled"

    def _touches(self, event: Event, low: str, high: str) -> bool:
        if "recurrence" in event or "start" not in event:
            return True
        start, end = (self._moment(event[key]) for key in ("start", "end"))
        return not (low and end <= datetime.fromisoformat(low)) and not (high and start >= datetime.fromisoformat(high))

    def _moment(self, value: Mapping[str, str]) -> datetime:
        zone = ZoneInfo(value.get("timeZone", self.time_zone))
        moment = datetime.fromisoformat(value.get("dateTime") or value["date"])
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)

    def _known(self, event_id: str) -> Event:
        if event_id not in self.events:
            raise Refusal(404, "notFound")
        return self.events[event_id]

    def _insert(self, body: Event) -> Event:
        event_id = body.get("id") or f"made{next(self._count)}"
        if not _EVENT_ID.fullmatch(event_id):
            raise Refusal(400, "invalid")
        if event_id in self.events:  # a deleted one, too
            raise Refusal(409, "duplicate")
        self._check(body)
        made = {"id": event_id, "iCalUID": f"{event_id}@google.com", "status": "confirmed", "sequence": 0}
        self.events[event_id] = {**made, "created": _now(), **body, "updated": _now()}
        return _shown(self.events[event_id])

    def _write(self, event_id: str, call: _Call, body: Event) -> Event:
        known = self._known(event_id)
        self._match(known, call)
        self._check(body)
        kept: Event = {key: known[key] for key in ("id", "iCalUID", "created") if key in known}
        sequence = int(known.get("sequence", 0)) + 1
        self.events[event_id] = {"status": "confirmed", **body, **kept, "sequence": sequence, "updated": _now()}
        return _shown(self.events[event_id])

    def _delete(self, event_id: str, call: _Call) -> None:
        known = self._known(event_id)
        if known.get("status") == "cancelled":
            raise Refusal(410, "deleted")
        self._match(known, call)
        self.events[event_id] = {**known, "status": "cancelled", "updated": _now()}

    def _match(self, known: Event, call: _Call) -> None:
        if call.headers.get("if-match", "*") not in ("*", _etag(known)):
            raise Refusal(412, "conditionNotMet")

    def _check(self, body: Event) -> None:
        if not body.get("start") or not body.get("end"):
            raise Refusal(400, "required")
        if self._moment(body["end"]) < self._moment(body["start"]):
            raise Refusal(400, "timeRangeEmpty")

    # -- push

    def _watch(self, body: Event) -> Event:
        if body.get("type") != "web_hook" or not body.get("id") or not body.get("address"):
            raise Refusal(400, "required")
        if body["id"] in self.channels:
            raise Refusal(400, "channelIdNotUnique")
        ttl = float(body.get("params", {}).get("ttl") or self.channel_seconds)
        asked = int(body["expiration"]) / 1000 if "expiration" in body else time.time() + ttl
        until = min(asked, time.time() + self.channel_seconds)
        channel = Channel(body["id"], body.get("token", ""), f"resource-{next(self._count)}", body["address"], until)
        self.channels[channel.id] = channel
        threading.Thread(target=self._say_hello, args=(channel,), daemon=True).start()
        made = {"kind": "api#channel", "id": channel.id, "resourceId": channel.resource, "token": channel.token}
        return {**made, "resourceUri": f"{self.url}{API}/events", "expiration": str(int(until * 1000))}

    def _say_hello(self, channel: Channel) -> None:
        with suppress(requests.RequestException):  # Google does not care either
            self._post(channel, "sync")

    def _stop(self, body: Event) -> None:
        channel = self.channels.get(body.get("id", ""))
        if channel is None or channel.resource != body.get("resourceId"):
            raise Refusal(404, "channelNotFound")
        del self.channels[channel.id]


def _etag(event: Event) -> str:
    content = orjson.dumps({key: value for key, value in event.items() if key != "etag"}, option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _shown(event: Event) -> Event:
    return {"kind": "calendar#event", **event, "etag": _etag(event)}


def _private(event: Event) -> dict[str, str]:
    found: dict[str, str] = event.get("extendedProperties", {}).get("private", {})
    return found


def _merged(old: Event, new: Event) -> Event:
    """JSON merge patch (RFC 7396), as Google's patch is."""
    merged = dict(old)
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merged(old.get(key) or {}, value)
        else:
            merged[key] = value
    return merged


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def google_calendar(time_zone: str = "Europe/Berlin") -> Iterator[GoogleCalendarServer]:
    """A server for the length of a test."""
    server = GoogleCalendarServer(time_zone)
    try:
        yield server
    finally:
        server.close()
