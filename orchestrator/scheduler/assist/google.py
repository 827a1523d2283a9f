"""Copies in a Google calendar, by its API v3. Blocks.

A copy's id is its key, and its private extended properties say what it is a copy of, so that it can be found again
whatever a person makes of it. An id stays taken when its event is deleted: to create it again is to update it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.google_api import calendar_api, trouble
from orchestrator.schedule_settings import CalendarSettings
from orchestrator.scheduler.assist.model import Copy, Ours, Update, written_text, written_value
from orchestrator.scheduler.assist.targets import Patience, TargetError, identity_of

SOURCE, ORIGIN, WRITTEN = "livetimingSource", "livetimingOrigin", "livetimingWritten"
MARK = "livetimingCopy"  # the same for all copies: the API can only look for a value that it is told
PAGE = 250  # events in an answer


class GoogleTarget:
    """A Google calendar. Raises GoogleNotUsable where there are no credentials for it."""

    name = "the Google calendar"

    def __init__(self, settings: CalendarSettings, patience: Patience, *, write: bool, interactive: bool) -> None:
        self._id = settings.google_id
        self._patiently = patience
        self._events = calendar_api(settings, write=write, interactive=interactive).events()
        self.identity = identity_of(f"google://calendar/{self._id}")

    def ours(self) -> list[Ours]:
        """All copies."""
        found: list[Ours] = []
        page: str | None = None
        while True:
            answer = self._do(partial(self._list, page))
            zone = _zone(answer.get("timeZone", ""))
            found += _ours(answer.get("items", []), zone)
            page = answer.get("nextPageToken")
            if not page:
                return found

    def _list(self, page: str | None) -> Any:
        return self._events.list(
            calendarId=self._id, privateExtendedProperty=f"{MARK}=1", maxResults=PAGE, pageToken=page
        )

    def create(self, copy: Copy, origin: str) -> None:
        """Add it, or bring it back."""
        made = {**_times(copy.start, copy.end), "summary": copy.title, "status": "confirmed"}
        body = {**made, **_properties(copy, origin)}
        try:
            self._do(lambda: self._events.insert(calendarId=self._id, body={"id": copy.key, **body}))
        except _Taken:  # deleted once, or made by a try whose answer was lost
            self._do(lambda: self._events.update(calendarId=self._id, eventId=copy.key, body=body))

    def update(self, update: Update, origin: str) -> None:
        """Write what changed, unless somebody else has changed the event since it was listed."""
        body = _properties(update.copy, origin)
        if update.moves:
            body |= _times(update.start, update.end)
        if update.retitles:
            body["summary"] = update.copy.title

        def request() -> Any:
            made = self._events.patch(calendarId=self._id, eventId=update.ours.key, body=body)
            made.headers["If-Match"] = update.ours.handle
            return made

        self._do(request)

    def delete(self, ours: Ours) -> None:
        """Remove it."""
        try:
            self._do(lambda: self._events.delete(calendarId=self._id, eventId=ours.key))
        except _Gone:
            return

    def _do(self, request: Callable[[], Any]) -> Any:
        return self._patiently(lambda: _executed(request()))


class _Taken(TargetError):
    """The id is in use."""


class _Gone(TargetError):
    """It is deleted already."""


def _executed(request: Any) -> Any:
    try:
        return request.execute()
    except Exception as error:
        found = trouble(error)
        if found is None:
            raise
        kind = {409: _Taken, 410: _Gone}.get(found.status, TargetError)
        raise kind(found.what, passing=found.passing, retry_after=found.retry_after) from None


# -- events as JSON


def _times(start: int, end: int) -> dict[str, Any]:
    # "date" goes, where a person made an all-day event of it
    return {"start": {"dateTime": _text(start), "date": None}, "end": {"dateTime": _text(end), "date": None}}


def _properties(copy: Copy, origin: str) -> dict[str, Any]:
    private = {MARK: "1", SOURCE: copy.key, ORIGIN: origin, WRITTEN: written_text(copy.written)}
    return {"extendedProperties": {"private": private}}


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ours(items: Iterable[Any], zone: ZoneInfo) -> Iterator[Ours]:
    for event in items:
        private = event.get("extendedProperties", {}).get("private", {})
        if private.get(SOURCE) != event["id"]:  # somebody's duplicate of a copy is theirs
            continue
        yield Ours(
            key=event["id"],
            title=str(event.get("summary", "")),
            start=_moment(event.get("start"), zone),
            end=_moment(event.get("end"), zone),
            origin=private.get(ORIGIN, ""),
            written=written_value(private.get(WRITTEN, "")),
            handle=event.get("etag", "*"),
        )


def _moment(value: Any, zone: ZoneInfo) -> int:
    """Unix seconds; of a day, its midnight in the calendar's zone. 0 where there is none."""
    try:
        moment = datetime.fromisoformat(value.get("dateTime") or value["date"])
    except (AttributeError, LookupError, TypeError, ValueError):
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
