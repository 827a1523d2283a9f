"""What is wrong with an event, told so that the operator knows what to type instead. No I/O, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LIMIT = 1000  # of the findings on one calendar
_SHOWN = 120  # characters of a title


class Kind(StrEnum):
    """What a finding is about."""

    EVENT = "event"  # the calendar's entry itself cannot be read
    TITLE = "title"  # brackets that do not parse
    PLUGIN = "plugin"  # no installed plugin has that name, or it cannot be used
    OPTIONS = "options"  # refused by the host's parser or the plugin's
    UNCHECKED = "unchecked"  # the plugin declares no parser: a remark, not a mistake
    CONFLICT = "conflict"  # two events want one program with different options


@dataclass(frozen=True)
class Finding:
    """One remark on one event. `start` is in Unix seconds, None where the event has no readable time."""

    kind: Kind
    uid: str
    title: str
    start: float | None
    what: str
    advice: str
    position: int | None = None  # index in the title, where that is what is wrong

    @property
    def wrong(self) -> bool:
        """Whether something has to be changed."""
        return self.kind is not Kind.UNCHECKED

    def __str__(self) -> str:
        place = "" if self.position is None else f", position {self.position + 1}"
        shown = f"{self.title[:_SHOWN]!r}" if self.title else f"event {self.uid[:_SHOWN]}"
        return f"{shown}{place}: {self.what}" + (f"; {self.advice}" if self.advice else "")


def of_the_calendar(what: str) -> Finding:
    """A finding on the calendar as a whole, of which there is too much."""
    return Finding(Kind.EVENT, "", "the calendar", None, what, "remove what is not needed from it")


def at_most(findings: Sequence[Finding]) -> list[Finding]:
    """The first LIMIT of `findings`, with how many more there are."""
    told = list(findings[:LIMIT])
    if len(told) < len(findings):
        told.append(of_the_calendar(f"{len(findings) - len(told)} more findings are left out"))
    return told
