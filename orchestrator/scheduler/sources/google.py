"""A Google calendar through its API: all of it once, then what has changed since (sync tokens)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.google_api import GoogleNotUsable, calendar_api, trouble
from orchestrator.schedule_settings import CalendarSettings
from orchestrator.scheduler.sources.base import CalendarUnreadable
from orchestrator.scheduler.sources.google_events import Event, as_icalendar, changed

_PAGE = 2500  # events; the most that Google gives at once
_PAGES = 1000  # more than any calendar has
_GONE = 410  # what Google says to a sync token that is too old


@dataclass(frozen=True)
class _Known:
    """What Google has told: its events by id, the calendar's zone, and the token for what changes from then on."""

    events: Mapping[str, Event] = field(default_factory=dict)
    zone: str = ""
    token: str = ""


class GoogleSource:
    """The calendar `LIVETIMING_CALENDAR_ID`."""

    def __init__(self, settings: CalendarSettings) -> None:
        self._settings = settings
        self._api: Any = None
        self._accepted = _Known()
        self._given = self._accepted

    def read(self) -> bytes | None:
        """See Source."""
        try:
            if self._api is None:
                self._api = calendar_api(self._settings, write=False)
            return self._read()
        except Exception as error:
            self._api = None  # the next one looks at the credentials again
            if isinstance(error, CalendarUnreadable):
                raise
            raise _unreadable(error) from None

    def accept(self) -> None:
        """See Source."""
        self._accepted = self._given

    def _read(self) -> bytes | None:
        before = self._accepted
        try:
            items, zone, token = self._listed(before.token)
        except Exception as error:
            known = trouble(error)
            if not before.token or known is None or known.status != _GONE:
                raise
            before = _Known()  # all anew
            items, zone, token = self._listed("")
        if before.token and not items:
            self._given = _Known(before.events, before.zone, token)
            return None
        self._given = _Known(changed(before.events, items), zone or before.zone, token)
        return as_icalendar(self._given.events.values(), self._given.zone)

    def _listed(self, sync_token: str) -> tuple[list[Any], str, str]:
        """(events, the calendar's time zone, next sync token), page by page."""
        items: list[Any] = []
        page = None
        for _ in range(_PAGES):
            # a series is asked for as such, with its changed instances: we expand it, as any other calendar's
            answer = (
                self._api.events()
                .list(
                    calendarId=self._settings.google_id,
                    maxResults=_PAGE,
                    pageToken=page,
                    syncToken=sync_token or None,
                )
                .execute()
            )
            if not isinstance(answer, Mapping) or not isinstance(answer.get("items", []), list):
                raise CalendarUnreadable("Google's answer makes no sense")
            items += answer.get("items", [])
            page = answer.get("nextPageToken")
            if page is None:
                return items, str(answer.get("timeZone", "")), str(answer.get("nextSyncToken", ""))
        raise CalendarUnreadable("Google's answer does not end")


def _unreadable(error: Exception) -> Exception:
    """What to raise for what the client raised; `error` itself where it is a mistake of ours."""
    if isinstance(error, GoogleNotUsable):
        return CalendarUnreadable(str(error))
    known = trouble(error)
    if known is not None:
        return CalendarUnreadable(known.what, known.retry_after)
    if isinstance(error, ValueError):  # a page, say, of a network that wants us to log in
        return CalendarUnreadable("what answers in Google's place is no JSON")
    return error
