"""`livetiming-schedule`: what the calendar asks for, whether it is right, and what will come of it."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from livetiming.commandline import EXIT_DONE, EXIT_WRONG, guarded, parser, say
from livetiming.ranges import whole
from orchestrator.scheduler import show
from orchestrator.scheduler.agenda import agenda, in_the_way, span, standing
from orchestrator.scheduler.assist.cli import add_parser as add_assist
from orchestrator.scheduler.calendar import MARGIN_SECONDS
from orchestrator.scheduler.current import (
    STDIN,
    Current,
    NothingToRead,
    Window,
    demand_calendar,
    read_current,
    read_file,
)
from orchestrator.scheduler.in_force import settings_in_force
from orchestrator.scheduler.plan import Buffers, plan, runs_of
from orchestrator.scheduler.programs import Programs
from orchestrator.scheduler.reconcile import Actual
from orchestrator.scheduler.report import report
from orchestrator.scheduler.sync import NotSynced, sync
from orchestrator.settings import Settings
from orchestrator.status import PIPE_WIDTH
from orchestrator.supervision import SupervisionError, Supervisord

PROG = "livetiming-schedule"
CHECK_DAYS, LIST_DAYS, NEXT_DAYS = 28, 14, 2
LONGEST_DAYS = 366
EXAMPLES = [
    (f"{PROG} check", "is every event of the next four weeks right? exit 1 if one is not"),
    (f"{PROG} check --file new.ics", "the same for a file that is not in use yet"),
    (f"{PROG} list --days 3", "the events of three days"),
    (f"{PROG} next", "what will start and stop, and why; how what is on does"),
    (f"{PROG} sync", "have the scheduler read the calendar now"),
]

_Run = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 something is wrong, 2 used wrongly)."""
    options = _parser().parse_args(argv)
    return guarded(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    run: _Run = options.run
    try:
        return run(options)
    except (NothingToRead, NotSynced) as error:
        if getattr(options, "json", False):
            print(json.dumps({"error": str(error)}))
        say(f"{PROG}: {error}")
    except KeyboardInterrupt:
        say("")
    return EXIT_WRONG


def _parser() -> argparse.ArgumentParser:
    top = parser(PROG, "Checks and shows the schedule, and keeps it in step with the calendar.", EXAMPLES)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    check = _command(commands, "check", _check, "is every coming event right? one line for each finding", CHECK_DAYS)
    check.add_argument("--file", metavar="FILE", help=f"check this file ({STDIN} for standard input), not the calendar")
    _command(commands, "list", _list, "the events that are on or to come", LIST_DAYS)
    _command(commands, "next", _next, "what will start and stop when, and why; how what is on does", NEXT_DAYS)
    add_assist(commands)
    _command(commands, "sync", _sync, "have the running scheduler read the calendar now; says what came of it", None)
    return top


def _command(commands: Any, name: str, run: _Run, what: str, days: int | None) -> argparse.ArgumentParser:
    examples = [example for example in EXAMPLES if f" {name}" in example[0]]
    made = parser("", what[0].upper() + what[1:] + ".", examples)
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=what, description=made.description, epilog=made.epilog, formatter_class=made.formatter_class
    )
    command.set_defaults(run=run)
    if days is not None:
        command.add_argument(
            "--days", type=whole(1, LONGEST_DAYS), default=days, metavar="N", help=f"how far ahead ({days})"
        )
    command.add_argument("--json", action="store_true", help="the same for a program to read")
    return command


# -- the commands


def _check(options: argparse.Namespace) -> int:
    settings = settings_in_force()
    zone, now = show.Zone(settings.timezone), time.time()
    current = _read(settings, Window(now, 0.0, options.days), options.file)
    made = report(current.calendar.sessions, current.calendar.findings, _buffers(settings), zone.tell)
    if options.json:
        _print_json(
            current,
            zone,
            now,
            checked=made.checked,
            wrong=made.wrong,
            findings=[show.finding_json(finding, zone) for finding in made.findings],
        )
    else:
        for finding in made.findings:
            print(show.finding_line(finding, zone))
        amount = f"; to be changed: {made.wrong}" if made.wrong else "; all are right" if made.checked else ""
        say(f"events checked: {made.checked}, of the next {options.days} days (times: {zone.name(now)}){amount}")
    return EXIT_WRONG if made.wrong or current.trouble else EXIT_DONE


