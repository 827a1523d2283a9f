"""Copies × what our calendar has → actions. No I/O, no clock.

Each copy carries what was last written into it. A field is written again when the source (or the mapping, or an answer)
gives another value than that; what a person changed in ours stays until then.
"""

from collections.abc import Iterable

from orchestrator.scheduler.assist.model import (
    END,
    START,
    TITLE,
    Action,
    Copy,
    Create,
    Delete,
    Found,
    Ours,
    Skip,
    Update,
    Window,
    Written,
    digest,
)


def compare(
    wanted: Iterable[Copy], present: Iterable[str], found: Found, origin: str, window: Window, *, delete: bool
) -> list[Action]:
    """What is to be done, in order of the events' start.

    `present` are the keys of all events of the source, those among them that cannot be copied: they are not gone.
    `origin` is the source's name; with `delete` what is gone from it is removed from ours.
    """
    ours = {each.key: each for each in found.ours}
    actions: list[Action] = []
    for copy in wanted:
        have = ours.get(copy.key)
        if have is not None:
            if copy.end > window.now or have.end > window.now:
                actions += _updates(have, copy, found.remembered.get(copy.key))
        elif window.has(copy.start, copy.end):
            actions.append(_create(copy, found.remembered.get(copy.key)))
    there = {*present}
    for have in found.ours:
        if have.origin == origin and have.key not in there and window.has(have.start, have.end):
            actions.append(_gone(have, delete=delete))
    return sorted(actions, key=_start)


def _create(copy: Copy, before: Written | None) -> Action:
    if before == copy.written:
        why = "removed from our calendar by hand: it is copied again when its source changes"
        return Skip(copy.shown, copy.start, copy.end, why, wrong=False)
    return Create(copy, "new" if before is None else "its source was changed after it had been removed from ours")


def _updates(have: Ours, copy: Copy, remembered: Written | None) -> list[Action]:
    """The fields whose value in the source is another than the last time; none where nothing was changed there."""
    last, fresh = have.written or remembered, copy.written
    fields = {name for name in (START, END, TITLE) if last is None or getattr(last, name) != getattr(fresh, name)}
    if not fields:
        return []
    start = copy.start if START in fields else have.start
    end = copy.end if END in fields else have.end
    if end < start:  # a time changed by hand does not fit the source's new ones
        start, end = copy.start, copy.end
        fields |= {START, END}
    words = [word for name, word in ((START, "moved"), (TITLE, "retitled")) if name in fields]
    why = " and ".join(words) or "ends at another time"
    if last is not None and any(_value(have, name) != getattr(last, name) for name in fields):
        why += "; what was changed by hand in ours is overwritten"
    return [Update(have, copy, frozenset(fields), start, end, why)]


def _value(have: Ours, name: str) -> int | str:
    return digest(have.title) if name == TITLE else have.start if name == START else have.end


def _gone(have: Ours, *, delete: bool) -> Action:
    why = "its source is gone, cancelled, or has lost its tag"
    if delete:
        return Delete(have, why)
    return Skip(have.shown, have.start, have.end, f"{why}: remove it, or use --delete", wrong=True)


def _start(action: Action) -> float:
    match action:
        case Create(copy=copy):
            return copy.start
        case Update(start=start):
            return start
        case Delete(ours=have):
            return have.start
        case Skip(start=start):
            return start
