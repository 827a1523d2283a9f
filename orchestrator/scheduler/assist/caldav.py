"""Copies in a CalDAV collection (RFC 4791), by the caldav library. Blocks.

A copy is an object of its own, whose UID is its key, so that it can be found again whatever a person makes of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urljoin, urlsplit

import icalendar
import requests
from caldav.davclient import DAVClient, DAVResponse
from caldav.elements import cdav, dav

from orchestrator.scheduler.assist.model import Copy, Ours, Update, written_text, written_value
from orchestrator.scheduler.assist.targets import Patience, TargetError, identity_of
from orchestrator.scheduler.sources.address import DAV, without_user

SOURCE, ORIGIN, WRITTEN = "X-LIVETIMING-SOURCE", "X-LIVETIMING-ORIGIN", "X-LIVETIMING-WRITTEN"
TIMEOUT_SECONDS = 30
_UID = re.compile(r"(lt[0-9a-f]{40})@livetiming")
_QUERY = """<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
  <D:prop><D:getetag/><C:calendar-data/></D:prop>
  <C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter>
</C:calendar-query>"""


class CaldavTarget:
    """The collection at `address` (caldav, caldavs, http or https). TargetError if its server speaks no CalDAV."""

    name = "the CalDAV calendar"

    def __init__(self, address: str, patience: Patience, now: Callable[[], float]) -> None:
        given, name, password = without_user(address)
        parts = urlsplit(given)
        url = parts._replace(scheme=DAV.get(parts.scheme, parts.scheme)).geturl()
        self._url = url if url.endswith("/") else f"{url}/"
        self._now = now
        self._patiently = patience
        self._client = DAVClient(
            self._url, username=name, password=password, timeout=TIMEOUT_SECONDS, enable_rfc6764=False
        )
        self._answered = (0, "")  # the last answer's status and Retry-After
        self._client.session.hooks["response"].append(self._heard)
        self.identity = identity_of(address)
        if parts.scheme in ("http", "https") and not self._is_caldav():
            raise TargetError(
                "the calendar at LIVETIMING_CALENDAR_URL can only be read: give its CalDAV address (caldavs://…),"
                " or a Google calendar's id as LIVETIMING_CALENDAR_ID"
            )

    def _heard(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        self._answered = (response.status_code, response.headers.get("Retry-After", ""))

    def _is_caldav(self) -> bool:
        answer = self._do("OPTIONS", self._url, fine=(200, 204, 404, 405, 501))
        return "calendar-access" in str(answer.headers.get("DAV", ""))

    def ours(self) -> list[Ours]:
        """All copies. The whole calendar is read: few servers find events by a property of ours."""
        answer = self._do("REPORT", self._url, _QUERY, {"Depth": "1"}, fine=(207,))
        found = answer.expand_simple_props(props=[dav.GetEtag(), cdav.CalendarData()])
        return list(_ours(self._url, found))

    def create(self, copy: Copy, origin: str) -> None:
        """Add it."""
        event = icalendar.Event()
        event.add("UID", f"{copy.key}@livetiming")
        self._write(event, {**_times(copy.start, copy.end), "SUMMARY": copy.title}, copy, origin)
        calendar = icalendar.Calendar()
        calendar.add("PRODID", "-//Livetiming Orchestrator//assist//EN")
        calendar.add("VERSION", "2.0")
        calendar.add_component(event)
        self._put(f"{self._url}{copy.key}.ics", calendar, {"If-None-Match": "*"})

    def update(self, update: Update, origin: str) -> None:
        """Write what changed, unless somebody else has changed the event since it was listed."""
        url, etag, text = update.ours.handle
        calendar = icalendar.Calendar.from_ical(text)
        event = _event(calendar)
        event["SEQUENCE"] = int(event.get("SEQUENCE", 0)) + 1
        values = _times(update.start, update.end) if update.moves else {}
        if update.retitles:
            values["SUMMARY"] = update.copy.title
        self._write(event, values, update.copy, origin)
        self._put(url, calendar, {"If-Match": etag} if etag else {})

    def delete(self, ours: Ours) -> None:
        """Remove it."""
        self._do("DELETE", ours.handle[0], fine=(200, 204, 404, 410))

    def _write(self, event: Any, values: dict[str, Any], copy: Copy, origin: str) -> None:
        now = datetime.fromtimestamp(int(self._now()), UTC)
        properties = {SOURCE: copy.key, ORIGIN: origin, WRITTEN: written_text(copy.written)}
        if "DTEND" in values:
            event.pop("DURATION", None)
        for name, value in {**values, **properties, "DTSTAMP": now, "LAST-MODIFIED": now}.items():
            event.pop(name, None)
            event.add(name, value)

    def _put(self, url: str, calendar: Any, headers: Mapping[str, str]) -> None:
        kind = {"Content-Type": "text/calendar; charset=utf-8"}
        self._do("PUT", url, calendar.to_ical().decode(), {**kind, **headers}, fine=(200, 201, 204))

    def _do(
        self,
        method: str,
        url: str,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        *,
        fine: Iterable[int],
    ) -> DAVResponse:
        return self._patiently(lambda: self._once(method, url, body, headers or {}, fine))

    def _once(self, method: str, url: str, body: str, headers: Mapping[str, str], fine: Iterable[int]) -> DAVResponse:
        """One request. The library's errors quote the address, and hide the answer: so we look at that ourselves."""
        self._answered = (0, "")
        try:
            answer = self._client.request(url, method, body, headers)
            if answer.status in fine:
                return answer
        except Exception as error:
            if self._answered[0] < 400:
                what = f"the calendar's server cannot be used ({type(error).__name__})"
                raise TargetError(what, passing=True) from None
        raise _refused(*self._answered)


