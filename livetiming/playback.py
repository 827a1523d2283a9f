"""Playing a recording as if it happened now: which frame is due when, and which of its messages are still to be told.

A recorded state holds the messages that its service made. The host that plays it makes the standard ones anew, by
comparing states, so what is handed to it are the others: those of race control, those of a plugin's own, and those of
frames that were passed over. Either way each is told once.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from livetiming.messages import Generator, generate, standard_generators
from livetiming.state import MESSAGES_LIMIT, RaceMessage, State
from livetiming.times import parse_duration

ROUND_PAUSE = 5.0  # seconds for which the last frame stays before a loop begins again
NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be shown at one moment."""

    index: int  # of the frame
    position: float  # Unix s of the recording that this moment stands for
    round: int  # how often the recording has been begun again
    next_in: float  # seconds until another frame is due; NEVER after the last one
    over: bool  # the position is the end


@dataclass(frozen=True, slots=True)
class Playback:
    """How a recording is played. `seconds` are those of its frames, ascending, at least one."""

    seconds: Sequence[int]
    begin: float  # Unix s of the recording where the first round begins
    speed: float = 1.0  # seconds of the recording a second
    loop: bool = False

    def at(self, elapsed: float) -> Due:
        """What is due `elapsed` seconds after the playing began."""
        begin, passed, number = self.begin, max(0.0, elapsed), 0
        if self.loop and passed >= self._lasts(begin):
            passed -= self._lasts(begin)
            begin = float(self.seconds[0])
            rounds, passed = divmod(passed, self._lasts(begin))
            number = 1 + int(rounds)
        position = min(begin + passed * self.speed, float(self.seconds[-1]))
        index = max(0, bisect_right(self.seconds, position) - 1)
        if index + 1 < len(self.seconds):
            return Due(index, position, number, (self.seconds[index + 1] - position) / self.speed, over=False)
        return Due(index, position, number, self._lasts(begin) - passed if self.loop else NEVER, over=True)

    def _lasts(self, begin: float) -> float:
        """Seconds that a round from `begin` on takes, with the pause after it."""
        return max(0.0, self.seconds[-1] - begin) / self.speed + ROUND_PAUSE


@dataclass(frozen=True, slots=True)
class StartAt:
    """A moment of a recording: `1:02:03` from its beginning, or `@1700000000`, a Unix second."""

    value: float
    unix: bool = False

    @classmethod
    def parse(cls, text: str) -> "StartAt":
        """ValueError where `text` is neither."""
        unix = text.startswith("@")
        value = float(text[1:]) if unix else parse_duration(text)
        if value is None or not 0 <= value < NEVER:
            raise ValueError(f"{text[:40]!r} is neither h:mm:ss nor @UNIX")
        return cls(value, unix)

    def second(self, first: int) -> float:
        """The Unix second in a recording that begins at `first`."""
        return self.value if self.unix else first + self.value


def shifted(message: RaceMessage, position: float, speed: float, now: float) -> RaceMessage:
    """A recorded message with its time as of now: how long ago it was at `position`, at the speed of the playing."""
    ago = max(0.0, position - message[0]) / speed
    return [int(now - ago), *message[1:]]


def usable(messages: Sequence[Any]) -> list[RaceMessage]:
    """Those of a recording's messages that are whole: time, category, text, type, and perhaps a car's number."""
    return [message for message in messages if _is_whole(message)]


def _is_whole(message: Any) -> bool:
    if not isinstance(message, list) or not 4 <= len(message) <= 5:
        return False
    time, category, text, kind, *car = message
    return (
        isinstance(time, int | float)
        and math.isfinite(time)
        and isinstance(category, str)
        and isinstance(text, str)
        and isinstance(kind, str | None)
        and all(isinstance(number, str | None) for number in car)
    )


def untold(recorded: Sequence[RaceMessage], told: Sequence[RaceMessage]) -> list[RaceMessage]:
    """The `recorded` messages without those that `told` has too.

    The same text is the same message; else, the wording may have been another host's, one of the same category, type
    and car. Each of `told` stands for one recorded message at most.
    """
    left = list(recorded)
    for sameness in (_exactly, _roughly):
        told = [message for message in told if not _remove(left, sameness(message), sameness)]
    return left


def _exactly(message: RaceMessage) -> tuple[Any, ...]:
    return tuple(message[1:])


def _roughly(message: RaceMessage) -> tuple[Any, ...]:
    return (message[1], *message[3:])


def _remove(messages: list[RaceMessage], key: tuple[Any, ...], of: Callable[[RaceMessage], tuple[Any, ...]]) -> bool:
    """Remove the first message with that key; whether there was one."""
    for index, message in enumerate(messages):
        if of(message) == key:
            del messages[index]
            return True
    return False


class RecordedMessages:
    """A message generator for what was recorded, beside the standard ones for these columns."""

    def __init__(self, column_spec: Sequence[Any]) -> None:
        self._standard: list[Generator] = standard_generators(column_spec)
        self._due: list[RaceMessage] = []

    def take(self, messages: Sequence[RaceMessage]) -> None:
        """Tell these, newest first, with the next frame."""
        self._due = [*messages, *self._due][:MESSAGES_LIMIT]

    def process(self, oldState: State, newState: State) -> list[RaceMessage]:  # noqa: N803 - the plugin interface
        """What is due and not told by the standard generators, oldest first."""
        due, self._due = self._due, []
        told = generate(self._standard, oldState, newState, 0, lambda _: None) if due else []
        return untold(due, told)[::-1]
