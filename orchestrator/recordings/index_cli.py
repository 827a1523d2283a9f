"""`livetiming-recordings-index`: the recordings of a folder as one JSON object, and what is wrong or missing there."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, EXIT_WRONG, guarded, parser, say
from livetiming.environment import SettingError
from livetiming.files import NoFolder, path_named, write_whole
from livetiming.ranges import whole
from livetiming.recording.writer import MODE
from orchestrator.recordings import analysis_cli
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.catalogue import Catalogue
from orchestrator.recordings.database import CACHE, FAILURES
from orchestrator.recordings.entry import Listed, analysis_name, is_recording
from orchestrator.recordings.expiry import EXPIRING, disk_of, foresee, limits_of, to_json, usable
from orchestrator.recordings.progress import progress
from orchestrator.recordings.retention import Why
from orchestrator.settings import Settings

PROG = "livetiming-recordings-index"
EXAMPLES = [
    (f"{PROG} -o index.json", "the recordings of LIVETIMING_RECORDINGS_DIR"),
    (f"{PROG} /srv/old | jq length", "how many another folder has"),
    (f"{PROG} --analyses -o index.json", "make the analyses that are missing first"),
    (f"{PROG} --problems", "the files that are no good recordings; exit 1 if there are any"),
    (f"{PROG} --expiring", "what retention is going to delete, and when"),
]
_OF_THE_INDEX = (
    "description",
    "duration",
    "filename",
    "name",
    "startTime",
    "uuid",
    "hidden",
    "external",
    "hasAnalysis",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 something is wrong, 2 used wrongly)."""
    options = _parser().parse_args(argv)
    return guarded(lambda: _main(options))


def _parser() -> argparse.ArgumentParser:
    text = (
        "Lists the recordings of a folder as one JSON object: uuid → description, duration, filename, name,\n"
        "startTime, uuid, hidden, external, hasAnalysis. Corrupt, foreign and half-copied files are left out and\n"
        "never stop it."
    )
    command = parser(PROG, text, EXAMPLES)
    command.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="default: LIVETIMING_RECORDINGS_DIR")
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write it there, whole or not at all (default: standard output)"
    )
    other = command.add_mutually_exclusive_group()
    other.add_argument(
        "--analyses", action="store_true", help="first make the analyses that are missing or older than their recording"
    )
    other.add_argument("--problems", action="store_true", help="list the files that are not listed, and why")
    other.add_argument("--expiring", action="store_true", help="list what is to be deleted for its age or the space")
    command.add_argument(
        "-j", "--jobs", type=whole(1, 64), metavar="N", help="processes for --analyses (default: the cores)"
    )
    command.add_argument(
        "--json", action="store_true", help="problems, and what expires, as JSON, as the index always is"
    )
    return command


def _main(options: argparse.Namespace) -> int:
    if options.jobs is not None and not options.analyses:
        say(f"{PROG}: -j is for --analyses: nothing else is done by several processes")
        return EXIT_USAGE
    settings = _settings(required=options.folder is None or options.expiring)
    folder: Path = options.folder or (settings.recordings_dir if settings else Path())
    if not folder.is_dir():
        say(f"{PROG}: {folder} is no folder: say which, or set LIVETIMING_RECORDINGS_DIR")
        return EXIT_USAGE
    try:
        output = _output(options.output, folder)
    except (NoFolder, WouldReplaceRecording) as error:
        say(f"{PROG}: {error}")
        return EXIT_USAGE
    run: Callable[[argparse.Namespace, Catalogue, Settings | None], tuple[str, int]] = _index
    if options.problems:
        run = _problems
    elif options.expiring:
        run = _expiring
    try:
        with _catalogue(folder, settings) as catalogue:
            text, code = run(options, catalogue, settings)
        if output is None:
            sys.stdout.write(text)
        else:
            write_whole(output, text.encode(), mode=MODE, sync=True)
        return code
    except BrokenPipeError:
        raise
    except (OSError, *FAILURES) as error:
        say(f"{PROG}: {error}")
    except KeyboardInterrupt:
        say(f"{PROG}: interrupted")
    return EXIT_WRONG


