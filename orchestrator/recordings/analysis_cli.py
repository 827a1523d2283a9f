"""`livetiming-analysis`: the analysis of recordings, finished or in progress."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, EXIT_WRONG, guarded, parser, say
from livetiming.files import NoFolder, path_named, shown
from livetiming.network import is_uuid
from livetiming.ranges import whole
from livetiming.recording.analysed import analysis_path, as_json, write_document
from livetiming.recording.format import RecordingError
from livetiming.times import format_clock
from orchestrator.dvr.finalise import JournalName
from orchestrator.dvr.journal import BadRecord
from orchestrator.dvr.journal_view import JournalView
from orchestrator.recordings.analysing import Job, Outcome, Troubles, make
from orchestrator.recordings.following import follow
from orchestrator.recordings.opening import is_journal
from orchestrator.recordings.processes import in_processes
from orchestrator.recordings.progress import progress
from orchestrator.settings import Settings

PROG = "livetiming-analysis"
STDOUT = "-"
MOST_PROCESSES = 64
EXAMPLES = [
    (f"{PROG} race.zip", "writes race.json beside it"),
    (f"{PROG} race.zip -o - | jq .session", "to standard output"),
    (f"{PROG} var/recordings/*.zip", "what is missing or out of date, in parallel"),
    (f"{PROG} --follow 0123456789abcdef0123456789abcdef -o now.json", "a recording in progress, until it ends"),
]


class WrongUse(ValueError):
    """What was asked for cannot be meant."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 something could not be read, 2 used wrongly)."""
    options = _parser().parse_args(argv)
    return guarded(lambda: _main(options))


def _parser() -> argparse.ArgumentParser:
    text = (
        "Analyses recordings: laps, stints, drivers, messages and flags (docs/analysis.md), as a live service does.\n"
        "Exit code 1: a file, or a part of one, could not be read; the others were analysed."
    )
    command = parser(PROG, text, EXAMPLES)
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="a recording; a journal in progress, or its service's uuid"
    )
    command.add_argument(
        "-o", "--output", metavar="OUT", help="a file, a folder, or - (default: beside FILE, X.json for X.zip)"
    )
    command.add_argument(
        "-f", "--follow", action="store_true", help="go on as the recording grows; OUT is renewed every 10 s at most"
    )
    command.add_argument(
        "-j", "--jobs", type=whole(1, MOST_PROCESSES), metavar="N", help="processes (default: the cores)"
    )
    command.add_argument(
        "--force", action="store_true", help="of several files, also those whose analysis is newer than they are"
    )
    command.add_argument("--json", action="store_true", help="tell what was made as JSON, a line for each file")
    return command


def _main(options: argparse.Namespace) -> int:
    try:
        jobs = _jobs([_file(text) for text in options.files], options.output)
        if options.follow and len(jobs) > 1:
            raise WrongUse("--follow takes one FILE")
        if options.follow and (JournalName.parse(jobs[0].file.name) or is_journal(jobs[0].file)):
            return _follow(jobs[0], json=options.json)
        due = jobs if options.force or len(jobs) == 1 else [job for job in jobs if not _is_made(job)]
        if len(due) < len(jobs):
            say(f"{PROG}: {len(jobs) - len(due)} of {len(jobs)} are analysed already (--force makes them again)")
        return _analyse(due, options.jobs, json=options.json)
    except (WrongUse, NoFolder) as error:
        say(f"{PROG}: {error}")
        return EXIT_USAGE
    except BrokenPipeError:
        raise
    except (OSError, RecordingError) as error:
        say(f"{PROG}: {error}")
    except KeyboardInterrupt:
        say(f"{PROG}: interrupted")
    return EXIT_WRONG


def analyse_files(files: Sequence[Path], processes: int | None) -> int:
    """Make the analyses of `files` beside them, whatever is there; returns the exit code. KeyboardInterrupt passes."""
    return _analyse([Job(file, analysis_path(file)) for file in files], processes, json=False)


# -- what is to be made


