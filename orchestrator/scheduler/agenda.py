"""What will start and stop when, and why; and how what should run now does. No I/O, no clock.

Reasons name events and lengths of time, never moments: those are shown in the operator's zone, which is not known here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from orchestrator.manual import at_rest, is_the_schedulers
from orchestrator.scheduler.plan import Buffers, Conflict, Desired, Run, Session
from orchestrator.scheduler.reconcile import RETRY_SECONDS, Actual, kept_waiting
from orchestrator.supervision import Program, ProgramState


class What(StrEnum):
    """What happens."""

    START = "start"
    RENAME = "rename"  # the process goes on, under the name of its next event
    STOP = "stop"
    WAIT = "wait"  # it would start now, but its class runs with other options


@dataclass(frozen=True)
class Entry:
    """One thing that will happen at `at` (Unix s), to the process of `session`."""

    at: float
    what: What
    session: Session
    why: str


@dataclass(frozen=True)
class Standing:
    """How the program of a session that is on does. `well`: as it should be."""

    session: Session
    well: bool
    how: str


def agenda(
    runs: Iterable[Run], conflicts: Iterable[Conflict], buffers: Buffers, now: float, until: float
) -> list[Entry]:
    """What happens after `now`, up to `until` (Unix s), in its order; `runs` and `conflicts` are those of runs_of."""
    by_program: dict[str, list[Run]] = {}
    for run in runs:
        by_program.setdefault(run.program, []).append(run)
    entries: list[Entry] = []
    for its_runs in by_program.values():
        its_runs.sort(key=lambda run: run.begin)
        for before, run, after in zip([None, *its_runs], its_runs, [*its_runs[1:], None], strict=False):
            entries += _of_run(run, before, after, buffers)
    entries += [_wait(conflict, by_program.get(conflict.waiting.program, ()), buffers) for conflict in conflicts]
    coming = [entry for entry in entries if now < entry.at <= until]
    return sorted(coming, key=lambda entry: (entry.at, _ORDER.index(entry.what), entry.session.instance))


_ORDER = (What.STOP, What.WAIT, What.START, What.RENAME)  # at one moment: a class stops before it starts again


def _of_run(run: Run, before: Run | None, after: Run | None, buffers: Buffers) -> Iterable[Entry]:
    name = run.current(run.begin, buffers.start)  # of a run that had to wait this may be a later one
    yield Entry(run.begin, What.START, name, _why_start(run, name, before, buffers))
    for at in sorted({max(one.end, other.start - buffers.start) for one, other in pairwise(run.sessions)}):
        current = run.current(at, buffers.start)
        if current is not name and run.begin < at < run.finish:
            yield Entry(at, What.RENAME, current, f"goes on in the process of {name.name!r}: the same options")
            name = current
    yield Entry(run.finish, What.STOP, _last(run), _why_stop(run, after, buffers))


def _why_start(run: Run, first: Session, before: Run | None, buffers: Buffers) -> str:
    early = first.start - run.begin
    if early >= buffers.start or before is None:
        why = f"{span(buffers.start)} before it begins" if buffers.start else "it begins"
    else:
        place = f"{span(early)} before it begins" if early > 0 else f"{span(-early)} late" if early < 0 else "just then"
        why = f"{place}: when {_last(before).name!r} has ended, which has other options"
    others = [repr(session.name) for session in run.sessions if session is not first and session.end > run.begin]
    return f"{why}; shares its process with {_listed(others)}" if others else why


def _why_stop(run: Run, after: Run | None, buffers: Buffers) -> str:
    over = run.finish - run.last_end
    why = f"{span(over)} after its end" if over > 0 else "its end"
    if over >= buffers.end or after is None:
        return why
    return f"{why}: the rest of its {span(buffers.end)} is given up for {after.sessions[0].name!r}"


def _wait(conflict: Conflict, runs: Sequence[Run], buffers: Buffers) -> Entry:
    waiting = conflict.waiting
    why = f"for the end of {conflict.running.name!r}, which has other options: it {outcome(conflict, runs)}"
    return Entry(waiting.start - buffers.start, What.WAIT, waiting, why)


def outcome(conflict: Conflict, runs: Iterable[Run]) -> str:
    """What a conflict comes to for the one that waits: `starts 20 min late`."""
    waiting = conflict.waiting
    begin = next((run.begin for run in runs if waiting in run.sessions), None)
    if begin is None or begin >= waiting.end:
        return "is not timed at all"
    return f"starts {span(begin - waiting.start)} late" if begin > waiting.start else "starts at its time"


def standing(desired: Iterable[Desired], actual: Mapping[str, Actual]) -> list[Standing]:
    """How each of `desired` does, by what supervisord and the job files say."""
    desired = list(desired)
    waiting = {want.program for want in kept_waiting(desired, actual)}
    return [_standing(want, actual.get(want.program, Actual(None, None)), waiting) for want in desired]


def _standing(want: Desired, have: Actual, waiting: Collection[str]) -> Standing:
    session, program, job = want.session, have.program, have.job
    if want.program in waiting:
        name = session.service_class
        return Standing(session, False, f"waits: a person runs {name} (livetiming-service-manager stop {name})")
    if program is None or job is None or job.options != session.options:
        return Standing(session, True, "is about to start")
    if program.alive:
        return _process(session, program)
    if job.event not in want.instances or (job.over and job.event != session.instance):
        return Standing(session, True, "is about to start")
    return Standing(session, True, f"over: {job.over}") if job.over else _process(session, program)


def _process(session: Session, program: Program) -> Standing:
    match program.state:
        case ProgramState.RUNNING:
            return Standing(session, True, f"runs, for {span(max(0, program.now - program.started))}")
        case ProgramState.FATAL:
            why = f" ({program.why})" if program.why else ""
            often = span(RETRY_SECONDS[-1])
            return Standing(session, False, f"could not be started{why}: is tried again, every {often} at least")
        case ProgramState.BACKOFF:
            return Standing(session, False, "ended too soon: supervisord starts it again")
        case ProgramState.STOPPING:
            return Standing(session, True, "is being stopped")
        case ProgramState.STOPPED if program.started:
            return Standing(session, True, "over: stopped by hand")
        case ProgramState.EXITED if program.exit_status == 0:
            return Standing(session, True, "over: ended by itself")
        case ProgramState.EXITED:
            return Standing(session, False, f"crashed (exit {program.exit_status}): it is started again")
    return Standing(session, True, "is starting")


def in_the_way(coming: Iterable[Session], actual: Mapping[str, Actual]) -> set[str]:
    """The programs of `coming` that a person runs now: as long as they do, an event waits."""
    programs = {session.program for session in coming}
    return {
        name
        for name, have in actual.items()
        if name in programs and have.program is not None and not is_the_schedulers(have) and not at_rest(have.program)
    }


def span(seconds: float) -> str:
    """A length of time in its two largest units: `5 min`, `1 h 30 min`, `20 s`."""
    left = round(seconds)
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, left = divmod(left, length)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _last(run: Run) -> Session:
    return max(run.sessions, key=lambda session: session.end)


def _listed(names: Sequence[str]) -> str:
    shown = names[:3]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more
