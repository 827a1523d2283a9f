"""Race messages: what is worth saying about the step from one state to the next (docs/wire.md, "Messages").

A generator's `process(old, new)` gives `[time, category, text, type, car number?]` lists. Ours leave the time None,
for `generate` to fill in: a generator knows no clock. A plugin's own may fill it in themselves.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol

from livetiming.racing import FlagStatus, Stat
from livetiming.state import RaceMessage, Row, State
from livetiming.times import format_lap_time

Said = Sequence[str | None]  # [category, text, type]
CAR_NUMBER_REGEX = re.compile(r"\bcar\s*#?\s*(?P<race_num>[0-9]+)", re.IGNORECASE | re.ASCII)
ON_TRACK = frozenset({"RUN", "OUT"})
IN_PITS = frozenset({"PIT", "FUEL"})


class Generator(Protocol):
    """Whatever can be asked for messages."""

    def process(self, oldState: State, newState: State) -> list[RaceMessage]:  # noqa: N803 - the plugin interface
        """The messages of this step."""


class TimingMessage:
    """One message, or none, about a step of the whole state."""

    def _consider(self, oldState: Any, newState: Any) -> Said | None:  # noqa: N803 - the plugin interface
        """`[category, text, type]`, or None where there is nothing to say."""
        raise NotImplementedError(f"{type(self).__name__}._consider is for the subclass to write")

    def process(self, oldState: State, newState: State) -> list[RaceMessage]:  # noqa: N803 - the plugin interface
        """The message of this step, if there is one."""
        said = self._consider(oldState, newState)
        return [[None, *said]] if said else []


class PerCarMessage(TimingMessage):
    """One message, or none, about the step of each car. Cars are matched by number, car and class."""

    # The one column that the message depends on: cars in which it has not changed are not even considered.
    watched: ClassVar[Stat | None] = None

    def __init__(self, columnSpec: Sequence[Any]) -> None:  # noqa: N803 - the plugin interface
        self._index = {
            Stat.from_title(_heading(column)): index for index, column in reversed(list(enumerate(columnSpec)))
        }

    def getValue(self, car: Row, stat: Stat, default: Any = None) -> Any:  # noqa: N802 - the plugin interface
        """The car's cell of column `stat`, or `default` where it has none or an empty one."""
        index = self._index.get(stat)
        if index is None or index >= len(car):
            return default
        return default if car[index] is None or car[index] == "" else car[index]

    def process(self, oldState: State, newState: State) -> list[RaceMessage]:  # noqa: N803 - the plugin interface
        """The messages of all cars that were there before."""
        messages: list[RaceMessage] = []
        for old, car in self._pairs(oldState["cars"], newState["cars"]):
            said = self._consider(old, car)
            if said:
                messages.append([None, *said, str(self.getValue(car, Stat.NUM, ""))])
        return messages

    def _pairs(self, before: list[Row], now: list[Row]) -> Iterable[tuple[Row, Row]]:
        """Each car that was there before: how it was, and how it is."""
        try:
            return self._pairs_in_order(before, now)
        except LookupError:  # places have changed, or a row is short
            known = {self._identity(car): car for car in before}
            pairs = [(known.get(self._identity(car)), car) for car in now]
            return [(old, car) for old, car in pairs if old is not None]

    def _pairs_in_order(self, before: list[Row], now: list[Row]) -> Iterable[tuple[Row, Row]]:
        """The same, fast, while nobody has changed places; LookupError where that is not so."""
        number = self._index[Stat.NUM]
        if [car[number] for car in before] != [car[number] for car in now]:
            raise LookupError
        pairs: Iterable[tuple[Row, Row]] = zip(before, now, strict=True)
        if self.watched is not None:
            watched = self._index.get(self.watched)
            pairs = [] if watched is None else [(old, car) for old, car in pairs if old[watched] != car[watched]]
        return [(old, car) for old, car in pairs if self._identity(old) == self._identity(car)]

    def _identity(self, car: Row) -> tuple[str, ...]:
        return tuple(str(self.getValue(car, stat, "")) for stat in (Stat.NUM, Stat.CAR, Stat.CLASS))

    def _category(self, car: Row, otherwise: str) -> str:
        return str(self.getValue(car, Stat.CLASS, otherwise))

    def _label(self, car: Row) -> str:
        """`#7 (Conway)`, or `#7`."""
        number, driver = self.getValue(car, Stat.NUM, "?"), driver_name(self.getValue(car, Stat.DRIVER))
        return f"#{number} ({driver})" if driver else f"#{number}"


