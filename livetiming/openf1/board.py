"""Everything that is known of one session, merged from the documents of all collections.

Documents may come again, in any order, and corrected: a newer word replaces an older one of the same key. What a feed
can make us keep is bounded by the numbers of cars, laps, stints and texts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from livetiming.openf1.fields import Document, MalformedDocument
from livetiming.openf1.records import (
    Control,
    Driver,
    Interval,
    Lap,
    PitStop,
    Position,
    Session,
    Stint,
    Weather,
    parse_control,
    parse_driver,
    parse_interval,
    parse_lap,
    parse_pit_stop,
    parse_position,
    parse_stint,
    parse_weather,
)

QUIET = 900.0  # seconds without a word of the feed after the planned end: the session is over
MOST_CARS = 100
MOST_TEXTS = 1000  # of race control; the oldest are forgotten


@dataclass
class Refusals:
    """Documents that could not be read: how many, and the latest of them."""

    count: int = 0
    example: str = ""  # repr'd and cut: it is a stranger's text
    why: str = ""

    def add(self, document: object, why: str) -> None:
        """One more."""
        self.count += 1
        self.example, self.why = repr(document)[:120], why


@dataclass
class Board:
    """What is known of `session`."""

    session: Session
    drivers: dict[int, Driver] = field(default_factory=dict)
    laps: dict[int, dict[int, Lap]] = field(default_factory=dict)  # car → lap number
    stints: dict[int, dict[int, Stint]] = field(default_factory=dict)  # car → stint number
    stops: dict[int, dict[int, PitStop]] = field(default_factory=dict)  # car → lap number
    positions: dict[int, Position] = field(default_factory=dict)
    intervals: dict[int, Interval] = field(default_factory=dict)
    controls: dict[Control, None] = field(default_factory=dict)  # a set in the order of coming
    weather: Weather | None = None
    pitting: set[int] = field(default_factory=set)  # cars whose stop has been told since the last frame
    newest: dict[str, float] = field(default_factory=dict)  # collection → latest moment in it
    refused: Refusals = field(default_factory=Refusals)
    _numbers: set[int] = field(default_factory=set)  # of the cars that we have heard of
    _stops_known: bool = False  # those that had been made when we came

    @property
    def latest(self) -> float | None:
        """The latest moment that anything tells of."""
        return max(self.newest.values(), default=None)

    def time(self, now: float) -> float:
        """The time in the session, where the clock says Unix second `now`: of one that is over, its last moment."""
        latest, end = self.latest, self.session.end
        if latest is None or now - latest < QUIET or (end is not None and now < end):
            return now
        return latest if end is None else max(latest, end)

    def cars(self) -> set[int]:
        """The numbers of all cars that anything is known of."""
        return {*self.drivers, *self.laps, *self.positions}

    def merge(self, collection: str, documents: Sequence[Any]) -> list[Control]:
        """Take in what was answered; what race control said that is new, oldest first. Nothing makes this raise."""
        parse, take = _COLLECTIONS[collection]
        known = len(self.controls)
        fresh: list[Any] = []
        for document in documents:
            record = self._parsed(parse, document)
            if record is not None:
                fresh.append(record)
        take(self, fresh)
        said = list(self.controls)[known:] if collection == "race_control" else []
        self._forget()
        return sorted(said, key=lambda control: control.at)

    def _parsed(self, parse: Callable[[Document], Any], document: Any) -> Any:
        if not isinstance(document, dict):
            self.refused.add(document, "it is no object")
            return None
        if document.get("session_key", self.session.key) != self.session.key:
            self.refused.add(document, "it is of another session")
            return None
        try:
            record = parse(document)
        except MalformedDocument as error:
            self.refused.add(document, str(error))
            return None
        if not self._admitted(record):
            self.refused.add(document, "it is one car too many")
            return None
        return record

    def _admitted(self, record: Any) -> bool:
        """Whether there is room for its car. Weather has none, and what race control says may be of anybody."""
        number = record.number if isinstance(record, Driver) else getattr(record, "driver", None)
        if number is None or isinstance(record, Control) or number in self._numbers:
            return True
        if len(self._numbers) >= MOST_CARS:
            return False
        self._numbers.add(number)
        return True

    def _forget(self) -> None:
        for control in list(self.controls)[: max(0, len(self.controls) - MOST_TEXTS)]:
            del self.controls[control]

    def _at(self, collection: str, moments: Iterable[float | None]) -> None:
        known = [at for at in (self.newest.get(collection), *moments) if at is not None]
        if known:
            self.newest[collection] = max(known)

    # -- each collection

    def _take_drivers(self, drivers: Sequence[Driver]) -> None:
        for driver in drivers:
            if driver.name or driver.number not in self.drivers:
                self.drivers[driver.number] = driver

    def _take_laps(self, laps: Sequence[Lap]) -> None:
        for lap in laps:
            self.laps.setdefault(lap.driver, {})[lap.number] = lap
        self._at("laps", (lap.start for lap in laps))

    def _take_stints(self, stints: Sequence[Stint]) -> None:
        for stint in stints:
            self.stints.setdefault(stint.driver, {})[stint.number] = stint

    def _take_stops(self, stops: Sequence[PitStop]) -> None:
        for stop in stops:
            own = self.stops.setdefault(stop.driver, {})
            if stop.lap not in own and self._stops_known:
                self.pitting.add(stop.driver)
            own[stop.lap] = stop
        self._stops_known = True
        self._at("pit", (stop.at for stop in stops))

    def _take_positions(self, positions: Sequence[Position]) -> None:
        for position in positions:
            known = self.positions.get(position.driver)
            if known is None or position.at >= known.at:
                self.positions[position.driver] = position
        self._at("position", (position.at for position in positions))

    def _take_intervals(self, intervals: Sequence[Interval]) -> None:
        for interval in intervals:
            known = self.intervals.get(interval.driver)
            if known is None or interval.at >= known.at:
                self.intervals[interval.driver] = interval
        self._at("intervals", (interval.at for interval in intervals))

    def _take_controls(self, controls: Sequence[Control]) -> None:
        self.controls |= dict.fromkeys(controls)
        self._at("race_control", (control.at for control in controls))

    def _take_weather(self, readings: Sequence[Weather]) -> None:
        self.weather = max([*readings, *filter(None, [self.weather])], key=lambda reading: reading.at, default=None)
        self._at("weather", (reading.at for reading in readings))


_COLLECTIONS: dict[str, tuple[Callable[[Document], Any], Callable[[Board, Sequence[Any]], None]]] = {
    "drivers": (parse_driver, Board._take_drivers),
    "laps": (parse_lap, Board._take_laps),
    "stints": (parse_stint, Board._take_stints),
    "pit": (parse_pit_stop, Board._take_stops),
    "position": (parse_position, Board._take_positions),
    "intervals": (parse_interval, Board._take_intervals),
    "race_control": (parse_control, Board._take_controls),
    "weather": (parse_weather, Board._take_weather),
}
