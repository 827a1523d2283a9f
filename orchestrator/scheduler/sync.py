"""`livetiming-schedule sync`: the running scheduler reads the calendar at once, and what came of it. Blocks."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from livetiming.lock import last_sign_of_life, lock_path
from orchestrator.scheduler.sources.copy import CalendarStatus
from orchestrator.settings import Settings
from orchestrator.supervision import ProcessHost, ProgramState, SupervisionError, Supervisord

NAME = "scheduler"
LIMIT_SECONDS = 150.0  # a server may take 60 s, and so may the expansion
LOOK_SECONDS = 0.1  # between two looks

T = TypeVar("T")


class NotSynced(RuntimeError):
    """The scheduler has not told a result."""


def sync(settings: Settings, host: ProcessHost | None = None, *, limit: float = LIMIT_SECONDS) -> CalendarStatus:
    """What the scheduler says after it has read the calendar; NotSynced if it does not within `limit` seconds."""
    host = host or Supervisord(settings.run_dir, settings.log_dir)
    until = time.monotonic() + limit
    try:
        if not any(program.name == NAME and program.state is not ProgramState.FATAL for program in host.programs()):
            raise NotSynced("the scheduler does not run: see livetiming status")
        # a program that has not joined the router yet may not know the signal, and would be ended by it
        _wait(lambda: last_sign_of_life(lock_path(settings.run_dir, NAME)), until, "it does not join the router", limit)
        asked = time.time()
        host.signal(NAME, "HUP")
    except SupervisionError as error:
        raise NotSynced(f"the system does not run in {settings.home}: start it with livetiming up") from error
    return _wait(lambda: _told_since(settings.calendar_status, asked), until, "it tells no result", limit)


def _told_since(path: Path, asked: float) -> CalendarStatus | None:
    status = CalendarStatus.read(path)
    return status if status is not None and status.tried_at >= asked else None


def _wait(condition: Callable[[], T | None], until: float, otherwise: str, limit: float) -> T:
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise NotSynced(f"the scheduler runs, but {otherwise} within {limit:g} s: see livetiming logs {NAME}")
        time.sleep(LOOK_SECONDS)
