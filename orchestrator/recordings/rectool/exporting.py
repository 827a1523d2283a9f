"""rectool's `export`: which tables, made of what, into which files."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from livetiming.commandline import EXIT_DONE, EXIT_WRONG, say
from livetiming.files import opened_alone, shown, sync_directory
from livetiming.recording.analysed import analyse
from livetiming.recording.format import BadEntry
from livetiming.recording.writer import MODE, PART_SUFFIX
from livetiming.state import State
from orchestrator.recordings.open_files import Source
from orchestrator.recordings.opening import opened
from orchestrator.recordings.progress import Report, progress
from orchestrator.recordings.rectool import frame_table, tables
from orchestrator.recordings.rectool.export import Format, check, write
from orchestrator.recordings.rectool.output import PROGRAM, STDOUT, Refused, WrongUse, check_free, print_json, target
from orchestrator.recordings.rectool.tables import Table

ALL = "all"


class _Material:
    """What tables are made of."""

    def __init__(self, recording: Source, every: int, report: Report) -> None:
        self.recording = recording
        self.every = every
        self.bad: dict[str, None] = {}  # entries that cannot be read, told once, however often we come by
        self._report = report

    @cached_property
    def document(self) -> dict[str, Any]:
        """The analysis."""
        return analyse(self.recording, self._note, self._report)

    def states(self) -> Iterator[tuple[int, State]]:
        """Second and state of each frame that can be read."""
        total = len(self.recording)
        for done, each in enumerate(self.recording.states(self._note), start=1):
            yield each
            self._report(done, total)

    def _note(self, error: BadEntry) -> None:
        self.bad[str(error)] = None


_TABLES: dict[str, Callable[[_Material], Table]] = {
    "laps": lambda material: tables.laps(material.document),
    "stints": lambda material: tables.stints(material.document),
    "frames": lambda material: frame_table.frames(material.recording.manifest, material.states(), material.every),
    "messages": lambda material: tables.messages(material.recording.manifest, material.states()),
}
TABLES = tuple(_TABLES)


def export(args: argparse.Namespace) -> int:
    """Write one table, or all."""
    check(args.format)
    names = list(_TABLES) if args.table == ALL else [args.table]
    if args.output == STDOUT and (len(names) > 1 or args.json):
        raise WrongUse("standard output takes one table, and nothing else: choose one, without --json")
    if args.output == STDOUT and args.format is Format.PARQUET and sys.stdout.isatty():
        raise WrongUse("Parquet is nothing for a terminal: name a file (-o OUT)")
    with opened(args.file) as recording:
        targets = {name: _target(args, name) for name in names}
        written: list[dict[str, Any]] = []
        bad: dict[str, None] = {}
        try:
            for name, chosen in targets.items():
                with progress(name) as report, _output(args, chosen) as out:
                    material = _Material(recording, args.every, report)
                    rows = write(_TABLES[name](material), args.format, out, exact=args.exact)
                bad |= material.bad
                written.append({"table": name, "file": shown(chosen), "rows": rows})
        except BaseException:
            if written:
                say(f"{PROGRAM}: made so far: {', '.join(each['file'] for each in written)}")
            raise
    for error in bad:
        say(f"{PROGRAM}: {error}")
    if args.json:
        print_json({"tables": written, "badEntries": list(bad)})
    elif args.output != STDOUT:
        for each in written:
            print(f"{each['file']}: {each['rows']} rows of {each['table']}")
    return EXIT_WRONG if bad else EXIT_DONE


def _target(args: argparse.Namespace, name: str) -> Path:
    if args.output == STDOUT:
        return STDOUT
    if args.table != ALL or args.output is None:
        return target(args, args.file, f"{name}.{args.format}")
    folder: Path = args.output
    folder.mkdir(parents=True, exist_ok=True)
    chosen = folder / f"{name}.{args.format}"
    check_free(args, chosen)
    return chosen


@contextmanager
def _output(args: argparse.Namespace, chosen: Path) -> Iterator[BinaryIO]:
    """Standard output, or a file that has its name when it is whole and on the disk.

    Raises Refused where another process is writing it, and WrongUse where that has just done so.
    """
    if chosen == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = chosen.with_name(chosen.name + PART_SUFFIX)
    try:
        descriptor = opened_alone(part, MODE, wait=False)
    except BlockingIOError as error:
        raise Refused(f"another process is writing {chosen}: wait for it, or name another file (-o OUT)") from error
    with os.fdopen(descriptor, "wb") as file:
        try:
            check_free(args, chosen)
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(chosen)  # before it is closed: that ends our turn
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    sync_directory(chosen.parent)
