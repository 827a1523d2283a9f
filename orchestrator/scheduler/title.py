"""An event's title: `My series - free practice [awesome_race, --option foo]` is a name and a tag. Never raises."""

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

_GROUP = re.compile(r"\[([^\[\]]*)\]")
NAME_LIMIT = 300  # characters
_CLASS = re.compile(r"[A-Za-z0-9_-]+")


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

    def __str__(self) -> str:
        return f"{self.title[:120]!r}, position {self.position + 1}: {self.what}; {self.advice}"


def parse_title(title: str, known: Collection[str]) -> Tag | TitleProblem | None:
    """The tag in `title`; None without brackets. `known` are the classes that can be started.

    The last bracket group that parses and names a known class wins; without one, the last group's problem is told.
    """
    problem: TitleProblem | None = None
    for group in reversed(list(_GROUP.finditer(title))):
        found = _parse_group(title, group, known)
        if isinstance(found, Tag):
            return found
        problem = problem or found
    if problem is None and "[" in title:
        position = title.rindex("[")
        return TitleProblem(title, position, "a bracket that is not closed", "end the tag with ]")
    return problem


def _parse_group(title: str, group: re.Match[str], known: Collection[str]) -> Tag | TitleProblem:
    service_class, _comma, options = group[1].partition(",")
    service_class = service_class.strip()
    position = group.start(1)
    if not _CLASS.fullmatch(service_class):
        what = f"{service_class[:40]!r} is no service class" if service_class else "an empty tag"
        return TitleProblem(title, position, what, "write [class] or [class, options]")
    if service_class not in known:
        near = get_close_matches(service_class, sorted(known), n=2)
        advice = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(sorted(known)) or 'none'}"
        return TitleProblem(title, position, f"no plugin is called {service_class[:40]!r}", advice)
    try:
        words = shlex.split(options)
    except ValueError as error:
        return TitleProblem(title, position, f"options that do not parse ({error})", "close every quote")
    if "\0" in options:
        return TitleProblem(title, position, "options with a character that none can have", "remove it")
    return Tag(_name(title[: group.start()] + " " + title[group.end() :]) or service_class, service_class, tuple(words))


def _name(text: str) -> str:
    """What is left of a title, fit for a terminal and a manifest."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:NAME_LIMIT]
