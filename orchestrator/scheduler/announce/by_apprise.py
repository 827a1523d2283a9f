"""Any channel that Apprise knows: one address each. An address is a secret; people are told its place and scheme.

Apprise is imported with the first look at an address (0.3 s, 14 MB beside ours, with all its services). What it logs
holds addresses, so it is kept from our log; it is read here for what went wrong, because Apprise tells no more than
that something did.
"""

import hashlib
import logging
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from orchestrator.scheduler.announce.news import Receiver
from orchestrator.scheduler.announce.outbox import Kind, Perhaps, Refused, Result, Sent, Wait

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 30.0  # where the address has no cto= or rto=
_SCHEME = re.compile(r"[A-Za-z0-9+.-]{1,20}(?=://)")
_STATUS = re.compile(r"error=(\d{3})\b")  # how its services tell an HTTP status
_NO_ANSWER = ("Read timed out", "Connection aborted")
_MAIL = ("mailto", "mailtos")


class AppriseChannel:
    """One address, the `position`th of LIVETIMING_ANNOUNCE_URLS. It takes everything."""

    def __init__(self, url: str, position: int) -> None:
        self._url = url
        scheme = _SCHEME.match(url)
        self._scheme = scheme[0].lower() if scheme else "?"
        self._position = position
        digest = hashlib.sha256(url.encode()).hexdigest()[:12]
        self.receiver = Receiver(f"apprise-{digest}", f"channel {position} ({self._scheme}://)", frozenset(Kind))
        self._service: Any = None

    def check(self) -> str:
        """Whether Apprise knows the address; no connection is made."""
        if self._known() is not None:
            return ""
        return (
            f"address {self._position} of LIVETIMING_ANNOUNCE_URLS ({self._scheme}://…) is none that Apprise "
            "understands: see its documentation of that service"
        )

    def send(self, text: str) -> Result:
        """Send it, once."""
        service = self._known()
        if service is None:
            return Refused(self.check())
        apprise = _apprise()
        one = apprise.Apprise()
        one.add(service)
        said = one.notify(
            body=text,
            title=text if self._scheme in _MAIL else "",  # the subject
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
            log_level=logging.DEBUG,
        )
        if said:
            return Sent()
        return _result([entry.message for entry in said.logs()], len(service) // (service.retry + 1))

    def _known(self) -> Any:
        if self._service is None:
            apprise = _apprise()
            # a limit for the whole would need Apprise's own threads, which hold up the end of the process
            asset = apprise.AppriseAsset(app_id="Livetiming", app_desc="Live timing", service_timeout=0)
            self._service = apprise.Apprise.instantiate(self._url, asset=asset)
            if self._service is not None and "rto=" not in self._url:
                self._service.socket_read_timeout = ANSWER_SECONDS
            if self._service is not None and "cto=" not in self._url:
                self._service.socket_connect_timeout = CONNECT_SECONDS
        return self._service


@cache
def _apprise() -> Any:
    quiet = logging.getLogger("apprise")
    quiet.propagate = False
    quiet.addHandler(logging.NullHandler())
    quiet.setLevel(logging.DEBUG)  # for what a call hands back
    import apprise

    return apprise


def _result(messages: Iterable[str], targets: int) -> Result:
    """What a failure means, by what Apprise has said about it."""
    text = "\n".join(messages)
    status = next((int(found) for found in _STATUS.findall(text)), 0)
    if targets > 1:
        return Perhaps("one of its targets failed, so it is not repeated to the others: write an address for each")
    if any(sign in text for sign in _NO_ANSWER):
        return Perhaps("no answer came in time")
    if 400 <= status < 500 and status not in (408, 425, 429):
        return Refused(f"HTTP {status}: check the address and its token")
    if status == 429:
        return Wait("wants us to wait (HTTP 429)")
    return Wait(f"fails (HTTP {status})" if status else "cannot be reached")
