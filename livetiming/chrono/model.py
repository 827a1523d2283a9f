"""What a result file tells of a race, whatever its format. Times are seconds from the start of the race."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from livetiming.racing import FlagStatus

LONGEST_RACE = 50 * 3600.0  # seconds; a later crossing is a mistake, and must not make a recording of years
ENTRY_LIMIT = 500
LAP_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Lap:
    """One completed lap."""

    number: int
    ends: float  # when the finish line was crossed
    time: float | None = None
    sectors: tuple[float | None, ...] = ()
    driver: str = ""
    flag: FlagStatus | None = None  # shown as the lap ended; None: the file does not say
    in_pit: bool = False  # the finish line was crossed in the pit lane
    pit_time: float | None = None  # in the pit lane, for the stop that began before this lap or at its beginning
    counts: bool = True  # False: the timekeepers took the lap time back
    sectors_count: tuple[bool, ...] = ()  # the same for each sector; empty: all count

    @property
    def begins(self) -> float | None:
        """When the lap began, as far as its own line tells."""
        return None if self.time is None else self.ends - self.time

    def sector_counts(self, sector: int) -> bool:
        """Whether the time of that sector (from 0) was not taken back."""
        return not self.sectors_count or self.sectors_count[sector]


@dataclass(frozen=True, slots=True)
class Entry:
    """One car. Without laps it is one that did not start."""

    number: str
    class_name: str = ""
    team: str = ""
    car: str = ""
    laps: tuple[Lap, ...] = ()  # by number; later laps end later
    ranks: Mapping[str, str] = field(default_factory=dict)  # driver → bronze, silver, gold, platinum


@dataclass(frozen=True, slots=True)
class Reading:
    """The weather at one moment: a text for each heading."""

    unix: float
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines of one file that could not be read, or not wholly."""

    file: str  # what the file is: "laps", "results"
    count: int
    lines: tuple[int, ...]  # the first few, counted from 1
    why: str  # of the first
    example: str  # the first

    def __str__(self) -> str:
        lines = ", ".join(map(str, self.lines)) + (" …" if self.count > len(self.lines) else "")
        what = "1 line" if self.count == 1 else f"{self.count} lines"
        return f"{self.file}: {what} could not be read in full ({lines}), e.g. {self.example!r}: {self.why}"


@dataclass(frozen=True, slots=True)
class Chrono:
    """A whole race."""

    entries: tuple[Entry, ...] = ()
    clock_at_start: float | None = None  # the local time of day, seconds after midnight
    tells_flags: bool = False
    tells_pits: bool = False
    official: tuple[str, ...] = ()  # numbers in the order of the official classification
    headings: tuple[str, ...] = ()  # of the readings
    readings: tuple[Reading, ...] = ()  # by time
    skipped: tuple[Skipped, ...] = ()

    @property
    def ends(self) -> float:
        """The last crossing; 0 where there is none."""
        return max((entry.laps[-1].ends for entry in self.entries if entry.laps), default=0.0)
