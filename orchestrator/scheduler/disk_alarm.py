"""The operators are told when the disk does not take recordings: the DVR says so in a file, and we announce it."""

import time
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from orchestrator.dvr.alarm_file import read_alarm
from orchestrator.scheduler.reading import Operators
from orchestrator.threads import in_thread

LOOK_SECONDS = 5.0
CLEAR_SECONDS = 60.0  # without an alarm, until the next one is another outage: a DVR that restarts begins none
DISK = "recordings-disk"  # the key of the notice


class DiskAlarm:
    """Looks at the file in which the DVR says what is wrong (orchestrator.dvr.alarm_file)."""

    def __init__(self, path: Path, operators: Operators) -> None:
        self._path = path
        self._operators = operators
        self._seen = time.monotonic()
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._look()))

    def start(self) -> None:
        """Keep looking."""
        self._loop.start(LOOK_SECONDS)

    def stop(self) -> None:
        """Look no more."""
        self._loop.stop()

    async def _look(self) -> None:
        said = await in_thread(read_alarm, self._path, time.time())
        if said is not None:
            self._seen = time.monotonic()
            self._operators.notice(DISK, f"The disk does not take recordings: {said.text}.")
        elif time.monotonic() - self._seen >= CLEAR_SECONDS:
            self._operators.clear(DISK)
