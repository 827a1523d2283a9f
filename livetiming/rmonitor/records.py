"""One line → one typed record.

Unknown records, and more fields than a record is known to have, are ignored: both specifications say so. A known
record that lacks fields, or has text where a number belongs, is a `Malformed` value: feeds are never worth a crash.

Texts are stripped of blanks and cut at TEXT_LIMIT. Times are seconds. "No time" stands as None: an empty field, and
in positions also the three ways that real systems write it.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass

from livetiming.times import parse_duration

TEXT_LIMIT = 200  # characters; documented lengths go to 50, and real data exceed them
_DIGITS_LIMIT = 9

# A real time of 59:59.999 cannot be told from the second.
_NO_TIME = frozenset({0.0, 3599.999})


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no record; `why` is for the log."""

    line: str
    why: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """$F, once a second: the clocks as they stand in the feed, the flag trimmed and case-folded."""

    laps_to_go: int | None
    time_to_go: float | None
    time_of_day: float | None  # since local midnight
    race_time: float | None
    flag: str  # green, yellow, red, finish, or empty


@dataclass(frozen=True, slots=True)
class Competitor:
    """$A, or $COMP, which has no transponder but an additional text."""

    registration: str
    number: str
    transponder: str | None  # text: real ones may be alphanumeric
    first_name: str
    last_name: str
    nationality: str
    class_id: str
    additional: str | None

    @property
    def name(self) -> str:
        """Both names; some organisers put the team into the first and leave the last empty."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(frozen=True, slots=True)
class Run:
    """$B: the current session."""

    unique: int
    description: str


@dataclass(frozen=True, slots=True)
class ClassName:
    """$C."""

    class_id: str
    description: str


@dataclass(frozen=True, slots=True)
class Setting:
    """$E: TRACKNAME or TRACKLENGTH."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RacePosition:
    """$G: place by laps and total time. `laps` is 0 before the first lap is complete (an empty field)."""

    position: int
    registration: str
    laps: int
    total: float | None


@dataclass(frozen=True, slots=True)
class BestPosition:
    """$H (and Orbits' $SP): place by best lap."""

    position: int
    registration: str
    best_lap: int
    best: float | None


@dataclass(frozen=True, slots=True)
class LastLap:
    """$SR, which some Orbits send beside $G: the last lap's time."""

    registration: str
    laps: int
    last: float | None


@dataclass(frozen=True, slots=True)
class Init:
    """$I: clear the scoreboard."""


@dataclass(frozen=True, slots=True)
class Passing:
    """$J: a crossing of the finish line; `lap_time` is None for the first one and for an out-lap."""

    registration: str
    lap_time: float | None
    total: float | None


@dataclass(frozen=True, slots=True)
class Correction:
    """$COR: the timekeeper edited a time; `correction` is signed."""

    registration: str
    laps: int
    total: float | None
    correction: float


@dataclass(frozen=True, slots=True)
class LineCrossing:
    """IMSA's $L; `number` is `Tx` and the transponder for one that no car is known for."""

    number: str
    line: str
    line_type: str  # SFT, SFP, POT, POP, PIT, PIP


@dataclass(frozen=True, slots=True)
class Track:
    """IMSA's $T; its sections are not used."""

    name: str
    distance: str


Record = (
    Heartbeat
    | Competitor
    | Run
    | ClassName
    | Setting
    | RacePosition
    | BestPosition
    | LastLap
    | Init
    | Passing
    | Correction
    | LineCrossing
    | Track
)


class _Wrong(ValueError):
    """A field does not hold what it should."""


def parse_line(line: str) -> Record | Malformed | None:
    """The record in `line`; None for one that is unknown, or for a blank line."""
    try:
        fields = next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error as error:
        return Malformed(line, str(error))
    if not fields or not line.strip():
        return None
    name = fields[0].strip()
    if not name.startswith("$"):
        return Malformed(line, "does not start with $")
    known = _PARSERS.get(name)
    if known is None:
        return None
    least, parse = known
    if len(fields) <= least:
        return Malformed(line, f"{name} has {len(fields) - 1} fields instead of {least}")
    try:
        return parse(fields)
    except _Wrong as error:
        return Malformed(line, str(error))