def _refused(status: int, wait: str) -> TargetError:
    advice = {
        401: "the calendar's server does not know us: give name and password in LIVETIMING_CALENDAR_URL"
        " (caldavs://name:password@…)",
        403: "the calendar's server refuses it: may this user write there?",
        404: "there is no such calendar at LIVETIMING_CALENDAR_URL: see its path",
        412: "the event was changed or made meanwhile: run assist again",
        429: "the calendar's server asks us to slow down",
    }
    what = advice.get(status, f"the calendar's server has a problem ({status})")
    passing = status == 429 or (status >= 500 and status != 501)
    return TargetError(what, passing=passing, retry_after=float(wait) if wait.isdecimal() else 0.0)


# -- events as iCalendar


def _times(start: int, end: int) -> dict[str, Any]:
    return {name: datetime.fromtimestamp(moment, UTC) for name, moment in (("DTSTART", start), ("DTEND", end))}


def _ours(base: str, found: Mapping[str, Mapping[str, str | None]]) -> Iterator[Ours]:
    """Those of the objects that are copies; a broken one is not, and costs only itself."""
    for href, values in found.items():
        text = values.get(cdav.CalendarData.tag) or ""
        if "@livetiming" not in text:
            continue
        try:
            event = _event(icalendar.Calendar.from_ical(text))
            uid = _UID.fullmatch(str(event.get("UID", "")))
            if uid is None:
                continue
            yield Ours(
                key=uid[1],
                title=str(event.get("SUMMARY", "")),
                start=_moment(event.start),
                end=_moment(event.end),
                origin=str(event.get(ORIGIN, "")),
                written=written_value(str(event.get(WRITTEN, ""))),
                handle=(urljoin(base, href), values.get(dav.GetEtag.tag) or "", text),
            )
        except (ValueError, LookupError, TypeError, AttributeError, icalendar.error.IncompleteComponent):
            continue


def _event(calendar: Any) -> Any:
    """The event itself; not the instances that a person may have changed after making a series of it."""
    return next(event for event in calendar.walk("VEVENT") if "RECURRENCE-ID" not in event)


def _moment(value: date | datetime) -> int:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
