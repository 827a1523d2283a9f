"""A calendar's bytes → sessions that can be scheduled, and what is wrong with the rest. No I/O, no clock."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from livetiming.service.checking import CheckedOptions, RefusedOption
from orchestrator.scheduler.findings import Finding, Kind, at_most
from orchestrator.scheduler.occurrences import Occurrence, occurrences
from orchestrator.scheduler.plan import Session
from orchestrator.scheduler.title import Tag, TitleProblem, parse_title

Check = Callable[[str, tuple[str, ...]], CheckedOptions]
WINDOW_DAYS = 14.0
MARGIN_SECONDS = 3600.0  # beyond the end buffer: how far back events are looked at that may run still
_DAY = 86400.0


@dataclass(frozen=True)
class Calendar:
    """What a calendar asks for in the window that was looked at. Both are in order of their start."""

    sessions: tuple[Session, ...]
    findings: tuple[Finding, ...]  # one for each event and mistake; those without a time at the end, and no more than
    # findings.LIMIT of them


def read_calendar(
    content: bytes, now: float, margin: float, known: Collection[str], check: Check, days: float = WINDOW_DAYS
) -> Calendar:
    """The sessions from `margin` seconds before `now` (Unix s) to `days` after it; NotACalendar for junk.

    `known` are the classes that can be started; `check(class, options)` says what an event's options mean, or raises
    RefusedOption. An event whose plugin cannot be used is a session all the same: what runs goes on, and a start that
    fails is told.
    """
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (now - margin, now + days * _DAY))
    found, findings = occurrences(content, start, end)
    parsed: dict[str, Tag | TitleProblem | None] = {}
    sessions: list[Session] = []
    for occurrence in found:
        if occurrence.title not in parsed:
            parsed[occurrence.title] = parse_title(occurrence.title, known)
        tag = parsed[occurrence.title]
        if isinstance(tag, TitleProblem):
            findings.append(_finding(occurrence, tag.kind, tag.what, tag.advice, tag.position))
        elif tag is not None:
            try:
                checked = check(tag.service_class, tag.options)
            except RefusedOption as error:
                findings.append(_finding(occurrence, Kind.OPTIONS, error.what, error.advice))
                continue
            sessions.append(_session(occurrence, tag, checked))
            findings += _remarks(occurrence, tag, checked)
    return Calendar(tuple(sessions), tuple(at_most(_once_each(findings, now))))


def _session(occurrence: Occurrence, tag: Tag, checked: CheckedOptions) -> Session:
    return Session(
        instance=occurrence.instance,
        uid=occurrence.uid,
        name=tag.name,
        service_class=tag.service_class,
        options=tag.options,
        start=occurrence.start,
        end=occurrence.end,
        hidden=checked.hidden,
        shown_as=checked.masquerade or "",
    )


def _remarks(occurrence: Occurrence, tag: Tag, checked: CheckedOptions) -> Iterator[Finding]:
    if checked.broken:
        what = f"the plugin {tag.service_class!r} cannot be used: {_line(checked.broken)}"
        yield _finding(occurrence, Kind.PLUGIN, what, "repair or reinstall it (livetiming-plugins)")
    elif checked.unchecked:
        what = f"{tag.service_class} declares no options: {_line(' '.join(checked.unchecked))} is unchecked"
        yield _finding(occurrence, Kind.UNCHECKED, what, "")


def _finding(occurrence: Occurrence, kind: Kind, what: str, advice: str, position: int | None = None) -> Finding:
    what = what.encode(errors="replace").decode()  # a plugin may say what is no text
    return Finding(kind, occurrence.uid, occurrence.title, occurrence.start, what, advice, position)


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _once_each(findings: Iterable[Finding], now: float) -> list[Finding]:
    """One for all instances of a series: the one that comes first, or else the last that has begun."""
    first: dict[Finding, Finding] = {}
    for finding in findings:
        same = replace(finding, start=None)
        known = first.get(same)
        if known is None or _nearness(finding, now) < _nearness(known, now):
            first[same] = finding
    return sorted(first.values(), key=lambda finding: (finding.start is None, finding.start or 0.0))


def _nearness(finding: Finding, now: float) -> tuple[bool, float]:
    start = finding.start or 0.0
    return start < now, abs(start - now)
