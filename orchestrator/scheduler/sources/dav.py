"""A CalDAV calendar (RFC 4791), through the `caldav` library.

Whether it has changed is told by two properties of the collection, its sync token (RFC 6578) and its ctag
(CalendarServer's extension): one small request, and no token that a server may have forgotten.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import requests

from orchestrator.scheduler.sources.address import without_user
from orchestrator.scheduler.sources.base import CalendarUnreadable
from orchestrator.scheduler.sources.bounded import BoundedSession, Limits, refused

_DAV, _CAL, _CS = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
_SPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
_PROPERTIES = (
    f"<D:propfind {_SPACES}><D:prop><D:resourcetype/><D:sync-token/><S:getctag/>"
    "<C:calendar-timezone/></D:prop></D:propfind>"
)
_ALL_EVENTS = (
    f"<C:calendar-query {_SPACES}><D:prop><C:calendar-data/></D:prop><C:filter>"
    '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>'
)
_MULTISTATUS = 207
_TZID = re.compile(r"^TZID:(.+?)\s*$", re.MULTILINE)
_STATUS = re.compile(r"\s(\d{3})(?:\s|$)")

# What the library logs quotes addresses and whole answers. A level would not do, as it sets its own when it is
# imported; and some of it goes by the root logger.
logging.getLogger("caldav").disabled = True
logging.getLogger().addFilter(lambda record: record.module != "davclient")


class CalDavSource:
    """The calendar at `url` (http or https), which may hold a name and a password."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self._url = url
        self._limits = limits or Limits()
        self._accepted: str | None = None  # the state of the collection
        self._given: str | None = None

    def read(self) -> bytes | None:
        """See Source."""
        from caldav.lib.error import DAVError
        from lxml.etree import LxmlError

        self._given = None
        with BoundedSession(self._limits) as session:
            try:
                return self._read(session)
            except (DAVError, LxmlError, requests.RequestException, ValueError, NotImplementedError) as error:
                last = session.last
                if last is not None and last.status_code >= requests.codes.bad_request:
                    raise refused(last) from None
                raise CalendarUnreadable(f"by CalDAV ({type(error).__name__})") from None

    def accept(self) -> None:
        """See Source."""
        self._accepted = self._given

    def _read(self, session: BoundedSession) -> bytes | None:
        client, address = self._client(session)
        properties = _tree(client.propfind(address, _PROPERTIES), session)
        if next(properties.iter(f"{_CAL}calendar"), None) is None:
            raise CalendarUnreadable("there is something by CalDAV, but no calendar: give the address of one calendar")
        # asked for before the events are: what changes in between is read twice rather than never
        marks = [properties.findtext(f".//{name}") or "" for name in (f"{_DAV}sync-token", f"{_CS}getctag")]
        self._given = " ".join(marks) if any(marks) else None
        if self._given is not None and self._given == self._accepted:
            return None
        events = _tree(client.report(address, _ALL_EVENTS, depth=1), session)
        return merged(_whole(events), _zone(properties.findtext(f".//{_CAL}calendar-timezone") or ""))

    def _client(self, session: BoundedSession) -> tuple[Any, str]:
        import caldav

        address, name, password = without_user(self._url)
        client: Any = caldav.DAVClient(url=address, username=name, password=password)
        client.session = session
        return client, address


def _tree(response: Any, session: BoundedSession) -> Any:
    """The XML of an answer that holds some."""
    if response.status == _MULTISTATUS and response.tree is not None:
        return response.tree
    if response.status >= requests.codes.bad_request and session.last is not None:
        raise refused(session.last)
    raise CalendarUnreadable("there is no CalDAV at this address")


def _whole(answer: Any) -> Iterable[str]:
    """The text of each object; CalendarUnreadable where the server left some out (RFC 4791, 7.8), as if deleted."""
    for status in answer.iter(f"{_DAV}status"):
        found = _STATUS.search(status.text or "")
        if found and found[1].startswith("5"):
            raise CalendarUnreadable(f"the server gave only a part of it ({found[1]})")
    return (data.text or "" for data in answer.iter(f"{_CAL}calendar-data"))


def _zone(text: str) -> str:
    """The name of the calendar's own zone, out of a VTIMEZONE (RFC 4791, 5.2.2); "" for none that is known."""
    found = _TZID.search(text)
    try:
        return ZoneInfo(found[1]).key if found else ""
    except (LookupError, ValueError, OSError):
        return ""


def merged(objects: Iterable[str | bytes], zone: str = "") -> bytes:
    """One iCalendar text of the components of all `objects`, each once. A broken one stays as it is."""
    seen: set[bytes] = set()
    parts = [b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//livetiming//caldav//EN"]
    if zone:
        parts.append(b"X-WR-TIMEZONE:" + zone.encode())
    for each in objects:
        for component in _components(each.encode(errors="replace") if isinstance(each, str) else each):
            if component not in seen:  # each object brings its own copy of the time zones
                seen.add(component)
                parts.append(component)
    return b"\r\n".join([*parts, b"END:VCALENDAR", b""])


def _components(text: bytes) -> Iterable[bytes]:
    """What stands between BEGIN and END of each calendar's direct children, with these lines.

    A line that begins with a blank goes on with the one before: an END there is a word of somebody's title.
    """
    end, lines = b"", list[bytes]()
    for line in text.split(b"\n"):
        line = line.rstrip(b"\r")
        word = line.rstrip().upper()
        if not end and word.startswith(b"BEGIN:") and word != b"BEGIN:VCALENDAR":
            end = b"END:" + word[6:]
        if end:
            lines.append(line)
        if end and word == end:
            yield b"\r\n".join(lines)
            end, lines = b"", []
