"""A calendar at a web address, asked for with ETag and If-Modified-Since.

The address is a secret (it may hold a token): errors of the HTTP library, which quote it, are told by their kind only.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3

from orchestrator.scheduler.sources.base import SIZE_LIMIT, CalendarUnreadable, check_size
from orchestrator.scheduler.sources.dav import CalDavSource


@dataclass(frozen=True)
class Limits:
    """Of one reading: seconds, and bytes."""

    connect: float = 5.0
    read: float = 15.0  # between two parts of the answer
    whole: float = 60.0
    size: int = SIZE_LIMIT


_CHUNK = 65536
_BEGIN = b"BEGIN:VCALENDAR"
_ADVICE = {401: ": are name and password in the address right?", 403: ": is the calendar shared?", 404: ": is it gone?"}


@dataclass(frozen=True)
class _Validators:
    etag: str = ""
    last_modified: str = ""

    @property
    def headers(self) -> dict[str, str]:
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}


class WebSource:
    """`http(s)://…`. Where a server has no iCalendar file there but speaks CalDAV, that is used from then on."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self._url = url
        self._limits = limits or Limits()
        self._accepted = _Validators()
        self._given = _Validators()
        self._dav: CalDavSource | None = None

    def read(self) -> bytes | None:
        """See Source."""
        if self._dav is not None:
            return self._dav.read()
        try:
            content = self._get()
            refusal = None
        except _Refused as error:
            content, refusal = b"", error
        looks_right = content is None or _BEGIN in content[:200].upper()
        if not looks_right and self._speaks_caldav():
            self._dav = CalDavSource(self._url)
            return self._dav.read()
        if refusal is not None:
            raise refusal
        return content

    def accept(self) -> None:
        """See Source."""
        self._accepted = self._given
        if self._dav is not None:
            self._dav.accept()

    def _get(self) -> bytes | None:
        limits = self._limits
        until = time.monotonic() + limits.whole
        try:
            with requests.get(
                self._url, headers=self._accepted.headers, timeout=(limits.connect, limits.read), stream=True
            ) as response:
                if response.status_code == requests.codes.not_modified and self._accepted.headers:
                    return None
                if response.status_code != requests.codes.ok:
                    raise _Refused(response.status_code, _retry_after(response))
                self._given = _Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
                return _body(response, until, limits)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise CalendarUnreadable(type(error).__name__) from None

    def _speaks_caldav(self) -> bool:
        try:
            answer = requests.options(self._url, timeout=(self._limits.connect, self._limits.read))
        except requests.RequestException:
            return False
        return "calendar-access" in answer.headers.get("DAV", "")


class _Refused(CalendarUnreadable):
    def __init__(self, status: int, retry_after: float) -> None:
        super().__init__(f"the server answered {status}{_ADVICE.get(status, '')}", retry_after)


def _body(response: requests.Response, until: float, limits: Limits) -> bytes:
    """All of it, in what comes at a time: the library's timeout is for each read, and a server may dribble."""
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        check_size(len(body), limits.size)
        if time.monotonic() > until:
            raise CalendarUnreadable(f"it takes longer than {limits.whole:g} s")
    return bytes(body)


def _retry_after(response: requests.Response) -> float:
    """Seconds, of either form of the header (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (moment - datetime.now(moment.tzinfo or UTC)).total_seconds()) if moment.tzinfo else 0.0
