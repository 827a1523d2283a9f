"""A calendar's bytes → sessions that can be scheduled, and what is wrong with the rest. No I/O, no clock."""

from argparse import Namespace
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from livetiming.service.checking import RefusedOption
from orchestrator.scheduler.occurrences import Occurrence, occurrences
from orchestrator.scheduler.plan import Session
from orchestrator.scheduler.title import TitleProblem, parse_title

Check = Callable[[str, tuple[str, ...]], Namespace]
WINDOW_SECONDS = 14 * 86400.0


@dataclass(frozen=True)
class Calendar:
    """What a calendar asks for in the window that was looked at."""

    sessions: tuple[Session, ...]
    problems: tuple[str, ...]  # one line each: which event, what is wrong, what to type instead


def read_calendar(content: bytes, now: float, margin: float, known: Collection[str], check: Check) -> Calendar:
    """The sessions from `margin` seconds before `now` (Unix s) to WINDOW_SECONDS after; NotACalendar for junk.

    `known` are the classes that can be started; `check(class, options)` gives an event's host options, or raises
    RefusedOption.
    """
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (now - margin, now + WINDOW_SECONDS))
    found, event_problems = occurrences(content, start, end)
    sessions: list[Session] = []
    problems = [str(problem) for problem in event_problems]
    for occurrence in found:
        session = _session(occurrence, known, check)
        if isinstance(session, Session):
            sessions.append(session)
        elif session is not None:
            problems.append(session)
    return Calendar(tuple(sessions), tuple(dict.fromkeys(problems)))


def _session(occurrence: Occurrence, known: Collection[str], check: Check) -> Session | str | None:
    tag = parse_title(occurrence.title, known)
    if tag is None:
        return None
    if isinstance(tag, TitleProblem):
        return str(tag)
    try:
        options = check(tag.service_class, tag.options)
    except RefusedOption as error:
        return f"{occurrence.title[:120]!r}: {error}"
    return Session(
        instance=occurrence.instance,
        uid=occurrence.uid,
        name=tag.name,
        service_class=tag.service_class,
        options=tag.options,
        start=occurrence.start,
        end=occurrence.end,
        hidden=options.hidden,
        shown_as=options.masquerade or "",
    )
