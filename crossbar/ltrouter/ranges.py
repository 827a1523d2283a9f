"""Which part of a file an HTTP request asks for (RFC 9110, sections 13 and 14), without I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Headers = Mapping[bytes, bytes]  # names in lower case

_RANGE = re.compile(rb"bytes=[ \t]*([0-9]{1,18})?-([0-9]{1,18})?[ \t]*", re.IGNORECASE)


@dataclass(frozen=True)
class Reply:
    """Status, and the part of the file that is its body. `content_range` is a header's value, or empty."""

    status: int
    offset: int
    length: int
    content_range: bytes = b""


def reply(headers: Headers, etag: bytes, size: int) -> Reply:
    """The answer to a GET of a file of `size` bytes whose strong entity tag, with its quotes, is `etag`.

    One range is honoured; several at once are not, which the RFC allows: the whole file comes, so that a few bytes of
    header can never ask for it many times over. An If-Range that is a date is not believed, because two files can
    have the same second; the whole file comes then, too.
    """
    if _names(headers.get(b"if-none-match"), etag):
        return Reply(304, 0, 0)
    whole = Reply(200, 0, size)
    match = _RANGE.fullmatch(headers.get(b"range", b""))
    if match is None or headers.get(b"if-range", etag).strip() != etag:
        return whole
    first, last = match.groups()
    if first is None and last is None:
        return whole
    if first is None:
        offset, end = max(0, size - int(last)), size
    else:
        offset, end = int(first), size if last is None else min(int(last) + 1, size)
        if last is not None and int(last) < offset:
            return whole  # not a range at all
    if offset >= size:
        return Reply(416, 0, 0, b"bytes */%d" % size)
    return Reply(206, offset, end - offset, b"bytes %d-%d/%d" % (offset, end - 1, size))


def _names(if_none_match: bytes | None, etag: bytes) -> bool:
    """Whether the client has the file; weak tags compare as strong ones here."""
    tags = [tag.strip().removeprefix(b"W/") for tag in (if_none_match or b"").split(b",")]
    return etag in tags or tags == [b"*"]
