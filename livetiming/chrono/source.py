"""From a command line to a race: the options that plugin and tool have in common, and the files they name."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from livetiming.chrono.board import Board
from livetiming.chrono.formats import Format, format_named
from livetiming.chrono.model import LONGEST_RACE, Chrono
from livetiming.chrono.start import race_start, tells_weather
from livetiming.times import parse_duration

FILE_LIMIT = 64 * 2**20  # bytes; the laps of a 24-hour race are 4 MB


class NothingToPlay(ValueError):
    """A file holds no lap that could be read."""

    def __init__(self, file: Path, chrono: Chrono) -> None:
        why = f" ({chrono.skipped[0]})" if chrono.skipped else ""
        super().__init__(f"{file} holds no lap that could be read{why}")


class TooLarge(ValueError):
    """A file is larger than any result file is."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} is larger than {FILE_LIMIT >> 20} MiB: no result file is")


@dataclass(frozen=True)
class Source:
    """A race as it was read, and the files' contents by what they are."""

    format: Format
    chrono: Chrono
    contents: Mapping[str, bytes]
    start: float  # Unix s
    notes: tuple[str, ...]  # what to say to who plays it

    def board(self, duration: float | None) -> Board:
        """The race before its start."""
        return Board(self.chrono, self.start, duration)


def add_common_options(parser: argparse._ActionsContainer) -> None:
    """What every format leaves to say."""
    parser.add_argument(
        "--date", type=_day, metavar="YYYY-MM-DD", help="the day on which the race began (of the weather, else unknown)"
    )
    parser.add_argument(
        "--timezone", type=_zone, metavar="ZONE", help="of the times of day, as Europe/Paris (of the weather, else UTC)"
    )
    parser.add_argument(
        "--duration", type=race_time, metavar="H:MM:SS", help="how long the race is: adds the time remaining"
    )


def load(format_name: str, file: Path, args: argparse.Namespace, beside: Mapping[str, Path] | None = None) -> Source:
    """Read `file`, and the further files that `args` name, or that lie `beside` it.

    Raises OSError, TooLarge and NothingToPlay.
    """
    kind = format_named(format_name)
    further = {name: getattr(args, name, None) or (beside or {}).get(name) for name in kind.FILES}
    contents = {name: _content(path) for name, path in further.items() if path is not None}
    main = _content(file)
    chrono = kind.read(main, contents)
    if not chrono.ends:
        raise NothingToPlay(file, chrono)
    start = race_start(chrono, args.date, args.timezone)
    notes = [str(skipped) for skipped in chrono.skipped]
    if chrono.readings and not tells_weather(chrono, start):
        notes.append("the weather is that of another time: check --date and --timezone")
    return Source(kind, chrono, {**contents, "": main}, start, tuple(notes))


def race_time(text: str) -> float:
    """An argparse type: a time of the race."""
    seconds = parse_duration(text)
    if seconds is None or not 0 < seconds <= LONGEST_RACE:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no h:mm:ss up to {LONGEST_RACE / 3600:g} hours")
    return seconds


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise TooLarge(file)
    return content


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no YYYY-MM-DD") from None
    if not 1971 <= day.year <= 2200:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no day of motor racing (1971 to 2200)")
    return day


def _zone(text: str) -> tzinfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no time zone, as Europe/Paris is") from None
