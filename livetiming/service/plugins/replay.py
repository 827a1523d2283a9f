"""Timing service that plays a recording as if it happened now."""

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from livetiming.commandline import parser
from livetiming.environment import Environment
from livetiming.manifest import MalformedManifest, checked
from livetiming.messages import Generator
from livetiming.playback import Due, Playback, RecordedMessages, StartAt, shifted, usable
from livetiming.ranges import decimal
from livetiming.reactor import reactor
from livetiming.recording.format import BadEntry, NotARecording, new_messages
from livetiming.recording.reader import Recording
from livetiming.service import BaseService, DuePublisher
from livetiming.service.api import Column
from livetiming.settings import Place
from livetiming.state import MESSAGES_LIMIT, State, empty_state

__spec = {"description": "a recording, played as a live service"}

LEAST_SPEED, MOST_SPEED = 0.1, 100.0
LEAST_PAUSE = 0.2  # seconds between two looks at what is due; the host publishes one frame a second at most
POSITION = "recordedAt"  # in a state's session: the Unix second of the recording, by which a restart goes on
EXAMPLES = [
    ("livetiming-service replay --file race.zip", "as it was"),
    ("livetiming-service replay --file race.zip --start-at 1:30:00 --speed 4", "from there on, four times as fast"),
    ("livetiming-service replay --recording 7a6d…c1:1 --loop -N", "one of the catalogue, for ever, not recorded again"),
]
_RECORDING = re.compile(r"([0-9a-f]{32})(?:[:_]([0-9]{1,6}))?", re.ASCII)