def _heartbeat(fields: list[str]) -> Record:
    return Heartbeat(
        _number(fields[1]) if fields[1].strip() else None,
        _time(fields[2]),
        _time(fields[3]),
        _time(fields[4]),
        _text(fields[5]).casefold(),
    )


def _competitor(fields: list[str]) -> Record:
    _, registration, number, transponder, first, last, nationality, class_id = map(_text, fields[:8])
    return Competitor(_registration(registration), number, transponder, first, last, nationality, class_id, None)


def _competitor_2(fields: list[str]) -> Record:
    _, registration, number, class_id, first, last, nationality, additional = map(_text, fields[:8])
    return Competitor(_registration(registration), number, None, first, last, nationality, class_id, additional)


def _run(fields: list[str]) -> Record:
    return Run(_number(fields[1]), _text(fields[2]))


def _class_name(fields: list[str]) -> Record:
    return ClassName(_text(fields[1]), _text(fields[2]))


def _setting(fields: list[str]) -> Record:
    return Setting(_text(fields[1]).upper(), _text(fields[2]))


def _race_position(fields: list[str]) -> Record:
    return RacePosition(_number(fields[1]), _registration(fields[2]), _count(fields[3]), _time_or_none(fields[4]))


def _best_position(fields: list[str]) -> Record:
    return BestPosition(_number(fields[1]), _registration(fields[2]), _count(fields[3]), _time_or_none(fields[4]))


def _last_lap(fields: list[str]) -> Record:
    return LastLap(_registration(fields[2]), _count(fields[3]), _time_or_none(fields[4]))


def _init(_fields: list[str]) -> Record:
    return Init()


def _passing(fields: list[str]) -> Record:
    return Passing(_registration(fields[1]), _time(fields[2]) or None, _time(fields[3]))


def _correction(fields: list[str]) -> Record:
    text = _text(fields[5])
    size = _time(text.lstrip("+-"))
    if size is None:
        raise _Wrong("no correction")
    return Correction(
        _registration(fields[1]),
        _count(fields[3]),
        _time_or_none(fields[4]),
        -size if text.startswith("-") else size,
    )


def _line_crossing(fields: list[str]) -> Record:
    return LineCrossing(_registration(fields[1]), _text(fields[2]), _text(fields[3]).upper())


def _track(fields: list[str]) -> Record:
    return Track(_text(fields[1]), _text(fields[3]))


# Name → (fields that it must have, its parser).
_PARSERS: dict[str, tuple[int, Callable[[list[str]], Record]]] = {
    "$F": (5, _heartbeat),
    "$A": (7, _competitor),
    "$COMP": (7, _competitor_2),
    "$B": (2, _run),
    "$C": (2, _class_name),
    "$E": (2, _setting),
    "$G": (4, _race_position),
    "$H": (4, _best_position),
    "$SP": (4, _best_position),
    "$SR": (4, _last_lap),
    "$I": (0, _init),
    "$J": (3, _passing),
    "$COR": (5, _correction),
    "$L": (3, _line_crossing),
    "$T": (3, _track),
}


def _text(field: str) -> str:
    return field.strip()[:TEXT_LIMIT]


def _registration(field: str) -> str:
    text = _text(field)
    if not text:
        raise _Wrong("no registration")
    return text


def _number(field: str) -> int:
    text = field.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_LIMIT):
        raise _Wrong(f"{text[:20]!r} is no number")
    return int(text)


def _count(field: str) -> int:
    return _number(field) if field.strip() else 0


def _time(field: str) -> float | None:
    text = field.strip()
    if not text:
        return None
    seconds = parse_duration(text)
    if seconds is None:
        raise _Wrong(f"{text[:20]!r} is no time")
    return seconds


def _time_or_none(field: str) -> float | None:
    seconds = _time(field)
    return None if seconds in _NO_TIME else seconds
