"""`/recordings/`: finished recordings and their analyses, so that browsers play them in place."""

import os
import re
import stat
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any, BinaryIO

from twisted.internet import reactor as twisted_reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from ltrouter.ranges import Headers, Reply, reply

CHUNK_BYTES = 2**16
STALLED_SECONDS = 60.0  # a reader that takes nothing for so long is dropped
READERS_LIMIT = 200  # files that are open at once; each costs a file descriptor of the router

_NAME = re.compile(rb"[0-9a-f]{32}(?:_[0-9]{1,6})?\.(zip|json)|index\.(json)")
_TYPES = {b"zip": b"application/zip", b"json": b"application/json"}
_CONDITIONS = (b"range", b"if-range", b"if-none-match")
_CORS = {
    b"access-control-allow-origin": b"*",
    b"access-control-expose-headers": b"Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified",
}
_PREFLIGHT = {
    b"access-control-allow-methods": b"GET, HEAD, OPTIONS",
    b"access-control-allow-headers": b"Range, If-Range, If-None-Match",
    b"access-control-max-age": b"86400",
}

reactor: Any = twisted_reactor


class Recordings(Resource):
    """`{uuid}.zip`, `{uuid}_1.zip`, …, the `.json` beside them, and `index.json`; nothing else, and no listing.

    `extra`: `recordings_dir`, a folder. Whoever knows the uuid of a hidden recording may read it, as on the wire. A
    file is opened once for each request, and that file is sent to its end, whatever its name stands for by then.
    """

    isLeaf = True  # noqa: N815 - Twisted's name: getChild is not asked, so no path is looked up

    def __init__(self, extra: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._folder = Path(extra["recordings_dir"])
        self._readers: set[_Sending] = set()

    def render_OPTIONS(self, request: Any) -> bytes:  # noqa: N802 - Twisted's name
        """What a browser asks before it sends a Range from another site's page."""
        _set(request, {**_CORS, **_PREFLIGHT})
        request.setResponseCode(204)
        return b""

    def render_GET(self, request: Any) -> Any:  # noqa: N802 - Twisted's name
        """The file or its part; also HEAD."""
        _set(request, {**_CORS, b"cache-control": b"no-cache", b"x-content-type-options": b"nosniff"})
        match = _NAME.fullmatch(request.postpath[0]) if len(request.postpath) == 1 else None
        file = self._opened(match[0]) if match else None
        if match is None or file is None:
            return _refuse(request, 404, b"There is no such recording.\n")
        status = os.fstat(file.fileno())
        etag = b'"%x-%x-%x"' % (status.st_ino, status.st_size, status.st_mtime_ns)
        answer = reply(_conditions(request), etag, status.st_size)
        about = {
            b"accept-ranges": b"bytes",
            b"etag": etag,
            b"last-modified": formatdate(status.st_mtime, usegmt=True).encode(),
            b"content-type": _TYPES[match[1] or match[2]],
        }
        _set(request, about)
        return self._send(request, file, answer)

    render_HEAD = render_GET  # noqa: N815 - Twisted's name

    def _opened(self, name: bytes) -> BinaryIO | None:
        """The file of that name in the folder. No symbolic link is followed, and nothing but a file is opened."""
        with suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            file = os.fdopen(os.open(self._folder / os.fsdecode(name), flags), "rb", buffering=0)
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file
            file.close()
        return None

    def _send(self, request: Any, file: BinaryIO, answer: Reply) -> Any:
        request.setResponseCode(answer.status)
        if answer.content_range:
            request.setHeader(b"content-range", answer.content_range)
        if answer.status != 304:
            request.setHeader(b"content-length", b"%d" % answer.length)
        if not answer.length or request.method == b"HEAD":
            file.close()
            return b""
        if len(self._readers) >= READERS_LIMIT:
            file.close()
            request.setHeader(b"retry-after", b"10")
            return _refuse(request, 503, b"Too many recordings are being read.\n")
        sending = _Sending(request, file, answer)
        self._readers.add(sending)
        request.notifyFinish().addBoth(lambda _why: self._readers.discard(sending))
        request.registerProducer(sending, False)
        return NOT_DONE_YET


class _Sending:
    """Part of a file on its way, a pull producer of Twisted's: no more is read than the reader takes."""

    def __init__(self, request: Any, file: BinaryIO, part: Reply) -> None:
        self._request = request
        self._file = file
        self._left = part.length
        self._stalled = reactor.callLater(STALLED_SECONDS, self._drop)
        file.seek(part.offset)

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The reader has room."""
        if not self._stalled.active():
            return
        try:
            data = self._file.read(min(CHUNK_BYTES, self._left))
        except OSError:
            data = b""
        if not data:  # the file got shorter, or its disk fails: a body cut short is what tells it
            self._drop()
            return
        self._stalled.reset(STALLED_SECONDS)
        self._left -= len(data)
        self._request.write(data)
        if not self._left:
            self._request.unregisterProducer()
            self._request.finish()
            self.stopProducing()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """It is sent, or the reader has gone."""
        if self._stalled.active():
            self._stalled.cancel()
        self._file.close()

    def _drop(self) -> None:
        self.stopProducing()
        self._request.transport.abortConnection()


def _conditions(request: Any) -> Headers:
    headers = {name: request.getHeader(name) for name in _CONDITIONS}
    return {name: value for name, value in headers.items() if value is not None}


def _set(request: Any, headers: Headers) -> None:
    for name, value in headers.items():
        request.setHeader(name, value)


def _refuse(request: Any, status: int, why: bytes) -> bytes:
    request.setResponseCode(status)
    for name in (b"content-range", b"etag", b"last-modified"):
        request.responseHeaders.removeHeader(name)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    request.setHeader(b"content-length", b"%d" % len(why))
    return why
