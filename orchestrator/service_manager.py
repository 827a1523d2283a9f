"""`livetiming-service-manager`: timing services started, stopped and looked at by a person at the machine."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, EXIT_WRONG, guarded, parser, say
from livetiming.service.checking import RefusedOption, checked_options, tried
from livetiming.service.discovery import BrokenPlugin, UnknownPlugin, plugin, plugins
from livetiming.service.options import host_parser
from livetiming.times import format_clock
from orchestrator import manual
from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.scheduler.programs import PREFIX
from orchestrator.service_control import ManagerError, NotThere, ServiceControl
from orchestrator.settings import Settings
from orchestrator.status import PIPE_WIDTH
from orchestrator.supervision import SupervisionError, Supervisord

PROG = "livetiming-service-manager"
FRESH = "--fresh"
_NOT_HERE = {  # options of the host that make no sense under supervisord, and why
    "standalone": f"is not for {PROG}: run livetiming-service yourself for that",
    "t71": f"is not for {PROG}: run livetiming-service yourself for that",
    "job": f"is not for {PROG}: it writes the job itself",
}
EXAMPLES = [
    (f'{PROG} start rmonitor -d "Club race" --host 192.0.2.7', "start it; prints its uuid"),
    (f"{PROG} status rmonitor", "exit 0 if it runs, 1 if not"),
    (f"{PROG} restart rmonitor", "the same service, from its last state"),
    (f"{PROG} stop rmonitor", "last state out, goodbye"),
    (f"{PROG} list", "what there is, and whose"),
]
_ACTIONS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "start": (
        "start a service; its options are those of livetiming-service",
        [
            EXAMPLES[0],
            (f"{PROG} start rmonitor --help", "the options there are"),
            (f"{PROG} start simulated -H", "hidden"),
        ],
    ),
    "stop": (
        "end a service; one that runs for an event is over for that event",
        [EXAMPLES[3]],
    ),
    "restart": (
        "start a service once more, as itself; with options, with these instead (not for the scheduler's)",
        [EXAMPLES[2], (f"{PROG} restart {FRESH} rmonitor", "a new uuid, and none of the old state")],
    ),
    "status": (
        "how a service does, or all; exit 0 if it runs (all that should), 1 if not",
        [EXAMPLES[1], (f"{PROG} status --json", "all, for a program to read")],
    ),
    "list": ("all services, and whose they are", [EXAMPLES[4]]),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done or running, 1 something is wrong, 2 used wrongly)."""
    options = _parser().parse_args(argv)
    return guarded(lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    run: Callable[[ServiceControl, argparse.Namespace], int] = options.run
    if getattr(options, "service_class", None):
        options.service_class = options.service_class.removeprefix(PREFIX)  # as `livetiming status` has it
    if {"-h", "--help"} & {*getattr(options, "options", [])}:
        host_parser(options.service_class).print_help()
        return EXIT_DONE
    settings = Settings.load()
    supervisord = Supervisord(settings.run_dir, settings.log_dir)
    try:
        supervisord.pid()
    except SupervisionError:
        if getattr(options, "json", False):
            _print_json(running=False, services=[])
        say(f"{PROG}: the system does not run in {settings.home}: start it with livetiming up")
        return EXIT_WRONG
    try:
        return run(ServiceControl(supervisord, settings.place), options)
    except (UnknownPlugin, RefusedOption) as error:
        say(f"{PROG}: {error}")
        return EXIT_USAGE
    except (BrokenPlugin, ManagerError, SupervisionError) as error:
        say(f"{PROG}: {error}")
        return EXIT_WRONG
    except KeyboardInterrupt:
        say(f"{PROG}: waiting no longer; what was begun goes on (see {PROG} status)")
        return EXIT_WRONG


def _parser() -> argparse.ArgumentParser:
    top = parser(PROG, "Starts, stops and shows timing services by hand, beside those of the calendar.", EXAMPLES)
    actions = top.add_subparsers(required=True, metavar="ACTION")
    runs = {"start": _start, "stop": _stop, "restart": _restart, "status": _status, "list": _list}
    for name, (what, examples) in _ACTIONS.items():
        made = parser("", what[0].upper() + what[1:] + ".", examples)
        action = actions.add_parser(
            name, help=what, description=made.description, epilog=made.epilog, formatter_class=made.formatter_class
        )
        action.set_defaults(run=runs[name])
        if name == "restart":
            action.add_argument(FRESH, action="store_true", help="as a new service: new uuid, none of the old state")
        if name != "list":
            classes: Any = action.add_argument(
                "service_class", metavar="CLASS", nargs="?" if name == "status" else None, help="the plugin's name"
            )
            classes.completer = lambda **_: plugins()
        if name in ("start", "restart"):
            action.add_argument(
                "options",
                nargs=argparse.REMAINDER,
                help=f"what else the service is told (see {PROG} start CLASS --help)",
            )
        if name in ("status", "list"):
            action.add_argument("--json", action="store_true", help="the same for a program to read")
    return top


# -- the actions


def _start(control: ServiceControl, options: argparse.Namespace) -> int:
    args = checked(options.service_class, options.options, control.base)
    started = control.start(options.service_class, options.options, args)
    say(f"{options.service_class} runs" + (f"; {started.note}" if started.note else ""))
    print(started.job.uuid)
    return EXIT_DONE


def _restart(control: ServiceControl, options: argparse.Namespace) -> int:
    fresh = options.fresh or FRESH in options.options
    words = [word for word in options.options if word != FRESH]
    _known(control, options.service_class)
    args = checked(options.service_class, words, control.base) if words else None
    if args is not None and (args.initial_state or args.uuid):
        raise RefusedOption(f"-s and --uuid are for a start: stop {options.service_class} first")
    started = control.restart(options.service_class, fresh=fresh, instead=(words, args) if args is not None else None)
    say(f"{options.service_class} runs again" + (f"; {started.note}" if started.note else ""))
    print(started.job.uuid)
    return EXIT_DONE


def _stop(control: ServiceControl, options: argparse.Namespace) -> int:
    name = options.service_class
    _known(control, name)
    try:
        was = control.stop(name)
    except NotThere:
        say(f"{name} does not run")
        return EXIT_DONE
    again = "" if was.owner == manual.PERSON else f": over for its event, unless you say {PROG} restart {name}"
    say(f"{name} has ended{again}")
    return EXIT_DONE


def _status(control: ServiceControl, options: argparse.Namespace) -> int:
    if options.service_class is None:
        services = control.services()
        _show(services, options, full=True)
        return EXIT_WRONG if any(service.wrong for service in services) else EXIT_DONE
    _known(control, options.service_class)
    service = control.service(options.service_class)
    if service is None and not options.json:
        say(f"{options.service_class} does not run")
    else:
        _show([] if service is None else [service], options, full=True)
    return EXIT_DONE if service is not None and service.running else EXIT_WRONG


def _list(control: ServiceControl, options: argparse.Namespace) -> int:
    _show(control.services(), options, full=False)
    return EXIT_DONE


def _known(control: ServiceControl, service_class: str) -> None:
    """UnknownPlugin for a class that is neither installed nor running."""
    installed = plugins()
    if service_class not in installed:
        running = [service.service_class for service in control.services()]
        if service_class not in running:
            raise UnknownPlugin(service_class, get_close_matches(service_class, {*installed, *running}, n=3))


# -- options


def checked(service_class: str, options: Sequence[str], base: Path) -> argparse.Namespace:
    """What `options` say to the host, after the plugin's own parser has tried the others. `base` is where it will run.

    Raises UnknownPlugin, BrokenPlugin, or RefusedOption.
    """
    plugin(service_class)
    args, its_args = checked_options(service_class, options, _NOT_HERE)
    without = manual.without_initial_state(options)
    if tried(host_parser(None), [service_class, *without])[0].initial_state is not None:
        raise RefusedOption("write -s FILE by itself, apart from other letters")
    _check_texts(without, base)
    _check_paths(vars(its_args).values(), base)
    return args


def _check_texts(words: Iterable[str], base: Path) -> None:
    """RefusedOption for what a job file cannot hold, and for a file here that means another one in `base`."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise RefusedOption(f"{word!r} is no text") from None
        file = Path(word.partition("=")[2] if word.startswith("--") else word)
        if file.is_file():
            _check_paths([file], base)


def _check_paths(values: Iterable[object], base: Path) -> None:
    """RefusedOption for a path that would mean another one in `base`."""
    for path in values:
        if isinstance(path, Path) and not path.is_absolute() and Path.cwd() != base.resolve():
            raise RefusedOption(f"the service will run in {base}: say {path.absolute()} instead of {path}")


# -- what is shown


def _show(services: Sequence[manual.Service], options: argparse.Namespace, *, full: bool) -> None:
    if options.json:
        _print_json(running=True, services=[{**asdict(service), "wrong": service.wrong} for service in services])
        return
    headings = ["CLASS", "STATE", "OWNER", "DESCRIPTION"]
    if full:
        headings = ["CLASS", "STATE", "UPTIME", "PID", "OWNER", "UUID", "DESCRIPTION", "OPTIONS", "NOTE"]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("UPTIME", "PID") else "left", overflow="fold")
    for service in services:
        cells = {
            "CLASS": service.service_class,
            "STATE": service.state,
            "UPTIME": "" if service.uptime is None else format_clock(service.uptime),
            "PID": str(service.pid or ""),
            "OWNER": service.owner,
            "UUID": service.uuid,
            "DESCRIPTION": clean(service.description, LINE_LIMIT),
            "OPTIONS": clean(" ".join(service.options), LINE_LIMIT),
            "NOTE": clean(service.note, LINE_LIMIT),
        }
        style = "bold red" if service.wrong else None if service.running else "dim"
        table.add_row(*(cells[heading] for heading in headings), style=style)
    width = None if sys.stdout.isatty() else 2 * PIPE_WIDTH
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


def _print_json(*, running: bool, services: list[dict[str, Any]]) -> None:
    print(json.dumps({"running": running, "services": services}))


if __name__ == "__main__":
    sys.exit(main())
