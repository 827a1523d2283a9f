"""When the disk does not take recordings: whether that is an outage, since when, and what is said of it. Pure.

An outage begins with the first failure and ends when nothing has failed for CALM_SECONDS, so that a disk that is full
one second and not the next is one outage. `now` is in seconds of a clock that nobody sets, `date` in Unix seconds.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from livetiming.times import format_clock

CALM_SECONDS = 10.0

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_FORBIDDEN = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


@dataclass(frozen=True)
class Amounts:
    """What the outage costs: bytes that wait in memory, and frames that were dropped because too much waited."""

    waiting: int = 0
    dropped: int = 0  # since the DVR began


@dataclass(frozen=True)
class Outage:
    """One outage, from its first failure."""

    date: float  # when it began
    began: float  # the same, by `now`
    failed: float  # the last time that anything failed, by `now`
    dropped: int  # frames that had been dropped before


@dataclass(frozen=True)
class Alarm:
    """What cannot be written: journals of recordings in progress, and recordings that are to be finished."""

    writing: Mapping[Path, OSError] = field(default_factory=dict)
    finishing: Mapping[Path, OSError] = field(default_factory=dict)
    outage: Outage | None = None

    def flushed(self, failed: Mapping[Path, OSError]) -> "Alarm":
        """After all journals were written, but `failed`."""
        return replace(self, writing=failed) if failed or self.writing else self

    def finished(self, journal: Path, error: OSError | None) -> "Alarm":
        """After an attempt to finish the recording of `journal`; None where the disk was not in the way."""
        others = {path: other for path, other in self.finishing.items() if path != journal}
        return replace(self, finishing=others if error is None else {**others, journal: error})

    def look(self, now: float, date: float, amounts: Amounts) -> tuple["Alarm", str | None]:
        """As it stands now, and what the log is to be told: that an outage has begun, or ended."""
        outage, failing = self.outage, bool(self.writing or self.finishing)
        if failing and outage is None:
            begun = replace(self, outage=Outage(date, now, now, amounts.dropped))
            return begun, begun.text(amounts)
        if outage is None:
            return self, None
        if failing:
            return replace(self, outage=replace(outage, failed=now)), None
        if now - outage.failed < CALM_SECONDS:
            return self, None
        lost = amounts.dropped - outage.dropped
        lasted = f"after {format_clock(int(outage.failed - outage.began))}"
        return replace(self, outage=None), f"the disk takes recordings again {lasted}; {_frames(lost)} dropped"

    def text(self, amounts: Amounts) -> str:
        """What an operator is to know of an outage, and to do about it."""
        error = next(iter((*self.writing.values(), *self.finishing.values())), None)
        if error is None:
            return "the disk takes recordings again"
        what = []
        if self.writing:
            lost = amounts.dropped - (self.outage.dropped if self.outage else amounts.dropped)
            waits = f"{amounts.waiting / 2**20:.1f} MiB wait in memory, {_frames(lost)} dropped"
            what.append(f"recording is paused ({waits})")
        if self.finishing:
            count = len(self.finishing)
            what.append("1 recording waits to be finished" if count == 1 else f"{count} recordings wait to be finished")
        why = error.strerror or str(error)
        folder = Path(next(iter((*self.writing, *self.finishing)))).parent
        return f"{' and '.join(what)}: {why}; {_advice(error, folder)}, and it goes on by itself"


def _frames(count: int) -> str:
    return "no frame was" if count == 0 else "1 frame was" if count == 1 else f"{count} frames were"


def _advice(error: OSError, folder: Path) -> str:
    where = error.filename or folder
    if error.errno in _FULL:
        return f"free space on the disk of {where}"
    if error.errno in _FORBIDDEN:
        return f"let us write to {where}"
    return f"look at the disk of {where}"
