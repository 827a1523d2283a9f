"""Reading the calendar: `file:` and `http(s):` addresses, and the last good copy on disk. Blocks; for a thread.

The address is a secret (it may hold a token): it is in no message of ours, and errors of the HTTP library, which
quote it, are told by their kind only.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from livetiming.files import write_whole

CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0
SIZE_LIMIT = 50_000_000  # bytes
_CHUNK = 65536


class CalendarUnreadable(RuntimeError):
    """The calendar could not be read this time; the last good copy stays in force."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the calendar cannot be read: {why}")


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
                raise CalendarUnreadable(f"the server answered {response.status_code}")
            fresh = Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""))
            return Fetched(_body(response), fresh)
    except requests.RequestException as error:
        raise CalendarUnreadable(type(error).__name__) from None


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > SIZE_LIMIT:
            raise CalendarUnreadable(f"it is larger than {SIZE_LIMIT // 10**6} MB")
    return bytes(body)


def read_copy(path: Path) -> bytes | None:
    """The last good copy, if there is one."""
    return path.read_bytes() if path.is_file() else None


def keep_copy(path: Path, content: bytes) -> None:
    """Keep `content` as the last good copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content, mode=0o600, sync=True)
