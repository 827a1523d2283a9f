"""A CalDAV calendar (RFC 4791), through the `caldav` library; unchanged is what its sync token says."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from orchestrator.scheduler.sources.base import CalendarUnreadable, check_size

TIMEOUT_SECONDS = 20


class CalDavSource:
    """The calendar at `url` (http or https), which may hold a name and a password."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._calendar: Any = None
        self._accepted: str | None = None  # sync tokens
        self._given: str | None = None

    def read(self) -> bytes | None:
        """See Source."""
        from caldav.lib.error import AuthorizationError, DAVError
        from lxml.etree import LxmlError

        try:
            return self._read()
        except AuthorizationError:
            raise CalendarUnreadable("the server refuses us: are name and password in the address right?") from None
        except (DAVError, LxmlError, requests.RequestException, OSError, ValueError, AttributeError) as error:
            self._calendar = None  # whatever it remembers of the server
            raise CalendarUnreadable(f"by CalDAV ({type(error).__name__})") from None

    def accept(self) -> None:
        """See Source."""
        self._accepted = self._given

    def _read(self) -> bytes | None:
        calendar = self._opened()
        changes = calendar.objects_by_sync_token(self._accepted, load_objects=False)
        self._given = changes.sync_token
        if self._accepted is not None and not list(changes):
            return None
        content = merged(event.data for event in calendar.events())
        check_size(len(content))
        return content

    def _opened(self) -> Any:
        import caldav

        if self._calendar is None:
            parts = urlsplit(self._url)
            address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
            name, password = (unquote(part) if part else None for part in (parts.username, parts.password))
            client: Any = caldav.DAVClient(url=address, username=name, password=password, timeout=TIMEOUT_SECONDS)
            self._calendar = client.calendar(url=address)
        return self._calendar


def merged(objects: Iterable[str | bytes]) -> bytes:
    """One iCalendar text of the components of all `objects`; each time zone once. A broken one stays as it is."""
    seen: set[bytes] = set()
    parts = [b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//livetiming//caldav//EN"]
    for each in objects:
        for component in _components(each.encode() if isinstance(each, str) else each):
            if not component.startswith(b"BEGIN:VTIMEZONE") or component not in seen:
                seen.add(component)
                parts.append(component)
    return b"\r\n".join([*parts, b"END:VCALENDAR", b""])


def _components(text: bytes) -> Iterable[bytes]:
    """What stands between BEGIN and END of each calendar's direct children, with these lines."""
    end, lines = b"", list[bytes]()
    for line in text.splitlines():
        word = line.strip().upper()
        if not end and word.startswith(b"BEGIN:") and word != b"BEGIN:VCALENDAR":
            end = b"END:" + word[6:]
        if end:
            lines.append(line)
        if end and word == end:
            yield b"\r\n".join(lines)
            end, lines = b"", []