class FlagChangeMessage(TimingMessage):
    """A change of the flag."""

    _SAID: ClassVar = {
        FlagStatus.GREEN: ("Green flag - the track is clear", "green"),
        FlagStatus.WHITE: ("White flag - last lap", "white"),
        FlagStatus.CHEQUERED: ("Chequered flag", "track"),
        FlagStatus.RED: ("Red flag - session stopped", "red"),
        FlagStatus.CODE_60: ("Code 60", "code60"),
        FlagStatus.SC: ("Safety car on the track", "yellow"),
        FlagStatus.FCY: ("Full course yellow", "yellow"),
        FlagStatus.YELLOW: ("Yellow flags", "yellow"),
        FlagStatus.VSC: ("Virtual safety car", "yellow"),
        FlagStatus.CAUTION: ("Full course caution", "yellow"),
    }

    def _consider(self, oldState: State, newState: State) -> Said | None:  # noqa: N803 - the plugin interface
        old, new = (FlagStatus.from_text(state["session"].get("flagState")) for state in (oldState, newState))
        if old == new or new not in self._SAID:
            return None
        text, style = self._SAID[new]
        return ["Track", text, style]


class SlowZoneMessage(TimingMessage):
    """Slow zones come into force. Their end is a change of the flag like any other. For plugins that opt in."""

    def _consider(self, oldState: State, newState: State) -> Said | None:  # noqa: N803 - the plugin interface
        old, new = (FlagStatus.from_text(state["session"].get("flagState")) for state in (oldState, newState))
        if old == new or new is not FlagStatus.SLOW_ZONE:
            return None
        return ["Track", "Slow zone(s) in force", "yellow"]


class RaceControlMessage(TimingMessage):
    """Texts from race control: whatever the plugin has put into the list since the last frame, oldest first.

    The list stays the plugin's: it appends, and this empties it.
    """

    def __init__(self, messageList: list[str]) -> None:  # noqa: N803 - the plugin interface
        self._texts = messageList

    def process(self, oldState: State, newState: State) -> list[RaceMessage]:  # noqa: ARG002, N803 - the plugin interface
        """One message for each text; where it names a car, with that car's number."""
        texts, self._texts[:] = list(self._texts), []
        return [self._message(str(text).strip()) for text in texts if str(text).strip()]

    @staticmethod
    def _message(text: str) -> RaceMessage:
        car = CAR_NUMBER_REGEX.search(text)
        return [None, "Race Control", text.upper(), "raceControl", *([car["race_num"]] if car else [])]


class CarPitMessage(PerCarMessage):
    """A car enters the pits (or fuels), or leaves them."""

    watched = Stat.STATE

    def _consider(self, oldState: Row, newState: Row) -> Said | None:  # noqa: N803 - the plugin interface
        old, new = _states(self, oldState, newState)
        category = self._category(newState, "Pits")
        if old == "N/S" or old == new:
            return None
        if new == "FUEL":
            return [category, f"{self._label(newState)} is refuelling", "pit"]
        if new == "PIT" and old != "FUEL":
            return [category, f"{self._label(newState)} has entered the pits", "pit"]
        if old in IN_PITS and new in ON_TRACK:
            return [category, f"{self._label(newState)} has left the pits", "out"]
        return None


