"""One run of `assist`: read, ask, compare, write. Blocks.

An action is written down (memory.py) as it is done, and each is whole by itself: so a run that is killed has done what
it has done, and the next one does the rest.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from livetiming.environment import SettingError
from livetiming.service.checking import RefusedOption, check_calendar_options
from livetiming.service.discovery import BrokenPlugin, UnknownPlugin, plugin
from orchestrator.schedule_settings import CalendarSettings
from orchestrator.scheduler.assist.comparing import compare
from orchestrator.scheduler.assist.copying import copies
from orchestrator.scheduler.assist.mapping import MappingProblem, TagMapping, read_mapping
from orchestrator.scheduler.assist.memory import Memory
from orchestrator.scheduler.assist.model import (
    Action,
    Answer,
    Ask,
    Copy,
    Create,
    Delete,
    Found,
    Ours,
    Skip,
    Update,
    Window,
    key_of,
)
from orchestrator.scheduler.assist.source_events import Source, read_source, tag_of
from orchestrator.scheduler.assist.targets import Patience, Target, TargetError, identity_of
from orchestrator.scheduler.assist.told import Outcome
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.scheduler.sources import CalendarUnreadable, source_at

PAST_DAYS, AHEAD_DAYS = 30, 400  # how far an event that we have may be moved, and still be followed
GIVEN_UP = 5  # failures of the same kind, one after another: the others would fail as well
_SAID = "left out: nobody has said what stands for {questions}"


class NotUsable(RuntimeError):
    """The run cannot be made; the text says what to do."""


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    days: int
    delete: bool
    dry_run: bool
    ask_again: bool


@dataclass
class Run:
    """What a run needs. `ask` gives a person's answers, or None; without a person it always gives None."""

    settings: CalendarSettings
    memory: Memory
    target: Target
    tell: Callable[[str], None]
    ask: Callable[[Ask], tuple[str, ...] | None]
    same: int = field(default=0, init=False)  # copies that were as they should be

    def outcomes(self, mapping: TagMapping, wish: Wish) -> Iterator[Outcome]:
        """Does it all, and gives what came of each event as it is done.

        Raises NotUsable and TargetError, before anything is written.
        """
        now = time.time()
        window = Window(now, now + wish.days * 86400)
        self.tell("reading the source")
        source = _source(self.settings, now)
        self.tell(f"reading {self.target.name}")
        have = self.target.ours()
        made, skips = self._copies(source, mapping, wish, window)
        written = self.memory.written.setdefault(self.target.identity, {})
        found = Found(tuple(have), dict(written))
        written |= {each.key: each.written for each in have if each.written is not None}
        origin = identity_of(self.settings.source_url)
        present = [key_of(event.instance) for event in source.events]
        delete = wish.delete and not source.problems  # an event that cannot be read this time is not gone
        actions = compare(made, present, found, origin, window, delete=delete)
        self.same = _unchanged(made, have, actions)
        yield from map(Outcome, (*_unreadable(source, mapping, wish, now), *skips))
        yield from self._done(actions, origin, now, dry_run=wish.dry_run)
        if not wish.dry_run:
            self.memory.save(now)

    # -- before

    def _copies(self, source: Source, mapping: TagMapping, wish: Wish, window: Window) -> tuple[list[Copy], list[Skip]]:
        answers = dict(self.memory.answers)
        in_window = {event.uid for event in source.events if window.has(event.start, event.end)}
        for event in source.events:
            if event.uid in answers:
                self.memory.seen[event.uid] = window.now
        if wish.ask_again:
            # what was said stays the default: an answer to other options is asked for again
            answers = {
                uid: replace(answer, options=()) if uid in in_window else answer for uid, answer in answers.items()
            }
        made, skips, asks = copies(source, mapping, answers, _refused, window)
        unanswered: list[Skip] = []
        for ask in asks:
            values = None if wish.dry_run else self.ask(self._with_defaults(ask))
            if values is None:
                unanswered.append(_unanswered(ask))
                continue
            answers[ask.event.uid] = Answer(ask.tag.options, values)
            self.memory.remember(ask.event.uid, ask.tag.tag, answers[ask.event.uid], window.now)
        if len(unanswered) < len(asks):
            made, skips, _ = copies(source, mapping, answers, _refused, window)
        return made, [*skips, *unanswered]

    def _with_defaults(self, ask: Ask) -> Ask:
        return ask if ask.defaults else replace(ask, defaults=self.memory.defaults.get(ask.tag.tag, ()))

    # -- the actions

    def _done(self, actions: list[Action], origin: str, now: float, *, dry_run: bool) -> Iterator[Outcome]:
        failures: list[str] = []
        for action in actions:
            failure = ""
            if not dry_run and not isinstance(action, Skip):
                if len(failures) >= GIVEN_UP and len(set(failures[-GIVEN_UP:])) == 1:
                    failure = "not tried, for the others before it failed alike"
                else:
                    failure = self._do(action, origin, now)
                    failures = [*failures, failure] if failure else []
            yield Outcome(action, failure)

    def _do(self, action: Action, origin: str, now: float) -> str:
        """Why it could not be done, or ""."""
        written = self.memory.written[self.target.identity]
        try:
            match action:
                case Create(copy=copy):
                    self.target.create(copy, origin)
                    written[copy.key] = copy.written
                case Update(copy=copy):
                    self.target.update(action, origin)
                    written[copy.key] = copy.written
                case Delete(ours=have):
                    self.target.delete(have)
                    written.pop(have.key, None)
        except TargetError as error:
            return str(error)
        self.memory.save(now)
        return ""


