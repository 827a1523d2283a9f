"""`livetiming-schedule assist`: copies the events of another calendar into ours."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.resources import files
from typing import Any

from livetiming.commandline import EXIT_DONE, EXIT_WRONG, guarded, parser, say
from livetiming.environment import SettingError
from livetiming.lock import AlreadyRunning, Lock
from livetiming.ranges import whole
from orchestrator.google_api import GoogleNotUsable
from orchestrator.scheduler.assist import told
from orchestrator.scheduler.assist.asking import asked
from orchestrator.scheduler.assist.memory import Memory, MemoryLost
from orchestrator.scheduler.assist.model import Ask
from orchestrator.scheduler.assist.run import NotUsable, Run, Wish, mapping_of, target_of
from orchestrator.scheduler.assist.targets import TargetError
from orchestrator.scheduler.in_force import settings_in_force
from orchestrator.scheduler.show import Zone
from orchestrator.settings import Settings

PROG = "livetiming-schedule assist"
DAYS, LONGEST_DAYS = 60, 366
EXAMPLES = [
    (f"{PROG} --dry-run", "what would be done; changes nothing"),
    (PROG, "do it, and ask for each ? in the mapping's options"),
    (f"{PROG} --non-interactive", "for cron: what has to be asked for is left out (exit 1)"),
    (f"{PROG} --example > assist.toml", "a mapping to begin with"),
]
_TEXT = (
    "Copies the events of the calendar at CALENDAR_SOURCE_URL whose title begins with a [TAG] into ours, as the"
    " mapping (LIVETIMING_ASSIST_MAPPING) says, and follows their changes. What is not a copy is never touched."
)


def add_parser(commands: Any) -> None:
    """Add `assist` to the subcommands of livetiming-schedule; its `run` gives the exit code."""
    made = parser("", _TEXT, EXAMPLES)
    command = commands.add_parser(
        "assist",
        help="copy the tagged events of another calendar into ours",
        description=made.description,
        epilog=made.epilog,
        formatter_class=made.formatter_class,
    )
    _add_options(command)


def _add_options(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--days", type=whole(1, LONGEST_DAYS), default=DAYS, metavar="N", help=f"how far ahead to copy ({DAYS})")
    add("--dry-run", action="store_true", help="say what would be done, and change nothing")
    add("--non-interactive", action="store_true", help="ask nothing, at a terminal too")
    add("--ask-again", action="store_true", help="ask for what was answered before as well")
    add("--delete", action="store_true", help="remove copies whose source is gone or cancelled; else they are told")
    add("--json", action="store_true", help="the same for a program to read")
    add("--example", action="store_true", help="print a mapping to begin with, and do nothing else")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it; returns the exit code (0 done, 1 something failed or has to be seen to). Raises SettingError."""
    if options.example:
        print(files("orchestrator.scheduler.assist").joinpath("example.toml").read_text("utf-8"), end="")
        return EXIT_DONE
    settings = settings_in_force()
    if not settings.calendar.source_url:
        raise SettingError("CALENDAR_SOURCE_URL", "", "the address of the calendar to copy from")
    try:
        with ExitStack() as stack:
            if not options.dry_run:
                stack.callback(Lock("assist", settings.run_dir / "assist.lock").close)
            return _run(settings, options)
    except (AlreadyRunning, GoogleNotUsable, MemoryLost, NotUsable, TargetError) as error:
        if options.json:
            print(json.dumps({"error": str(error)}))
        say(f"{PROG}: {error}")
    return EXIT_WRONG


def _run(settings: Settings, options: argparse.Namespace) -> int:
    interactive = sys.stdin.isatty() and not options.non_interactive
    zone = Zone(settings.timezone)
    mapping = mapping_of(settings.calendar.mapping)
    memory = Memory.load(settings.state_dir / "assist.json")
    target = target_of(settings.calendar, say, write=not options.dry_run, interactive=interactive)

    def ask(question: Ask) -> tuple[str, ...] | None:
        return asked(question, zone.tell(question.event.start)) if interactive else None

    job = Run(settings.calendar, memory, target, _progress, ask)
    wish = Wish(options.days, options.delete, options.dry_run, options.ask_again)
    outcomes: list[told.Outcome] = []
    stopped = False
    try:
        for outcome in job.outcomes(mapping, wish):
            outcomes.append(outcome)
            if not options.json:
                print(told.line(outcome, zone), flush=True)
    except KeyboardInterrupt:
        say(f"\n{PROG}: what was done stays; run it again for the rest")
        stopped = True
    if options.json:
        print(json.dumps(told.as_json(outcomes, job.same, zone, dry_run=options.dry_run)))
    say(f"{told.summary(outcomes, job.same, dry_run=options.dry_run)} (times: {zone.name(time.time())})")
    return EXIT_WRONG if stopped or any(outcome.wrong for outcome in outcomes) else EXIT_DONE


def _progress(what: str) -> None:
    """At a terminal, where somebody waits."""
    if sys.stderr.isatty():
        say(f"{what} …")


def main(argv: Sequence[str] | None = None) -> int:
    """The command by itself."""
    command = parser(PROG, _TEXT, EXAMPLES)
    _add_options(command)
    options = command.parse_args(argv)
    return guarded(lambda: run(options))


if __name__ == "__main__":
    sys.exit(main())
