"""Counting the laps of one car, from two columns of which neither can be trusted alone.

`Laps` and `Last` of a lap may change in the same frame, or one of them some frames after the other. Timekeepers
correct both. So a change of either one counts a lap, and a change of the other one that follows is the same lap's:

- `Laps` first: the lap counts, with the time that stands in `Last`. If `Last` changes within `LATE` seconds, that was
  the lap's time; a later correction within that time goes to the lap likewise.
- `Last` first: the lap counts, as one that `Laps` has not confirmed. When `Laps` follows, nothing counts. If it does
  not follow before the next lap, which `Laps` and `Last` tell together, then the time was a correction of the lap
  before, and there was no lap.
- `Laps` alone, `Last` the same: a lap of the same time, or a time that is late.
- `Laps` goes back by a few: so many laps are taken back. By more: a reset or a slip of the feed. It is believed when
  the next lap is counted from there; when `Laps` comes back instead, nothing has happened.
- Before a car's first lap that we see, `Laps` may go where it likes: the feed finds out where the car is.
"""

from dataclasses import dataclass, replace

LATE = 10.0  # seconds after a lap in which a new time is that lap's: the default poll interval
FEW = 3  # laps, at most, that a feed takes back; more is a reset


@dataclass(frozen=True)
class Counter:
    """Where the count of a car stands."""

    laps: int = 0  # completed
    column: int | None = None  # what Laps said last
    last: float | None = None  # what Last said last, seconds
    unconfirmed: int = 0  # of `laps`, those that Last told of and Laps did not yet
    since: float | None = None  # when the newest lap was counted, or became the newest, Unix s
    timed: bool = True  # the newest lap has a time

    @property
    def fallen(self) -> bool:
        """Laps went back so far that we wait for what it says next."""
        return self.column is not None and self.laps - self.column > self.unconfirmed


@dataclass(frozen=True)
class Change:
    """What happens to a car's list of laps: in this order, as far as it applies."""

    dropped: int = 0  # newest laps that never were
    retimed: float | None = None  # the newest lap took this long
    renumbered: bool = False  # laps have another number than we thought; none was completed
    passed: bool = False  # a lap was completed
    time: float | None = None  # how long it took, None where that is not known


NOTHING = Change()


def count(old: Counter, laps: int | None, last: float | None, now: float) -> tuple[Counter, Change]:
    """The count after a row that says `laps` and `last` at Unix second `now`."""
    column = old.column if laps is None else laps
    timed = last is not None and last != old.last
    if column == old.column and not timed:
        return old, NOTHING
    new = replace(old, column=column, last=old.last if last is None else last)
    if column is None:
        return _lap(new, old.laps + 1, last, now)
    if _is_first_known(old, column):
        return replace(new, laps=column, unconfirmed=0), Change(renumbered=True)
    if old.column is not None and column < old.column:
        return _gone_back(old, new, now)
    if column > old.laps or (old.fallen and column not in (old.column, old.laps)):
        return _lap(replace(new, unconfirmed=0), column, last, now)
    if timed:
        return _new_time(old, new, now)
    return replace(new, unconfirmed=0 if old.fallen else old.laps - column), NOTHING


def settled(counter: Counter) -> Counter:
    """The count for a stint that begins: from where Laps stands."""
    if counter.column is None or not counter.fallen:
        return counter
    return replace(counter, laps=counter.column)


def _is_first_known(old: Counter, column: int) -> bool:
    """Whether Laps says only now where the car was before we saw it: a feed may take some frames for that."""
    if old.column is None:
        return column not in (old.laps, old.laps + 1)
    return old.since is None and not old.laps <= column <= old.laps + FEW


def _lap(new: Counter, number: int, time: float | None, now: float) -> tuple[Counter, Change]:
    return replace(new, laps=number, since=now, timed=time is not None), Change(passed=True, time=time)


def _gone_back(old: Counter, new: Counter, now: float) -> tuple[Counter, Change]:
    if new.column is None or old.fallen or old.laps - new.column > FEW:
        return replace(new, unconfirmed=0), NOTHING
    counter = replace(new, laps=new.column, unconfirmed=0, since=now, timed=True)
    return counter, Change(dropped=old.laps - new.column)


def _new_time(old: Counter, new: Counter, now: float) -> tuple[Counter, Change]:
    """Last changed, and Laps tells of no lap that we do not know."""
    column = new.column or 0
    late = old.since is not None and 0 <= now - old.since <= LATE
    if old.column != column and old.unconfirmed:
        if late:
            return replace(new, unconfirmed=old.laps - column, timed=True), Change(retimed=new.last)
        if column < old.laps:
            return _lap(replace(new, unconfirmed=0), column, new.last, now)
        counter, lap = _lap(replace(new, unconfirmed=0), column, new.last, now)
        return counter, replace(lap, dropped=1, retimed=old.last)
    if late and not old.unconfirmed:
        return replace(new, timed=True), Change(retimed=new.last)
    if new.fallen:
        return _lap(replace(new, unconfirmed=1), column + 1, new.last, now)
    return _lap(replace(new, unconfirmed=old.unconfirmed + 1), old.laps + 1, new.last, now)
