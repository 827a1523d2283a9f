"""Timing service that plays published result files as if the race were live."""

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from twisted.internet.task import LoopingCall

from livetiming.chrono.formats import format_named, names
from livetiming.chrono.source import NothingToPlay, Source, TooLarge, add_common_options, load, race_time
from livetiming.chrono.states import seconds
from livetiming.commandline import EXIT_WRONG, parser, say
from livetiming.manifest import Manifest
from livetiming.playback import Playback
from livetiming.racing import Stat
from livetiming.ranges import decimal
from livetiming.reactor import reactor
from livetiming.service import BaseService
from livetiming.settings import Place
from livetiming.state import empty_state

__spec = {"description": "published result files (Al Kamel time cards), played as a live service"}

AS_FAST_AS_IT_GOES = math.inf
MOST_SPEED = 1000.0
STEP = 10  # seconds of the race between two looks at what else there is to do
EXAMPLES = [
    ("livetiming-service chrono --file laps.csv", "a race, as long as it was"),
    ("livetiming-service chrono --file laps.csv --results results.csv --speed 60 --start-at 5:30:00", "its end, soon"),
    ("livetiming-service chrono --race spa-2025 --loop -N", "of LIVETIMING_HOME/chrono, for ever, not recorded"),
]
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FURTHER_FILES = tuple(dict.fromkeys(file for name in names() for file in format_named(name).FILES))


class Service(BaseService):
    """One race, which goes on where it was when the service is started again with its state."""

    not_for_calendars: ClassVar[Sequence[str]] = ("file", *_FURTHER_FILES)

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        super().__init__(args, extra_args)
        command = self.argument_parser()
        own = command.parse_args(self.extra_args)
        if own.loop and own.speed == AS_FAST_AS_IT_GOES:
            command.error("--loop needs a --speed")
        self.name: str = own.name
        self._what: str = own.race or own.file.stem
        self._duration: float | None = own.duration
        self.source = _load(command, own)
        self.board = self.source.board(self._duration)
        shown = seconds(self.board)
        begin = shown[0] if own.start_at is None else self.source.start + own.start_at
        if begin > shown[-1]:
            command.error("--start-at is after the end of the race")
        self._speed: float = own.speed
        speed = 1.0 if own.speed == AS_FAST_AS_IT_GOES else own.speed
        self._playback = Playback(shown, self._resumed() or begin, speed, own.loop)
        self._round = 0
        self._began = 0.0
        self._rushing = LoopingCall(self._rush)

    @classmethod
    def argument_parser(cls) -> argparse.ArgumentParser:
        own = parser("livetiming-service chrono", "Plays published result files as if the race were live.", EXAMPLES)
        own.conflict_handler = "resolve"  # an option that formats have in common is one
        which = own.add_mutually_exclusive_group(required=True)
        which.add_argument("--file", type=Path, metavar="FILE", help="the laps")
        which.add_argument(
            "--race",
            type=_race,
            metavar="NAME",
            help="the laps are LIVETIMING_HOME/chrono/NAME.csv",
        )
        own.add_argument("--format", choices=names(), default="alkamel", help="of the files (alkamel)")
        own.add_argument(
            "--speed", type=_speed, default=1.0, metavar="X", help="seconds of the race a second (1); max: all at once"
        )
        own.add_argument("--start-at", type=race_time, metavar="H:MM:SS", help="of the race (on the grid)")
        own.add_argument("--loop", action="store_true", help="begin again at the end, where else it stays")
        own.add_argument("--name", default="Chrono", metavar="TEXT", help="what the series is called (Chrono)")
        add_common_options(own)
        for name in names():
            format_named(name).add_arguments(own)
        return own

    def getName(self) -> str:
        return self.name

    def getDefaultDescription(self) -> str:
        return self._what

    def getColumnSpec(self) -> Sequence[Stat]:
        return self.board.columns

    def getTrackDataSpec(self) -> Sequence[str]:
        return self.source.chrono.headings

    def getPollInterval(self) -> float:
        return 1

    def _manifest(self) -> Manifest:
        return {**super()._manifest(), "source": list(self.source.format.SOURCE)}

    def setup(self) -> None:
        for note in self.source.notes:
            self.log.warn("{note}", note=note)
        self.board.advance(self._playback.begin - self.source.start)
        self._began = reactor.seconds()
        if self._speed == AS_FAST_AS_IT_GOES:
            self._rushing.start(0)

    def teardown(self) -> None:
        if self._rushing.running:
            self._rushing.stop()

    def getRaceState(self) -> Mapping[str, Any]:
        if self._speed != AS_FAST_AS_IT_GOES:
            self._follow_clock()
        state = self.board.state()
        if self._speed != 1:  # viewers' clocks run by themselves between two frames, a second a second
            state["session"]["pauseClocks"] = True
        return state

    def _follow_clock(self) -> None:
        due = self._playback.at(reactor.seconds() - self._began)
        if due.round != self._round:
            self._round = due.round
            self.board = self.source.board(self._duration)
            self.analyser.reset()
            self.state = {**self.state, "cars": []}  # or the jump back would be told as what the cars did
        self.board.advance(due.position - self.source.start)

    def _rush(self) -> None:
        """One step of the race; between two of them others have their turn."""
        self.board.advance(self.board.now + STEP)
        if self.board.now >= self.board.ends:
            self._rushing.stop()

    def _resumed(self) -> float | None:
        """Where the kept state was, in Unix seconds of the race; a state of another race is forgotten."""
        cars, elapsed = self.state["cars"], self.state["session"].get("timeElapsed")
        numbers = {entry.number for entry in self.source.chrono.entries}
        if cars and {str(row[0]) for row in cars if row} <= numbers and isinstance(elapsed, int | float):
            return min(self.source.start + elapsed, float(seconds(self.board)[-1])) if elapsed > 0 else None
        if cars:
            self.log.info("the kept state is of another race: beginning anew")
            self.state = empty_state()
        return None


def _load(command: argparse.ArgumentParser, own: argparse.Namespace) -> Source:
    file, beside = own.file, {}
    if own.race is not None:
        folder = Place.load().home / "chrono"
        file = folder / f"{own.race}.csv"
        beside = {name: folder / f"{own.race}.{name}.csv" for name in _FURTHER_FILES}
    try:
        return load(own.format, file, own, {name: path for name, path in beside.items() if path.is_file()})
    except OSError as error:
        command.error(str(error))
    except (NothingToPlay, TooLarge) as error:
        _end(error)


def _end(error: Exception) -> NoReturn:
    say(f"livetiming-service: {error}")
    raise SystemExit(EXIT_WRONG)


def _race(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no name of a race (letters, digits, - and _)")
    return text


def _speed(text: str) -> float:
    return AS_FAST_AS_IT_GOES if text == "max" else decimal(0, MOST_SPEED)(text)
