"""A calendar at a web address, asked for with ETag and If-Modified-Since."""

from dataclasses import dataclass

import requests

from orchestrator.scheduler.sources.base import CalendarUnreadable
from orchestrator.scheduler.sources.bounded import BoundedSession, Limits, Refused, refused
from orchestrator.scheduler.sources.dav import CalDavSource

_BEGIN, _HEAD = b"BEGIN:VCALENDAR", 1000  # is found in so many bytes
# What CalDAV servers answer to a GET of a calendar, where they have no page to show. Others (401, 429, 5xx) are the
# same by CalDAV, and asking twice would only make them worse.
_PERHAPS_CALDAV = frozenset({403, 404, 405, 501})


@dataclass(frozen=True)
class _Validators:
    etag: str = ""
    last_modified: str = ""

    @property
    def headers(self) -> dict[str, str]:
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}


class WebSource:
    """`http(s)://…`. Where a server has no iCalendar file there but speaks CalDAV, that is used instead."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self._url = url
        self._limits = limits or Limits()
        self._accepted = _Validators()
        self._given = _Validators()
        self._dav = CalDavSource(url, self._limits)
        self._by_dav = False  # how it was read last
        self._prefer_dav = False  # how it is read next

    def read(self) -> bytes | None:
        """See Source."""
        self._by_dav = self._prefer_dav
        if not self._by_dav:
            content = self._read()
        if self._by_dav:
            self._prefer_dav = False  # unless this goes well: perhaps it is a file meanwhile
            content = self._dav.read()
        return content

    def accept(self) -> None:
        """See Source."""
        self._prefer_dav = self._by_dav
        if self._by_dav:
            self._dav.accept()
        else:
            self._accepted = self._given

    def _read(self) -> bytes | None:
        """What is at the address; or None, having found that it is to be asked for by CalDAV."""
        with BoundedSession(self._limits) as session:
            try:
                content, refusal = self._get(session), None
                perhaps = content is not None and _BEGIN not in content[:_HEAD].upper()
            except Refused as error:
                content, refusal = None, error
                perhaps = error.status in _PERHAPS_CALDAV
            self._by_dav = perhaps and self._speaks_caldav(session)
        if refusal is not None and not self._by_dav:
            raise refusal
        return content

    def _get(self, session: BoundedSession) -> bytes | None:
        try:
            response = session.get(self._url, headers=self._accepted.headers)
        except (requests.RequestException, ValueError) as error:  # an address, perhaps a redirect's, that is none
            raise CalendarUnreadable(type(error).__name__) from None
        if response.status_code == requests.codes.not_modified and self._accepted.headers:
            self._given = self._accepted
            return None
        if response.status_code != requests.codes.ok:
            raise refused(response)
        self._given = _Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
        return response.content

    def _speaks_caldav(self, session: BoundedSession) -> bool:
        try:
            return "calendar-access" in session.options(self._url).headers.get("DAV", "")
        except (requests.RequestException, ValueError, CalendarUnreadable):
            return False
