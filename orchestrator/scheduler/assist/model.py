"""Copies, what is known of them, and what may be done to them. No I/O, no clock.

A copy is known by its key, which follows from the source's instance alone: so no run makes it twice, wherever the one
before was killed. Times are whole Unix seconds.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.manual import masked
from orchestrator.scheduler.assist.mapping import Tag, tag_text
from orchestrator.scheduler.assist.source_events import SourceEvent

START, END, TITLE = "start", "end", "title"
_WRITTEN = re.compile(r"(-?\d{1,12}) (-?\d{1,12}) ([0-9a-f]{16})")


@dataclass(frozen=True)
class Window:
    """What is copied: the events that touch the time from `now` to `until` (Unix s)."""

    now: float
    until: float

    def has(self, start: float, end: float) -> bool:
        """Whether an event is in it."""
        return start < self.until and max(start, end) > self.now


@dataclass(frozen=True)
class Written:
    """What was last written into a copy. Times are whole Unix seconds; `title` is a digest."""

    start: int
    end: int
    title: str


@dataclass(frozen=True)
class Copy:
    """What one event of ours should be. Times are whole Unix seconds."""

    key: str
    name: str
    service_class: str
    options: tuple[str, ...]
    start: int
    end: int

    @property
    def title(self) -> str:
        """As the scheduler reads it."""
        return tag_text(self.name, self.service_class, self.options)

    @property
    def shown(self) -> str:
        """The title for a screen: without the secrets that can be recognised."""
        return tag_text(self.name, self.service_class, masked(self.options))

    @property
    def written(self) -> Written:
        """What is kept of it beside it."""
        return Written(self.start, self.end, digest(self.title))


@dataclass(frozen=True)
class Ours:
    """A copy as it is in our calendar. `origin` names the source it was copied from."""

    key: str
    title: str
    start: int
    end: int
    origin: str
    written: Written | None  # None: it was lost
    handle: Any = field(default=None, compare=False, repr=False)  # by which the calendar knows it

    @property
    def shown(self) -> str:
        """The title for a screen."""
        return " ".join(masked(self.title.split()))


@dataclass(frozen=True)
class Found:
    """What our calendar has of ours, and what we remember of it."""

    ours: tuple[Ours, ...]
    remembered: Mapping[str, Written]  # by key: what was written there, in a run before


@dataclass(frozen=True)
class Answer:
    """What a person said for the `?` in `options`, in order."""

    options: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Create:
    """Copy an event."""

    copy: Copy
    why: str


@dataclass(frozen=True)
class Update:
    """Give ours these values; `fields` (of START, END, TITLE) are those that change."""

    ours: Ours
    copy: Copy
    fields: frozenset[str]
    start: int
    end: int
    why: str

    @property
    def moves(self) -> bool:
        """Whether its time changes. Then both ends are written: of an all-day event one alone would make nonsense."""
        return bool(self.fields & {START, END})

    @property
    def retitles(self) -> bool:
        """Whether its title changes."""
        return TITLE in self.fields


@dataclass(frozen=True)
class Delete:
    """Remove one of ours."""

    ours: Ours
    why: str


@dataclass(frozen=True)
class Skip:
    """Do nothing, and say why. `wrong`: somebody has to change or decide something."""

    title: str
    start: float
    end: float
    why: str
    wrong: bool


@dataclass(frozen=True)
class Ask:
    """A person has to say what stands for each `?`. `defaults` were said the last time for this tag."""

    event: SourceEvent
    tag: Tag
    defaults: tuple[str, ...]


Action = Create | Update | Delete | Skip


def key_of(instance: str) -> str:
    """The name of an instance's copy; letters and digits that Google takes for an event's id (base32hex)."""
    return f"lt{hashlib.sha256(instance.encode()).hexdigest()[:40]}"


def digest(title: str) -> str:
    """What is kept of a title: it may be longer than a property of Google's."""
    return hashlib.sha256(title.encode(errors="replace")).hexdigest()[:16]


def written_text(written: Written) -> str:
    """As it is kept in an event."""
    return f"{written.start} {written.end} {written.title}"


def written_value(text: str) -> Written | None:
    """What `written_text` made; None for anything else."""
    match = _WRITTEN.fullmatch(text)
    return Written(int(match[1]), int(match[2]), match[3]) if match else None
