"""One entry of the scoreboard: who it is, where it stands, and the laps it has done."""

from dataclasses import dataclass, field
from enum import Enum, auto

from livetiming.racing import CarState
from livetiming.rmonitor.records import BestPosition, Competitor, Correction, LastLap, Passing, RacePosition

DOUBLE_READ = 1.0  # seconds; a "lap" this short is the transponder read twice
_KEPT_LAPS = 5  # crossings kept of each car: gaps need two, deleted laps have been seen to come in twos
_SAME_TIME = 0.0015  # seconds; times come in milliseconds
_OUT_OF_RACE = frozenset({"retired", "excluded"})  # IMSA writes the entry's status where the nationality stood
_ON_TRACK, _IN_PIT_LANE = frozenset({"SFT", "POT", "PIT"}), frozenset({"SFP", "PIP"})


class Lane(Enum):
    """Where IMSA's line crossings saw the car last."""

    UNKNOWN = auto()
    PIT = auto()
    OUT = auto()  # it left the pits, and has not crossed the line since
    TRACK = auto()


@dataclass(slots=True)
class Crossing:
    """The end of a lap: total time, lap time, and the heartbeat after which it came."""

    total: float | None
    lap_time: float | None
    beat: int
    told: bool = False  # the lap time came by a $J or $SR; else it is the difference of totals


