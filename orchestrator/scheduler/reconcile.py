"""What should run, and what does → what to do. No I/O, no clock, nothing remembered but what is passed in.

Only programs whose job says that the scheduler owns them are touched. What a person stopped, or what ended by itself,
is over for that event: its job says so, and it is started again only for another event or with other options.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from livetiming.jobs import Job
from orchestrator.scheduler.plan import Desired, Session
from orchestrator.supervision import Program, ProgramState

OWNER = "scheduler"
RETRY_SECONDS = (30, 60, 120, 300)  # after the first, second … failure to start; the last for all further ones


@dataclass(frozen=True)
class Actual:
    """One program as it is: supervisord's view (None: unknown to it) and its job file (None: it has none)."""

    program: Program | None
    job: Job | None


@dataclass(frozen=True)
class Memory:
    """What a round leaves to the next: programs told to quit, and failed ones, each with when (monotonic s)."""

    quit_at: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, tuple[int, float]] = field(default_factory=dict)  # failures so far, time of the last


@dataclass(frozen=True)
class Start:
    """Start the program for this session; with `uuid` it goes on as that service, else as a new one."""

    desired: Desired
    uuid: str | None
    why: str


@dataclass(frozen=True)
class Rename:
    """The running process is now for this session: rewrite its job and have it read that."""

    desired: Desired
    job: Job


@dataclass(frozen=True)
class Quit:
    """Ask the service to end, by its command topic; its job says so, or its end would be taken for its own wish."""

    name: str
    job: Job
    why: str


@dataclass(frozen=True)
class GoOn:
    """It was told to quit, is wanted again, and has not heard: note in the job that it may go on."""

    name: str
    job: Job


@dataclass(frozen=True)
class Stop:
    """It did not quit in time: have supervisord end it."""

    name: str
    why: str


@dataclass(frozen=True)
class Remove:
    """Forget a program that does not run any more, with its job."""

    name: str


@dataclass(frozen=True)
class MarkOver:
    """Note in the job that it is over for its event, and why; with no reason, that it is not."""

    name: str
    job: Job
    why: str


@dataclass(frozen=True)
class Failed:
    """It could not be started, for the first time: to be announced."""

    desired: Desired
    why: str  # supervisord's word on it


@dataclass(frozen=True)
class Retry:
    """Start once more what could not be started."""

    name: str


Action = Start | Rename | Quit | GoOn | Stop | Remove | MarkOver | Failed | Retry


def program_of(action: Action) -> str:
    """The name of the program that `action` is for."""
    return action.desired.program if isinstance(action, Start | Rename | Failed) else action.name


def reconcile(
    desired: Iterable[Desired],
    actual: Mapping[str, Actual],
    memory: Memory,
    now: float,
    grace: float,
    busy: Collection[str] = (),
) -> tuple[list[Action], Memory]:
    """The actions of this round, and what to remember for the next. `grace`: seconds from QUIT to a stop.

    `now` is in seconds of a clock that nobody sets (the monotonic one): here it only tells how long something took.

    `busy` are the programs that an action of an earlier round is still at work on: they are left to it.
    """
    wanted = {item.program: item for item in desired}
    actions: list[Action] = []
    quit_at = {name: at for name, at in memory.quit_at.items() if name in busy}
    failed = {name: at for name, at in memory.failed.items() if name in busy}
    for name in sorted({*wanted, *actual}.difference(busy)):
        want, have = wanted.get(name), actual.get(name, Actual(None, None))
        if _is_a_persons(have):
            continue
        told = memory.quit_at.get(name)
        if told is None and have.job is not None and have.job.quitting:
            told = now  # by a scheduler before us
        action = _want(want, have, told=told is not None) if want is not None else _do_not_want(name, have)
        if isinstance(action, Quit):
            quit_at[name] = now if told is None else told
            if told is not None:
                action = Stop(name, action.why) if now - told >= grace else None
        elif told is not None and have.program is not None and have.program.alive:  # though it is wanted again
            if now - told < grace or have.program.state is ProgramState.STOPPING:
                quit_at[name] = told
            elif have.job is not None:
                action = GoOn(name, have.job)
        if want is not None and have.program is not None and isinstance(action, Retry):
            action = _failed_or_retry(want, have.program, memory, failed, now)
        elif name in memory.failed and want is not None and not _runs_well(have):
            failed[name] = memory.failed[name]
        if action is not None:
            actions.append(action)
    return actions, Memory(quit_at, failed)