class StoppedMessage(PerCarMessage):
    """A car retires, stops or crawls, or resumes."""

    watched = Stat.STATE

    def _consider(self, oldState: Row, newState: Row) -> Said | None:  # noqa: N803 - the plugin interface
        old, new = _states(self, oldState, newState)
        category, label = self._category(newState, "Pits"), self._label(newState)
        if old == "N/S" or old == new:
            return None
        if new == "RET":
            return [category, f"{label} has retired", ""]
        if new == "STOP":
            return [category, f"{label} is slow or has stopped", ""]
        if old in ("STOP", "RET") and new in ON_TRACK:
            return [category, f"{label} is back under way", ""]
        return None


class DriverChangeMessage(PerCarMessage):
    """Another driver is in the car."""

    watched = Stat.DRIVER

    def _consider(self, oldState: Row, newState: Row) -> Said | None:  # noqa: N803 - the plugin interface
        old, new = (driver_name(self.getValue(car, Stat.DRIVER)) for car in (oldState, newState))
        if old == new or _states(self, oldState, newState)[0] == "N/S":
            return None
        change = f"{old} to {new}" if old and new else f"to {new}" if new else f"from {old}"
        number = self.getValue(newState, Stat.NUM, "?")
        return [self._category(newState, "Pits"), f"#{number} driver change ({change})", None]


class FastLapMessage(PerCarMessage):
    """A new personal best, or a new overall best lap."""

    watched = Stat.LAST_LAP

    def _consider(self, oldState: Row, newState: Row) -> Said | None:  # noqa: N803 - the plugin interface
        old, new = (_timed(self.getValue(car, Stat.LAST_LAP)) for car in (oldState, newState))
        if new is None or old == new or _states(self, oldState, newState)[0] == "N/S":
            return None
        seconds, flag = new
        if old is not None and old[0] == seconds and old[1] in ("pb", "sb", "sb-new"):
            return None  # the same lap: sb-new fades to sb, or another car has taken the best
        category, label = self._category(newState, "Timing"), self._label(newState)
        if flag == "pb":
            return [category, f"{label} - new personal best: {format_lap_time(seconds)}", "pb"]
        if flag in ("sb", "sb-new"):
            return [category, f"{label} - new overall best: {format_lap_time(seconds)}", "sb"]
        return None


def standard_generators(column_spec: Sequence[Any]) -> list[Generator]:
    """The messages that every service generates."""
    per_car = (CarPitMessage, StoppedMessage, DriverChangeMessage, FastLapMessage)
    return [FlagChangeMessage(), *(kind(column_spec) for kind in per_car)]


def generate(
    generators: Iterable[Generator],
    old: State,
    new: State,
    now: float,
    failed: Callable[[Generator], None],
) -> list[RaceMessage]:
    """All messages of a step, newest first, stamped with `now` (Unix s) where they have no time of their own.

    A generator that raises is told to `failed`, inside the `except`, and skipped.
    """
    messages: list[RaceMessage] = []
    for generator in generators:
        try:
            messages += [[int(now) if said[0] is None else said[0], *said[1:]] for said in generator.process(old, new)]
        except Exception:
            failed(generator)
    return messages[::-1]


def driver_name(cell: Any) -> str:
    """The name in a driver's cell, which may be `[name, rank]`."""
    if isinstance(cell, list | tuple):
        cell = cell[0] if cell else ""
    return str(cell or "")


def _states(generator: PerCarMessage, old: Row, new: Row) -> tuple[str, str]:
    return str(generator.getValue(old, Stat.STATE, "")), str(generator.getValue(new, Stat.STATE, ""))


def _timed(cell: Any) -> tuple[float, str] | None:
    """Seconds and flag of a time cell that holds a time."""
    if not isinstance(cell, list | tuple) or not cell or isinstance(cell[0], bool | str) or not cell[0]:
        return None
    return float(cell[0]), str(cell[1]) if len(cell) > 1 else ""


def _heading(column: Any) -> str:
    """A column is a Stat or a `(heading, type, …)` tuple."""
    return str(column.value[0] if isinstance(column, Stat) else column[0])
