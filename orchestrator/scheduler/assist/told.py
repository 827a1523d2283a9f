"""What `assist` says of each action, for a person and for a program. No I/O, no clock."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.scheduler.assist.model import Action, Create, Delete, Skip, Update
from orchestrator.scheduler.show import Zone

_WORDS = {Create: "create", Update: "update", Delete: "delete", Skip: "skip"}
_COUNTED = ("create", "update", "delete", "skip", "failed")


@dataclass(frozen=True)
class Outcome:
    """An action, and what came of it: `failure` is "" where it was done, or would be in a dry run."""

    action: Action
    failure: str = ""

    @property
    def wrong(self) -> bool:
        """Whether somebody has to see to it."""
        return bool(self.failure) or (isinstance(self.action, Skip) and self.action.wrong)

    @property
    def word(self) -> str:
        """In one word."""
        return "failed" if self.failure else _WORDS[type(self.action)]


def line(outcome: Outcome, zone: Zone) -> str:
    """What was done, when the event is, its title, and why."""
    title, start, end, why = _parts(outcome.action)
    if outcome.failure:
        why = f"could not {_WORDS[type(outcome.action)]} it: {outcome.failure}"
    when = f"{zone.tell(start)} to {zone.tell_end(start, end)}"
    return f"{outcome.word:6}  {when}  {clean(title, LINE_LIMIT)}  ({clean(why, LINE_LIMIT)})"


def summary(outcomes: Iterable[Outcome], same: int, *, dry_run: bool) -> str:
    """All of it in one line."""
    counts = Counter(outcome.word for outcome in outcomes)
    parts = [f"{word} {counts[word]}" for word in _COUNTED if counts[word]]
    done = ", ".join(parts) or "nothing to do"
    return f"{'would do: ' if dry_run and parts else ''}{done}; unchanged {same}"


def as_json(outcomes: Iterable[Outcome], same: int, zone: Zone, *, dry_run: bool) -> dict[str, Any]:
    """The same for a program."""
    told = list(outcomes)
    return {
        "dry_run": dry_run,
        "unchanged": same,
        "counts": dict(Counter(outcome.word for outcome in told)),
        "events": [_event_json(outcome, zone) for outcome in told],
    }


def _event_json(outcome: Outcome, zone: Zone) -> dict[str, Any]:
    title, start, end, why = _parts(outcome.action)
    return {
        "action": _WORDS[type(outcome.action)],
        "title": title,
        "start": start,
        "start_local": zone.iso(start),
        "end": end,
        "end_local": zone.iso(end),
        "why": why,
        "failure": outcome.failure or None,
        "wrong": outcome.wrong,
    }


def _parts(action: Action) -> tuple[str, float, float, str]:
    match action:
        case Create(copy=copy, why=why):
            return copy.shown, copy.start, copy.end, why
        case Update(ours=have, copy=copy, start=start, end=end, why=why):
            return copy.shown if action.retitles else have.shown, start, end, why
        case Delete(ours=have, why=why):
            return have.shown, have.start, have.end, why
        case Skip(title=title, start=start, end=end, why=why):
            return title, start, end, why
