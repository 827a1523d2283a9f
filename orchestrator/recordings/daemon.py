"""`livetiming-recordings`: the catalogue of finished recordings, on the router."""

import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from livetiming.network import RPC, Channel, Json, Message, MessageClass
from livetiming.process import Ending, Life
from livetiming.wamp import Router
from orchestrator.daemon import run_daemon
from orchestrator.recordings import query
from orchestrator.recordings.catalogue import Catalogue, Listed, scan
from orchestrator.settings import Settings

TRUSTED = "services"  # the role that may see what is hidden


def main(argv: list[str] | None = None) -> int:
    """`livetiming-recordings`."""
    return run_daemon("recordings", "The catalogue of finished recordings.", _begin, argv)


def _begin(settings: Settings, router: Router, _life: Life) -> Callable[[Ending], Coroutine[Any, Any, None]]:
    settings.recordings_dir.mkdir(parents=True, exist_ok=True)
    return Recordings(settings.recordings_dir, settings.recordings_scan_interval, router).end


class Recordings:
    """Looks at `folder` every `interval` seconds, answers questions about it, and tells what changed."""

    log = Logger()

    def __init__(self, folder: Path, interval: float, router: Router) -> None:
        self.folder = folder
        self.router = router
        self.catalogue = Catalogue()
        self._scanned = False
        self._published: list[Listed] | None = None
        self._unreadable = False
        router.register(RPC.RECORDINGS_PAGE, self._page)
        router.register(RPC.RECORDINGS_NAMES, self._names)
        router.register(RPC.RECORDINGS_MANIFEST, self._manifest)
        router.on_join(self._joined)
        self._loop = LoopingCall(self._look)
        self._loop.start(interval)

    async def end(self, _why: Ending) -> None:
        """Stop looking."""
        self._loop.stop()

    # -- what is asked; names and order of the arguments are the wire's

    def _page(
        self,
        page: Json = 1,
        name: Json = None,
        includeHidden: Json = False,  # noqa: N803
        *_more: Json,
        details: Any,
        **_unknown: Json,
    ) -> Json:
        include_hidden = _may_see_hidden(includeHidden, details)
        return query.page(self.catalogue.newest_first, page, name, include_hidden=include_hidden)

    def _names(self, includeHidden: Json = False, *_more: Json, details: Any, **_unknown: Json) -> Json:  # noqa: N803
        return query.names(self.catalogue.newest_first, include_hidden=_may_see_hidden(includeHidden, details))

    def _manifest(self, uuid: Json = None, *_more: Json, details: Any, **_unknown: Json) -> Json:  # noqa: ARG002
        return query.by_uuid(self.catalogue.newest_first, uuid)

    # -- what is told

    def _joined(self) -> None:
        self._published = None
        self._publish()

    def _publish(self) -> None:
        newest = query.newest(self.catalogue.newest_first)
        if not self._scanned or newest == self._published:
            return
        message = Message(MessageClass.RECORDING_LISTING, newest, int(time.time() * 1000), retain=True)
        if self.router.publish(Channel.REPLAY, message):
            self._published = newest

    # -- what is looked at

    def _look(self) -> "Deferred[None]":
        return deferToThread(scan, self.folder, self.catalogue).addCallbacks(self._seen, self._unseen)

    def _seen(self, catalogue: Catalogue) -> None:
        if self._unreadable:
            self._unreadable = False
            self.log.info("{folder}: can be read again", folder=self.folder)
        for name, problem in catalogue.problems.items():
            if name not in self.catalogue.problems:
                self.log.warn("not listed: {why}", why=problem.why)
        if not self._scanned or len(catalogue.entries) != len(self.catalogue.entries):
            self.log.info("{count} recordings in {folder}", count=len(catalogue.entries), folder=self.folder)
        self.catalogue = catalogue
        self._scanned = True
        self._publish()

    def _unseen(self, failure: Failure) -> None:
        """Keep what was known: a folder that is away for a while has not lost its recordings."""
        if not self._unreadable:
            self._unreadable = True
            self.log.failure("{folder}: cannot be read", failure=failure, folder=self.folder)


def _may_see_hidden(wanted: Json, details: Any) -> bool:
    return wanted is True and details.caller_authrole == TRUSTED


if __name__ == "__main__":
    sys.exit(main())