class Service(DuePublisher, BaseService):
    """One recording, which goes on where it was when the service is started again with its state."""

    not_for_calendars: ClassVar[Sequence[str]] = ("file",)

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        super().__init__(args, extra_args)
        command = self.argument_parser()
        own = command.parse_args(self.extra_args)
        path: Path = own.file or _in_catalogue(own.recording)
        try:
            self.recording = Recording(path)
            self._recorded = checked({**self.recording.manifest, "uuid": self.uuid})
        except (OSError, NotARecording, MalformedManifest) as error:
            command.error(str(error))
        begin = own.start_at.second(self.recording.start)
        if not self.recording.start <= begin <= self.recording.end:
            command.error(f"--start-at is not within the recording, which lasts {self.recording.duration} s")
        self._resumed = self._kept_position()
        first = begin if self._resumed is None else self._resumed
        self.playback = Playback(self.recording.seconds, first, own.speed, own.loop)
        # Whose data it is does not change by playing it.
        self.attribution = _texts(self._recorded.get("source"))
        self._messages = RecordedMessages(self._recorded["colSpec"])
        self._began = 0.0
        self._later: Any = None
        self._round = 0
        self._index: int | None = None  # of the frame that was read last
        self._frame: State | None = None  # the newest one that could be read
        self._unreadable = 0

    @classmethod
    def argument_parser(cls) -> argparse.ArgumentParser:
        own = parser("livetiming-service replay", "Plays a recording as if it happened now.", EXAMPLES)
        which = own.add_mutually_exclusive_group(required=True)
        which.add_argument("--file", type=Path, metavar="FILE", help="a recording (version 1)")
        which.add_argument(
            "--recording", type=_catalogued, metavar="UUID", help="one of the catalogue, as UUID, UUID:1 or UUID_1"
        )
        own.add_argument(
            "--speed", type=_speed, default=1.0, metavar="X", help="seconds of the recording a second, 0.1 to 100 (1)"
        )
        own.add_argument(
            "--start-at",
            type=_start_at,
            default=StartAt(0),
            metavar="T",
            help="h:mm:ss from its beginning, or @UNIX (its beginning)",
        )
        own.add_argument("--loop", action="store_true", help="begin again at the end, where else it stays")
        return own

    def getName(self) -> str:
        return str(self._recorded["name"]) or "Replay"

    def getDefaultDescription(self) -> str:
        return str(self._recorded["description"])

    def getColumnSpec(self) -> Sequence[Column]:
        spec: list[list[str]] = self._recorded["colSpec"]
        return spec

    def getTrackDataSpec(self) -> Sequence[str]:
        return _texts(self._recorded.get("trackDataSpec"))

    def getPollInterval(self) -> float:
        return 1

    def getExtraMessageGenerators(self) -> Sequence[Generator]:
        return [self._messages]

    def setup(self) -> None:
        if self._resumed is None:
            self.analyser.reset()  # what was kept of it is of something else
        else:
            self._frame = self._read(self._resumed)  # its messages have been told
        self._began = reactor.seconds()
        self._tick()

    def teardown(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._unreadable > 1:
            self.log.warn("{count} frames of the recording could not be read", count=self._unreadable)
        self.recording.close()

    def getRaceState(self) -> Mapping[str, Any]:
        due = self.playback.at(reactor.seconds() - self._began)
        if due.round != self._round:
            self._round, self._index, self._frame = due.round, None, None
            self.analyser.reset()
        if due.index != self._index:
            self._index = due.index
            self._show(due)
        if self._frame is None:
            return self.state
        session = {
            **self._frame["session"],
            POSITION: self.playback.seconds[due.index],
            # viewers' clocks run by themselves between two frames, a second a second
            "pauseClocks": due.over or self.playback.speed != 1 or bool(self._frame["session"].get("pauseClocks")),
        }
        return {"cars": self._frame["cars"], "session": session}

    def _tick(self) -> None:
        """Publish, and look again when the next frame is due."""
        self._later = None
        self.set_due_publish()
        due = self.playback.at(reactor.seconds() - self._began)
        if due.next_in < float("inf"):
            self._later = reactor.callLater(max(LEAST_PAUSE, due.next_in), self._tick)

    def _show(self, due: Due) -> None:
        """Take the frame that is due, and what it has to tell that the one before it had not."""
        frame = self._read(self.playback.seconds[due.index])
        if frame is None:
            return
        before, self._frame = self._frame, frame
        known = [] if before is None else usable(before["messages"])
        fresh, now = new_messages(known, usable(frame["messages"])), time.time()
        told = [shifted(message, due.position, self.playback.speed, now) for message in fresh]
        if before is not None:
            self._messages.take(told)
        else:
            # The host compares with our state: a jump to this frame is not to be told as what the cars did.
            messages = [*told, *self.state["messages"]][:MESSAGES_LIMIT]
            self.state = {"messages": messages, "cars": frame["cars"], "session": frame["session"], "highlight": []}

    def _read(self, second: int) -> State | None:
        """The state at that second; None, and told once, where it cannot be read."""
        try:
            return self.recording.state_at(second)
        except BadEntry as error:
            self._unreadable += 1
            if self._unreadable == 1:
                self.log.warn("{error}; frames like this one are passed over", error=error)
            return None

    def _kept_position(self) -> int | None:
        """Where the kept state was in this recording; a state of anything else is forgotten."""
        position = self.state["session"].get(POSITION)
        if isinstance(position, int) and self.recording.start <= position <= self.recording.end:
            return position
        if self.state["cars"]:
            self.log.info("the kept state is not of this recording: it begins anew")
            self.state = empty_state()
        return None


def _texts(value: object) -> list[str]:
    return value if isinstance(value, list) and all(isinstance(text, str) for text in value) else []


def _in_catalogue(name: str) -> Path:
    env = Environment.load()
    return env.path("LIVETIMING_RECORDINGS_DIR", Place.load(env).home / "recordings") / name


def _catalogued(text: str) -> str:
    """The name of the file that the catalogue lists as `UUID` or `UUID:n`."""
    match = _RECORDING.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is no uuid of a recording (32 hexadecimal digits, perhaps :n)")
    uuid, number = match.groups()
    return f"{uuid}_{number}.zip" if number else f"{uuid}.zip"


def _speed(text: str) -> float:
    speed = decimal(0, MOST_SPEED)(text)
    if speed < LEAST_SPEED:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is less than {LEAST_SPEED:g}")
    return speed


def _start_at(text: str) -> StartAt:
    try:
        return StartAt.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is neither h:mm:ss nor @UNIX") from None
