"""A recorded feed: when each of its lines came, and what of them makes the state at any moment."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from livetiming.rmonitor.framing import split_lines

LONGEST_GAP = 60.0  # seconds between two markers; a longer one is a cut in the recording
_CUT = 1.0  # seconds that are left of it
LOOP_PAUSE = 5.0  # seconds between the end and the beginning
_CLEAR = '$I,"00:00:00","0/0/0000"'


@dataclass(frozen=True)
class Capture:
    """Lines in order, each with its time, s from the beginning."""

    lines: tuple[tuple[float, str], ...]

    @property
    def duration(self) -> float:
        """Seconds from the first line to the last."""
        return self.lines[-1][0] if self.lines else 0.0


class EmptyCapture(ValueError):
    """A file holds no line that begins with `$`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} holds no RMonitor record (lines that begin with $): name a capture of a feed")


def read_capture(data: bytes, name: str = "the capture") -> Capture:
    """The capture in `data`. Its own `##YYYY-MM-DD HH:MM:SS.mmm` lines are its clock; without them each $F is a second.

    Markers that go back are taken as the latest one, and a gap of more than LONGEST_GAP as a cut. EmptyCapture where
    there is no record.
    """
    lines = split_lines(data)
    timed = _by_markers(lines) if any(line.startswith("##") for line in lines) else _by_heartbeats(lines)
    if not timed:
        raise EmptyCapture(name)
    return Capture(tuple(timed))


def _by_markers(lines: Iterable[str]) -> list[tuple[float, str]]:
    timed: list[tuple[float, str]] = []
    at, latest = 0.0, None
    for line in lines:
        moment = _marker(line)
        if moment is not None:
            gap = 0.0 if latest is None else (moment - latest).total_seconds()
            if gap >= 0:
                latest = moment
                at += gap if gap <= LONGEST_GAP else _CUT
            latest = latest or moment
        elif line.startswith("$"):
            timed.append((round(at, 3), line))
    return timed


def _marker(line: str) -> datetime | None:
    if not line.startswith("##"):
        return None
    try:
        return datetime.fromisoformat(line[2:].strip()).replace(tzinfo=None)
    except ValueError:
        return None


def _by_heartbeats(lines: Iterable[str]) -> list[tuple[float, str]]:
    timed: list[tuple[float, str]] = []
    beats = 0
    for line in lines:
        if line.startswith("$"):
            timed.append((float(beats), line))
            beats += line.startswith("$F,")
    return timed


@dataclass
class _State:
    """The latest of each record that a server repeats, in the order in which they came last."""

    records: dict[tuple[str, ...], str] = field(default_factory=dict)
    heartbeat: str | None = None

    def take(self, line: str) -> None:
        name, _, rest = line.partition(",")
        if name == "$I":
            self.records.clear()
        elif name == "$F":
            self.heartbeat = line
        elif name in _KEY_FIELD:
            key = (name, *rest.split(",")[_KEY_FIELD[name]])
            self.records.pop(key, None)
            self.records[key] = line

    def lines(self) -> list[str]:
        order = list(_KEY_FIELD)
        told = sorted(self.records.items(), key=lambda item: order.index(item[0][0]))
        return [*(line for _, line in told), *([self.heartbeat] if self.heartbeat else [])]


# Record that a server repeats → the fields that tell one of its kind from another.
_KEY_FIELD = {
    "$B": slice(0),
    "$C": slice(1),
    "$E": slice(1),
    "$A": slice(1),
    "$COMP": slice(1),
    "$G": slice(1, 2),
    "$H": slice(1, 2),
}


class Playback:
    """A capture as a source of lines (see livetiming.simulation.server)."""

    def __init__(self, capture: Capture, *, loop: bool = False) -> None:
        self._capture = capture
        self._loop = loop
        self._began = 0.0
        self._next = 0
        self._state = _State()

    def advance(self, to: float) -> list[str]:
        """The lines since the last call, up to `to`. With `loop` it begins again, by clearing the scoreboard."""
        lines: list[str] = []
        while True:
            lines += self._play(to - self._began)
            again = self._began + self._capture.duration + LOOP_PAUSE
            if not self._loop or to < again:
                return lines
            self._began, self._next = again, 0
            self._state = _State()
            lines.append(_CLEAR)

    def snapshot(self) -> list[str]:
        """The state so far. As with a real server, crossings are not repeated."""
        return self._state.lines()

    def _play(self, to: float) -> list[str]:
        lines = []
        while self._next < len(self._capture.lines) and self._capture.lines[self._next][0] <= to:
            line = self._capture.lines[self._next][1]
            self._next += 1
            self._state.take(line)
            lines.append(line)
        return lines
