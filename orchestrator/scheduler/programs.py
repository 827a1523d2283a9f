"""The scheduler's hands: carries out actions on programs and job files. Blocks; for a thread.

Order matters for a crash at any point: a job is written before its program is known, and deleted after it is
forgotten, so there is never a program without the job that says whose it is.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from twisted.logger import Logger

from livetiming.jobs import Job, MalformedJob
from orchestrator.scheduler.reconcile import (
    OWNER,
    Action,
    Actual,
    Failed,
    MarkOver,
    Quit,
    Remove,
    Rename,
    Retry,
    Start,
    Stop,
)
from orchestrator.supervision import ProcessHost

PREFIX = "service-"


class Programs:
    """The scheduled programs of one host, with their job files in `jobs_dir`. `quit_service(uuid, why)` sends QUIT."""

    log = Logger()

    def __init__(self, host: ProcessHost, jobs_dir: Path, quit_service: Callable[[str, str], None]) -> None:
        self._host = host
        self._jobs_dir = jobs_dir
        self._quit_service = quit_service

    def actual(self) -> dict[str, Actual]:
        """What there is now: one call to the host, and the job files."""
        programs = {program.name: program for program in self._host.programs() if program.name.startswith(PREFIX)}
        jobs = self._jobs()
        return {name: Actual(programs.get(name), jobs.get(name)) for name in {*programs, *jobs}}

    def carry_out(self, action: Action) -> None:
        """Do it; SupervisionError if the host refuses."""
        match action:
            case Start():
                self._start(action)
            case Rename(desired, job):
                session = desired.session
                self.log.info("{name} is now {title}", name=desired.program, title=session.name)
                replace(job, description=session.name, event=session.instance).write(self._path(desired.program))
                self._host.signal(desired.program, "HUP")
            case Quit(name, uuid, why):
                self.log.info("telling {name} to quit: {why}", name=name, why=why)
                self._quit_service(uuid, why)
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
            case Failed(name):
                self.log.error("{name} could not be started: see livetiming logs {name}; it is tried again", name=name)
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
        path = self._path(name)
        job.write(path)
        self._host.add(name, [sys.executable, "-m", "livetiming.service.cli", "--job", str(path)])
        self._host.start(name)

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
        return self._jobs_dir / f"{name}.json"
