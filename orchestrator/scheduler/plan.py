"""Sessions of the calendar → which programs should run now, and when that changes next. No I/O, no clock.

Sessions of one program with the same options that touch or overlap, buffers counted, are one run and share a process.
A run with other options waits until the one before has ended: its last session's end, for which the end buffer is
given up if need be, because the next race matters more than the quarter of an hour after the last.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise


@dataclass(frozen=True)
class Session:
    """A tagged occurrence: what is to be timed, when (Unix s, as the calendar has it), and how."""

    instance: str
    uid: str
    name: str
    service_class: str
    options: tuple[str, ...]
    start: float
    end: float
    hidden: bool = False
    shown_as: str = ""  # the masquerade, where there is one

    @property
    def program(self) -> str:
        """The name of its program in supervisord."""
        return f"service-{self.service_class}"


@dataclass(frozen=True)
class Buffers:
    """How early a service starts and how late it stops, in seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Run:
    """One life of a program: from `begin` to `finish` (Unix s, buffers counted), for these sessions."""

    program: str
    sessions: tuple[Session, ...]
    begin: float
    finish: float

    @property
    def options(self) -> tuple[str, ...]:
        """What the process is started with."""
        return self.sessions[0].options

    @property
    def last_end(self) -> float:
        """When its last session ends, by the calendar."""
        return max(session.end for session in self.sessions)

    def current(self, now: float, start_buffer: float) -> Session:
        """The session that gives the process its name at `now`."""
        current = self.sessions[0]
        for session in self.sessions[1:]:
            if now >= max(current.end, session.start - start_buffer):
                current = session
        return current


@dataclass(frozen=True)
class Desired:
    """A program that should run now."""

    program: str
    session: Session  # the one that gives it its name
    instances: frozenset[str]  # of all sessions that share it


@dataclass(frozen=True)
class Conflict:
    """A session that has to wait, because its class runs with other options."""

    waiting: Session
    running: Session

    def __str__(self) -> str:
        return (
            f"{self.waiting.name!r} waits for the end of {self.running.name!r}: "
            f"both are {self.waiting.service_class}, with different options"
        )


@dataclass(frozen=True)
class Plan:
    """What should run now, what will, and when to look again."""

    desired: tuple[Desired, ...]
    conflicts: tuple[Conflict, ...]
    next_edge: float | None  # Unix s; the start of a session is one too, because it leaves the listing then


def plan(sessions: Iterable[Session], now: float, buffers: Buffers) -> Plan:
    """What `sessions` ask for at `now`. Nothing of it changes before its next edge."""
    sessions = list(sessions)
    runs, conflicts = runs_of(sessions, buffers)
    desired = [
        Desired(run.program, run.current(now, buffers.start), frozenset(item.instance for item in run.sessions))
        for run in runs
        if run.begin <= now < run.finish
    ]
    edges = [edge for run in runs for edge in _edges(run, buffers)] + [session.start for session in sessions]
    return Plan(tuple(desired), tuple(conflicts), min((edge for edge in edges if edge > now), default=None))


def runs_of(sessions: Iterable[Session], buffers: Buffers) -> tuple[list[Run], list[Conflict]]:
    """The runs of all programs, and the sessions that have to wait in them."""
    by_program: dict[str, list[Session]] = {}
    for session in sorted(sessions, key=lambda session: (session.start, session.end, session.instance)):
        by_program.setdefault(session.program, []).append(session)
    runs: list[Run] = []
    conflicts: list[Conflict] = []
    for program, its_sessions in by_program.items():
        its_runs: list[Run] = []
        for session in its_sessions:
            conflict = _place(its_runs, session, program, buffers)
            if conflict is not None:
                conflicts.append(conflict)
        runs += its_runs
    return runs, conflicts


def _place(runs: list[Run], session: Session, program: str, buffers: Buffers) -> Conflict | None:
    """Put `session` into the last of `runs`, or into a new one behind it."""
    begin, finish = session.start - buffers.start, session.end + buffers.end
    conflict = None
    if runs and begin <= runs[-1].finish:
        last = runs[-1]
        if session.options == last.options:
            runs[-1] = replace(last, sessions=(*last.sessions, session), finish=max(last.finish, finish))
            return None
        if session.start < last.last_end:
            conflict = Conflict(session, last.sessions[-1])
        cut = replace(last, finish=max(last.begin, last.last_end, min(last.finish, begin)))
        begin = max(begin, cut.finish)
        if cut.begin < cut.finish:
            runs[-1] = cut
        else:  # it waited for the one before until its own time was over
            runs.pop()
    if begin < finish:
        runs.append(Run(program, (session,), begin, finish))
    return conflict


def _edges(run: Run, buffers: Buffers) -> Iterable[float]:
    yield run.begin
    yield run.finish
    for before, session in pairwise(run.sessions):
        yield max(before.end, session.start - buffers.start)
