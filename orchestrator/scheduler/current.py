"""The calendar as a command reads it: once, now; the last good copy in its place where that fails. Blocks."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from livetiming.environment import SettingError
from orchestrator.scheduler.agenda import span
from orchestrator.scheduler.calendar import Calendar
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.scheduler.sources import CalendarUnreadable, source_of
from orchestrator.scheduler.sources.copy import read_copy
from orchestrator.scheduler.worker import WorkerFailed, read_in_worker
from orchestrator.settings import Settings

STDIN = "-"


class NothingToRead(RuntimeError):
    """There is no calendar to go by, and no copy of one."""


@dataclass(frozen=True)
class Window:
    """Which events are looked at: from `margin` seconds before `now` (Unix s) to `days` after."""

    now: float
    margin: float
    days: float


@dataclass(frozen=True)
class Current:
    """A calendar that was read, and from where; `trouble` is why it is not the calendar itself, but the copy."""

    calendar: Calendar
    origin: Literal["calendar", "copy", "file"]
    trouble: str = ""


def demand_calendar(settings: Settings) -> None:
    """SettingError where no calendar is configured."""
    if not settings.calendar.is_set:
        raise SettingError("LIVETIMING_CALENDAR_URL", "", "the address of a calendar")


def read_current(settings: Settings, window: Window) -> Current:
    """The configured calendar; NothingToRead if there is neither it nor a copy, SettingError if none is configured."""
    demand_calendar(settings)
    try:
        content = source_of(settings.calendar).read()
        return Current(_expanded(content or b"", window), "calendar")
    except (CalendarUnreadable, NotACalendar, WorkerFailed) as error:
        return _copy(settings.calendar_copy, window, str(error))


def read_file(name: str, window: Window) -> Current:
    """The calendar in a file, or in standard input (`-`); NothingToRead if there is none."""
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return Current(_expanded(content, window), "file")
    except (OSError, NotACalendar, WorkerFailed) as error:
        raise NothingToRead(
            str(error) if name == STDIN or isinstance(error, OSError) else f"{name}: {error}"
        ) from error


def _copy(path: Path, window: Window, trouble: str) -> Current:
    content = read_copy(path)
    if content is None:
        raise NothingToRead(f"{trouble}; and there is no copy of it")
    try:
        age = span(max(0.0, time.time() - path.stat().st_mtime))
        return Current(_expanded(content, window), "copy", f"{trouble}; this is the last good copy, {age} old")
    except (OSError, NotACalendar, WorkerFailed) as error:
        raise NothingToRead(f"{trouble}; and the last good copy cannot be used: {error}") from error


def _expanded(content: bytes, window: Window) -> Calendar:
    return read_in_worker(content, window.now, window.margin, window.days)
