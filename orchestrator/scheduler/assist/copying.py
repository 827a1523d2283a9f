"""Source events × mapping × answers → what our calendar should have of them. No I/O, no clock."""

from collections.abc import Callable, Mapping, Sequence

from orchestrator.scheduler.assist.mapping import ASKED, TagMapping
from orchestrator.scheduler.assist.model import Answer, Ask, Copy, Skip, Window, key_of
from orchestrator.scheduler.assist.source_events import Source, SourceEvent, with_hours

Check = Callable[[str, tuple[str, ...]], str]  # class, options → why they cannot be used, or ""


def copies(
    source: Source, mapping: TagMapping, answers: Mapping[str, Answer], check: Check, window: Window
) -> tuple[list[Copy], list[Skip], list[Ask]]:
    """What our calendar should have of the source, what cannot be copied, and what has to be asked first.

    `answers` are by the source event's UID. Skips and questions are only for events in the window; copies are for all,
    because one that we have may have been moved out of it.
    """
    made: dict[str, Copy] = {}
    skips: list[Skip] = []
    asks: dict[str, Ask] = {}
    for event in source.events:
        if event.tag.lower() in mapping.ignored:
            continue
        found = _copy(event, source, mapping, answers, check)
        if isinstance(found, Copy):
            made.setdefault(found.key, found)
        elif window.has(event.start, event.end):
            if isinstance(found, Skip):
                skips.append(found)
            else:
                asks.setdefault(event.uid, found)
    return list(made.values()), skips, list(asks.values())


def _copy(
    event: SourceEvent, source: Source, mapping: TagMapping, answers: Mapping[str, Answer], check: Check
) -> Copy | Skip | Ask:
    tag = mapping.of(event.tag)
    if tag is None:
        near = mapping.nearest(event.tag)
        advice = f"did you mean [{near[0]}]?" if near else "add it, or name it under ignore"
        return _skip(event, f"the mapping has no tag [{event.tag}]: {advice}")
    start, end = event.start, event.end
    if event.all_day:
        if tag.all_day is None:
            return _skip(event, f"it lasts all day, and the mapping gives [{tag.tag}] no all_day hours", wrong=False)
        start, end = with_hours(start, end, tag.all_day, source.zone)
    answer = answers.get(event.uid)
    if tag.questions and (answer is None or answer.options != tag.options):
        return Ask(event, tag, answer.values if answer and len(answer.values) == len(tag.questions) else ())
    options = filled(tag.options, answer.values if answer else ())
    if why := check(tag.service_class, options):
        return _skip(event, f"[{tag.tag}]: {why}")
    name = tag.name.format(title=event.title, tag=tag.tag)
    return Copy(key_of(event.instance), name, tag.service_class, options, round(start), round(max(start, end)))


def filled(options: Sequence[str], values: Sequence[str]) -> tuple[str, ...]:
    """The options with the answers in the place of each `?`."""
    left = iter(values)
    return tuple(next(left) if word == ASKED else word for word in options)


def _skip(event: SourceEvent, why: str, *, wrong: bool = True) -> Skip:
    return Skip(f"[{event.tag}] {event.title}", event.start, event.end, why, wrong)
