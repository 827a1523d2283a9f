"""The mapping file of `livetiming-schedule assist`: TAG → class, name and options. No I/O, no clock.

TOML 1.0; example.toml beside this module shows every key.
"""

import re
import shlex
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from string import Formatter
from typing import Any

from orchestrator.scheduler.title import TitleProblem, parse_title

ASKED = "?"  # stands in the options for a word that a person is asked for
NAME_FIELDS = ("title", "tag")
_CLASS = re.compile(r"[A-Za-z0-9_-]+")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_SKIP = "skip"


class MappingProblem(ValueError):
    """The mapping cannot be used: where, what is there, and what was expected."""

    def __init__(self, table: str, key: str, value: object, expected: str) -> None:
        place = f"[{table}] {key}" if table else key
        super().__init__(f"{place} is {str(value)[:80]!r}, but must be {expected}")


@dataclass(frozen=True)
class Hours:
    """When an all-day event takes place: minutes after midnight, on its first and on its last day."""

    start: int
    end: int


@dataclass(frozen=True)
class Tag:
    """What is made of the events that begin with `[tag]`."""

    tag: str
    service_class: str
    name: str = "{title}"
    options: tuple[str, ...] = ()  # words; ASKED is asked for
    all_day: Hours | None = None  # None: skipped

    @property
    def questions(self) -> tuple[str, ...]:
        """What is asked for, in order: the option before it, or its place."""
        words = ("", *self.options)
        return tuple(
            before if before.startswith("-") else f"option {number}"
            for number, (before, word) in enumerate(zip(words, self.options, strict=False), 1)
            if word == ASKED
        )


@dataclass(frozen=True)
class TagMapping:
    """The whole file. Tags are told apart without regard to case."""

    tags: Mapping[str, Tag] = field(default_factory=dict)  # by the tag in lower case
    ignored: frozenset[str] = frozenset()  # likewise

    def of(self, tag: str) -> Tag | None:
        """What the file says of `tag`."""
        return self.tags.get(tag.lower())

    def nearest(self, tag: str) -> list[str]:
        """Tags of the file that look like `tag`."""
        return [self.tags[name].tag for name in get_close_matches(tag.lower(), self.tags, n=2)]


def read_mapping(text: str) -> TagMapping:
    """The mapping in `text`; MappingProblem names the table and the key that is wrong."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingProblem("", "the file", str(error), "TOML") from None
    _only("", content, ("tags", "ignore"))
    tables = content.get("tags", {})
    if not isinstance(tables, dict) or not tables:
        raise MappingProblem("", "tags", tables, "tables like [tags.WEC], one for each tag")
    tags = {name.lower(): _tag(name, table) for name, table in tables.items()}
    if len(tags) < len(tables):
        raise MappingProblem("", "tags", ", ".join(tables), "different tags (case makes no difference)")
    return TagMapping(tags, _ignored(content.get("ignore", []), tags))


def _ignored(names: Any, tags: Collection[str]) -> frozenset[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MappingProblem("", "ignore", names, 'a list of tags, like ["PODCAST"]')
    if both := [name for name in names if name.lower() in tags]:
        raise MappingProblem("", "ignore", both[0], "no tag that has a table as well")
    return frozenset(name.lower() for name in names)


def _tag(name: str, table: Any) -> Tag:
    where = f"tags.{name}"
    if not name.strip() or "[" in name or "]" in name:
        raise MappingProblem("", "tags", name, "a tag without [ and ]")
    if not isinstance(table, dict):
        raise MappingProblem("", where, table, f"a table: [{where}], and its keys in the lines below")
    _only(where, table, ("class", "name", "options", "all_day"))
    service_class = _text(where, table, "class", "")
    if not _CLASS.fullmatch(service_class):
        raise MappingProblem(where, "class", service_class, "the name of a plugin, like rmonitor")
    return Tag(
        tag=name,
        service_class=service_class,
        name=_name(where, _text(where, table, "name", "{title}")),
        options=_options(where, service_class, _text(where, table, "options", "")),
        all_day=_hours(where, _text(where, table, "all_day", _SKIP)),
    )


def _name(where: str, value: str) -> str:
    expected = "a text with {title} or {tag}, and no other braces or brackets"
    try:
        parts = list(Formatter().parse(value))
    except ValueError:
        raise MappingProblem(where, "name", value, expected) from None
    known = all(
        name is None or (name in NAME_FIELDS and not form and not conversion) for _, name, form, conversion in parts
    )
    if not known or not value.strip() or set("[]") & set(value) or "{{" in value or "}}" in value:
        raise MappingProblem(where, "name", value, expected)
    return value


def _options(where: str, service_class: str, value: str) -> tuple[str, ...]:
    """The words, as the scheduler will find them in the title."""
    found = parse_title(f"event [{service_class}, {value}]", [service_class])
    if set("[]") & set(value) or found is None or isinstance(found, TitleProblem):
        why = f" ({found.what})" if isinstance(found, TitleProblem) else ""
        raise MappingProblem(where, "options", value, f"options as in a title, without [ and ]{why}")
    return found.options


def _hours(where: str, value: str) -> Hours | None:
    if value == _SKIP:
        return None
    match = _HOURS.fullmatch(value)
    if match is None:
        raise MappingProblem(where, "all_day", value, '"skip", or a time of day like "09:00-18:00"')
    hours = [int(part) for part in match.groups()]
    made = Hours(hours[0] * 60 + hours[1], hours[2] * 60 + hours[3])
    if made.end <= made.start:
        raise MappingProblem(where, "all_day", value, "a time of day that ends after it begins")
    return made


def _text(where: str, table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise MappingProblem(where, key, value, "a text in quotes")
    return value


def _only(where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise MappingProblem(where, key, table[key], f"left out{hint}: there are {', '.join(known)}")


def tag_text(name: str, service_class: str, options: Collection[str]) -> str:
    """A title that the scheduler reads as this class and these options (words without [ and ])."""
    return f"{name} [{', '.join([service_class, *([shlex.join(options)] if options else [])])}]"