def _file(text: str) -> Path:
    """The file that `text` names; of a uuid, the journal of its recording in progress."""
    path = Path(text)
    if not is_uuid(text) or path.exists():
        return path
    folder = Settings.load().recordings_temp_dir
    journals = ((JournalName.parse(each.name), each) for each in folder.glob(f"{text}.*.journal"))
    current = max(((name.number, each) for name, each in journals if name and name.target is None), default=None)
    if current is None:
        raise FileNotFoundError(f"no recording of {text} is in progress in {folder}")
    return current[1]


def _jobs(files: list[Path], output: str | None) -> list[Job]:
    jobs = [Job(file, _target(file, output, one=len(files) == 1)) for file in files]
    targets = [job.target.resolve() for job in jobs if job.target is not None]
    if len(set(targets)) < len(targets):
        raise WrongUse("two FILEs would have the same analysis: give each by itself, with its own -o")
    inputs = {_identity(file) for file in files} - {None}
    if any(_identity(target) in inputs for target in targets):
        raise WrongUse("the analysis would replace a FILE: give another -o")
    return jobs


def _identity(path: Path) -> tuple[int, int] | None:
    """What a file has under all its names; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _target(file: Path, output: str | None, *, one: bool) -> Path | None:
    if output is None:
        return analysis_path(file)
    if output == STDOUT:
        return None
    path = path_named(output)
    if path.is_dir():
        return path / analysis_path(file).name
    if not one:
        raise WrongUse(f"{output} is no folder: several FILEs need one")
    return path


def _is_made(job: Job) -> bool:
    """Whether the analysis is there, and is newer than the recording."""
    try:
        return job.target is not None and job.target.stat().st_mtime_ns > job.file.stat().st_mtime_ns
    except OSError:
        return False


# -- making it


def _analyse(jobs: list[Job], processes: int | None, *, json: bool) -> int:
    good = True
    for outcome in _outcomes(jobs, min(processes or os.cpu_count() or 1, len(jobs))):
        _tell(outcome, json=json)
        good = good and outcome.good
    return EXIT_DONE if good else EXIT_WRONG


def _outcomes(jobs: list[Job], processes: int) -> Iterator[Outcome]:
    """What comes of the jobs, in the order in which they are done."""
    if processes <= 1:
        for job in jobs:
            with progress(job.file.name) as report:
                outcome = make(job, report)
            yield outcome
        return
    with progress(f"{len(jobs)} recordings") as report:
        for done, (index, made) in enumerate(in_processes(make, jobs, processes), 1):
            report(done, len(jobs))
            killed = f"{jobs[index].file}: the process was killed"
            yield Outcome(jobs[index], error=killed) if made is None else made


def _follow(job: Job, *, json: bool) -> int:
    troubles = Troubles()

    def write(document: dict[str, Any]) -> None:
        if job.target is None:
            _print(as_json(document, job.file))
        else:
            write_document(document, job.target)

    try:
        view = JournalView(job.file)
    except BadRecord as error:
        say(f"{PROG}: {error}")
        return EXIT_WRONG
    with view:
        try:
            follow(view, write, troubles.add)
        except KeyboardInterrupt:
            say(f"{PROG}: no longer followed")
        if not view.seconds:
            say(f"{PROG}: {job.file}: it held no frame")
            return EXIT_WRONG
        outcome = Outcome(job, len(view), view.end - view.start, tuple(troubles.lines()))
        _tell(outcome, json=json)
        return EXIT_DONE if outcome.good else EXIT_WRONG


# -- telling


def _tell(outcome: Outcome, *, json: bool) -> None:
    """The result on standard output, what is wrong on standard error."""
    for line in (*outcome.unreadable, *([outcome.error] if outcome.error else [])):
        say(f"{PROG}: {line}")
    job = outcome.job
    if outcome.document is not None:
        _print(outcome.document)
    elif json:
        told = {
            "file": shown(job.file),
            "analysis": None if outcome.error or job.target is None else shown(job.target),
            "frames": outcome.frames,
            "duration": outcome.duration,
            "unreadable": list(map(shown, outcome.unreadable)),
            "error": None if outcome.error is None else shown(outcome.error),
        }
        _print(orjson.dumps(told))
    elif outcome.error is None and job.target is not None:
        print(f"{shown(job.target)}  {outcome.frames} frames  {format_clock(outcome.duration)}", flush=True)


def _print(raw: bytes) -> None:
    print(raw.decode(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
