"""Options that are tried before a service is started with them: an event's, or those of a person's service."""

import argparse
from collections.abc import Mapping, Sequence
from typing import NoReturn

from livetiming.service.discovery import plugin, plugins
from livetiming.service.options import declared_parser, host_parser

_NOT_FOR_CALENDARS = ("initial_state", "uuid", "job", "recording_file", "standalone", "t71", "debug")
_PERSONAL = "is not for calendars: leave it out"


class RefusedOption(ValueError):
    """The options cannot be used as they are: the event's title, or the command line, has to be changed."""


def check_calendar_options(service_class: str, options: Sequence[str]) -> argparse.Namespace:
    """The host's options among an event's; RefusedOption for those that only a person at the machine may use."""
    personal = getattr(plugin(service_class), "not_for_calendars", ()) if service_class in plugins() else ()
    return checked_options(service_class, options, dict.fromkeys((*_NOT_FOR_CALENDARS, *personal), _PERSONAL))[0]


def checked_options(
    service_class: str, options: Sequence[str], refused: Mapping[str, str]
) -> tuple[argparse.Namespace, argparse.Namespace]:
    """What `options` say to the host, and to the plugin, where that declares a parser.

    Raises RefusedOption for what neither parser takes, and for the options `refused` (argparse's dest → why).
    """
    if "--" in options:
        raise RefusedOption("-- has no meaning here: leave it out")
    host = host_parser(None)
    args, others = tried(host, [service_class, *options])
    _refuse(host, args, refused)
    own = declared_parser(service_class)
    if own is None:
        return args, argparse.Namespace()
    its_args, unknown = tried(own, others)
    if unknown:
        raise RefusedOption(f"{service_class} does not know {' '.join(unknown)[:80]}")
    _refuse(own, its_args, refused)
    return args, its_args


def tried(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What `parser` makes of `words`, and what it does not know; RefusedOption where argparse would end the process."""
    parser.error = _refused  # type: ignore[method-assign]
    try:
        return parser.parse_known_args(words)
    except SystemExit:  # --help, --version
        raise RefusedOption("what only tells something (--help) starts no service: leave it out") from None


def _refuse(parser: argparse.ArgumentParser, args: argparse.Namespace, refused: Mapping[str, str]) -> None:
    for name, why in refused.items():
        if getattr(args, name, None) != parser.get_default(name):
            raise RefusedOption(f"--{name.replace('_', '-')} {why}")


def _refused(message: str) -> NoReturn:
    raise RefusedOption(message)
