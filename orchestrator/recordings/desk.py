"""Questions that block, answered one after the other in a thread of their own; too many at once are turned away."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from orchestrator.dvr.lane import Lane
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.database import FAILURES

P = ParamSpec("P")
T = TypeVar("T")


class Busy(RuntimeError):
    """Too many calls wait for an answer. Try again in some seconds."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} calls wait for an answer already: busy, try again in some seconds")


class Desk:
    """A lane with at most `limit` who wait."""

    def __init__(self, name: str, limit: int) -> None:
        self._lane = Lane(name)
        self._limit = limit

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(*args)` in its turn; raises Busy."""
        if self._lane.waiting >= self._limit:
            raise Busy(self._lane.waiting)
        return await self._lane.do(work, *args, **kwargs)


class Inquiry:
    """Questions to the catalogue's cache in `file`, beside who writes it, at most `limit` waiting."""

    def __init__(self, file: Path, limit: int) -> None:
        self._file = file
        self._desk = Desk("answers", limit)
        self._answers: Answers | None = None  # the thread's own, as all below
        self._inode = 0

    async def ask(self, question: Callable[[Answers], T]) -> T:
        """What is answered; raises Busy and sqlite3.Error."""
        return await self._desk.do(self._ask, question)

    async def close(self) -> None:
        """Close the cache, when all that wait have been answered."""
        with suppress(Busy):
            await self._desk.do(self._close)

    def _ask(self, question: Callable[[Answers], T]) -> T:
        try:
            inode = self._file.stat().st_ino
        except FileNotFoundError:
            inode = 0
        if self._answers is None or inode != self._inode:  # it was made anew
            self._close()
            self._answers, self._inode = Answers.of(self._file), inode
        try:
            return question(self._answers)
        except FAILURES:
            self._close()
            raise

    def _close(self) -> None:
        answers, self._answers = self._answers, None
        if answers is not None:
            with suppress(*FAILURES):
                answers.close()
