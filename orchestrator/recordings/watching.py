"""Being told by the system (inotify) of what changes in a directory."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.python.filepath import FilePath

from livetiming.reactor import reactor

Told = Callable[[str, bool], None]


class NoWatch(RuntimeError):
    """The system does not tell what changes in this directory: look from time to time."""

    def __init__(self, folder: Path, why: object) -> None:
        super().__init__(f"{folder}: the system does not tell what changes in it ({why})")


class Watch:
    """Calls `told(name, done)` of each file that is changed in `folder`, and `lost()` if the folder goes away.

    `done` is false while the file is still open for writing, so who waits for it reads whole files. Raises NoWatch.
    """

    def __init__(self, folder: Path, told: Told, lost: Callable[[], None]) -> None:
        self._told, self._lost = told, lost
        try:
            from twisted.internet import inotify  # cannot be imported where the C library has none
        except (ImportError, TypeError, OSError) as error:
            raise NoWatch(folder, error) from error
        self._done = (
            inotify.IN_ATTRIB | inotify.IN_CLOSE_WRITE | inotify.IN_DELETE | inotify.IN_MOVED_FROM | inotify.IN_MOVED_TO
        )
        self._gone = inotify.IN_DELETE_SELF | inotify.IN_IGNORED | inotify.IN_MOVE_SELF | inotify.IN_UNMOUNT
        mask = self._done | inotify.IN_CREATE | inotify.IN_MODIFY | inotify.IN_MOVE_SELF
        self._notifier: Any = None
        try:
            self._notifier = inotify.INotify(reactor)  # type: ignore[no-untyped-call]
            self._notifier.watch(FilePath(os.fsencode(folder)), mask=mask, callbacks=[self._event])
        except inotify.INotifyError as error:
            self.stop()
            raise NoWatch(folder, error) from error
        self._notifier.startReading()

    def stop(self) -> None:
        """Listen no more."""
        notifier, self._notifier = self._notifier, None
        if notifier is not None:
            notifier.loseConnection()

    def _event(self, _handle: object, path: "FilePath[bytes]", mask: int) -> None:
        if mask & self._gone:
            reactor.callLater(0, self._end)  # not now: Twisted is not done with this event
        else:
            self._told(os.fsdecode(path.basename()), bool(mask & self._done))

    def _end(self) -> None:
        if self._notifier is not None:
            self.stop()
            self._lost()
