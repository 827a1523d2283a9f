"""`livetiming-rectool ACTION FILE`: looks into recordings, mends them, and makes new ones of them (docs/rectool.md)."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from livetiming.commandline import EXIT_USAGE, EXIT_WRONG, guarded, parser, say
from livetiming.files import NoFolder, path_named
from livetiming.playback import StartAt
from livetiming.ranges import whole
from livetiming.recording.convert import EARLIEST, LATEST, NothingToConvert, StartOutOfRange, StartUnknown
from livetiming.recording.format import RecordingError, UnusableState
from orchestrator.recordings.rectool import exporting, look, make
from orchestrator.recordings.rectool.cutting import NothingThere
from orchestrator.recordings.rectool.export import Format, ParquetMissing
from orchestrator.recordings.rectool.output import PROGRAM, Refused, WrongUse

EXAMPLES = {
    "inspect": [
        ("race.zip", "what it is, how long, how many frames, the manifest"),
        ("race.zip --json", "the same for a program"),
    ],
    "show": [
        ("race.zip 1:30:00", "the state an hour and a half after the start, as JSON"),
        ("race.zip @1700000000", "the state at a Unix second"),
    ],
    "scan": [("race.zip", "when session, messages and cars first change")],
    "verify": [
        ("race.zip", "can every frame be read? exit 1 if not"),
        ("var/recordings/*.zip --json", "many files, in parallel"),
    ],
    "set": [
        ("race.zip description '6 h of Spa - Race'", "another description"),
        ("race.zip hidden true", "not in the public listing any more"),
    ],
    "clip": [
        ("race.zip 1:00:00 1:10:00", "ten minutes, as race_clip.zip"),
        ("race.zip 300 -o start.zip", "without the first five minutes"),
        ("UUID.0.journal 0 -o so-far.zip", "a recording in progress as it is by now"),
    ],
    "convert": [
        ("old.zip", "a file from before version 1, as old_conv.zip"),
        ("old.zip --start @1467446400", "the same, where the file does not say when it began"),
    ],
    "repair": [("broken.zip", "what is readable of it, as broken_repaired.zip")],
    "merge": [("race.zip race_1.zip", "both in one, as race_merged.zip")],
    "export": [
        ("race.zip --table laps", "every lap, as race_laps.csv"),
        ("race.zip --table all --format parquet -o tables/", "all tables"),
        ("race.zip --table frames --every 60 --format jsonl -o -", "every car once a minute, to standard output"),
    ],
}

# What is wrong with the files, the disk, or what is asked of them: told in one line.
_TOLD = (RecordingError, UnusableState, Refused, NothingThere, NothingToConvert, StartUnknown, OSError)
_Run = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 something is wrong, 2 used wrongly)."""
    args = _parser().parse_args(argv)
    return guarded(lambda: _main(args))


def _main(args: argparse.Namespace) -> int:
    run: _Run = args.run
    try:
        if getattr(args, "output", None) is not None:
            args.output = _output(args)
        return run(args)
    except (WrongUse, NoFolder, StartOutOfRange, ParquetMissing) as error:
        say(f"{PROGRAM}: {error}")
        return EXIT_USAGE
    except BrokenPipeError:
        raise
    except _TOLD as error:
        say(f"{PROGRAM}: {error}")
    except KeyboardInterrupt:
        say(f"{PROGRAM}: interrupted, no file is left unfinished")
    return EXIT_WRONG


def _output(args: argparse.Namespace) -> Path:
    """OUT as a path; for all tables it is a folder, which is made. Raises NoFolder."""
    return Path(args.output) if getattr(args, "table", None) == exporting.ALL else path_named(args.output)


def _parser() -> argparse.ArgumentParser:
    text = (
        "Looks into recordings, mends them, and makes new ones of them. What it reads is never altered, but for\n"
        "`set`; a file that it makes appears when it is whole. FILE may also be the journal of a recording in\n"
        "progress where it is only read. `ACTION --help` has examples."
    )
    top = parser(PROGRAM, text, [(f"{PROGRAM} {name} {each[0][0]}", each[0][1]) for name, each in EXAMPLES.items()])
    actions = top.add_subparsers(required=True, metavar="ACTION", dest="action")
    _add_looking(actions)
    _add_making(actions)
    _add_export(actions)
    return top


