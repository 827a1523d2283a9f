"""An event's title: `My series - free practice [awesome_race, --option foo]` is a name and a tag. Never raises."""

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from orchestrator.scheduler.findings import Kind

_GROUP = re.compile(r"\[([^\[\]]*)\]")
NAME_LIMIT = 300  # characters
TITLE_LIMIT = 10_000  # characters; a longer one is looked at no further
_CLASS = re.compile(r"[A-Za-z0-9_-]+")
_BETWEEN = re.compile(r"[\s-]+")
_HOW = "write [class] or [class, options]"
_SHOWN = 40  # characters


@dataclass(frozen=True)
class Tag:
    """What a title asks for: `name` is the title without the tag."""

    name: str
    service_class: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class TitleProblem:
    """Why a title with brackets asks for nothing: where (index in the title), what, and what to type instead."""

    title: str
    position: int
    what: str
    advice: str
    kind: Kind = Kind.TITLE  # or PLUGIN, where there is none of that name


def parse_title(title: str, known: Collection[str]) -> Tag | TitleProblem | None:
    """The tag in `title`; None without brackets. `known` are the classes that can be started.

    The last bracket group that parses and names a known class wins; without one, the last group's problem is told.
    """
    if len(title) > TITLE_LIMIT:
        what = f"a title of more than {TITLE_LIMIT} characters"
        return TitleProblem(title, TITLE_LIMIT, what, "shorten it") if "[" in title else None
    groups = list(_GROUP.finditer(title))
    for group in reversed(groups):
        if group[1].partition(",")[0].strip() in known:
            found = _tag(title, group)
            if isinstance(found, Tag) or group is groups[-1]:
                return found
    if groups:
        return _unknown(title, groups[-1], known)
    if "[" in title:
        return TitleProblem(title, title.rindex("["), "a bracket that is not closed", "end the tag with ]")
    return None


def _tag(title: str, group: re.Match[str]) -> Tag | TitleProblem:
    """A bracket group that names a known class."""
    service_class, _comma, options = group[1].partition(",")
    begin = group.end(1) - len(options)
    if "\0" in options:
        position = begin + options.index("\0")
        return TitleProblem(title, position, "options with a character that none can have", "remove it")
    opened = _open_quote(options)
    if opened is not None:
        what = f"options that do not parse: {options[opened]} at their end, or not closed"
        return TitleProblem(title, begin + opened, what, "close every quote; no option can hold a bracket")
    service_class = service_class.strip()
    name = _name(title[: group.start()] + " " + title[group.end() :])
    return Tag(name or service_class, service_class, tuple(shlex.split(options)))


def _open_quote(options: str) -> int | None:
    """Where a quote begins that does not end, or the \\ is that has nothing behind it."""
    quote, position, index = "", 0, 0
    while index < len(options):
        char = options[index]
        if char == "\\" and quote != "'":
            if index + 1 == len(options):
                return index
            index += 1
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote, position = char, index
        index += 1
    return position if quote else None


def _unknown(title: str, group: re.Match[str], known: Collection[str]) -> TitleProblem:
    """The last bracket group, which names no known class."""
    name = group[1].partition(",")[0].strip()
    position = group.start(1)
    if not name:
        return TitleProblem(title, position, "an empty tag", _HOW)
    first = name.split()[0].rstrip(";:.")
    if first in known and first != name:
        position += group[1].index(first) + len(first)
        return TitleProblem(title, position, f"no comma after {first!r}", f"write [{first}, options]")
    advice = _nearest(name, known)
    if _CLASS.fullmatch(name):
        advice = advice or f"there are: {', '.join(sorted(known)) or 'none'}"
        return TitleProblem(title, position, f"no plugin is called {name[:_SHOWN]!r}", advice, Kind.PLUGIN)
    return TitleProblem(title, position, f"{name[:_SHOWN]!r} is no service class", advice or _HOW)


def _nearest(name: str, known: Collection[str]) -> str:
    spelt = {other.lower(): other for other in sorted(known)}
    near = get_close_matches(_BETWEEN.sub("_", name[:_SHOWN]).lower(), list(spelt), n=2)
    return f"did you mean {' or '.join(spelt[other] for other in near)}?" if near else ""


def _name(text: str) -> str:
    """What is left of a title, fit for a terminal and a manifest."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:NAME_LIMIT]
