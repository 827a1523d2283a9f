"""A small file that always holds the last state, written in a thread, whole, and onto the disk."""

from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from livetiming.files import write_whole
from orchestrator.threads import in_thread


class StateFile:
    """One file (0600); `content` gives what it is to hold now."""

    log = Logger()

    def __init__(self, path: Path, content: Callable[[], bytes]) -> None:
        self._path = path
        self._content = content
        self._asking: list[Deferred[bool]] = []
        self._writing = False
        self._trouble: str | None = None  # said once

    @property
    def busy(self) -> bool:
        """Whether something is still to be written."""
        return self._writing

    def ask(self) -> None:
        """Have the state as it is now on the disk soon."""
        self.saved()

    def saved(self) -> Deferred[bool]:
        """Have the state as it is now on the disk: whether that was done."""
        done: Deferred[bool] = Deferred()
        self._asking.append(done)
        if not self._writing:
            Deferred.fromCoroutine(self._write_all())
        return done

    async def _write_all(self) -> None:
        self._writing = True
        while self._asking:
            asking, self._asking = self._asking, []
            try:
                await in_thread(self._write, self._content())
                trouble = None
            except Exception as error:  # a full disk, mostly; whoever asks is to know in any case
                trouble = repr(error)
            if trouble is not None and trouble != self._trouble:
                self.log.error("{path} cannot be written: {error}", path=self._path, error=trouble)
            self._trouble = trouble
            for done in asking:
                done.callback(trouble is None)
        self._writing = False

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, content, mode=0o600, sync=True)
