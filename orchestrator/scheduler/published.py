"""The listing as a file that the router serves: always the last one, written in a thread."""

import time
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from livetiming.files import write_whole
from orchestrator.scheduler.listing import Coming, as_icalendar
from orchestrator.threads import in_thread


class PublicFile:
    """One file, `schedule.ics`."""

    log = Logger()

    def __init__(self, path: Path, public_url: str) -> None:
        self._path = path
        self._public_url = public_url
        self._next: list[Coming] | None = None
        self._writing = False

    def put(self, listing: list[Coming]) -> None:
        """Have `listing` in the file soon."""
        self._next = listing
        if not self._writing:
            Deferred.fromCoroutine(self._write())

    async def _write(self) -> None:
        self._writing = True
        try:
            while self._next is not None:
                listing, self._next = self._next, None
                await in_thread(self._write_one, listing)
        except OSError as error:
            self.log.error("{path} cannot be written: {error}", path=self._path, error=error)
        finally:
            self._writing = False

    def _write_one(self, listing: list[Coming]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, as_icalendar(listing, self._public_url, time.time()), mode=0o644)