def _unchanged(made: Iterable[Copy], have: Iterable[Ours], actions: Iterable[Action]) -> int:
    touched = {action.copy.key for action in actions if isinstance(action, Create | Update)}
    there = {each.key for each in have}
    return sum(copy.key in there and copy.key not in touched for copy in made)


def _unreadable(source: Source, mapping: TagMapping, wish: Wish, now: float) -> Iterator[Skip]:
    for problem in source.problems:
        tag = tag_of(problem.title)
        if (tag or not problem.uid) and tag.lower() not in mapping.ignored:
            start = now if problem.start is None else problem.start
            yield Skip(problem.title, start, start, f"{problem.what}; {problem.advice}", wrong=True)
    if wish.delete and source.problems:
        why = "nothing is removed from ours while events of the source cannot be read"
        yield Skip("--delete", now, now, why, wrong=True)


def _unanswered(ask: Ask) -> Skip:
    event = ask.event
    why = _SAID.format(questions=" and ".join(ask.tag.questions))
    return Skip(f"[{event.tag}] {event.title}", event.start, event.end, why, wrong=True)


def _refused(service_class: str, options: tuple[str, ...]) -> str:
    """Why the scheduler would not start a service with these options, or ""."""
    try:
        plugin(service_class)
        check_calendar_options(service_class, options)
    except (UnknownPlugin, BrokenPlugin, RefusedOption) as error:
        return str(error)
    return ""


def _source(settings: CalendarSettings, now: float) -> Source:
    start, end = (datetime.fromtimestamp(now + days * 86400, UTC) for days in (-PAST_DAYS, AHEAD_DAYS))
    try:
        return read_source(source_at(settings.source_url).read() or b"", start, end)
    except (CalendarUnreadable, NotACalendar) as error:
        raise NotUsable(f"the source (CALENDAR_SOURCE_URL): {error}") from None


# -- what a run begins with


def mapping_of(path: Path) -> TagMapping:
    """The mapping in the file; NotUsable if there is none that can be used."""
    try:
        return read_mapping(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotUsable(
            f"there is no mapping {path}: write one (livetiming-schedule assist --example > {path.name}),"
            " or name yours in LIVETIMING_ASSIST_MAPPING"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise NotUsable(f"the mapping {path} cannot be read: {why}") from None
    except MappingProblem as error:
        raise NotUsable(f"{path}: {error}") from None


def target_of(settings: CalendarSettings, tell: Callable[[str], None], *, write: bool, interactive: bool) -> Target:
    """Our calendar. SettingError where none is set that can be written to, GoogleNotUsable, TargetError."""
    patience = Patience(tell)
    if settings.google_id:
        from orchestrator.scheduler.assist.google import GoogleTarget

        return GoogleTarget(settings, patience, write=write, interactive=interactive)
    if settings.url and not settings.url.startswith("file:"):
        from orchestrator.scheduler.assist.caldav import CaldavTarget

        return CaldavTarget(settings.url.replace("webcal", "http", 1), patience, time.time)
    raise SettingError(
        "LIVETIMING_CALENDAR_ID",
        "",
        "a Google calendar's id (or LIVETIMING_CALENDAR_URL a CalDAV address): ours to write",
    )
