"""What the actions of rectool share: where a new file goes, and how results are told."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from livetiming.recording.writer import PART_SUFFIX

PROGRAM = "livetiming-rectool"
STDOUT = Path("-")


class WrongUse(ValueError):
    """The command line asks for what cannot be done; the message says what can."""


class Refused(ValueError):
    """What the files hold does not allow it."""


class InTheWay(WrongUse):
    """The file is there already."""

    def __init__(self, target: Path) -> None:
        super().__init__(f"{target} is there already: name another file (-o OUT), or give --force to replace it")


class WouldReplaceInput(WrongUse):
    """The new file would take the place of the one it is made of."""

    def __init__(self, target: Path) -> None:
        super().__init__(f"{target} would be overwritten, and is what is read: name another file (-o OUT)")


def target(args: argparse.Namespace, source: Path, ending: str) -> Path:
    """Where the new file goes: OUT, or NAME_`ending` beside `source`, or in the folder OUT. Raises WrongUse."""
    name = f"{source.stem}_{ending}"
    output: Path | None = args.output
    chosen = source.with_name(name) if output is None else output
    chosen = chosen / name if chosen.is_dir() else chosen
    check_free(args, chosen)
    return chosen


def check_free(args: argparse.Namespace, chosen: Path) -> None:
    """Raise WrongUse where a file at `chosen` may not be written."""
    for written in (chosen, chosen.with_name(chosen.name + PART_SUFFIX)):
        if written.exists() and any(path.exists() and written.samefile(path) for path in files(args)):
            raise WouldReplaceInput(written)
    if chosen.exists() and not args.force:
        raise InTheWay(chosen)


def files(args: argparse.Namespace) -> list[Path]:
    """The FILEs of the command line."""
    return args.file if isinstance(args.file, list) else [args.file]


def print_json(result: Any, *, indent: bool = False) -> None:
    """One JSON document on standard output. Raises Refused."""
    print(json_text(result, indent=indent))


def json_text(value: Any, *, indent: bool = False) -> str:
    """The value as JSON. Raises Refused where files nest it deeper than JSON is written here."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    except TypeError as error:
        raise Refused(f"it cannot be shown as JSON: {error}") from error


def moment(second: float) -> str:
    """A Unix second as people and as programs write it."""
    try:
        return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S} UTC (@{second:.0f})"
    except (OverflowError, ValueError):
        return f"@{second:.0f}"