def _list(options: argparse.Namespace) -> int:
    settings = settings_in_force()
    zone, now = show.Zone(settings.timezone), time.time()
    current = _read(settings, Window(now, 0.0, options.days))
    sessions = sorted(current.calendar.sessions, key=lambda session: (session.start, session.instance))
    if options.json:
        _print_json(current, zone, now, events=[show.session_json(session, zone) for session in sessions])
    else:
        _print_table(show.session_table(sessions, zone))
        say(f"events of the next {options.days} days: {len(sessions)} (times: {zone.name(now)})")
        _tell_wrong(current)
    return EXIT_WRONG if current.trouble else EXIT_DONE


def _next(options: argparse.Namespace) -> int:
    settings = settings_in_force()
    zone, now, buffers = show.Zone(settings.timezone), time.time(), _buffers(settings)
    until = now + options.days * 86400
    ahead = options.days + buffers.start / 86400  # what begins by then has to be known
    current = _read(settings, Window(now, buffers.end + MARGIN_SECONDS, ahead))
    sessions = current.calendar.sessions
    actual = _actual(settings)
    standings = [] if actual is None else standing(plan(sessions, now, buffers).desired, actual)
    entries = agenda(*runs_of(sessions, buffers), buffers, now, until)
    blocked = sorted(in_the_way((entry.session for entry in entries), actual or {}))
    if options.json:
        _print_json(
            current,
            zone,
            now,
            running=actual is not None,
            on=[show.standing_json(item) for item in standings],
            coming=[show.entry_json(entry, zone) for entry in entries],
            blocked=blocked,
        )
    else:
        if standings:
            _print_table(show.standing_table(standings))
            print()
        if entries:
            _print_table(show.entry_table(entries, zone))
        nothing = "" if entries else "nothing starts or stops in "
        say(f"{nothing}the next {span(options.days * 86400)} (times: {zone.name(now)})")
        for program in blocked:
            say(f"{PROG}: a person runs {program}: its events wait for the end of that")
        _tell_wrong(current)
    if actual is None:
        say(f"{PROG}: the system does not run in {settings.home}: nothing of this will happen until livetiming up")
    return EXIT_WRONG if current.trouble or not all(item.well for item in standings) else EXIT_DONE


def _sync(options: argparse.Namespace) -> int:
    settings = settings_in_force()
    demand_calendar(settings)
    _progress("waiting for the scheduler")
    status = sync(settings)
    zone = show.Zone(settings.timezone)
    if options.json:
        told = {"read_at": status.read_at, "read_at_local": zone.iso(status.read_at)}
        print(json.dumps({**told, "sessions": status.sessions, "outage": status.outage}))
    elif status.outage is None:
        print(f"read at {zone.tell(status.read_at)}: {status.sessions} sessions")
    else:
        last = "never" if status.read_at is None else zone.tell(status.read_at)
        say(f"{PROG}: {status.outage}; it was read last: {last}")
    return EXIT_DONE if status.outage is None else EXIT_WRONG


# -- what they share


def _read(settings: Settings, window: Window, file: str | None = None) -> Current:
    _progress("reading the calendar")
    current = read_current(settings, window) if file is None else read_file(file, window)
    if current.trouble:
        say(f"{PROG}: {current.trouble}")
    return current


def _progress(what: str) -> None:
    """At a terminal, where somebody waits."""
    if sys.stderr.isatty():
        say(f"{what} …")


def _buffers(settings: Settings) -> Buffers:
    return Buffers(settings.start_buffer, settings.end_buffer)


def _actual(settings: Settings) -> dict[str, Actual] | None:
    """What runs; None where the system does not."""
    host = Supervisord(settings.run_dir, settings.log_dir)
    try:
        return Programs(host, settings.place.jobs_dir, lambda *_: None).actual()
    except SupervisionError:
        return None


def _tell_wrong(current: Current) -> None:
    if wrong := sum(finding.wrong for finding in current.calendar.findings):
        say(f"{PROG}: events that cannot be scheduled as they are: {wrong} (see {PROG} check)")


def _print_table(table: Table) -> None:
    width = None if sys.stdout.isatty() else 2 * PIPE_WIDTH
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


def _print_json(current: Current, zone: show.Zone, now: float, **what: Any) -> None:
    source = {"from": current.origin, "trouble": current.trouble or None}
    print(json.dumps({"zone": zone.name(now), "read": source, **what}))


if __name__ == "__main__":
    sys.exit(main())
