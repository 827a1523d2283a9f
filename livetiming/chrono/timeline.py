"""A race as events in order of time, made from all its laps at once.

Some of it the files do not tell, and is judged here, where the rest of the race is known:

- **Pit lane.** Files tell that the finish line was crossed in the pit lane, and (as a rule) the time spent there. What
  the in-lap's last sector was slower than the car's best one is taken for the part of the stop before the line.
- **Stopped.** A car that is seen at no timing line for its best lap and `SLOWEST` times the way between two lines,
  while no red flag is shown, is taken to be slow or stopped, until it is seen again.
- **Retired.** One that is never seen again, after `RETIRED_AFTER` times its best lap, or when the race is over.
- **Finished.** With the chequered flag at its crossing. A file without any flags ends with the leader's last crossing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

from livetiming.chrono.model import Chrono, Entry, Lap
from livetiming.racing import FlagStatus

SLOWEST = 1.5  # so much slower are cars under yellow, as a rule
RETIRED_AFTER = 3.0  # best laps
AFTER_THE_RACE = 30.0  # seconds that the race is shown after its last crossing
_USUAL_LAP = 120.0  # seconds, for a car that has no lap time


class What(IntEnum):
    """What happens. At one moment it happens in this order."""

    START = 0
    PIT_IN = 1
    SECTOR = 2  # an intermediate line
    LINE = 3  # the finish line
    PIT_OUT = 4
    STOPPED = 5
    RETIRED = 6
    END = 7  # all is over, and the classification stands


class Event(NamedTuple):
    """One thing that happens at second `at` of the race."""

    at: float
    what: What
    car: int = -1  # index of the entry
    lap: Lap | None = None  # which a line or sector belongs to
    sector: int = -1  # from 0
    driver: str = ""  # who drives from now on


@dataclass(frozen=True)
class Timeline:
    """All events, and what else must be known from the beginning."""

    events: tuple[Event, ...]
    grid: tuple[int, ...]  # indices of the entries, in the order in which they were first seen
    first_flag: FlagStatus
    chequered: float | None  # when the flag was shown; None: the file ends before
    sectors: int  # per lap
    ends: float


class _Flags:
    """Which flag was shown when, as far as crossings tell."""

    def __init__(self, chrono: Chrono) -> None:
        shown = sorted((lap.ends, lap.flag) for entry in chrono.entries for lap in entry.laps if lap.flag is not None)
        self.first = shown[0][1] if shown else FlagStatus.NONE
        self.chequered = _chequered(chrono, shown)
        self._reds: list[tuple[float, float]] = []
        began: float | None = None
        for at, flag in shown:
            if flag is FlagStatus.RED:
                began = at if began is None else began
            elif began is not None:
                self._reds.append((began, at))
                began = None
        if began is not None:
            self._reds.append((began, chrono.ends))

    def deadline(self, seen: float, patience: float) -> float:
        """Until when a car that was last seen at `seen` is not missed: the end of a red flag begins the wait anew."""
        until = seen + patience
        for began, end in self._reds:
            if began < until and end > seen:
                until = end + patience
        return until


def timeline(chrono: Chrono) -> Timeline:
    """The events of `chrono`."""
    flags = _Flags(chrono)
    ends = chrono.ends + AFTER_THE_RACE
    events = [Event(0.0, What.START), Event(ends, What.END)]
    sectors = max((len(lap.sectors) for entry in chrono.entries for lap in entry.laps), default=0)
    for index, entry in enumerate(chrono.entries):
        events += (event for event in _Car(index, entry, flags, ends).events() if event.at <= ends)
    events.sort(key=lambda event: (event.at, event.what, event.car))
    seen = dict.fromkeys(event.car for event in events if event.what in (What.SECTOR, What.LINE))
    grid = (*seen, *(index for index in range(len(chrono.entries)) if index not in seen))
    return Timeline(tuple(events), grid, flags.first, flags.chequered, max(sectors, 1), ends)


def _chequered(chrono: Chrono, shown: Sequence[tuple[float, FlagStatus]]) -> float | None:
    if shown or not chrono.ends:
        return next((at for at, flag in shown if flag is FlagStatus.CHEQUERED), None)
    leader = max((entry.laps[-1] for entry in chrono.entries if entry.laps), key=lambda lap: (lap.number, -lap.ends))
    return leader.ends


class _Car:
    """One car's part of the timeline."""

    def __init__(self, index: int, entry: Entry, flags: _Flags, ends: float) -> None:
        self.index = index
        self.flags = flags
        self.ends = ends
        self.laps = list(self._until_the_flag(entry))
        self.best_lap = min((lap.time for lap in entry.laps if lap.time and lap.counts), default=_USUAL_LAP)
        last_sectors = [lap.sectors[-1] for lap in entry.laps if lap.sectors and lap.sector_counts(-1)]
        self.best_last_sector = min(filter(None, last_sectors), default=None)
        lines = max((sum(sector is not None for sector in lap.sectors) for lap in entry.laps), default=1)
        self.patience = self.best_lap * (1 + SLOWEST / max(1, lines))

    def events(self) -> Iterator[Event]:
        """The car's events; not sorted."""
        happened = [event for number in range(len(self.laps)) for event in self._lap(number)]
        happened.sort(key=lambda event: (event.at, event.what))
        yield from happened
        if happened:
            yield from self._silences(happened)

    def _until_the_flag(self, entry: Entry) -> Iterator[Lap]:
        """The laps that count: none after the car has seen the chequered flag."""
        for lap in entry.laps:
            yield lap
            if self._finishes(lap):
                return

    def _finishes(self, lap: Lap) -> bool:
        flag = self.flags.chequered
        return flag is not None and lap.ends >= flag

    def _lap(self, number: int) -> Iterator[Event]:
        lap = self.laps[number]
        before = self.laps[number - 1] if number else None
        after = self.laps[number + 1] if number + 1 < len(self.laps) else None
        begins = before.ends if before else 0.0
        for sector, at in _crossings(lap):
            if begins < at < lap.ends:
                yield Event(at, What.SECTOR, self.index, lap, sector)
        stops = lap.in_pit or (after is not None and after.pit_time is not None)
        yield Event(lap.ends, What.LINE, self.index, lap, driver=after.driver if after and not stops else "")
        if lap.in_pit:
            yield from self._stop(lap, after, max(begins, self._last_sector_began(lap)))
        elif after and after.pit_time is not None:  # the pit lane is after the line
            yield Event(lap.ends, What.PIT_IN, self.index)
            yield Event(min(lap.ends + after.pit_time, after.ends), What.PIT_OUT, self.index, driver=after.driver)

    def _stop(self, lap: Lap, after: Lap | None, earliest: float) -> Iterator[Event]:
        """A stop during which the finish line is crossed."""
        whole = after.pit_time if after else None
        last = lap.sectors[-1] if lap.sectors else None
        lost = max(0.0, last - self.best_last_sector) if last and self.best_last_sector else 0.0
        enters = max(earliest, lap.ends - (lost if whole is None else min(lost, whole)))
        yield Event(enters, What.PIT_IN, self.index)
        if after is None:
            return
        seen = min((at for _, at in _crossings(after) if at > lap.ends), default=after.ends)
        leaves = lap.ends if whole is None else max(lap.ends, enters + whole)
        yield Event(min(leaves, seen, after.ends), What.PIT_OUT, self.index, driver=after.driver)

    def _last_sector_began(self, lap: Lap) -> float:
        last = lap.sectors[-1] if lap.sectors else None
        return lap.ends - last if last else (lap.begins or 0.0)

    def _silences(self, happened: Sequence[Event]) -> Iterator[Event]:
        """When the car is missed, between what happened and after it."""
        yield from self._missed(0.0, happened[0].at)
        in_pit = False
        for event, following in pairwise(happened):
            if event.what in (What.PIT_IN, What.PIT_OUT):
                in_pit = event.what is What.PIT_IN
            if not in_pit:
                yield from self._missed(event.at, following.at)
        if self._finishes(self.laps[-1]):
            return
        last = happened[-1]
        if not self.laps[-1].in_pit:
            yield from self._missed(last.at, self.ends)
        missed = self.flags.deadline(last.at, RETIRED_AFTER * self.best_lap)
        if missed <= self.ends:
            yield Event(missed, What.RETIRED, self.index)
        elif self.flags.chequered is not None:
            yield Event(self.ends, What.RETIRED, self.index)

    def _missed(self, seen: float, until: float) -> Iterator[Event]:
        missed = self.flags.deadline(seen, self.patience)
        if missed < until:
            yield Event(missed, What.STOPPED, self.index)


def _crossings(lap: Lap) -> Iterator[tuple[int, float]]:
    """Number and time of the lap's intermediate lines, where they are known: from its beginning, or from its end."""
    if lap.begins is not None:
        at = lap.begins
        for sector, time in enumerate(lap.sectors[:-1]):
            if time is None:
                break
            at += time
            yield sector, round(at, 3)
        else:
            return
    at, known = lap.ends, []
    for sector in range(len(lap.sectors) - 1, 0, -1):
        time = lap.sectors[sector]
        if time is None:
            break
        at -= time
        known.append((sector - 1, round(at, 3)))
    yield from reversed(known)
