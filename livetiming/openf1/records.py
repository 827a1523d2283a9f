"""The documents of each collection, as values. Moments are Unix seconds, times and ages are seconds and laps.

Each `parse_…` raises MalformedDocument where what makes the document one of its kind is missing; whatever else is
missing, or nonsense, is None or "".
"""

from dataclasses import dataclass

from livetiming.openf1.fields import Document, moment, number, required, required_moment, seconds, text, whole

MOST_KEY = 10**9
MOST_NUMBER = 999  # of a car
MOST_LAPS = 500  # of a session
MOST_STINTS = 100
PIT_LANE = 2064  # a mini-sector's value
SECTORS = 3
_SECTOR_NUMBERS = range(1, SECTORS + 1)


@dataclass(frozen=True, slots=True)
class Session:
    """One of `sessions`: a race, a practice, a qualifying."""

    key: int
    meeting: int | None = None
    name: str = ""  # Race, Sprint, Practice 1, …
    kind: str = ""  # Race, Qualifying, Practice
    circuit: str = ""
    start: float | None = None
    end: float | None = None  # as planned

    @property
    def is_race(self) -> bool:
        """Whether the running order is that of a race, and not of best laps."""
        return self.kind == "Race" or self.name in ("Race", "Sprint")


@dataclass(frozen=True, slots=True)
class Driver:
    """One of `drivers`, who is also the car: numbers are theirs."""

    number: int
    name: str
    team: str


@dataclass(frozen=True, slots=True)
class Lap:
    """One of `laps`, which may still be going on."""

    driver: int
    number: int  # from 1 on
    start: float | None  # None: the first one of a race
    duration: float | None  # None: not over, or not timed
    sectors: tuple[float | None, ...]
    speed: float | None  # km/h at the speed trap
    pit_out: bool
    in_pit_lane: bool | None  # by the latest mini-sector that is known; None where none is


@dataclass(frozen=True, slots=True)
class Stint:
    """One of `stints`: laps on one set of tyres."""

    driver: int
    number: int
    first_lap: int | None
    compound: str
    age: int | None  # laps that the tyres had done before


@dataclass(frozen=True, slots=True)
class PitStop:
    """One of `pit`, which is told when the car leaves the pit lane."""

    driver: int
    lap: int
    at: float


@dataclass(frozen=True, slots=True)
class Position:
    """One of `position`: a place in the running order, from then on."""

    driver: int
    at: float
    place: int


@dataclass(frozen=True, slots=True)
class Interval:
    """One of `intervals`: seconds, a text (`+1 LAP`), or None, which the leader has."""

    driver: int
    at: float
    gap: float | str | None
    ahead: float | str | None


@dataclass(frozen=True, slots=True)
class Control:
    """One of `race_control`: something that race control said."""

    at: float
    category: str  # Flag, SafetyCar, Drs, CarEvent, …
    flag: str  # GREEN, YELLOW, DOUBLE YELLOW, RED, CHEQUERED, CLEAR, BLUE, …
    scope: str  # Track, Sector, Driver
    sector: int | None
    driver: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Weather:
    """One of `weather`: °C, %, mbar, m/s, degrees."""

    at: float
    air: float | None
    track: float | None
    humidity: float | None
    pressure: float | None
    rain: bool | None
    wind: float | None
    wind_direction: float | None


def parse_session(document: Document) -> Session:
    """A document of `sessions`."""
    return Session(
        key=required(document, "session_key", 0, MOST_KEY),
        meeting=whole(document, "meeting_key", 0, MOST_KEY),
        name=text(document, "session_name"),
        kind=text(document, "session_type"),
        circuit=text(document, "circuit_short_name") or text(document, "location"),
        start=moment(document, "date_start"),
        end=moment(document, "date_end"),
    )


def parse_driver(document: Document) -> Driver:
    """A document of `drivers`. During a session all names may be null for a while."""
    first, last = text(document, "first_name"), text(document, "last_name")
    name = f"{first} {last}" if first and last else text(document, "full_name") or text(document, "broadcast_name")
    return Driver(_driver(document), name or text(document, "name_acronym"), text(document, "team_name"))


def parse_lap(document: Document) -> Lap:
    """A document of `laps`."""
    return Lap(
        driver=_driver(document),
        number=required(document, "lap_number", 1, MOST_LAPS),
        start=moment(document, "date_start"),
        duration=seconds(document, "lap_duration"),
        sectors=tuple(seconds(document, f"duration_sector_{sector}") for sector in _SECTOR_NUMBERS),
        speed=number(document, "st_speed"),
        pit_out=document.get("is_pit_out_lap") is True,
        in_pit_lane=_in_pit_lane(document),
    )


def _in_pit_lane(document: Document) -> bool | None:
    """Mini-sectors come as they are passed; those to come are null or 0."""
    for sector in reversed(_SECTOR_NUMBERS):
        values = document.get(f"segments_sector_{sector}")
        passed = [value for value in values if value] if isinstance(values, list) else []
        if passed:
            return bool(passed[-1] == PIT_LANE)
    return None


def parse_stint(document: Document) -> Stint:
    """A document of `stints`."""
    return Stint(
        driver=_driver(document),
        number=required(document, "stint_number", 0, MOST_STINTS),
        first_lap=whole(document, "lap_start", 0, MOST_LAPS),
        compound=text(document, "compound").upper(),
        age=whole(document, "tyre_age_at_start", 0, MOST_LAPS),
    )


def parse_pit_stop(document: Document) -> PitStop:
    """A document of `pit`."""
    return PitStop(_driver(document), required(document, "lap_number", 0, MOST_LAPS), required_moment(document, "date"))


def parse_position(document: Document) -> Position:
    """A document of `position`."""
    return Position(
        _driver(document), required_moment(document, "date"), required(document, "position", 1, MOST_NUMBER)
    )


def parse_interval(document: Document) -> Interval:
    """A document of `intervals`."""
    at = required_moment(document, "date")
    return Interval(_driver(document), at, _delta(document, "gap_to_leader"), _delta(document, "interval"))


def _delta(document: Document, key: str) -> float | str | None:
    seconds_behind = number(document, key)
    if seconds_behind is not None:
        return round(seconds_behind, 3)
    return text(document, key) or None


def parse_control(document: Document) -> Control:
    """A document of `race_control`."""
    return Control(
        at=required_moment(document, "date"),
        category=text(document, "category"),
        flag=text(document, "flag").upper(),
        scope=text(document, "scope"),
        sector=whole(document, "sector", 0, MOST_NUMBER),
        driver=whole(document, "driver_number", 0, MOST_NUMBER),
        message=text(document, "message"),
    )


def parse_weather(document: Document) -> Weather:
    """A document of `weather`. Rain is 0 or 1, or a boolean."""
    rain = document.get("rainfall")
    return Weather(
        at=required_moment(document, "date"),
        air=number(document, "air_temperature"),
        track=number(document, "track_temperature"),
        humidity=number(document, "humidity"),
        pressure=number(document, "pressure"),
        rain=bool(rain) if isinstance(rain, int | float) else None,
        wind=number(document, "wind_speed"),
        wind_direction=number(document, "wind_direction"),
    )


def _driver(document: Document) -> int:
    return required(document, "driver_number", 0, MOST_NUMBER)
