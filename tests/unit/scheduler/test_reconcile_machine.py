"""Anything may happen, in any order: edits, crashes, restarts, steps of the clock, persons. What holds all the same.

The world is the in-memory host and real job files; the scheduler is plan(), reconcile() and Programs, as in the daemon.
"""

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from livetiming.jobs import Job, MalformedJob
from orchestrator.scheduler.plan import Buffers, Desired, Session, plan
from orchestrator.scheduler.programs import Programs, job_path
from orchestrator.scheduler.reconcile import OWNER, Memory, Remove, reconcile
from orchestrator.supervision import InMemoryHost, Program, ProgramState

BUFFERS, GRACE = Buffers(start=5, end=10), 10
CLASSES = st.sampled_from(["f1", "wec"])
OPTIONS = st.sampled_from([(), ("--a",)])
MOMENTS, LENGTHS = st.integers(-60, 60), st.integers(0, 120)
NUMBERS = st.integers(0, 3)
BEGIN = 10_000
EVENTS = st.tuples(NUMBERS, CLASSES, OPTIONS, MOMENTS, LENGTHS)
UUID = "f" * 32


@dataclass
class World(InMemoryHost):
    """The host, and the processes on it: what each was started with."""

    jobs_dir: Path = Path()
    launched: dict[str, Job] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)  # uuids of processes that heard QUIT

    def start(self, name: str) -> None:
        """A process that is started reads its job, which must be there."""
        job = Job.read(job_path(self.jobs_dir, name))
        assert not self.known[name].alive, f"{name} is started while it runs"
        super().start(name)
        self.launched[name] = job
        self.told.discard(job.uuid)

    def end(self, name: str, state: ProgramState, exit_status: int = 0) -> None:
        """The process of `name` ends."""
        self.become(name, state, stopped=self.now, pid=0, exit_status=exit_status)
        self.launched.pop(name, None)

    def stop(self, name: str) -> None:
        """As the host's, with the process gone."""
        super().stop(name)
        self.launched.pop(name, None)

    def remove(self, name: str) -> None:
        """The same."""
        super().remove(name)
        self.launched.pop(name, None)