class WouldReplaceRecording(ValueError):
    """What is written would take the place of a recording."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is a recording of this folder: name another file (-o FILE)")


def _output(text: str | None, folder: Path) -> Path | None:
    """The file that is to be written. Raises NoFolder and WouldReplaceRecording."""
    if text is None:
        return None
    path = path_named(text)
    if is_recording(path.name) and path.exists() and path.parent.samefile(folder):
        raise WouldReplaceRecording(path)
    return path


def _settings(*, required: bool) -> Settings | None:
    """The settings; a folder that is named can be looked at without any."""
    try:
        return Settings.load()
    except SettingError:
        if required:
            raise
        return None


@contextmanager
def _catalogue(folder: Path, settings: Settings | None) -> Iterator[Catalogue]:
    """The catalogue of `folder`, looked at now: with the daemon's cache where that is of this folder."""
    try:
        catalogue = _opened(folder, _cache_of(folder, settings))
    except (OSError, *FAILURES):
        catalogue = _opened(folder, None)  # another user's cache, or a damaged one: its owner makes it anew
    try:
        yield catalogue
    finally:
        catalogue.close()


def _opened(folder: Path, cache: Path | None) -> Catalogue:
    catalogue = Catalogue(folder, cache)
    try:
        _look(catalogue)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def _look(catalogue: Catalogue) -> None:
    with progress(str(catalogue.folder)) as report:
        catalogue.look(report=report)


def _cache_of(folder: Path, settings: Settings | None) -> Path | None:
    if settings is None or not settings.recordings_dir.is_dir() or not folder.samefile(settings.recordings_dir):
        return None
    return settings.state_dir / CACHE


# -- what is asked for: a text, and the exit code


def _index(options: argparse.Namespace, catalogue: Catalogue, _settings: Settings | None) -> tuple[str, int]:
    code = _make_analyses(options, catalogue) if options.analyses else EXIT_DONE
    answers = Answers(catalogue.database)
    index = {listed["uuid"]: _in_index(listed) for listed in answers.every()}
    problems = len(answers.problems())
    if problems:
        say(f"{PROG}: files that are not listed: {problems} ({PROG} --problems says why)")
    return _json(index), code


def _in_index(listed: Listed) -> dict[str, Any]:
    return {key: listed.get(key) for key in _OF_THE_INDEX} | {"external": _external(listed.get("external"))}


def _external(value: Any) -> dict[str, str] | None:
    """The provider; None where a manifest has something else there, of which nobody knows how deep it nests."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        return None
    return value


def _make_analyses(options: argparse.Namespace, catalogue: Catalogue) -> int:
    files = [catalogue.folder / listed["filename"] for listed in Answers(catalogue.database).every()]
    due = [file for file in files if not _is_analysed(file)]
    say(f"{PROG}: analyses to be made: {len(due)}")
    if not due:
        return EXIT_DONE
    with redirect_stdout(sys.stderr):  # standard output is the index's
        code = analysis_cli.analyse_files(due, options.jobs)
    _look(catalogue)
    return code


def _is_analysed(file: Path) -> bool:
    """Whether the analysis is there and not older than the recording."""
    try:
        analysis = file.with_name(analysis_name(file.name))
        return analysis.stat().st_mtime_ns >= file.stat().st_mtime_ns
    except OSError:
        return False


def _problems(options: argparse.Namespace, catalogue: Catalogue, _settings: Settings | None) -> tuple[str, int]:
    problems = Answers(catalogue.database).problems()
    if options.json:
        text = _json([{"filename": problem.filename, "why": problem.why} for problem in problems])
    else:
        text = _lines(problem.why for problem in problems)
    say(f"{PROG}: {len(problems)} of the files in {catalogue.folder} are no good recordings")
    return text, EXIT_WRONG if problems else EXIT_DONE


def _expiring(options: argparse.Namespace, catalogue: Catalogue, settings: Settings | None) -> tuple[str, int]:
    assert settings is not None, "they are required for this"  # noqa: S101
    answers, disk = Answers(catalogue.database), disk_of(catalogue.folder)
    limits, trouble = usable(limits_of(settings.keep_days, settings.keep_free_gb), disk)
    kept = [kept for kept, _stamp in answers.kept()]
    file = settings.state_dir / EXPIRING
    found, _since = foresee(kept, catalogue.folder, settings.recordings_temp_dir, file, limits, disk, time.time())
    expiring = [to_json(each, answers) for each in found.expiring]
    lines = (f"{each['filename']}  {_when(each)}  {each['name']}: {each['description']}" for each in expiring)
    if trouble is not None:
        say(f"{PROG}: {trouble}")
    off = " (LIVETIMING_RECORDINGS_KEEP_DAYS and …_KEEP_FREE_GB are not set)" if limits.none else ""
    say(f"{PROG}: to be deleted: {len(expiring)}{off}")
    return _json(expiring) if options.json else _lines(lines), EXIT_DONE


def _when(each: dict[str, Any]) -> str:
    if each["why"] is Why.SPACE or each["due"] is None:
        return "when the space is needed"
    return f"{datetime.fromtimestamp(each['due'], UTC):%Y-%m-%d %H:%M} UTC"


def _json(result: Any) -> str:
    return orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
