"""A Google calendar through its API: all of it once, then what has changed since (sync tokens)."""

from typing import Any

from orchestrator.google_api import GoogleNotUsable, calendar_api, trouble
from orchestrator.schedule_settings import CalendarSettings
from orchestrator.scheduler.sources.base import CalendarUnreadable
from orchestrator.scheduler.sources.google_events import Event, as_icalendar, changed

_PAGE = 2500  # events; the most that Google gives at once
_PAGES = 1000  # more than any calendar has


class GoogleSource:
    """The calendar `LIVETIMING_CALENDAR_ID`."""

    def __init__(self, settings: CalendarSettings) -> None:
        self._settings = settings
        self._api: Any = None
        self._accepted = _Known({}, "", "")
        self._given = self._accepted

    def read(self) -> bytes | None:
        """See Source."""
        try:
            if self._api is None:
                self._api = calendar_api(self._settings, write=False)
            return self._read()
        except GoogleNotUsable as error:
            raise CalendarUnreadable(str(error)) from None
        except CalendarUnreadable:
            raise
        except Exception as error:
            known = trouble(error)
            if known is None:
                raise
            raise CalendarUnreadable(known.what, known.retry_after) from None

    def accept(self) -> None:
        """See Source."""
        self._accepted = self._given

    def _read(self) -> bytes | None:
        before = self._accepted
        try:
            items, zone, token = self._listed(before.token)
        except Exception as error:
            known = trouble(error)
            if not before.token or known is None or known.status != 410:
                raise
            before = _Known({}, "", "")  # the token is too old: all anew
            items, zone, token = self._listed("")
        if before.token and not items:
            self._given = _Known(before.events, before.zone, token)
            return None
        self._given = _Known(changed(before.events, items), zone or before.zone, token)
        return as_icalendar(self._given.events.values(), self._given.zone)

    def _listed(self, sync_token: str) -> tuple[list[Event], str, str]:
        """(events, the calendar's time zone, next sync token), page by page."""
        items: list[Event] = []
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
            items += answer.get("items", [])
            page = answer.get("nextPageToken")
            if page is None:
                return items, answer.get("timeZone", ""), answer.get("nextSyncToken", "")
        raise CalendarUnreadable("Google's answer does not end")


class _Known:
    """What Google has told: its events by id, the calendar's zone, and the token for what changes from then on."""

    def __init__(self, events: dict[str, Event], zone: str, token: str) -> None:
        self.events, self.zone, self.token = events, zone, token
