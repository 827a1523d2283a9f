"""Recordings that have ended become files: one after the other, each in a worker process, again if need be."""

import threading
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from livetiming.reactor import sleep
from orchestrator.dvr.finalise import Finished, claim, claimed_as
from orchestrator.dvr.lane import Lane
from orchestrator.dvr.worker import Interrupted, WorkerFailed, finalise_in_worker

RETRY_SECONDS = 30.0  # until a recording that could not be finished is tried again, the first time
LONGEST_RETRY_SECONDS = 300.0


def retry_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    return min(RETRY_SECONDS * 2.0 ** min(failures - 1, 10), LONGEST_RETRY_SECONDS)


class Finishing:
    """Finished recordings go to `folder`. `told` hears of each attempt: the journal, and the disk's error, if any."""

    log = Logger()

    def __init__(self, folder: Path, told: Callable[[Path, OSError | None], None]) -> None:
        self.folder = folder
        self._told = told
        self._lane = Lane("dvr-finish")
        self._ending = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether a recording is being finished, or waits for its turn."""
        return self._lane.waiting > 0

    def end(self) -> None:
        """Interrupt what is being done: the next life does it."""
        self._ending.set()

    def finish(self, journal: Path) -> None:
        """Make the file of `journal`, in its turn."""
        Deferred.fromCoroutine(self._finish(journal))

    async def _finish(self, journal: Path) -> None:
        failures, said = 0, ""
        claimed = journal
        while True:
            try:
                claimed = await self._lane.do(claim, claimed, self.folder)
                result = await self._lane.do(finalise_in_worker, claimed, self.folder, self._ending.is_set)
                self._told(journal, None)
                self._say(result, journal)
                return
            except Interrupted as error:
                self.log.info("{why}", why=str(error))
                return
            except (OSError, WorkerFailed) as error:
                if isinstance(error, FileNotFoundError) and not claimed.exists():
                    renamed = await self._lane.do(claimed_as, journal)
                    if renamed is None:
                        self._told(journal, None)
                        self.log.info("{path}: is gone: it is finished, or somebody took it away", path=claimed)
                        return
                    claimed = renamed  # by an attempt that found another file in its place, and failed
                self._told(journal, error if isinstance(error, OSError) else None)
                why = str(error)
            except Exception:
                self._told(journal, None)
                self.log.failure("{path}: could not be finished", path=claimed)
                why = said
            if why != said:
                what = "{path}: could not be finished ({why}); the journal stays, and it is tried again"
                self.log.error(what, path=claimed, why=why)
            failures, said = failures + 1, why
            await sleep(retry_seconds(failures))

    def _say(self, result: Finished | None, journal: Path) -> None:
        if result is None:
            self.log.info("{path}: held no frame that can be read", path=journal)
            return
        if result.damage:
            self.log.warn("{damage}", damage=result.damage)
        if result.unanalysed:
            said = "{path}: there is no analysis ({why}); livetiming-recordings-index makes it"
            self.log.error(said, path=result.path, why=result.unanalysed)
        said = "kept: {path} ({duration} s, {frames} frames)"
        self.log.info(said, path=result.path, duration=result.duration, frames=result.frames)
