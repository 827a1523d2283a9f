"""How announced events stand: what should run, and what does → what may be told of it. No I/O, no clock.

Hidden events are left out here, so nothing behind can tell of one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.scheduler.plan import Desired, Session
from orchestrator.scheduler.reconcile import OWNER, Actual, on_air
from orchestrator.supervision import ProgramState

_LONGEST = 200  # characters of an instance's id that are kept as they are


@dataclass(frozen=True)
class Subject:
    """What is told of: an instance of an event, in the words of the calendar."""

    about: str  # the instance's id, or its digest where that is very long
    name: str
    service: str  # its class, or what it is shown as
    end: float  # Unix s, as the calendar has it


@dataclass(frozen=True)
class Standing:
    """Who is on the air, who could not be started and why, and whose process is to run now, well or not."""

    on_air: tuple[Subject, ...] = ()
    failed: tuple[tuple[Subject, str], ...] = ()
    expected: frozenset[str] = frozenset()


def standing(desired: Iterable[Desired], actual: Mapping[str, Actual]) -> Standing:
    """The standing of what is wanted now.

    A process that has crashed is still expected. One that ended by itself, or that a person stopped, is not.
    """
    shown = [want for want in desired if not want.session.hidden]
    there = [(want, actual.get(want.program, Actual(None, None))) for want in shown]
    failed = [(want.session, have.program.why) for want, have in there if have.program and _failed(want, have)]
    return Standing(
        tuple(_subject(session) for session in on_air(shown, actual)),
        tuple((_subject(session), why) for session, why in failed),
        frozenset(_about(want.session) for want, have in there if not _is_over(want.session, have)),
    )


def _failed(want: Desired, have: Actual) -> bool:
    """Its process is given up, and was this event's: not the one that failed before it."""
    job, program = have.job, have.program
    if job is None or job.owner != OWNER or job.over or program is None:
        return False
    ours = job.event in want.instances and job.options == want.session.options
    return ours and program.state is ProgramState.FATAL


def _is_over(session: Session, have: Actual) -> bool:
    job = have.job
    return job is not None and bool(job.over) and (job.event, job.options) == (session.instance, session.options)


def _subject(session: Session) -> Subject:
    service = session.shown_as or session.service_class
    return Subject(_about(session), _storable(session.name), _storable(service), session.end)


def _about(session: Session) -> str:
    instance = _storable(session.instance)
    return instance if len(instance) <= _LONGEST else hashlib.sha256(instance.encode()).hexdigest()


def _storable(text: str) -> str:
    """Without halves of characters, which no file takes."""
    return text.encode(errors="replace").decode()
