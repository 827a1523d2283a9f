"""`livetiming-chrono FORMAT`: published result files, straight into a recording."""

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from livetiming.chrono.board import Board
from livetiming.chrono.formats import format_named, names
from livetiming.chrono.source import NothingToPlay, Source, TooLarge, add_common_options, load
from livetiming.chrono.start import UNKNOWN_DAY
from livetiming.chrono.states import seconds, states
from livetiming.commandline import EXIT_DONE, EXIT_USAGE, EXIT_WRONG, parser, say
from livetiming.recording.format import Chain, Frame, advance
from livetiming.recording.writer import RecordingWriter
from livetiming.service.api import core_version
from livetiming.times import format_clock

PROGRAM = "livetiming-chrono"
EXAMPLES = [
    (f"{PROGRAM} alkamel -i laps.csv -o race.zip --date 2025-09-07 --timezone America/Chicago", "one race"),
    (f"{PROGRAM} alkamel -i laps.csv --results results.csv --weather weather.csv -o var/recordings/", "all there is"),
    (f"{PROGRAM} alkamel --help", "the options of one format"),
]
_PROGRESS_EVERY = 500  # frames


@dataclass(frozen=True)
class Done:
    """A recording that was made."""

    uuid: str
    file: Path
    frames: int
    duration: int  # seconds
    skipped: int  # lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 made without some lines, or not made, 2 used wrongly)."""
    args = _parser().parse_args(argv)
    try:
        source = load(args.format, args.input, args)
        target, uuid = _target(args, source)
        if target is None:
            return EXIT_USAGE
        for note in (*source.notes, *_undated(args, source)):
            say(f"{PROGRAM}: {note}")
        done = _record(source, target, _manifest(args, source, uuid), args.duration)
    except (OSError, NothingToPlay, TooLarge) as error:
        say(f"{PROGRAM}: {error}")
        return EXIT_WRONG
    except KeyboardInterrupt:
        say(f"{PROGRAM}: interrupted, nothing was made")
        return EXIT_WRONG
    _print(done, as_json=args.json)
    return EXIT_WRONG if done.skipped else EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    text = (
        "Makes a recording of published result files, as if the race had been recorded live: one frame a second.\n"
        "Prints its uuid, frames, duration and file. Exit code 1: lines could not be read (the recording is made of\n"
        "the others), or nothing was made."
    )
    command = parser(PROGRAM, text, EXAMPLES)
    kinds = command.add_subparsers(required=True, metavar="FORMAT", dest="format")
    for name in names():
        kind = format_named(name)
        own = kinds.add_parser(
            name,
            help=kind.DESCRIPTION,
            description=kind.DESCRIPTION,
            epilog=command.epilog,
            formatter_class=command.formatter_class,
            allow_abbrev=False,
        )
        own.add_argument("-i", "--input", type=Path, required=True, metavar="FILE", help="the laps")
        own.add_argument(
            "-o", "--output", type=Path, required=True, metavar="OUT", help="the recording; in a folder: UUID.zip"
        )
        own.add_argument("--force", action="store_true", help="replace OUT where it is there")
        own.add_argument("--name", default="Chrono", metavar="TEXT", help="what the series is called (Chrono)")
        own.add_argument("--description", metavar="TEXT", help="what was timed (the file's name)")
        add_common_options(own)
        kind.add_arguments(own)
        own.add_argument("--json", action="store_true", help="print the result as JSON")
    return command


def _target(args: argparse.Namespace, source: Source) -> tuple[Path | None, str]:
    """Where the recording goes (None, and said why, where it may not), and its uuid: the same for the same race."""
    said = [args.format, source.start, args.duration, args.name, _description(args)]
    digests = [[name, hashlib.sha256(content).hexdigest()] for name, content in sorted(source.contents.items())]
    uuid = hashlib.sha256(orjson.dumps([said, digests])).hexdigest()[:32]
    target: Path = args.output / f"{uuid}.zip" if args.output.is_dir() else args.output
    inputs = [args.input, *(getattr(args, name) for name in source.format.FILES if getattr(args, name))]
    if target.exists():
        if any(target.samefile(path) for path in inputs):
            say(f"{PROGRAM}: {target} is what the race is read from: name another file")
            return None, uuid
        if not args.force:
            say(f"{PROGRAM}: {target} is there already: name another file, or give --force to replace it")
            return None, uuid
    return target, uuid


def _undated(args: argparse.Namespace, source: Source) -> tuple[str, ...]:
    if args.date is not None or source.chrono.readings:
        return ()
    return (f"the file has no date, so the recording is of {UNKNOWN_DAY}: give --date to have it in its place",)


def _description(args: argparse.Namespace) -> str:
    return str(args.description or args.input.stem)


def _manifest(args: argparse.Namespace, source: Source, uuid: str) -> dict[str, Any]:
    board = source.board(None)
    return {
        "uuid": uuid,
        "name": args.name,
        "serviceClass": "chrono",
        "description": _description(args),
        "colSpec": [stat.column() for stat in board.columns],
        "trackDataSpec": list(source.chrono.headings),
        "pollInterval": 1,
        "hasAnalysis": False,
        "hidden": False,
        "source": list(source.format.SOURCE),
        "livetimingVersion": {"core": core_version(), "plugin": core_version()},
    }


def _record(source: Source, target: Path, manifest: dict[str, Any], duration: float | None) -> Done:
    board = source.board(duration)
    shown = seconds(board)
    with RecordingWriter(target) as writer:
        for count, frame in enumerate(_frames(board), start=1):
            writer.add(frame)
            if count % _PROGRESS_EVERY == 0 or count == len(shown):
                _progress(count / len(shown))
        writer.finish(manifest)
    skipped = sum(each.count for each in source.chrono.skipped)
    return Done(manifest["uuid"], target, len(shown), shown[-1] - shown[0], skipped)


def _frames(board: Board) -> Iterator[Frame]:
    chain = Chain()
    for second, state in states(board):
        chain, frame = advance(chain, second, state)
        yield frame


def _progress(part: float) -> None:
    """How far we are, on a terminal; gone when all is done."""
    if sys.stderr.isatty():
        text = f"\r{part:4.0%}" if part < 1 else "\r    \r"
        print(text, end="", file=sys.stderr, flush=True)


def _print(done: Done, *, as_json: bool) -> None:
    if as_json:
        result = {
            "uuid": done.uuid,
            "file": str(done.file),
            "frames": done.frames,
            "duration": done.duration,
            "skipped": done.skipped,
        }
        print(orjson.dumps(result).decode())
    else:
        print(f"{done.uuid}  {done.frames} frames  {format_clock(done.duration)}  {done.file}")


if __name__ == "__main__":
    sys.exit(main())