def _add_looking(actions: Any) -> None:
    _action(actions, "inspect", look.inspect, "description, service, frames, duration, start, manifest")
    show = _action(actions, "show", look.show, "the state at one time, as JSON")
    show.add_argument("time", type=_moment, metavar="T", help="seconds or h:mm:ss from the start, or @UNIX")
    _action(actions, "scan", look.scan, "when session, messages and cars first change")
    verify = _action(actions, "verify", look.verify, "can every frame be read and applied? exit 1 if not", "+")
    verify.add_argument(
        "-j", "--jobs", type=whole(1, 256), default=os.cpu_count() or 1, metavar="N", help="processes (the cores)"
    )


def _add_making(actions: Any) -> None:
    change = _action(actions, "set", make.set_value, "another value in the manifest, in the file itself")
    change.add_argument("key", metavar="KEY", help="a key of the manifest: description, name, hidden …")
    change.add_argument("value", metavar="VALUE", help="JSON, else a text")

    clip = _action(actions, "clip", make.clip, "a part of it, as NAME_clip.zip")
    clip.add_argument("begin", type=_moment, metavar="FROM", help="seconds or h:mm:ss from the start, or @UNIX")
    clip.add_argument("end", type=_moment, nargs="?", metavar="TO", help="the first second that is left out (the end)")
    _makes(clip)

    convert = _action(actions, "convert", make.convert_old, "a file from before version 1, as NAME_conv.zip")
    convert.add_argument("--start", type=_unix, metavar="@UNIX", help="when it began, if the file does not say so")
    _makes(convert)

    _makes(_action(actions, "repair", make.mend, "what is readable of it, as NAME_repaired.zip"))

    merge = _action(actions, "merge", make.merge, "recordings of one service in one, as NAME_merged.zip", "+")
    merge.add_argument("--any-service", action="store_true", help="also those whose uuids differ")
    _makes(merge)


def _add_export(actions: Any) -> None:
    export = _action(actions, "export", exporting.export, "laps, stints, frames, messages as tables")
    export.add_argument("--table", choices=[*exporting.TABLES, exporting.ALL], default="laps", help="which one (laps)")
    export.add_argument("--format", type=Format, choices=list(Format), default=Format.CSV, help="(csv)")
    export.add_argument(
        "--every", type=whole(1, 86_400), default=1, metavar="N", help="of the frames one in N seconds (1: all)"
    )
    export.add_argument(
        "--exact", action="store_true", help="no apostrophe before texts that a spreadsheet takes for a formula"
    )
    _makes(export, "the file (NAME_TABLE.csv), - for standard output; for all tables a folder")


def _action(actions: Any, name: str, run: _Run, what: str, nargs: str | None = None) -> argparse.ArgumentParser:
    made = parser("", f"{name}: {what}.", [(f"{PROGRAM} {name} {line}", told) for line, told in EXAMPLES[name]])
    action: argparse.ArgumentParser = actions.add_parser(
        name,
        help=what,
        description=made.description,
        epilog=made.epilog,
        formatter_class=made.formatter_class,
        allow_abbrev=False,
    )
    action.set_defaults(run=run)
    action.add_argument("file", type=Path, nargs=nargs, metavar="FILE")
    action.add_argument("--json", action="store_true", help="the result for a program to read")
    return action


def _makes(action: argparse.ArgumentParser, what: str = "the new file, or a folder for it") -> None:
    action.add_argument("-o", "--output", metavar="OUT", help=what)
    action.add_argument("--force", action="store_true", help="replace OUT where it is there")


def _moment(text: str) -> StartAt:
    try:
        return StartAt.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no time: give seconds, h:mm:ss or @UNIX") from error


def _unix(text: str) -> int:
    moment = _moment(text)
    if not moment.unix:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no @UNIX")
    if not EARLIEST <= moment.value < LATEST + 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no Unix second from @{EARLIEST} to @{LATEST}")
    return int(moment.value)


if __name__ == "__main__":
    sys.exit(main())
