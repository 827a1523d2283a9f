"""Options that are tried before a service is started with them: an event's, or those of a person's service."""

import argparse
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from livetiming.service.discovery import BrokenPlugin, plugin, plugins
from livetiming.service.options import declared_parser, host_parser

_NOT_FOR_CALENDARS = ("initial_state", "uuid", "job", "recording_file", "standalone", "t71", "debug")
_NOT_HERE = "is not for calendars"
_LEAVE_OUT = "leave it out"
_DASHES = "‐‑‒–—―−"  # what keyboards of telephones make of --
_QUOTES = "“”„‘’‚«»"
_SHOWN = 80  # characters


class RefusedOption(ValueError):
    """The options cannot be used as they are: the event's title, or the command line, has to be changed."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what}: {advice}" if advice else what)
        self.what, self.advice = what, advice


@dataclass(frozen=True)
class CheckedOptions:
    """What an event's options say to the host, and how far they could be checked."""

    hidden: bool
    masquerade: str | None
    unchecked: tuple[str, ...] = ()  # what is for the plugin, which declares no parser or cannot be asked
    broken: str = ""  # why the plugin cannot be used, if it cannot


@dataclass(frozen=True)
class Declared:
    """What a plugin says about its options."""

    parser: argparse.ArgumentParser | None
    personal: tuple[str, ...] = ()  # argparse's dest of those that are not for calendars
    broken: str = ""


def declared(service_class: str) -> Declared:
    """What the plugin says, which is imported for that; nothing where there is none of that name."""
    if service_class not in plugins():
        return Declared(None)
    try:
        service = plugin(service_class)
    except BrokenPlugin as error:
        return Declared(None, broken=error.why)
    if not hasattr(service, "argument_parser"):
        return Declared(None)
    try:
        return Declared(service.argument_parser(), tuple(getattr(service, "not_for_calendars", ())))
    except Exception as error:  # the plugin's own
        return Declared(None, broken=f"its options cannot be asked for ({type(error).__name__}: {error})")


class CalendarCheck:
    """Checks the options of a calendar's events: each plugin is asked once, each wording is tried once."""

    def __init__(self, ask: Callable[[str], Declared] = declared) -> None:
        self._ask = ask
        self._host = host_parser(None)
        self._declared: dict[str, Declared] = {}
        self._checked: dict[tuple[str, tuple[str, ...]], CheckedOptions | RefusedOption] = {}

    def __call__(self, service_class: str, options: Sequence[str]) -> CheckedOptions:
        """RefusedOption for what neither parser takes, and for what only a person at the machine may use."""
        key = service_class, tuple(options)
        if key not in self._checked:
            try:
                self._checked[key] = self._check(*key)
            except RefusedOption as error:
                self._checked[key] = error
        checked = self._checked[key]
        if isinstance(checked, RefusedOption):
            raise RefusedOption(checked.what, checked.advice)
        return checked

    def _check(self, service_class: str, options: tuple[str, ...]) -> CheckedOptions:
        args, others = _host_options(self._host, service_class, options)
        _refuse(self._host, args, dict.fromkeys(_NOT_FOR_CALENDARS, _NOT_HERE))
        if service_class not in self._declared:
            self._declared[service_class] = self._ask(service_class)
        own = self._declared[service_class]
        if own.parser is None:
            return CheckedOptions(args.hidden, args.masquerade, tuple(others), own.broken)
        try:
            personal = (*_NOT_FOR_CALENDARS, *own.personal)
            its_args = _own_options(own.parser, self._host, service_class, others, personal)
        except RefusedOption:
            raise
        except Exception as error:  # the plugin's own, and no reason to let the others down
            why = f"its options cannot be checked ({type(error).__name__}: {error})"
            return CheckedOptions(args.hidden, args.masquerade, tuple(others), why)
        _refuse(own.parser, its_args, dict.fromkeys(own.personal, _NOT_HERE))
        return CheckedOptions(args.hidden, args.masquerade)


def check_calendar_options(service_class: str, options: Sequence[str]) -> CheckedOptions:
    """What an event's options say; RefusedOption for those that cannot be used, or not from a calendar."""
    return CalendarCheck()(service_class, options)


def checked_options(
    service_class: str, options: Sequence[str], refused: Mapping[str, str]
) -> tuple[argparse.Namespace, argparse.Namespace]:
    """What `options` say to the host, and to the plugin, where that declares a parser.

    Raises RefusedOption for what neither parser takes, and for the options `refused` (argparse's dest → why).
    """
    host = host_parser(None)
    args, others = _host_options(host, service_class, options)
    _refuse(host, args, refused, advice="")
    own = declared_parser(service_class)
    if own is None:
        return args, argparse.Namespace()
    its_args = _own_options(own, host, service_class, others, refused)
    _refuse(own, its_args, refused, advice="")
    return args, its_args


def _host_options(
    host: argparse.ArgumentParser, service_class: str, options: Sequence[str]
) -> tuple[argparse.Namespace, list[str]]:
    if "--" in options:
        raise RefusedOption("-- has no meaning here", _LEAVE_OUT)
    return tried(host, [service_class, *options])


def _own_options(
    own: argparse.ArgumentParser,
    host: argparse.ArgumentParser,
    service_class: str,
    words: Sequence[str],
    refused: Collection[str],
) -> argparse.Namespace:
    """RefusedOption names the nearest option that is not among `refused`."""
    try:
        args, unknown = tried(own, words)
    except RefusedOption as error:
        missing = "add what is missing" if "required" in error.what else ""
        raise RefusedOption(error.what, error.advice or _typographic(words) or missing) from None
    if unknown:
        shown = " ".join(unknown)[:_SHOWN]
        advice = _typographic(unknown) or _nearest(unknown[0], [*_names(own, refused), *_names(host, refused)])
        raise RefusedOption(f"{service_class} does not know {shown}", advice)
    return args


def _names(parser: argparse.ArgumentParser, refused: Collection[str]) -> list[str]:
    return [name for action in parser._actions if action.dest not in refused for name in action.option_strings]


def _nearest(word: str, names: Sequence[str]) -> str:
    option = word.partition("=")[0]
    if not option.startswith("-"):
        return "put a value that has spaces in quotes, and leave out what is none"
    near = get_close_matches(option, [name for name in names if name.startswith("--")], n=1)
    return f"did you mean {near[0]}?" if near else _LEAVE_OUT


def _typographic(words: Sequence[str]) -> str:
    """What to type instead, where the calendar's app has made something else of plain characters."""
    if any(word[:1] in _DASHES for word in words if word):
        return "type two hyphens (--): the calendar's app has made a dash of them"
    if any(word[:1] in _QUOTES for word in words if word):
        return "type straight quotes (\" or '): the calendar's app has made others of them"
    return ""


def tried(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What `parser` makes of `words`, and what it does not know; RefusedOption where argparse would end the process."""
    parser.error = _refused  # type: ignore[method-assign]
    try:
        return parser.parse_known_args(words)
    except SystemExit:  # --help, --version
        raise RefusedOption("what only tells something (--help) starts no service", _LEAVE_OUT) from None


def _refuse(
    parser: argparse.ArgumentParser, args: argparse.Namespace, refused: Mapping[str, str], advice: str = _LEAVE_OUT
) -> None:
    for name, why in refused.items():
        if getattr(args, name, None) != parser.get_default(name):
            raise RefusedOption(f"--{name.replace('_', '-')} {why}", advice)


def _refused(message: str) -> NoReturn:
    raise RefusedOption(message)
