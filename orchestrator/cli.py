"""The command `livetiming`: run the system, look at it, end it."""

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, EXIT_WRONG, guarded, parser, say
from orchestrator.settings import Settings

EXAMPLES = [
    ("livetiming up --demo", "the whole system with a simulated race, in this terminal"),
    ("livetiming up --detach", "the whole system in the background"),
    ("livetiming status", "every program: state, uptime, last sign of life, memory"),
    ("livetiming watch", "what is on the air; with a class or uuid, its live timing screen"),
    ("livetiming logs scheduler -f", "follow what the scheduler says"),
    ("livetiming ctl tail -f service-rmonitor", "any supervisorctl command, with our configuration"),
]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 something is wrong, 2 used wrongly)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["ctl"]:  # everything behind it is supervisorctl's, --help too
        return guarded(lambda: _ctl(arguments[1:]))
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    return guarded(lambda: run(options))


def _parser() -> argparse.ArgumentParser:
    top = parser("livetiming", "Runs live timing services by the calendar, records them, and shows them.", EXAMPLES)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="run everything until Ctrl-C (or, with --detach, until `livetiming down`)")
    up.add_argument("--demo", action="store_true", help="add a simulated feed and a calendar that uses it")
    up.add_argument("--feed", type=Path, metavar="FILE", help="with --demo: play this RMonitor capture instead")
    up.add_argument(
        "--calendar-server",
        action="store_true",
        help="with --demo: a CalDAV server for that calendar, to be edited by a calendar app (on this machine only)",
    )
    up.add_argument("--detach", action="store_true", help="return as soon as everything runs")
    up.set_defaults(run=_up)

    commands.add_parser("down", help="end everything, in order").set_defaults(run=_down)

    status = commands.add_parser("status", help="a table of every program; exit 1 if one that should run does not")
    status.add_argument("--json", action="store_true", help="the same for a program to read")
    status.set_defaults(run=_status)

    watch = commands.add_parser("watch", help="the live timing screen in this terminal")
    watch.add_argument("service", nargs="?", metavar="UUID|CLASS", help="which service; without: the list of all")
    watch.add_argument("--once", action="store_true", help="print one screen and exit")
    watch.add_argument("--json", action="store_true", help="states as JSON lines (the list, without a service)")
    watch.set_defaults(run=_watch)

    logs = commands.add_parser("logs", help="what a program said")
    logs.add_argument("name", metavar="NAME", help="a program's name, as `livetiming status` shows it, or supervisord")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what it says from now on")
    logs.add_argument("-n", "--lines", type=int, default=50, help="how many lines to begin with (50)")
    logs.set_defaults(run=_logs)

    setup = commands.add_parser("setup-router", help="install Crossbar into an environment of its own (done once)")
    setup.set_defaults(run=_setup_router)

    commands.add_parser("ctl", help="supervisorctl with our configuration: livetiming ctl status", add_help=False)
    return top


def _up(options: argparse.Namespace) -> int:
    from orchestrator import demo, launch, preflight, router_setup

    if options.feed and not options.demo:
        say("livetiming: --feed plays a capture in the demo: use it with --demo")
        return EXIT_USAGE
    if options.calendar_server and not options.demo:
        say("livetiming: --calendar-server is for the demo's calendar: use it with --demo")
        return EXIT_USAGE
    settings = Settings.load()
    try:
        if options.detach:
            flags = [f"--{name}" for name in ("demo", "calendar-server") if getattr(options, name.replace("-", "_"))]
            feed = ["--feed", str(options.feed)] if options.feed else []
            return launch.up_detached(settings, [*flags, *feed], say)
        server = options.calendar_server
        extras = demo.extras(settings, options.feed, server=server) if options.demo else launch.Extras()
        return launch.up(settings, extras, say)
    except (preflight.PreflightError, router_setup.RouterSetupError) as error:
        say(f"livetiming: {error}")
        return EXIT_WRONG


def _down(_options: argparse.Namespace) -> int:
    from orchestrator import launch

    return launch.down(Settings.load(), say)


def _status(options: argparse.Namespace) -> int:
    from orchestrator.status import status

    return status(Settings.load(), as_json=options.json)


def _watch(options: argparse.Namespace) -> int:
    from orchestrator.watch import watch

    return watch(Settings.load(), options.service, once=options.once, as_json=options.json)


def _logs(options: argparse.Namespace) -> int:
    from orchestrator.logs import logs

    return logs(Settings.load(), options.name, follow=options.follow, lines=options.lines)


def _setup_router(_options: argparse.Namespace) -> int:
    from orchestrator import router_setup

    try:
        router_setup.install(Settings.load(), say)
    except router_setup.RouterSetupError as error:
        say(f"livetiming: {error}")
        return EXIT_WRONG
    return EXIT_DONE


def _ctl(arguments: list[str]) -> int:
    settings = Settings.load()
    configuration = settings.home / "supervisord.conf"
    if not configuration.is_file():
        say(f"livetiming: nothing has run in {settings.home} yet (start it with: livetiming up)")
        return EXIT_WRONG
    command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(configuration), *arguments]
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