class Schedule(RuleBasedStateMachine):
    """One home with a calendar that is being edited."""

    @initialize(events=st.lists(EVENTS, min_size=1, max_size=4))
    def begin(self, events: list[tuple[int, str, tuple[str, ...], int, int]]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lt-machine-"))
        self.now = BEGIN
        self.passed = 0  # seconds, by a clock that nobody sets
        self.world = World(jobs_dir=self.folder, now=self.now)
        self.programs = Programs(self.world, self.folder, self._quit)
        self.calendar: dict[int, Session] = {}
        self.memory = Memory()
        self.over: set[str] = set()  # instances that ended by themselves, or by a person
        for event in events:
            self.write(event)
        self.round(None, frozenset())

    def teardown(self) -> None:
        try:
            self._one_quiet_time_reaches_what_is_wanted()
        finally:
            shutil.rmtree(self.folder)

    # -- the calendar

    @rule(event=EVENTS)
    def write(self, event: tuple[int, str, tuple[str, ...], int, int]) -> None:
        number, service_class, options, start, length = event
        begin = self.now + start
        instance = f"event-{number}"
        self.calendar[number] = Session(
            instance, instance, f"Race {number}", service_class, options, begin, begin + length
        )

    @rule(number=NUMBERS, options=OPTIONS)
    def change_options(self, number: int, options: tuple[str, ...]) -> None:
        if number in self.calendar:
            self.calendar[number] = replace(self.calendar[number], options=options)

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        self.calendar.pop(number, None)

    @rule(number=NUMBERS)
    def delete_and_write_again(self, number: int) -> None:
        event = self.calendar.pop(number, None)
        self.round(None, frozenset())
        if event is not None:
            self.calendar[number] = event
            self.round(None, frozenset())

    @rule(number=NUMBERS, name=st.sampled_from(["Race", "Qualifying"]))
    def retitle(self, number: int, name: str) -> None:
        if number in self.calendar:
            self.calendar[number] = replace(self.calendar[number], name=name)

    # -- time

    @rule(seconds=st.sampled_from([1, 4, 12, 60, 400]))
    def pass_time(self, seconds: int) -> None:
        self._wait(seconds)

    @rule(seconds=st.sampled_from([-3600, -30, 3600]))
    def step_the_clock(self, seconds: int) -> None:
        self._set_clock(max(2, self.now + seconds))

    # -- the scheduler

    @rule()
    def three_rounds(self) -> None:
        for _ in range(3):
            self.round(None, frozenset())
            self.what_was_told_to_quit_does()
            self._wait(1)

    @rule(carried_out=st.one_of(st.none(), st.integers(0, 3)), busy=st.frozensets(CLASSES, max_size=1))
    def round(self, carried_out: int | None, busy: frozenset[str]) -> None:
        """With a number, the scheduler is killed after so many actions, and starts anew."""
        actions, memory = reconcile(
            self._wanted(),
            self.programs.actual(),
            self.memory,
            self.passed,
            GRACE,
            busy={f"service-{name}" for name in busy},
        )
        for action in actions[:carried_out]:
            assert not (isinstance(action, Remove) and action.name in self.world.launched), "removed while it runs"
            self.programs.carry_out(action)
        self.memory = memory if carried_out is None else Memory()

    # -- processes

    @rule()
    def what_was_told_to_quit_does(self) -> None:
        for name, job in list(self.world.launched.items()):
            if job.uuid in self.world.told:
                self.world.end(name, ProgramState.EXITED)

    @rule(service_class=CLASSES)
    def crash(self, service_class: str) -> None:
        if (name := f"service-{service_class}") in self.world.launched:
            self.world.end(name, ProgramState.EXITED, exit_status=1)

    @rule(state=st.sampled_from([ProgramState.RUNNING, ProgramState.FATAL, ProgramState.BACKOFF]))
    def supervisord_tries_again(self, state: ProgramState) -> None:
        for name, program in list(self.world.known.items()):
            if _crashed(program):
                self._comes_to(name, state)

    @rule(service_class=CLASSES)
    def end_by_itself(self, service_class: str) -> None:
        self._is_over(f"service-{service_class}", ProgramState.EXITED)

    @rule()
    def supervisord_is_killed(self) -> None:
        self.world.known.clear()
        self.world.launched.clear()

    # -- persons

    @rule(service_class=CLASSES)
    def a_person_stops_it(self, service_class: str) -> None:
        self._is_over(f"service-{service_class}", ProgramState.STOPPED)

    @rule(service_class=CLASSES)
    def a_person_starts_their_own(self, service_class: str) -> None:
        name = f"service-{service_class}"
        if name not in self.world.known:
            Job(service_class, ("--own",), UUID, "mine", "", "person").write(job_path(self.folder, name))
            self.world.add(name, [])
            self.world.start(name)

    @rule(service_class=CLASSES)
    def a_person_ends_their_own(self, service_class: str) -> None:
        name = f"service-{service_class}"
        job = self._job(name)
        if job is not None and job.owner != OWNER:
            self.world.remove(name)
            job_path(self.folder, name).unlink()

    # -- what always holds

    @invariant()
    def no_process_is_an_orphan(self) -> None:
        for name, started_with in self.world.launched.items():
            job = self._job(name)
            assert job is not None, f"{name} runs without a job"
            assert (job.uuid, job.options) == (started_with.uuid, started_with.options)

    @invariant()
    def what_a_person_started_runs_until_they_end_it(self) -> None:
        for name in self.world.known:
            job = self._job(name)
            if job is not None and job.owner != OWNER:
                assert job.uuid == UUID
                assert UUID not in self.world.told

    def _one_quiet_time_reaches_what_is_wanted(self) -> None:
        self.supervisord_tries_again(ProgramState.RUNNING)
        self.round(None, frozenset())
        self.what_was_told_to_quit_does()
        self._wait(GRACE)  # for what was told to quit, crashed, and came back
        for _ in range(4):  # told to quit, or stopped; ended; started, or removed; renamed
            self.round(None, frozenset())
            self.what_was_told_to_quit_does()
        actual = self.programs.actual()
        wanted = {want.program: want for want in self._wanted()}
        for name, have in actual.items():
            if have.job is not None and have.job.owner == OWNER:
                assert name in wanted, f"{name} is left over"
        for name, want in wanted.items():
            have = actual[name]
            assert have.job is not None
            if have.job.owner != OWNER:
                continue  # it waits for the person
            if have.job.over:
                assert want.session.instance in self.over, f"{name} is over, and nobody ended it"
                continue
            assert have.program is not None
            if have.program.state is ProgramState.FATAL:
                continue  # it has its times
            assert have.program.state is ProgramState.RUNNING, name
            assert (have.job.event, have.job.options) == (want.session.instance, want.session.options)
            assert have.job.description == want.session.name

    # -- how

    def _wanted(self) -> tuple[Desired, ...]:
        return plan(self.calendar.values(), self.now, BUFFERS).desired

    def _set_clock(self, now: int) -> None:
        self.now = self.world.now = now

    def _wait(self, seconds: int) -> None:
        self.passed += seconds
        self._set_clock(self.now + seconds)

    def _quit(self, uuid: str, why: str) -> None:
        self.world.told.add(uuid)

    def _comes_to(self, name: str, state: ProgramState) -> None:
        """What supervisord makes of a program that it tries again."""
        if state is ProgramState.RUNNING:
            self.world.start(name)
        else:
            self.world.become(name, state)

    def _is_over(self, name: str, state: ProgramState) -> None:
        job = self._job(name)
        if name in self.world.launched and job is not None and job.owner == OWNER:
            self.world.end(name, state)
            self.over.add(job.event)

    def _job(self, name: str) -> Job | None:
        try:
            return Job.read(job_path(self.folder, name))
        except MalformedJob:
            return None


def _crashed(program: Program) -> bool:
    if program.state is ProgramState.BACKOFF:
        return True
    return program.state is ProgramState.EXITED and program.exit_status != 0


TestSchedule = Schedule.TestCase
TestSchedule.settings = settings(max_examples=400, stateful_step_count=30, deadline=None)
