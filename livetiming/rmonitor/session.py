"""The session's side of the scoreboard: run, flag, clocks, track."""

from dataclasses import dataclass

from livetiming.racing import FlagStatus
from livetiming.rmonitor.records import Heartbeat, Run, Setting, Track

CLOSED_RUN = 95  # the run that stands for "nothing is on"; its description is the previous run's
UNLIMITED_LAPS = 9999
_STOPPED_CLOCK = 3  # heartbeats with the same race time; two may share a second when they come unevenly

_FLAGS = {
    "green": FlagStatus.GREEN,
    "yellow": FlagStatus.YELLOW,  # full-course or local: the protocol does not tell
    "red": FlagStatus.RED,
    "finish": FlagStatus.CHEQUERED,
    "white": FlagStatus.WHITE,
}


@dataclass(slots=True)
class Session:
    """What is on, and how far it is. Times in seconds; None where the feed has not said, or has nothing to say."""

    run: Run | None = None  # the latest that is not CLOSED_RUN
    closed: bool = False  # CLOSED_RUN stands in its place
    description: str = ""
    flag: FlagStatus = FlagStatus.NONE
    heartbeats: int = 0
    race_time: float | None = None  # while no session is running: the last one's end
    time_to_go: float | None = None
    laps_to_go: int | None = None
    time_of_day: float | None = None  # since the server's local midnight, where it begins again at 0
    track_name: str = ""
    track_length: str = ""  # as sent: the unit is not stated
    _told_race_time: float | None = None
    _same_race_time: int = 0

    @property
    def running(self) -> bool:
        """A blank flag means that no session is running; before the first heartbeat one is taken to be."""
        return self.flag is not FlagStatus.NONE or self.heartbeats == 0

    @property
    def clock_stopped(self) -> bool:
        """The race time does not advance."""
        return not self.running or self._same_race_time >= _STOPPED_CLOCK

    def beat(self, record: Heartbeat) -> None:
        """$F. Nothing set and unlimited are both None."""
        self.heartbeats += 1
        self._same_race_time = self._same_race_time + 1 if record.race_time == self._told_race_time else 1
        self._told_race_time = record.race_time
        self.flag = _FLAGS.get(record.flag, FlagStatus.NONE)
        if self.running:  # idle servers send 0, or 00:59:59
            self.race_time = record.race_time
        self.time_to_go = record.time_to_go or None
        self.laps_to_go = None if record.laps_to_go == UNLIMITED_LAPS else record.laps_to_go or None
        self.time_of_day = record.time_of_day

    def begin(self, record: Run) -> bool:
        """$B; whether another run than before begins. Repetitions and CLOSED_RUN begin none."""
        if record.unique == CLOSED_RUN:
            self.closed = True
            self.description = self.description or record.description
            return False
        another = self.run is not None and record != self.run
        self.run, self.closed, self.description = record, False, record.description
        if another and not self.running:
            self.race_time = None
        return another

    def set(self, record: Setting | Track) -> None:
        """$E, or IMSA's $T."""
        if isinstance(record, Track):
            self.track_name, self.track_length = record.name, record.distance
        elif record.key == "TRACKNAME":
            self.track_name = record.value
        elif record.key == "TRACKLENGTH":
            self.track_length = record.value
