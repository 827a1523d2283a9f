"""The options that every service has, and which of them an event in a calendar may use."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from livetiming.commandline import complete, parser, say
from livetiming.jobs import Job
from livetiming.network import is_uuid
from livetiming.ranges import whole
from livetiming.service.discovery import BrokenPlugin, UnknownPlugin, plugin, plugins

EXAMPLES = [
    ("livetiming-service rmonitor --host 192.0.2.7 --port 50000", "time what an RMonitor server sends"),
    ('livetiming-service rmonitor -d "Club race 3" -H --host …', "under a name of your own, left out of listings"),
    ("livetiming-service rmonitor --help", "with the plugin's own options"),
]

T71_PORT = 24771  # Timing 71's clients know no other


def host_parser(service_class: str | None) -> argparse.ArgumentParser:
    """The host's parser. Its help ends with the options of `service_class`, where that plugin declares them."""
    host = parser("livetiming-service", "Runs one timing service: turns its feed into the universal format.", EXAMPLES)
    host.add_argument("service_class", nargs="?", metavar="CLASS", help=f"one of: {', '.join(plugins())}")
    add = host.add_argument
    add("-d", "--description", metavar="TEXT", help="what is timed, instead of what the feed says")
    add("-H", "--hidden", action="store_true", help="leave it out of listings")
    add("-m", "--masquerade", metavar="CLASS", help="be listed as another class")
    add("-N", "--do-not-record", action="store_true", help="ask the recorder to throw it away")
    add("--disable-analysis", action="store_true", help="make no analysis of the race")
    add(
        "-r",
        "--recording-file",
        nargs="?",
        const="",
        metavar="FILE",
        help="record it here as well, beside what the recorder does (UUID.zip)",
    )
    add("-s", "--initial-state", type=Path, metavar="FILE", help="go on from this state, its uuid and its analysis")
    add("--uuid", type=_uuid, help="be this service (32 hexadecimal digits), instead of a new one")
    add("--no-write-state", action="store_true", help="keep nothing to go on from")
    add("--standalone", action="store_true", help="be a WebSocket server, without any router")
    add(
        "--t71",
        nargs="?",
        type=whole(0, 65535),
        const=T71_PORT,
        metavar="PORT",
        help=f"the same, and serve Timing 71's clients too ({T71_PORT})",
    )
    add("--job", type=Path, metavar="FILE", help="take all of this from a file of the scheduler")
    add("-v", "--verbose", action="store_true", help="log to standard output, not to LIVETIMING_LOG_DIR/CLASS.log")
    add("--debug", action="store_true", help="log more")
    own = declared_parser(service_class)
    if own is not None:
        options = own.format_help().partition("\n\n")[2]
        host.epilog = f"options of {service_class}:\n\n{options}\n{host.epilog}"
    return host


def declared_parser(service_class: str | None) -> argparse.ArgumentParser | None:
    """The parser of the plugin's own options; None where it declares none, or cannot be asked."""
    if service_class not in plugins():
        return None
    try:
        own: argparse.ArgumentParser | None = plugin(str(service_class)).argument_parser()
    except (BrokenPlugin, AttributeError):  # said when it is run
        return None
    except Exception as error:  # the plugin's own, and no reason to let the others down
        say(f"the options of {service_class} cannot be checked: {error!r}")
        return None
    return own


def _uuid(text: str) -> str:
    if not is_uuid(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not 32 hexadecimal digits (0-9a-f)")
    return text


def parse_args(argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """The host's options on the command line `argv`, and those that it does not know, which are the plugin's.

    With `--job` they come from its file. Raises UnknownPlugin where there is no class, MalformedJob.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    host = host_parser(next((word for word in words if not word.startswith("-")), None))
    complete(host)
    args, extra = host.parse_known_args(words)
    args.event = ""
    if args.job is not None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the host reads the job once more when it can listen
        job = Job.read(args.job)
        path = args.job
        args, extra = host_parser(None).parse_known_args([job.service_class, *job.options])
        args.job, args.event, args.uuid = path, job.event, job.uuid
        args.description = job.description or args.description
    elif args.service_class is None:
        raise UnknownPlugin("", [])
    if args.initial_state is not None and args.uuid is None and not is_uuid(args.initial_state.stem):
        host.error(f"-s {args.initial_state}: its name is no uuid (32 hexadecimal digits .json): give --uuid as well")
    return args, extra
