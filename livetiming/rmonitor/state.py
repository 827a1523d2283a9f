"""Scoreboard → universal state: rows, order, gaps, marks of best laps, session.

A gap is the difference of total times after the same number of laps, taken at the follower's latest crossing; whom
the leader had lapped by then is laps down. (Compared at any other moment, every follower would be "1 lap" down from
the leader's crossing to its own.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from livetiming.racing import Stat
from livetiming.rmonitor.entry import Entry
from livetiming.rmonitor.scoreboard import Scoreboard
from livetiming.times import format_clock

Cell = str | int | float | list[Any]
NO_TIME: list[Any] = ["", ""]
FRESH_BEATS = 10  # heartbeats for which a session best is marked as new
_LAST_PLACE = 100_000


class Order(StrEnum):
    """What the running order is by."""

    RACE = "race"  # laps and total time
    BEST = "best"  # best lap
    AUTO = "auto"  # as the session's name and its lap counter suggest


class TextFrom(StrEnum):
    """Which text of an entry fills a column: organisers differ in what they write where."""

    ADDITIONAL = "additional"
    NATIONALITY = "nationality"
    FIRST_NAME = "first-name"
    NONE = "none"  # no such column


@dataclass(frozen=True)
class Options:
    """What the operator knows of this feed, and the feed does not say."""

    order: Order = Order.AUTO
    team: TextFrom = TextFrom.ADDITIONAL
    car: TextFrom = TextFrom.NONE
    track_km: float | None = None  # adds the mean speed of the last lap


TRACK_DATA_SPEC = ["Track", "Length", "Time of day"]


def columns(options: Options) -> list[Stat]:
    """The columns of `race_state`. There is none for pit stops: only some feeds tell, and not from the start."""
    return [stat for stat, _ in _columns(options)]


def race_state(board: Scoreboard, options: Options) -> dict[str, Any]:
    """The board as `{"cars": […], "session": {…}}`; cars in running order, rows as `columns` says."""
    by_best = order_of(board, options.order) is Order.BEST
    entries = sorted(board.entries(), key=_by_best if by_best else _by_race)
    table = _Table(board, entries, by_best=by_best, options=options)
    cells = [cell for _, cell in _columns(options)]
    return {
        "cars": [[cell(table, index, entry) for cell in cells] for index, entry in enumerate(entries)],
        "session": session_state(board, options),
    }


def session_state(board: Scoreboard, options: Options) -> dict[str, Any]:
    """The `session` of a state: flag, clocks, track data."""
    session = board.session
    length = session.track_length if options.track_km is None else f"{options.track_km:g} km"
    time_of_day = "" if session.time_of_day is None else format_clock(session.time_of_day)
    return {
        "flagState": session.flag.text,
        "timeElapsed": session.race_time,
        "timeRemain": session.time_to_go,
        "lapsRemain": session.laps_to_go,
        "pauseClocks": session.clock_stopped,
        "trackData": [session.track_name, length, time_of_day],
    }


def order_of(board: Scoreboard, order: Order) -> Order:
    """RACE or BEST. The protocol does not say which: the run's name does, or laps to go; a race it is in doubt."""
    if order is not Order.AUTO:
        return order
    name = board.session.description.casefold()
    if any(word in name for word in ("qual", "practice", "practise")):
        return Order.BEST
    if "race" in name or board.session.laps_to_go is not None:
        return Order.RACE
    return Order.BEST if any(word in name for word in ("test", "warm", "shakedown")) else Order.RACE


def _by_race(entry: Entry) -> tuple[Any, ...]:
    total = entry.total if entry.total is not None else float("inf")
    return (entry.position or _LAST_PLACE, -(entry.laps or 0), total, _natural(entry))


def _by_best(entry: Entry) -> tuple[Any, ...]:
    best = entry.best if entry.best is not None else float("inf")
    return (entry.best_position or _LAST_PLACE, best, *_by_race(entry))


def _natural(entry: Entry) -> tuple[int, str]:
    """Car 7 before car 12."""
    text = entry.number or entry.registration
    return (int(text) if text.isascii() and text.isdigit() else _LAST_PLACE, entry.key)


class _Table:
    """What the cells of one state share."""

    def __init__(self, board: Scoreboard, entries: Sequence[Entry], *, by_best: bool, options: Options) -> None:
        self.board = board
        self.entries = entries
        self.delta = _behind_best if by_best else behind
        self.options = options
        self.numbers = _unique_numbers(entries)
        timed = [entry for entry in entries if entry.best is not None]
        self.fastest = min(timed, key=lambda entry: (entry.best, entry.best_position), default=None)
        self.places: list[int] = []
        counts: dict[str, int] = {}
        for entry in entries:
            counts[entry.class_id] = counts.get(entry.class_id, 0) + 1
            self.places.append(counts[entry.class_id])