@dataclass(slots=True)
class Entry:
    """What is known of one registration. Times in seconds, None where not known."""

    key: str  # the registration, or with #2 behind it for a second car that has the same one
    registration: str
    since: int  # heartbeat of its first record
    number: str = ""
    transponder: str | None = None
    first_name: str = ""
    last_name: str = ""
    nationality: str = ""
    additional: str = ""
    class_id: str = ""
    described: int | None = None  # heartbeat of its latest $A or $COMP; None: positions came before the entry
    transponder_told: int | None = None  # heartbeat of its latest $A

    position: int | None = None  # by laps and total time
    laps: int | None = None
    total: float | None = None
    best_position: int | None = None
    best_lap: int = 0
    best: float | None = None

    crossed: bool = False
    finished: bool = False
    lane: Lane = Lane.UNKNOWN
    crossings: dict[int, Crossing] = field(default_factory=dict)  # laps completed → crossing
    held: RacePosition | None = None  # an empty position, kept aside until a refresh is over
    held_best: BestPosition | None = None
    _pending: Passing | None = None  # a crossing whose lap count has not come yet
    _latest: Passing | None = None

    @property
    def name(self) -> str:
        """The driver, or what the organiser writes into the names."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def out_of_race(self) -> bool:
        """IMSA's status says so."""
        return self.nationality.casefold() in _OUT_OF_RACE

    @property
    def last(self) -> float | None:
        """The latest completed lap's time."""
        crossing = self.crossings.get(self.laps or 0)
        return crossing.lap_time if crossing else None

    @property
    def latest_total(self) -> float | None:
        """The total time at the latest crossing, counted or not."""
        return self._pending.total if self._pending else self.total

    @property
    def state(self) -> CarState:
        """What stands in the State column. In the pits is only what `$L` says: without it nobody can know."""
        if self.out_of_race:
            return CarState.RETIRED
        if self.finished:
            return CarState.FINISHED
        if self.lane is Lane.PIT:
            return CarState.PIT
        if self.lane is Lane.OUT:
            return CarState.OUT
        if self.crossed or self.lane is Lane.TRACK:
            return CarState.RUN
        return CarState.NOT_STARTED

    def describe(self, record: Competitor, beat: int) -> None:
        """Take over what $A or $COMP says."""
        self.number, self.class_id, self.nationality = record.number, record.class_id, record.nationality
        self.first_name, self.last_name = record.first_name, record.last_name
        self.described = beat
        if record.transponder is not None:
            self.transponder, self.transponder_told = record.transponder, beat
        if record.additional is not None:
            self.additional = record.additional

    def cross(self, passing: Passing, *, running: bool, chequered: bool) -> None:
        """$J. It counts no lap: `place` does, and takes the time from here."""
        double_read = passing.lap_time is not None and passing.lap_time < DOUBLE_READ
        if double_read or passing == self._latest:
            return
        self._latest = passing
        self._at_the_line(running=running, chequered=chequered)
        crossing = self.crossings.get(self.laps or 0)
        if crossing and passing.total is not None and crossing.total == passing.total:
            if not crossing.told:  # the lap count came first
                crossing.lap_time, crossing.told = passing.lap_time, True
        else:
            self._pending = passing

    def place(self, record: RacePosition, beat: int, *, running: bool, chequered: bool) -> None:
        """$G: place, laps and total time. A lap is complete when the count grows."""
        self.held = None
        if record.laps == 0 and record.total is None:
            self._not_started()
        elif self.laps is None or record.laps > self.laps:
            self._complete(record, beat)
            if running and self.laps is not None:
                self._at_the_line(running=running, chequered=chequered)
        elif record.laps == self.laps:
            self._time_again(record, beat)
        else:  # laps deleted by the timekeeper
            self.crossings = {laps: crossing for laps, crossing in self.crossings.items() if laps <= record.laps}
            self.crossings.setdefault(record.laps, Crossing(record.total, None, beat)).total = record.total
        self.position, self.laps, self.total = record.position, record.laps, record.total
        self.crossed = self.crossed or self.total is not None

    def place_best(self, record: BestPosition) -> None:
        """$H: place by best lap."""
        self.held_best = None
        self.best_position, self.best_lap, self.best = record.position, record.best_lap, record.best

    def last_lap(self, record: LastLap) -> None:
        """$SR: the last lap's time, where $J did not say it."""
        crossing = self.crossings.get(record.laps)
        if crossing:
            if not crossing.told:
                crossing.lap_time, crossing.told = record.last, True
        elif self._pending is None and record.laps > (self.laps or 0):
            self._pending = Passing(record.registration, record.last, None)

    def correct(self, record: Correction) -> None:
        """$COR: the total time, and with it the time of the lap that ended there, moves by the correction.

        Whether its total stands before or after the correction the specification does not say: one that equals
        ours does not hold it yet.
        """
        crossing = self.crossings.get(record.laps)
        if crossing is None or record.total is None:
            return
        total = record.total
        if crossing.total is not None and abs(total - crossing.total) < _SAME_TIME:
            total = round(total + record.correction, 3)
        crossing.total = total
        if crossing.lap_time is not None:
            crossing.lap_time = round(max(0.0, crossing.lap_time + record.correction), 3) or None
        if record.laps == self.laps:
            self.total = total

    def see(self, line_type: str) -> None:
        """$L: a line on the track, in the pit lane, or at its exit."""
        if line_type == "POP":
            self.lane = Lane.OUT
        elif line_type in _IN_PIT_LANE:
            self.lane = Lane.PIT
        elif line_type == "SFT" or (line_type in _ON_TRACK and self.lane is Lane.PIT):
            self.lane = Lane.TRACK

    def _at_the_line(self, *, running: bool, chequered: bool) -> None:
        self.crossed = self.crossed or running
        self.finished = self.finished or chequered
        if self.lane is Lane.OUT:
            self.lane = Lane.TRACK

    def _complete(self, record: RacePosition, beat: int) -> None:
        """A further lap, or the first we hear of."""
        pending, told = self._pending, False
        if pending is not None and (self.laps is not None or pending.total == record.total):
            lap_time, told = pending.lap_time, True
        elif self.laps is not None and record.laps == self.laps + 1:
            lap_time = self._difference(record.total)
        else:
            lap_time = None
        self._pending = None
        self.crossings[record.laps] = Crossing(record.total, lap_time, beat, told)
        for laps in [laps for laps in self.crossings if laps <= record.laps - _KEPT_LAPS]:
            del self.crossings[laps]

    def _difference(self, total: float | None) -> float | None:
        if total is None or self.total is None or total - self.total < DOUBLE_READ:
            return None
        return round(total - self.total, 3)

    def _time_again(self, record: RacePosition, beat: int) -> None:
        """The same lap count: a repetition, a corrected time, or a double read, which is no lap."""
        crossing = self.crossings.setdefault(record.laps, Crossing(record.total, None, beat))
        pending = self._pending
        if pending is not None and pending.total == record.total:
            self._pending = None
            follows = self.total is not None and _starts_at(pending, self.total)
            if not follows and pending.lap_time is not None:
                crossing.lap_time, crossing.told = pending.lap_time, True
        crossing.total = record.total

    def _not_started(self) -> None:
        """An empty position: nothing new, or the session begins again for a car that had been out."""
        if not self.laps and self.total is None:
            return
        self.crossings.clear()
        self.crossed = self.finished = False
        self.lane = Lane.UNKNOWN
        self._pending = self._latest = None


def _starts_at(passing: Passing, total: float) -> bool:
    """Whether this crossing is counted from `total` on: a further crossing, not the same one timed again."""
    if passing.lap_time is None or passing.total is None:
        return False
    return abs(passing.total - passing.lap_time - total) < _SAME_TIME
