"""A connection's bytes → the scoreboard, with a count of what could not be read."""

from dataclasses import dataclass

from livetiming.rmonitor.framing import LineSplitter
from livetiming.rmonitor.records import Init, Malformed, parse_line
from livetiming.rmonitor.scoreboard import Scoreboard

_EXAMPLE_LIMIT = 120  # characters of a malformed line that a log may hold


@dataclass(frozen=True)
class Complaint:
    """What could not be read since the last complaint: how many lines, and the latest of them."""

    lines: int
    example: str  # repr'd and cut: it is a stranger's text
    why: str


class Feed:
    """Everything that one feed has told, over all its connections."""

    def __init__(self) -> None:
        self.board = Scoreboard()
        self.malformed = 0
        self._latest: Malformed | None = None
        self._complained = 0
        self._lines = LineSplitter()
        self._dropped = 0

    def connected(self) -> None:
        """A new connection begins. The server may have gone on to another session: its refresh will tell."""
        self._dropped += self._lines.dropped
        self._lines = LineSplitter()
        self.board.apply(Init())

    def receive(self, data: bytes) -> None:
        """Take in a chunk. Nothing in it can make this raise."""
        for line in self._lines.feed(data):
            record = parse_line(line)
            if isinstance(record, Malformed):
                self.malformed += 1
                self._latest = record
            elif record is not None:
                self.board.apply(record)

    def complaint(self) -> Complaint | None:
        """What there is to complain of since this was asked last, or None."""
        total = self.malformed + self._dropped + self._lines.dropped
        if total == self._complained:
            return None
        lines, self._complained = total - self._complained, total
        latest, self._latest = self._latest, None
        if latest is None:
            return Complaint(lines, "", "too long for a record")
        return Complaint(lines, repr(latest.line[:_EXAMPLE_LIMIT]), latest.why)