def _unique_numbers(entries: Sequence[Entry]) -> list[str]:
    """Race numbers, told apart where two cars carry the same: consumers know a car by its number."""
    numbers = [entry.number or entry.registration for entry in entries]
    if len(set(numbers)) == len(numbers):
        return numbers
    seen: dict[str, int] = {}
    for index in sorted(range(len(entries)), key=lambda i: entries[i].key):
        number = numbers[index]
        seen[number] = seen.get(number, 0) + 1
        if seen[number] > 1:
            numbers[index] = f"{number}#{seen[number]}"
    return numbers


def behind(leader: Entry, entry: Entry) -> float | str:
    """Seconds, or "1 lap", "2 laps" that `entry` is behind `leader`; "" where it cannot be said."""
    if leader.laps is None or entry.laps is None or entry.total is None:
        return ""
    ahead = leader.laps - entry.laps
    by_then = [
        laps - entry.laps
        for laps, crossing in leader.crossings.items()
        if laps > entry.laps and crossing.total is not None and crossing.total <= entry.total
    ]
    # The follower may be about to complete its lap: that one is not lost yet.
    down = max([*by_then, ahead - 1, 0])
    then = leader.crossings.get(entry.laps)
    if then is None or then.total is None:  # we came late: all that is known is the difference
        down = max(down, ahead if len(leader.crossings) < 2 else min(ahead, 1))
    if down > 0:
        return "1 lap" if down == 1 else f"{down} laps"
    if then is None or then.total is None or entry.total < then.total:
        return ""
    return round(entry.total - then.total, 3)


def _behind_best(leader: Entry, entry: Entry) -> float | str:
    if leader.best is None or entry.best is None or entry.best < leader.best:
        return ""
    return round(entry.best - leader.best, 3)


def _number(table: _Table, index: int, _entry: Entry) -> Cell:
    return table.numbers[index]


def _state(_table: _Table, _index: int, entry: Entry) -> Cell:
    return entry.state.value


def _class(table: _Table, _index: int, entry: Entry) -> Cell:
    return table.board.classes.get(entry.class_id, "")


def _place_in_class(table: _Table, index: int, _entry: Entry) -> Cell:
    return table.places[index]


def _text(entry: Entry, source: TextFrom) -> str:
    if source is TextFrom.ADDITIONAL:
        return entry.additional
    if source is TextFrom.FIRST_NAME:
        return entry.first_name
    return "" if entry.out_of_race else entry.nationality


def _team(table: _Table, _index: int, entry: Entry) -> Cell:
    return _text(entry, table.options.team)


def _car(table: _Table, _index: int, entry: Entry) -> Cell:
    return _text(entry, table.options.car)


def _driver(table: _Table, _index: int, entry: Entry) -> Cell:
    first_is_other = TextFrom.FIRST_NAME in (table.options.team, table.options.car)
    return entry.last_name if first_is_other else entry.name


def _laps(_table: _Table, _index: int, entry: Entry) -> Cell:
    return entry.laps or 0


def _gap(table: _Table, index: int, entry: Entry) -> Cell:
    return table.delta(table.entries[0], entry) if index else ""


def _interval(table: _Table, index: int, entry: Entry) -> Cell:
    return table.delta(table.entries[index - 1], entry) if index else ""


def _last(table: _Table, _index: int, entry: Entry) -> Cell:
    """A lap is the best only if the feed says so: a time that its keeper does not count stays unmarked."""
    last = entry.last
    if last is None:
        return NO_TIME
    if last != entry.best:
        return [last, ""]
    if entry is not table.fastest:
        return [last, "pb"]
    crossing = entry.crossings[entry.laps or 0]
    return [last, "sb-new" if table.board.beat - crossing.beat <= FRESH_BEATS else "sb"]


def _best(table: _Table, _index: int, entry: Entry) -> Cell:
    if entry.best is None:
        return NO_TIME
    return [entry.best, "sb" if entry is table.fastest else ""]


def _speed(table: _Table, _index: int, entry: Entry) -> Cell:
    """The mean speed of the last lap, km/h."""
    kilometres = table.options.track_km
    return round(kilometres * 3600 / entry.last, 1) if kilometres and entry.last else ""


def _columns(options: Options) -> list[tuple[Stat, Callable[[_Table, int, Entry], Cell]]]:
    """The columns, and what fills them."""
    chosen: list[tuple[bool, Stat, Callable[[_Table, int, Entry], Cell]]] = [
        (True, Stat.NUM, _number),
        (True, Stat.STATE, _state),
        (True, Stat.CLASS, _class),
        (True, Stat.POS_IN_CLASS, _place_in_class),
        (options.team is not TextFrom.NONE, Stat.TEAM, _team),
        (True, Stat.DRIVER, _driver),
        (options.car is not TextFrom.NONE, Stat.CAR, _car),
        (True, Stat.LAPS, _laps),
        (True, Stat.GAP, _gap),
        (True, Stat.INT, _interval),
        (True, Stat.LAST_LAP, _last),
        (True, Stat.BEST_LAP, _best),
        (options.track_km is not None, Stat.SPEED, _speed),
    ]
    return [(stat, cell) for wanted, stat, cell in chosen if wanted]
