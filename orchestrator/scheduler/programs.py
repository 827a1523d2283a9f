"""The scheduler's hands: carries out actions on programs and job files. Blocks; for a thread.

Order matters for a crash at any point: a job is written before its program is known, and deleted after it is
forgotten, so there is never a program without the job that says whose it is. A person's commands (see
orchestrator.service_manager) do the same to the same files, so each change is made under the claim of its program.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from twisted.logger import Logger

from livetiming.jobs import Job, MalformedJob
from livetiming.lock import AlreadyRunning, Lock
from orchestrator.scheduler.reconcile import (
    OWNER,
    Action,
    Actual,
    Failed,
    GoOn,
    MarkOver,
    Quit,
    Remove,
    Rename,
    Retry,
    Start,
    Stop,
    program_of,
)
from orchestrator.supervision import ProcessHost

PREFIX = "service-"


def job_path(jobs_dir: Path, name: str) -> Path:
    """Where the job of program `name` is."""
    return jobs_dir / f"{name}.json"


def claim(jobs_dir: Path, name: str) -> Lock:
    """Held by whoever changes program `name` or its job, until it is closed; AlreadyRunning if somebody does now."""
    return Lock(f"another command for {name}", jobs_dir / f"{name}.claim")


def launch(host: ProcessHost, name: str, job: Job, path: Path) -> None:
    """Have `host` run `job` as program `name`; `path` is where it is to find it."""
    job.write(path)
    host.add(name, [sys.executable, "-m", "livetiming.service.cli", "--job", str(path)])
    host.start(name)


class Programs:
    """The scheduled programs of one host, with their job files in `jobs_dir`. `quit_service(uuid, why)` sends QUIT."""

    log = Logger()

    def __init__(self, host: ProcessHost, jobs_dir: Path, quit_service: Callable[[str, str], None]) -> None:
        self._host = host
        self._jobs_dir = jobs_dir
        self._quit_service = quit_service

    def actual(self) -> dict[str, Actual]:
        """What there is now: one call to the host, and the job files.

        A person's job without a program is what a restart of supervisord has left: it keeps no event waiting.
        """
        programs = {program.name: program for program in self._host.programs() if program.name.startswith(PREFIX)}
        jobs = self._jobs()
        ours = [name for name, job in jobs.items() if job.owner == OWNER]
        return {name: Actual(programs.get(name), jobs.get(name)) for name in {*programs, *ours}}

    def carry_out(self, action: Action) -> None:
        """Do it, unless a person is at that program, or has just taken it; SupervisionError if the host refuses."""
        name = program_of(action)
        try:
            held = claim(self._jobs_dir, name)
        except AlreadyRunning:
            return  # it is due again in the next round
        with closing(held):
            if not self._is_a_persons(name):
                self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Start():
                self._start(action)
            case Rename(desired, job):
                session = desired.session
                self.log.info("{name} is now {title}", name=desired.program, title=session.name)
                replace(job, description=session.name, event=session.instance).write(self._path(desired.program))
                self._host.signal(desired.program, "HUP")
            case Quit(name, job, why):
                self.log.info("telling {name} to quit: {why}", name=name, why=why)
                replace(job, quitting=why).write(self._path(name))
                self._quit_service(job.uuid, why)
            case GoOn(name, job):
                self.log.info("{name} has not quit, and goes on: it is wanted again", name=name)
                replace(job, quitting="").write(self._path(name))
            case Stop(name, why):
                self.log.warn("{name} did not quit: stopping it ({why})", name=name, why=why)
                self._host.stop(name)
            case Remove(name):
                self._host.remove(name)
                self._path(name).unlink(missing_ok=True)
            case MarkOver(name, job, why):
                said = f"is over for this event: {why}" if why else "was started again by a person"
                self.log.info("{name} {said}", name=name, said=said)
                replace(job, over=why).write(self._path(name))
            case Failed(desired):
                said = "{name} could not be started: see livetiming logs {name}; it is tried again"
                self.log.error(said, name=desired.program)
            case Retry(name):
                self.log.info("trying {name} again", name=name)
                self._host.start(name)

    def _start(self, action: Start) -> None:
        session, name = action.desired.session, action.desired.program
        job = Job(
            service_class=session.service_class,
            options=session.options,
            uuid=action.uuid or uuid4().hex,
            description=session.name,
            event=session.instance,
            owner=OWNER,
            why=action.why,
        )
        self.log.info("starting {name} for {title}: {why}", name=name, title=session.name, why=action.why)
        launch(self._host, name, job, self._path(name))

    def _is_a_persons(self, name: str) -> bool:
        """Whether it has become a person's since this round began."""
        try:
            job = Job.read(self._path(name))
        except MalformedJob:
            return False
        return job.owner != OWNER and any(program.name == name for program in self._host.programs())

    def _jobs(self) -> dict[str, Job]:
        jobs = {}
        for path in self._jobs_dir.glob(f"{PREFIX}*.json"):
            try:
                jobs[path.stem] = Job.read(path)
            except MalformedJob as error:
                self.log.error("{error}: deleted", error=error)
                path.unlink(missing_ok=True)
        return jobs

    def _path(self, name: str) -> Path:
        return job_path(self._jobs_dir, name)
