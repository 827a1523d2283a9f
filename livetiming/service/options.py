"""The options that every service has, and which of them an event in a calendar may use."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from livetiming.commandline import parser, say
from livetiming.network import is_uuid
from livetiming.service.discovery import BrokenPlugin, plugin, plugins

EXAMPLES = [
    ("livetiming-service rmonitor --host 192.0.2.7 --port 50000", "time what an RMonitor server sends"),
    ('livetiming-service rmonitor -d "Club race 3" -H --host …', "under a name of your own, left out of listings"),
    ("livetiming-service rmonitor --help", "with the plugin's own options"),
]

_REFUSED_ANYWAY = ("recording_file", "standalone", "debug")  # of the field's hosts; ours has none of them yet
_NOT_FOR_CALENDARS = ("initial_state", "uuid", "job", *_REFUSED_ANYWAY)


class RefusedOption(ValueError):
    """An event's options cannot be used; the event's title has to be changed."""


def host_parser(service_class: str | None) -> argparse.ArgumentParser:
    """The host's parser. Its help ends with the options of `service_class`, where that plugin declares them."""
    host = parser("livetiming-service", "Runs one timing service: turns its feed into the universal format.", EXAMPLES)
    host.add_argument("service_class", nargs="?", metavar="CLASS", help=f"one of: {', '.join(plugins())}")
    host.add_argument("-d", "--description", metavar="TEXT", help="what is timed, instead of what the feed says")
    host.add_argument("-H", "--hidden", action="store_true", help="leave it out of listings")
    host.add_argument("-m", "--masquerade", metavar="CLASS", help="be listed as another class")
    host.add_argument("-N", "--do-not-record", action="store_true", help="ask the recorder to throw it away")
    host.add_argument("-s", "--initial-state", type=Path, metavar="FILE", help="go on from this state, and its uuid")
    host.add_argument("--uuid", type=_uuid, help="be this service (32 hexadecimal digits), instead of a new one")
    host.add_argument("--no-write-state", action="store_true", help="keep no state to go on from")
    host.add_argument("--job", type=Path, metavar="FILE", help="take all of this from a file of the scheduler")
    host.add_argument("-v", "--verbose", action="store_true", help="log more")
    # not options of this version, but plugins may look at them
    host.set_defaults(debug=False, disable_analysis=False, recording_file=None, standalone=False)
    own = _plugin_parser(service_class)
    if own is not None:
        options = own.format_help().partition("\n\n")[2]
        host.epilog = f"options of {service_class}:\n\n{options}\n{host.epilog}"
    return host


def _plugin_parser(service_class: str | None) -> argparse.ArgumentParser | None:
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


def check_calendar_options(service_class: str, options: Sequence[str]) -> argparse.Namespace:
    """The host's options among an event's; RefusedOption for those that only a person at the machine may use.

    The rest is tried with the plugin's own parser, where it declares one.
    """
    if "--" in options:
        raise RefusedOption("-- has no meaning in a calendar: leave it out")
    host = host_parser(None)
    host.add_argument("-r", "--recording-file", nargs="?", const=True)
    for name in ("--standalone", "--debug"):
        host.add_argument(name, action="store_true")
    args, extra = _tried(host, [service_class, *options])
    for name in _NOT_FOR_CALENDARS:
        if getattr(args, name):
            raise RefusedOption(f"--{name.replace('_', '-')} is not for calendars: leave it out")
    own = _plugin_parser(service_class)
    if own is not None:
        _, unknown = _tried(own, extra)
        if unknown:
            raise RefusedOption(f"{service_class} does not know {' '.join(unknown)[:80]}")
    return args


def _tried(parser: argparse.ArgumentParser, words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser.error = _refuse  # type: ignore[method-assign]  # argparse would end the process
    try:
        return parser.parse_known_args(words)
    except SystemExit:  # --help
        raise RefusedOption("--help starts no service: leave it out") from None


def _refuse(message: str) -> NoReturn:
    raise RefusedOption(message)
