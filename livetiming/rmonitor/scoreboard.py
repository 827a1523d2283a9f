"""Records → scoreboard: entries, their order, and the session. A pure state machine; it never raises on a record.

Two things about the protocol shape it. A server repeats the whole state every half minute (the refresh), in any order
of records, so that positions may come before the entry they belong to. And $I ("clear the scoreboard") may come in
mid-race, for a server's or a relay's own reasons: so nothing is thrown away at $I, but what the refresh after it does
not repeat. While that refresh is awaited, empty positions are held aside, because relays send the empty grid first.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from livetiming.racing import FlagStatus
from livetiming.rmonitor.entry import Entry
from livetiming.rmonitor.records import (
    BestPosition,
    ClassName,
    Competitor,
    Correction,
    Heartbeat,
    Init,
    LastLap,
    LineCrossing,
    Passing,
    RacePosition,
    Record,
    Run,
    Setting,
    Track,
)
from livetiming.rmonitor.session import Session

ENTRY_LIMIT = 1000  # positions go to 999
REFRESH_BEATS = 40  # heartbeats within which a refresh is over; 30 to 33 measured


@dataclass(slots=True)
class _Awaited:
    """A refresh that will say which entries are still there."""

    since: int
    hold: bool  # keep empty positions aside: for all we know the session goes on
    repeated: set[str] = field(default_factory=set)
    last: int = 0  # heartbeat of the latest repetition
    begun: bool = False  # a record came that comes in refreshes only, not when one driver changes


class Scoreboard:
    """The state of the feed. Read `session`, `classes` and `entries()`; change it by `apply` only."""

    def __init__(self) -> None:
        self.session = Session()
        self.classes: dict[str, str] = {}  # class id → name
        self.ignored = 0  # records for more than ENTRY_LIMIT entries or classes
        self._entries: dict[str, Entry] = {}  # by key
        self._awaited: _Awaited | None = None
        self._handlers: dict[type[Record], Callable[[Any], None]] = {
            Heartbeat: self._beat,
            Competitor: self._describe,
            Run: self._begin,
            ClassName: self._name_class,
            Setting: self._set,
            Track: self._set,
            RacePosition: self._place,
            BestPosition: self._place_best,
            LastLap: self._last_lap,
            Init: self._clear,
            Passing: self._pass,
            Correction: self._correct,
            LineCrossing: self._see,
        }

    def entries(self) -> list[Entry]:
        """The entries that have been introduced ($A, $COMP), in no particular order."""
        return [entry for entry in self._entries.values() if entry.described is not None]

    @property
    def beat(self) -> int:
        """Heartbeats so far: the board's only clock."""
        return self.session.heartbeats

    @property
    def stale(self) -> bool:
        """A clear was announced, and the refresh that follows it is not over yet."""
        return self._awaited is not None

    def apply(self, record: Record) -> None:
        """Take in one record."""
        self._handlers[type(record)](record)

    # -- session

    def _beat(self, record: Heartbeat) -> None:
        before = self.session.flag
        self.session.beat(record)
        if self.session.flag is not before and self.session.flag in (FlagStatus.GREEN, FlagStatus.YELLOW):
            for entry in self._entries.values():
                entry.finished = False
        if self.session.flag is not before and self.session.flag is FlagStatus.CHEQUERED:
            self._flag_the_winner(self.beat - 1)
        self._end_refresh()
        self._forget_unknown()

    def _flag_the_winner(self, since: int) -> None:
        """The flag is told by a heartbeat: whoever took it with the leader, or behind it, crossed just before."""
        just_crossed = [
            (entry, crossing.total)
            for entry in self._entries.values()
            if (crossing := entry.crossings.get(entry.laps or 0)) and crossing.beat >= since and crossing.total
        ]
        won_at = next((total for entry, total in just_crossed if entry.position == 1), None)
        for entry, total in just_crossed:
            if won_at is not None and total >= won_at:
                entry.finished = True

    def _begin(self, record: Run) -> None:
        if self.session.begin(record):
            self._await_refresh(hold=False)
            # The refresh may have begun before this record.
            recent = (e for e in self.entries() if (e.described or 0) >= self.beat - 1)
            if self._awaited is not None:
                self._awaited.repeated = {entry.key for entry in recent}
        self._refresh_begun()

    def _name_class(self, record: ClassName) -> None:
        if record.class_id in self.classes or len(self.classes) < ENTRY_LIMIT:
            self.classes[record.class_id] = record.description
        self._refresh_begun()

    def _set(self, record: Setting | Track) -> None:
        self.session.set(record)
        self._refresh_begun()

    # -- the refresh after a clear

    def _clear(self, _record: Init) -> None:
        self._await_refresh(hold=True)

    def _await_refresh(self, *, hold: bool) -> None:
        """What no refresh repeats from now on will go."""
        if self._entries:
            self._awaited = _Awaited(since=self.beat, hold=hold, last=self.beat)

    @property
    def _holding(self) -> bool:
        return self._awaited is not None and self._awaited.hold

    def _refresh_begun(self) -> None:
        if self._awaited is not None:
            self._awaited.begun = True

    def _end_refresh(self) -> None:
        """At a heartbeat: the refresh is over after a whole second in which no entry was repeated."""
        awaited = self._awaited
        if awaited is None:
            return
        over = awaited.begun and awaited.repeated and self.beat >= awaited.last + 2
        if over:
            self._entries = {key: e for key, e in self._entries.items() if key in awaited.repeated}
        if over or self.beat > awaited.since + 2 * REFRESH_BEATS:  # none came: keep what there is
            self._awaited = None
            for entry in self._entries.values():
                if entry.held is not None:
                    self._put(entry, entry.held)
                if entry.held_best is not None:
                    entry.place_best(entry.held_best)

    def _forget_unknown(self) -> None:
        """Positions wait for their entry for one refresh; a second car of one registration must be repeated by it."""
        for entry in list(self._entries.values()):
            unknown = entry.described is None and self.beat > entry.since + REFRESH_BEATS
            if unknown or self._outlived(entry):
                del self._entries[entry.key]

    def _outlived(self, entry: Entry) -> bool:
        if entry.key == entry.registration or entry.transponder_told is None:
            return False
        twin = self._entries.get(entry.registration)
        if twin is None or twin.transponder_told is None:
            return False
        return twin.transponder_told > entry.transponder_told + REFRESH_BEATS

    # -- entries

    def _describe(self, record: Competitor) -> None:
        entry = self._described(record)
        if entry is None:
            return
        entry.describe(record, self.beat)
        if self._awaited is not None:
            self._awaited.repeated.add(entry.key)
            self._awaited.last = self.beat

    def _described(self, record: Competitor) -> Entry | None:
        """Whom $A or $COMP is about: two cars may have the same registration, told apart by their transponders."""
        twins = self._of(record.registration)
        if not twins:
            return self._new(record.registration, record.registration)
        for entry in twins:
            if record.transponder is None and entry.name == record.name:
                return entry
            if record.transponder is not None and entry.transponder == record.transponder:
                return entry
        for entry in twins:
            if record.transponder is None or entry.transponder is None or entry.name == record.name:
                return entry
        if all(self._told_in_this_refresh(entry) for entry in twins):
            return self._new(f"{record.registration}#{len(twins) + 1}", record.registration)
        return next(entry for entry in twins if not self._told_in_this_refresh(entry))

    def _told_in_this_refresh(self, entry: Entry) -> bool:
        return entry.transponder_told is not None and entry.transponder_told >= self.beat - 1

    def _of(self, registration: str) -> list[Entry]:
        """All entries of this registration: one, but for those rare twins."""
        first = self._entries.get(registration)
        if first is None:
            return []
        twins = [first]
        while (twin := self._entries.get(f"{registration}#{len(twins) + 1}")) is not None:
            twins.append(twin)
        return twins

    def _new(self, key: str, registration: str) -> Entry | None:
        if len(self._entries) >= ENTRY_LIMIT:
            self.ignored += 1
            return None
        self._entries[key] = Entry(key, registration, self.beat)
        return self._entries[key]

    def _owner(self, registration: str, nearness: Callable[[Entry], float]) -> Entry | None:
        """Whose position this is; of twins the one that `nearness` gives the least for."""
        twins = self._of(registration)
        if len(twins) > 1:
            return min(twins, key=nearness)
        return twins[0] if twins else self._new(registration, registration)

    # -- positions and passings

    def _place(self, record: RacePosition) -> None:
        entry = self._owner(record.registration, lambda e: _distance(e.latest_total, record.total))
        if entry is None:
            return
        if self._holding and record.laps == 0 and record.total is None and entry.laps is not None:
            entry.held = record
        else:
            self._put(entry, record)

    def _put(self, entry: Entry, record: RacePosition) -> None:
        session = self.session
        chequered = session.flag is FlagStatus.CHEQUERED
        entry.place(record, self.beat, running=session.running, chequered=chequered)

    def _place_best(self, record: BestPosition) -> None:
        entry = self._owner(record.registration, lambda e: _distance(e.best, record.best))
        if entry is None:
            return
        if self._holding and record.best is None and entry.best is not None:
            entry.held_best = record
        else:
            entry.place_best(record)

    def _last_lap(self, record: LastLap) -> None:
        entry = self._owner(record.registration, lambda e: abs(record.laps - (e.laps or 0)))
        if entry is not None:
            entry.last_lap(record)

    def _pass(self, record: Passing) -> None:
        before = None if record.total is None else record.total - (record.lap_time or 0.0)
        entry = self._owner(record.registration, lambda e: _distance(e.total, before))
        if entry is not None:
            entry.cross(record, running=self.session.running, chequered=self.session.flag is FlagStatus.CHEQUERED)

    def _correct(self, record: Correction) -> None:
        for entry in self._of(record.registration)[:1]:
            entry.correct(record)

    def _see(self, record: LineCrossing) -> None:
        transponder = record.number.removeprefix("Tx")
        for entry in self._entries.values():
            if entry.number == record.number or (transponder != record.number and entry.transponder == transponder):
                entry.see(record.line_type)
                return


def _distance(have: float | None, told: float | None) -> float:
    """How far a told time is from the one a twin has; one that has none yet comes after an exact match only."""
    if have is None:
        return 0.0 if told is None else 0.0005
    return abs(have - told) if told is not None else 1e9
