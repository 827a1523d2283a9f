"""Reading the calendar: `file:` and `http(s):` addresses, and the last good copy on disk. Blocks; for a thread.

The address is a secret (it may hold a token): it is in no message of ours, and errors of the HTTP library, which
quote it, are told by their kind only.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
import urllib3

from livetiming.files import write_whole

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 15.0, 60.0
RETRY_AFTER_LIMIT = 3600.0  # seconds; a server that asks for more is asked again all the same
SIZE_LIMIT = 50_000_000  # bytes
_CHUNK = 65536


class CalendarUnreadable(RuntimeError):
    """The calendar could not be read this time; the last good copy stays in force."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(f"the calendar cannot be read: {why}")
        self.retry_after = retry_after  # seconds that the server asks us to wait


@dataclass(frozen=True)
class Validators:
    """What a server gave us to ask "has it changed?" with."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Fetched:
    """A calendar's bytes, or None where the server says that they have not changed."""

    content: bytes | None
    validators: Validators


def fetch(url: str, validators: Validators) -> Fetched:
    """Read the calendar at `url`; CalendarUnreadable if that fails."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Fetched(_read_file(Path(unquote(parts.path))), Validators())
    if parts.scheme in ("http", "https"):
        return _get(url, validators)
    raise CalendarUnreadable(f"LIVETIMING_CALENDAR_URL begins with {parts.scheme[:10]!r}: use file:, http: or https:")


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise CalendarUnreadable(f"it is larger than {SIZE_LIMIT // 10**6} MB")
        return path.read_bytes()
    except OSError as error:
        raise CalendarUnreadable(error.strerror or type(error).__name__) from None


def _get(url: str, validators: Validators) -> Fetched:
    headers = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    try:
        with requests.get(
            url,
            headers={name: value for name, value in headers.items() if value},
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            stream=True,
        ) as response:
            if response.status_code == requests.codes.not_modified:
                return Fetched(None, validators)
            if response.status_code != requests.codes.ok:
                wait = response.headers.get("Retry-After", "")
                seconds = min(float(wait), RETRY_AFTER_LIMIT) if wait.isdecimal() else 0.0
                raise CalendarUnreadable(f"the server answered {response.status_code}", seconds)
            fresh = Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
            return Fetched(_body(response), fresh)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise CalendarUnreadable(type(error).__name__) from None


def _body(response: requests.Response) -> bytes:
    """All of it, in what comes at a time: the library's timeout is for each read, and a server may dribble."""
    body = bytearray()
    until = time.monotonic() + WHOLE_SECONDS
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > SIZE_LIMIT:
            raise CalendarUnreadable(f"it is larger than {SIZE_LIMIT // 10**6} MB")
        if time.monotonic() > until:
            raise CalendarUnreadable(f"it takes longer than {WHOLE_SECONDS:g} s")
    return bytes(body)


def read_copy(path: Path) -> bytes | None:
    """The last good copy, if there is one."""
    return path.read_bytes() if path.is_file() else None


def keep_copy(path: Path, content: bytes) -> None:
    """Keep `content` as the last good copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content, mode=0o600, sync=True)
