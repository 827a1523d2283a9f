"""Timing services started and stopped by a person: what `livetiming-service-manager` does.

What it does is done under the claim of the program (orchestrator.scheduler.programs.claim), so that neither the
scheduler nor another command comes between. It may be killed at any point: a job is there before its program and goes
after it, and each command begins with what it finds.
"""

import argparse
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import orjson

from livetiming.files import write_whole
from livetiming.jobs import Job, MalformedJob
from livetiming.lock import AlreadyRunning, last_sign_of_life, lock_path
from livetiming.network import is_uuid
from livetiming.service.kept import Kept, Unusable
from livetiming.settings import Place
from orchestrator import manual
from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.scheduler.programs import PREFIX, claim, job_path, launch
from orchestrator.scheduler.reconcile import Actual
from orchestrator.supervision import ProcessHost, Program, ProgramState, SupervisionError

START_SECONDS = 30.0  # supervisord gives up after some 10 s
JOIN_SECONDS = 10.0  # from running to the router
STOP_SECONDS = 15.0  # supervisord kills after 8 s
CLAIM_SECONDS = 5.0
LOG_LINES = 12
LOOK_SECONDS = 0.1  # between two looks


class ManagerError(RuntimeError):
    """It cannot be done; the message says what to do instead."""


class RunsAlready(ManagerError):
    """A second start of a service."""

    def __init__(self, service: manual.Service) -> None:
        name, whose = service.service_class, f"{service.owner}'s" if service.owner != manual.PERSON else "a person's"
        what = " ".join([name, *service.options])
        super().__init__(
            f"{name} is there already ({service.state}, {whose}, uuid {service.uuid or 'unknown'}: {what}): "
            f"stop it first (livetiming-service-manager stop {name}), or restart it"
        )


class NotThere(ManagerError):
    """Nothing of that class is known to supervisord, or left of it."""

    def __init__(self, service_class: str) -> None:
        super().__init__(
            f"{service_class} does not run: start it with livetiming-service-manager start {service_class} …"
        )


class NoState(ManagerError):
    """There is no state in the file of `-s`."""

    def __init__(self, file: Path, why: object) -> None:
        super().__init__(f"{file} cannot be gone on from: {why}")


class DidNotStart(ManagerError):
    """The process ended instead of running."""

    def __init__(self, name: str, program: Program | None, said: Sequence[str]) -> None:
        state = "it is gone" if program is None else program.state.value
        why = f", {program.why}" if program is not None and program.why else ""
        lines = "".join(f"\n  {line}" for line in said) or f"\n  (nothing: see livetiming logs {name})"
        super().__init__(f"{name} did not start ({state}{why}); what it said last:{lines}")


Instead = tuple[Sequence[str], argparse.Namespace]  # options, and what they say to the host


@dataclass(frozen=True)
class Started:
    """What was started; `note` is what else there is to say."""

    job: Job
    note: str


@dataclass(frozen=True)
class _Began:
    """When a process was started (Unix s), and how long its log was then (bytes)."""

    at: float
    logged: int
    log: Path

    def said(self) -> list[str]:
        """The last lines of its log since then."""
        try:
            with self.log.open("rb") as file:
                if self.log.stat().st_size >= self.logged:  # else it was rotated
                    file.seek(self.logged)
                return [clean(line.decode(errors="replace"), LINE_LIMIT) for line in deque(file, maxlen=LOG_LINES)]
        except FileNotFoundError:
            return []


