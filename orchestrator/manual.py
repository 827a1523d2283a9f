"""What a person may do to timing services by hand, and how it is told. No I/O.

A service is a person's, or the scheduler's: its job says whose. The scheduler leaves a person's alone. What a person
does to one of the scheduler's is left to the scheduler to notice, wherever it can.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from livetiming.jobs import Job
from livetiming.lock import EXIT_TWICE
from orchestrator.scheduler.reconcile import OWNER, Actual
from orchestrator.supervision import Program, ProgramState

PERSON = "person"
GONE = "GONE"  # a job whose program supervisord does not know
STOPPED_BY_HAND = "stopped by hand"
DISPLACED = "displaced"  # the key under which a person's job keeps the scheduler's that it took the place of

_NAMED = "token|secret|passw|pwd|key|auth|credential"
_SECRET_OPTION = re.compile(rf"--[\w-]*(?:{_NAMED})[\w-]*", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_SECRET_IN_URL = re.compile(rf"(?<=[?&])([^=&]*(?:{_NAMED})[^=&]*)=[^&#]*", re.IGNORECASE)
_HIDDEN = "***"
_INITIAL_STATE = ("-s", "--initial-state")


@dataclass(frozen=True)
class Service:
    """One timing service, as it is shown. Times in seconds; None where there is nothing to tell."""

    service_class: str
    state: str
    running: bool
    should_run: bool
    pid: int | None
    uptime: int | None
    uuid: str
    owner: str
    description: str
    options: tuple[str, ...]  # without the secrets that can be recognised
    note: str

    @property
    def wrong(self) -> bool:
        """Whether it should run, and does not."""
        return self.should_run and not self.running


def service(service_class: str, have: Actual) -> Service:
    """What is to be told of it."""
    program, job = have.program, have.job
    alive = program is not None and program.alive
    return Service(
        service_class=service_class,
        state=GONE if program is None else program.state.value,
        running=program is not None and program.state is ProgramState.RUNNING,
        should_run=not (job is not None and job.over) and not (program is not None and ended_well(program)),
        pid=program.pid if program is not None and alive else None,
        uptime=max(0, program.now - program.started) if program is not None and alive else None,
        uuid=job.uuid if job is not None else "",
        owner=OWNER if is_the_schedulers(have) else PERSON,
        description=job.description if job is not None else "",
        options=tuple(masked(job.options)) if job is not None else (),
        note=_note(service_class, have),
    )


def _note(service_class: str, have: Actual) -> str:
    program, job = have.program, have.job
    if program is None and not is_the_schedulers(have):
        return f"the system was restarted: restart or stop {service_class}"
    if job is not None and job.over:
        return job.over
    if program is not None and ended_well(program):
        return "ended by itself"
    return program.why if program is not None else ""


def is_the_schedulers(have: Actual) -> bool:
    """Whose it is."""
    return have.job is not None and have.job.owner == OWNER


def is_up(have: Actual) -> bool:
    """Whether there is a process, or is about to be one again."""
    return have.program is not None and not at_rest(have.program)


def at_rest(program: Program) -> bool:
    """Whether it stays without a process until somebody starts it. One that crashed is started again, and does not."""
    if program.state is ProgramState.EXITED:
        return program.exit_status in (0, EXIT_TWICE)
    return program.state in (ProgramState.STOPPED, ProgramState.FATAL)


def ended_well(program: Program) -> bool:
    """Whether it has ended by itself, and is done."""
    return program.state is ProgramState.EXITED and program.exit_status == 0


def goes_unnoticed(program: Program | None) -> bool:
    """Whether the scheduler would start it again, because nothing tells it that a person has stopped this."""
    if program is None or program.state in (ProgramState.FATAL, ProgramState.EXITED):
        return program is None or not ended_well(program)
    return program.started == 0


def displacing(job: Job, have: Actual, document: Mapping[str, Any]) -> Job:
    """The person's `job`, with the `document` of the scheduler's job that it takes the place of, if it does."""
    if is_the_schedulers(have):
        return replace(job, extra={DISPLACED: dict(document)})
    kept = displaced(have.job, "")
    return job if kept is None else replace(job, extra={DISPLACED: kept})


def displaced(job: Job | None, over: str) -> dict[str, Any] | None:
    """The document of the scheduler's job that `job` took the place of, with `over` as its own unless it has one."""
    document = None if job is None else job.extra.get(DISPLACED)
    if not isinstance(document, dict):
        return None
    return {**document, "over": document.get("over") or over}


def masked(options: Sequence[str]) -> list[str]:
    """`options` with the values hidden of those that are named like secrets, and of such parts of addresses.

    This is for screens. Whoever may read the job file reads them in full.
    """
    shown = []
    secret = False
    for word in options:
        name, equals, _ = word.partition("=")
        if secret and not word.startswith("--"):
            shown.append(_HIDDEN)
            secret = False
            continue
        secret = bool(_SECRET_OPTION.fullmatch(name)) and not equals
        if equals and _SECRET_OPTION.fullmatch(name):
            shown.append(f"{name}={_HIDDEN}")
        else:
            shown.append(_SECRET_IN_URL.sub(rf"\1={_HIDDEN}", _USER_IN_URL.sub(_HIDDEN, word)))
    return shown


def without_initial_state(options: Sequence[str]) -> list[str]:
    """`options` without `-s FILE`. Together with other letters (`-Hs FILE`) it stays."""
    short, long = _INITIAL_STATE
    kept = []
    words = iter(options)
    for word in words:
        if word in (short, long):
            next(words, None)
        elif not word.startswith((f"{long}=", short)):
            kept.append(word)
    return kept