def kept_waiting(desired: Iterable[Desired], actual: Mapping[str, Actual]) -> list[Desired]:
    """What cannot run because a person runs that class: theirs is left alone, and the event waits for its end."""
    return [want for want in desired if want.program in actual and _is_a_persons(actual[want.program])]


def on_air(desired: Iterable[Desired], actual: Mapping[str, Actual]) -> list[Session]:
    """The sessions whose process is known to run, for them."""
    return [want.session for want in desired if want.program in actual and _is_for(want.session, actual[want.program])]


def _is_for(session: Session, have: Actual) -> bool:
    job = have.job
    if job is None or job.owner != OWNER or not _runs_well(have):
        return False
    return (job.event, job.options) == (session.instance, session.options)


def _is_a_persons(have: Actual) -> bool:
    return have.program is not None if have.job is None else have.job.owner != OWNER


def _want(want: Desired, have: Actual, *, told: bool) -> Action | None:
    """`told`: we told it to quit."""
    program, job, session = have.program, have.job, want.session
    if job is None:
        return Start(want, None, "it is due")
    if (job.service_class, job.options) != (session.service_class, session.options):
        why = "its options have changed"
        return Quit(want.program, job, why) if program is not None and program.alive else Start(want, None, why)
    if job.over and program is not None and program.alive:
        return MarkOver(want.program, job, "")  # a person has started it again
    if job.over:
        return None if job.event == session.instance else Start(want, None, "the next event is due")
    if job.event not in want.instances and (program is None or not program.alive):
        return Start(want, None, "it is due")  # the job is of an event that is gone
    if program is None:
        return Start(want, job.uuid, "it was running before")
    if told:
        return None if program.alive else Start(want, job.uuid, "it is wanted again")
    return _keep(want, job, program)


def _keep(want: Desired, job: Job, program: Program) -> Action | None:
    """The job is the right one; what of the process?"""
    match program.state:
        case ProgramState.FATAL:
            return Retry(program.name)
        case ProgramState.STOPPED if program.started == 0:  # known to supervisord, never started
            return Start(want, job.uuid, "it was running before")
        case ProgramState.STOPPED:
            return MarkOver(program.name, job, "stopped by hand")
        case ProgramState.EXITED if program.exit_status == 0:
            return MarkOver(program.name, job, "ended by itself")
        case ProgramState.EXITED if program.now - program.stopped >= RETRY_SECONDS[0]:  # found a twin; look again
            return Start(want, job.uuid, "its twin may be gone")
        case ProgramState.RUNNING if (job.description, job.event) != (want.session.name, want.session.instance):
            return Rename(want, job)
    return None


def _do_not_want(name: str, have: Actual) -> Action | None:
    if have.job is not None and have.program is not None and have.program.alive:
        return Quit(name, have.job, "its event is over, or gone from the calendar")
    return Remove(name)


def _failed_or_retry(
    want: Desired, program: Program, memory: Memory, failed: dict[str, tuple[int, float]], now: float
) -> Action | None:
    name = want.program
    if name not in memory.failed:
        failed[name] = (1, now)
        return Failed(want, program.why)
    count, at = memory.failed[name]
    if now - at < RETRY_SECONDS[min(count, len(RETRY_SECONDS)) - 1]:
        failed[name] = (count, at)
        return None
    failed[name] = (count + 1, now)
    return Retry(name)


def _runs_well(have: Actual) -> bool:
    return have.program is not None and have.program.state is ProgramState.RUNNING