class ServiceControl:
    """The timing services of one home, by a person's orders."""

    def __init__(self, host: ProcessHost, place: Place) -> None:
        self._host = host
        self._place = place

    @property
    def base(self) -> Path:
        """The folder that services run in."""
        return self._place.base

    # -- what there is

    def services(self) -> list[manual.Service]:
        """All that supervisord knows, and what is left of a person's that it knows no more."""
        programs = {program.name: program for program in self._host.programs() if program.name.startswith(PREFIX)}
        jobs = {path.stem for path in self._place.jobs_dir.glob(f"{PREFIX}*.json")}
        return [
            manual.service(name.removeprefix(PREFIX), Actual(programs.get(name), self._job(name)))
            for name in sorted({*programs, *jobs})
        ]

    def service(self, service_class: str) -> manual.Service | None:
        """One of them; None if it is not there."""
        have = self._have(PREFIX + service_class)
        return None if have == Actual(None, None) else manual.service(service_class, have)

    # -- what is done

    def start(self, service_class: str, options: Sequence[str], args: argparse.Namespace) -> Started:
        """Start a service for a person, with `options`; `args` is what they say to the host. Returns once it runs.

        Raises RunsAlready, NoState, or DidNotStart; nothing is left of it then.
        """
        name = PREFIX + service_class
        initial: Path | None = args.initial_state
        stem = initial.stem if initial is not None and is_uuid(initial.stem) else ""
        job = Job(
            service_class=service_class,
            options=tuple(manual.without_initial_state(options)),
            uuid=args.uuid or stem or uuid4().hex,
            description=args.description or "",
            event="",
            owner=manual.PERSON,
            why="started by hand",
        )
        with self._claimed(name):
            have = self._have(name)
            if manual.is_up(have):
                raise RunsAlready(manual.service(service_class, have))
            if initial is not None:  # now, or a crash would take it back to that state
                self._own(job.uuid, initial)
            job = manual.displacing(job, have, self._document(name))
            began = self._begin(name, job)
        try:
            return Started(job, self._until_it_runs(name, began))
        except DidNotStart:
            with self._claimed(name):
                if self._job(name) == job:
                    self._forget(name, over="")
            raise

    def restart(
        self,
        service_class: str,
        *,
        fresh: bool = False,
        instead: tuple[Sequence[str], argparse.Namespace] | None = None,
    ) -> Started:
        """Start it once more: the same service, or with `fresh` a new one; with the options `instead`, as for a start.

        Returns once it runs. Raises NotThere, ManagerError, or DidNotStart, and leaves what could not be started.
        """
        name = PREFIX + service_class
        with self._claimed(name):
            have = self._have(name)
            if have == Actual(None, None):
                raise NotThere(service_class)
            job = have.job
            if job is None:
                raise ManagerError(f"{name} has no job file, so nobody knows its options: stop it, and start it anew")
            if instead and manual.is_the_schedulers(have):
                raise ManagerError(f"{name} runs for an event: change the options in the calendar")
            self._end(name)
            job = replace(job, over="", quitting="", uuid=uuid4().hex if fresh else job.uuid)
            if instead:
                job = replace(job, options=tuple(instead[0]), description=instead[1].description or "")
            began = self._begin(name, job)
        return Started(job, self._until_it_runs(name, began))

    def stop(self, service_class: str) -> manual.Service:
        """End it: the last state goes out, and a goodbye. What it was. Raises NotThere.

        A person's is forgotten. The scheduler's is left to the scheduler, which then knows that it is over for its
        event; where it could not know, its job says so.
        """
        name = PREFIX + service_class
        with self._claimed(name):
            have = self._have(name)
            if have == Actual(None, None):
                raise NotThere(service_class)
            if not manual.is_the_schedulers(have):
                self._forget(name, over=manual.STOPPED_BY_HAND)
            elif manual.goes_unnoticed(self._end(name)) and have.job is not None:
                replace(have.job, over=manual.STOPPED_BY_HAND).write(job_path(self._place.jobs_dir, name))
        return manual.service(service_class, have)

    # -- how

    def _own(self, uuid: str, initial: Path) -> None:
        """Make the state in `initial` the one that service `uuid` goes on from."""
        kept = Kept.of(self._place.state_dir, self._place.analysis_dir, uuid)
        try:
            state = replace(kept, state_file=initial).state()
        except Unusable as error:
            raise NoState(initial, error.__cause__) from error
        if state is None:
            raise NoState(initial, "there is no such file")
        kept.keep(state, None)

    def _begin(self, name: str, job: Job) -> _Began:
        """Start the process of `job`. Under the claim."""
        log = self._place.log_dir / f"{name}.log"
        began = _Began(time.time(), log.stat().st_size if log.exists() else 0, log)
        launch(self._host, name, job, job_path(self._place.jobs_dir, name))
        return began

    def _until_it_runs(self, name: str, began: _Began) -> str:
        """Wait until it runs and has joined the router. What there is to say if it has not. Raises DidNotStart."""
        until, pid = time.monotonic() + START_SECONDS, 0
        while (program := self._program(name)) is not None and not manual.at_rest(program):
            if program.state is ProgramState.RUNNING:
                if not pid:
                    pid, until = program.pid, time.monotonic() + JOIN_SECONDS
                if program.pid != pid:
                    break  # it ended after a moment, and was started again
                if (last_sign_of_life(lock_path(self._place.run_dir, name)) or 0) >= began.at:
                    return ""
            if time.monotonic() > until:
                break
            time.sleep(LOOK_SECONDS)
        if program is not None and program.state is ProgramState.RUNNING and program.pid == pid:
            return f"it has not joined the router yet: see livetiming logs {name}"
        if program is not None and manual.ended_well(program):
            return "it has ended by itself already"
        raise DidNotStart(name, program, began.said())

    def _end(self, name: str) -> Program | None:
        """Stop the process; a stop can be lost on one that has crashed, so it is repeated. Under the claim."""
        until = time.monotonic() + STOP_SECONDS
        while (program := self._program(name)) is not None and not manual.at_rest(program):
            if time.monotonic() > until:
                raise SupervisionError(f"{name} cannot be stopped", "it does not end")
            self._host.stop(name)
            time.sleep(LOOK_SECONDS)
        return program

    def _forget(self, name: str, over: str) -> None:
        """End a person's, for good; the scheduler gets back what it took the place of. Under the claim."""
        job, path = self._job(name), job_path(self._place.jobs_dir, name)
        self._host.remove(name)
        document = manual.displaced(job, over)
        if document is None:
            path.unlink(missing_ok=True)
        else:
            write_whole(path, orjson.dumps(document, option=orjson.OPT_INDENT_2), mode=0o600)

    @contextmanager
    def _claimed(self, name: str) -> Iterator[None]:
        until = time.monotonic() + CLAIM_SECONDS
        while True:
            with suppress(AlreadyRunning):
                held = claim(self._place.jobs_dir, name)
                break
            if time.monotonic() > until:
                raise ManagerError(f"another command is changing {name}: try again when it has ended")
            time.sleep(LOOK_SECONDS)
        with closing(held):
            yield

    # -- what is there

    def _have(self, name: str) -> Actual:
        return Actual(self._program(name), self._job(name))

    def _program(self, name: str) -> Program | None:
        return next((program for program in self._host.programs() if program.name == name), None)

    def _job(self, name: str) -> Job | None:
        try:
            return Job.read(job_path(self._place.jobs_dir, name))
        except MalformedJob:
            return None

    def _document(self, name: str) -> dict[str, object]:
        try:
            document = orjson.loads(job_path(self._place.jobs_dir, name).read_bytes())
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}
