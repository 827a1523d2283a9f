"""A process that does nothing but announce: `python -m tests.support.announcing FILE`.

FILE is JSON, read again and again: {"on_air": [name, …], "failed": [name, …], "expected": [name, …],
"notice": text}. Times are short: a back-off of 0.2 s, an end after 0.5 s.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from livetiming.process import Life, run
from orchestrator.scheduler.announce import news, outbox
from orchestrator.scheduler.announce.announcer import Announcer
from orchestrator.scheduler.announce.standing import Standing, Subject
from orchestrator.settings import Settings
from tests.support.waiting import eventually

log = Logger("announcing")
PROJECT = Path(__file__).parent.parent.parent


class AnnouncingProcess:
    """One announcer of its own in `home`, which can be killed and started again."""

    def __init__(self, home: Path, **environ: str) -> None:
        self.home = home
        self.environ = {**os.environ, "LIVETIMING_HOME": str(home), **environ}
        self._file = home / "standing.json"
        self._process: subprocess.Popen[bytes] | None = None
        self.stands()

    def stands(self, *on_air: str, failed: str = "", expected: str = "", notice: str = "") -> None:
        """How events stand from now on; each is named as its id."""
        content = {
            "on_air": on_air,
            "failed": [failed] if failed else [],
            "expected": [name for name in (*on_air, failed, expected) if name],
            "notice": notice,
        }
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(content))
        fresh.replace(self._file)

    def start(self) -> None:
        """Start it (again)."""
        command = [sys.executable, "-m", "tests.support.announcing", str(self._file)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=PROJECT, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; its exit code, which is 0 for an orderly end."""
        return self._end(signal.SIGTERM)

    def said(self, what: str) -> str:
        """Wait until the log says `what`; all of the log."""
        eventually(lambda: what in self.log, what=f"{what!r} in the log")
        return self.log

    @property
    def log(self) -> str:
        """What all its processes have said."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.home / "announcing.log"

    def _end(self, number: int) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(20)


def main(path: Path) -> int:
    """Announce what `path` says."""
    outbox.BACK_OFF = (0.2,)  # type: ignore[assignment]
    news.GRACE_SECONDS = 0.5

    async def live(life: Life) -> int:
        announcer = Announcer(Settings.load())
        announcer.start()
        looking = LoopingCall(lambda: _look(announcer, orjson.loads(path.read_bytes())))
        looking.start(0.05)
        log.info("looking")
        await life.ending
        looking.stop()
        await announcer.stop()
        return 0

    return run("announcing", live, verbose=True)


def _look(announcer: Announcer, stands: dict[str, Any]) -> None:
    def subject(name: str) -> Subject:
        return Subject(name, name, "f1", time.time() + 3600)

    announcer.round(
        Standing(
            tuple(map(subject, stands["on_air"])),
            tuple((subject(name), "no luck") for name in stands["failed"]),
            frozenset(stands["expected"]),
        )
    )
    if stands["notice"]:
        announcer.notice("notice", stands["notice"])
    else:
        announcer.clear("notice")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
