"""What a person's commands do to programs and jobs, on a host without processes."""

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.jobs import Job
from livetiming.lock import lock_path
from livetiming.network import is_uuid
from livetiming.service.checking import RefusedOption
from livetiming.service.options import host_parser
from livetiming.settings import Place
from livetiming.state import empty_state
from orchestrator import manual, service_control
from orchestrator.scheduler.plan import Desired, Session
from orchestrator.scheduler.programs import Programs, claim, job_path
from orchestrator.scheduler.reconcile import Actual, MarkOver, Memory, Remove, Start, reconcile
from orchestrator.service_control import DidNotStart, ManagerError, NoState, NotThere, RunsAlready, ServiceControl
from orchestrator.service_manager import checked
from orchestrator.supervision import InMemoryHost, Program, ProgramState

CLASS, NAME = "rmonitor", "service-rmonitor"
OPTIONS = ["--host", "192.0.2.7"]
UUID, OTHER = "a" * 32, "b" * 32
SCHEDULED = Job(CLASS, ("--host", "of the event"), UUID, "Race", "instance", "scheduler")
SESSION = Session("instance", "uid", "Race", CLASS, SCHEDULED.options, 0, 100)


class Machine(InMemoryHost):
    """Its programs join the router at once, or end at once with `exits`."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.exits: int | None = None
        self.joins = True
        self.says = ""

    def start(self, name: str) -> None:
        super().start(name)
        if self.exits is None:
            if self.joins:
                lock_path(self.place.run_dir, name).touch()
            return
        with (self.place.log_dir / f"{name}.log").open("a") as log:
            log.write(self.says)
        self.become(name, ProgramState.EXITED if self.exits == 0 else ProgramState.FATAL, exit_status=self.exits)

    def state(self, name: str = NAME) -> ProgramState | None:
        return self.known[name].state if name in self.known else None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for folder in ("run/jobs", "log", "state"):
        (tmp_path / folder).mkdir(parents=True)
    return Place(
        base=tmp_path,
        home=tmp_path,
        state_dir=tmp_path / "state",
        analysis_dir=tmp_path / "analysis",
        log_dir=tmp_path / "log",
        router="",
        credentials=None,
    )


@pytest.fixture
def machine(place: Place) -> Machine:
    return Machine(place)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_control, "LOOK_SECONDS", 0)


@pytest.fixture
def control(machine: Machine) -> ServiceControl:
    return ServiceControl(machine, machine.place)


def start(control: ServiceControl, options: Sequence[str] = OPTIONS) -> Job:
    args, _ = host_parser(None).parse_known_args([CLASS, *options])
    return control.start(CLASS, options, args).job


def job(place: Place) -> Job | None:
    path = job_path(place.jobs_dir, NAME)
    return Job.read(path) if path.exists() else None


def scheduled(machine: Machine, job: Job = SCHEDULED) -> None:
    """The scheduler has started it."""
    job.write(job_path(machine.place.jobs_dir, NAME))
    machine.add(NAME, ["x"])
    machine.start(NAME)


def scheduler_sees(machine: Machine, *, wanted: bool) -> list[type]:
    """One round of the scheduler; what it did."""
    programs = Programs(machine, machine.place.jobs_dir, lambda *_: None)
    desired = [Desired(NAME, SESSION, frozenset({SESSION.instance}))] if wanted else []
    actions, _ = reconcile(desired, programs.actual(), Memory(), 50, grace=10)
    for action in actions:
        programs.carry_out(action)
    return [type(action) for action in actions]


# -- start


def test_a_start_writes_a_persons_job_and_runs_it(control: ServiceControl, machine: Machine, place: Place) -> None:
    started = start(control, ["-d", "Club race", *OPTIONS])
    assert machine.state() is ProgramState.RUNNING
    assert machine.commands[NAME][-2:] == ["--job", str(job_path(place.jobs_dir, NAME))]
    assert job(place) == started
    assert (started.owner, started.description, started.service_class) == ("person", "Club race", CLASS)
    assert is_uuid(started.uuid)


def test_a_second_start_is_refused_and_says_what_runs_and_what_to_do(control: ServiceControl, place: Place) -> None:
    first = start(control)
    with pytest.raises(RunsAlready, match=r"rmonitor --host 192\.0\.2\.7.*stop rmonitor") as refused:
        start(control, ["--host", "192.0.2.8"])
    assert first.uuid in str(refused.value)
    assert job(place) == first


def test_what_the_scheduler_runs_cannot_be_started_beside_it(control: ServiceControl, machine: Machine) -> None:
    scheduled(machine)
    with pytest.raises(RunsAlready, match="scheduler"):
        start(control)


@pytest.mark.parametrize("state", [ProgramState.BACKOFF, ProgramState.STOPPING, ProgramState.STARTING])
def test_what_is_about_to_run_or_to_end_counts_as_running(
    control: ServiceControl, machine: Machine, state: ProgramState
) -> None:
    start(control)
    machine.become(NAME, state)
    with pytest.raises(RunsAlready):
        start(control)


def test_one_that_crashed_counts_as_running_because_it_is_started_again(
    control: ServiceControl, machine: Machine
) -> None:
    start(control)
    machine.become(NAME, ProgramState.EXITED, exit_status=1)
    with pytest.raises(RunsAlready):
        start(control)


@pytest.mark.parametrize("left", [ProgramState.FATAL, ProgramState.STOPPED, None])
def test_what_is_left_of_another_start_is_in_nobodys_way(
    control: ServiceControl, machine: Machine, place: Place, left: ProgramState | None
) -> None:
    old = start(control)
    if left is None:  # supervisord was restarted
        machine.known.clear()
    else:
        machine.become(NAME, left)
    new = start(control)
    assert new.uuid != old.uuid
    assert job(place) == new


def test_a_start_that_fails_tells_what_the_service_said_and_leaves_nothing(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    (place.log_dir / f"{NAME}.log").write_text("of yesterday\n")
    machine.exits, machine.says = 2, "no such host\x1b[2J\n"
    with pytest.raises(DidNotStart, match="FATAL") as failed:
        start(control)
    assert "no such host" in str(failed.value)
    assert "\x1b" not in str(failed.value)
    assert "yesterday" not in str(failed.value)
    assert (machine.state(), job(place)) == (None, None)


def test_a_service_that_is_done_at_once_did_start(control: ServiceControl, machine: Machine) -> None:
    machine.exits = 0
    args, _ = host_parser(None).parse_known_args([CLASS, *OPTIONS])
    assert "ended by itself" in control.start(CLASS, OPTIONS, args).note


class Restless(Machine):
    """Its programs have another pid each time one looks."""

    pids = count(1000)

    def programs(self) -> list[Program]:
        return [replace(program, pid=next(self.pids)) for program in super().programs()]


def test_one_that_ends_and_is_started_again_at_once_did_not_start(place: Place) -> None:
    machine = Restless(place)
    machine.joins = False
    with pytest.raises(DidNotStart):
        start(ServiceControl(machine, place))


def test_one_that_does_not_join_the_router_is_said_to(
    control: ServiceControl, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_control, "JOIN_SECONDS", 0)
    machine.joins = False
    args, _ = host_parser(None).parse_known_args([CLASS, *OPTIONS])
    assert "not joined" in control.start(CLASS, OPTIONS, args).note


def test_two_commands_do_not_come_between_each_other(
    control: ServiceControl, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_control, "CLAIM_SECONDS", 0)
    with closing(claim(place.jobs_dir, NAME)), pytest.raises(ManagerError, match="another command"):
        start(control)


# -- start -s


def test_a_start_from_a_state_is_that_service_and_a_crash_does_not_take_it_back(
    control: ServiceControl, place: Place, tmp_path: Path
) -> None:
    state = {**empty_state(), "cars": [["7", "RUN"]]}
    (tmp_path / f"{UUID}.json").write_bytes(orjson.dumps(state))
    started = start(control, ["-s", str(tmp_path / f"{UUID}.json"), *OPTIONS])
    assert started.uuid == UUID
    assert orjson.loads((place.state_dir / f"{UUID}.json").read_bytes())["cars"] == [["7", "RUN"]]
    assert started.options == tuple(OPTIONS)


def test_a_state_may_go_on_under_another_uuid(control: ServiceControl, place: Place, tmp_path: Path) -> None:
    (tmp_path / "saved.json").write_bytes(orjson.dumps(empty_state()))
    assert start(control, [f"--initial-state={tmp_path}/saved.json", "--uuid", OTHER, *OPTIONS]).uuid == OTHER
    assert (place.state_dir / f"{OTHER}.json").exists()


def test_a_state_that_is_none_is_refused_before_anything_is_done(
    control: ServiceControl, machine: Machine, tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_text("{")
    for name in ("bad.json", "missing.json"):
        with pytest.raises(NoState, match=name):
            start(control, ["-s", str(tmp_path / name), *OPTIONS])
    assert machine.calls == []


# -- stop


def test_a_persons_service_is_forgotten_when_it_is_stopped(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    start(control)
    assert control.stop(CLASS).owner == "person"
    assert (machine.state(), job(place)) == (None, None)


def test_what_does_not_run_cannot_be_stopped(control: ServiceControl) -> None:
    with pytest.raises(NotThere, match="start rmonitor"):
        control.stop(CLASS)


def test_the_schedulers_is_stopped_and_left_to_the_scheduler_which_knows_that_it_is_over(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    scheduled(machine)
    control.stop(CLASS)
    assert machine.state() is ProgramState.STOPPED
    assert job(place) == SCHEDULED
    assert scheduler_sees(machine, wanted=True) == [MarkOver]
    assert scheduler_sees(machine, wanted=True) == []
    assert scheduler_sees(machine, wanted=False) == [Remove]


@pytest.mark.parametrize("state", [ProgramState.FATAL, ProgramState.STOPPED, None])
def test_a_stop_holds_where_the_scheduler_would_have_tried_again(
    control: ServiceControl, machine: Machine, place: Place, state: ProgramState | None
) -> None:
    scheduled(machine)
    if state is None:
        machine.known.clear()
    else:
        machine.become(NAME, state, started=0)
    control.stop(CLASS)
    assert scheduler_sees(machine, wanted=True) == []
    kept = job(place)
    assert kept is not None
    assert kept.over == "stopped by hand"


def test_a_stop_is_repeated_until_it_holds(
    control: ServiceControl, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled(machine)
    stop = machine.stop
    lost = [NAME]  # supervisord loses a stop while a crashed program waits to be started again
    monkeypatch.setattr(machine, "stop", lambda name: lost.pop() if lost else stop(name))
    control.stop(CLASS)
    assert machine.state() is ProgramState.STOPPED


# -- restart


def test_a_restart_keeps_uuid_options_and_owner(control: ServiceControl, machine: Machine, place: Place) -> None:
    first = start(control)
    assert control.restart(CLASS).job == first
    assert machine.calls[-4:] == [("start", NAME), ("stop", NAME), ("add", NAME), ("start", NAME)]
    assert job(place) == first


def test_a_fresh_one_is_a_new_service(control: ServiceControl, place: Place) -> None:
    first = start(control)
    fresh = control.restart(CLASS, fresh=True).job
    assert fresh.uuid != first.uuid
    assert replace(fresh, uuid=first.uuid) == first
    assert job(place) == fresh


def test_a_restart_may_change_the_options_of_a_persons(control: ServiceControl, place: Place) -> None:
    first = start(control)
    words = ["-d", "Race 2", "--host", "192.0.2.8"]
    args, _ = host_parser(None).parse_known_args([CLASS, *words])
    changed = control.restart(CLASS, instead=(words, args)).job
    assert (changed.uuid, changed.options, changed.description) == (first.uuid, tuple(words), "Race 2")


def test_but_not_those_of_an_event(control: ServiceControl, machine: Machine) -> None:
    scheduled(machine)
    args, _ = host_parser(None).parse_known_args([CLASS, *OPTIONS])
    with pytest.raises(ManagerError, match="calendar"):
        control.restart(CLASS, instead=(OPTIONS, args))
    assert machine.state() is ProgramState.RUNNING


@pytest.mark.parametrize("fresh", [False, True])
def test_the_schedulers_stays_the_schedulers(
    control: ServiceControl, machine: Machine, place: Place, fresh: bool
) -> None:
    scheduled(machine)
    restarted = control.restart(CLASS, fresh=fresh).job
    assert (restarted.owner, restarted.event) == ("scheduler", "instance")
    assert (restarted.uuid == UUID) is not fresh
    assert scheduler_sees(machine, wanted=True) == []
    assert job(place) == restarted


def test_what_was_over_for_its_event_is_not_any_more(control: ServiceControl, machine: Machine) -> None:
    scheduled(machine)
    control.stop(CLASS)
    scheduler_sees(machine, wanted=True)
    control.restart(CLASS)
    assert scheduler_sees(machine, wanted=True) == []
    assert machine.state() is ProgramState.RUNNING


def test_after_a_restart_of_the_system_a_persons_goes_on_as_itself(control: ServiceControl, machine: Machine) -> None:
    first = start(control)
    machine.known.clear()
    assert control.restart(CLASS).job == first
    assert machine.state() is ProgramState.RUNNING


def test_what_is_not_there_cannot_be_restarted(control: ServiceControl, machine: Machine) -> None:
    with pytest.raises(NotThere):
        control.restart(CLASS)
    machine.add(NAME, ["somebody's own"])
    with pytest.raises(ManagerError, match="no job"):
        control.restart(CLASS)


def test_a_restart_that_fails_keeps_the_job_to_be_restarted_again(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    first = start(control)
    machine.exits = 1
    with pytest.raises(DidNotStart):
        control.restart(CLASS)
    assert job(place) == first


# -- beside the scheduler


def test_the_scheduler_leaves_a_persons_alone_whatever_the_calendar_says(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    mine = start(control)
    for state in ProgramState:
        machine.become(NAME, state)
        assert scheduler_sees(machine, wanted=True) == scheduler_sees(machine, wanted=False) == []
    assert job(place) == mine


def test_an_event_that_waited_is_started_when_the_persons_has_ended(control: ServiceControl, machine: Machine) -> None:
    start(control)
    control.stop(CLASS)
    assert scheduler_sees(machine, wanted=True) == [Start]


def test_what_a_restart_of_the_system_left_of_a_persons_keeps_no_event_waiting(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    start(control)
    machine.known.clear()
    assert scheduler_sees(machine, wanted=False) == []
    assert scheduler_sees(machine, wanted=True) == [Start]
    its = job(place)
    assert its is not None
    assert its.owner == "scheduler"


def test_a_person_may_take_the_place_of_an_events_service_that_has_ended_and_gives_it_back_over(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    scheduled(machine)
    machine.become(NAME, ProgramState.FATAL)
    assert start(control).owner == "person"
    control.restart(CLASS)
    assert scheduler_sees(machine, wanted=True) == []
    control.stop(CLASS)
    assert job(place) == replace(SCHEDULED, over="stopped by hand")
    assert scheduler_sees(machine, wanted=True) == []
    assert scheduler_sees(machine, wanted=False) == [Remove]


def test_if_that_fails_the_scheduler_goes_on_trying(control: ServiceControl, machine: Machine, place: Place) -> None:
    scheduled(machine)
    machine.become(NAME, ProgramState.FATAL)
    machine.exits = 1
    with pytest.raises(DidNotStart):
        start(control)
    assert job(place) == SCHEDULED
    assert scheduler_sees(machine, wanted=True) == [Start]


def test_while_a_person_is_at_it_the_scheduler_waits(machine: Machine, place: Place) -> None:
    with closing(claim(place.jobs_dir, NAME)):
        scheduler_sees(machine, wanted=True)
        assert machine.calls == []
    scheduler_sees(machine, wanted=True)
    assert ("start", NAME) in machine.calls


def test_what_a_person_has_taken_since_the_scheduler_looked_is_left_alone(
    control: ServiceControl, machine: Machine, place: Place
) -> None:
    programs = Programs(machine, place.jobs_dir, lambda *_: None)
    seen = programs.actual()
    mine = start(control)
    desired = [Desired(NAME, SESSION, frozenset({SESSION.instance}))]
    for wanted, have in ((desired, seen), ([], {NAME: Actual(None, SCHEDULED)})):
        actions, _ = reconcile(wanted, have, Memory(), 50, grace=10)
        assert len(actions) == 1
        programs.carry_out(actions[0])
    assert (machine.state(), job(place)) == (ProgramState.RUNNING, mine)


# -- killed in between


class Killed(BaseException):
    """kill -9: nothing of ours runs any more."""


class Mortal(Machine):
    """The process that uses it is killed around its `dies_at`-th change."""

    dies_at: int | None = None
    before = True

    def _around(self, change: Callable[[], None]) -> None:
        if self.dies_at is None:
            change()
            return
        self.dies_at -= 1
        if self.dies_at == 0 and self.before:
            raise Killed
        change()
        if self.dies_at == 0:
            raise Killed

    def add(self, name: str, command: Sequence[str]) -> None:
        self._around(lambda: super(Mortal, self).add(name, command))

    def start(self, name: str) -> None:
        self._around(lambda: super(Mortal, self).start(name))

    def stop(self, name: str) -> None:
        self._around(lambda: super(Mortal, self).stop(name))

    def remove(self, name: str) -> None:
        self._around(lambda: super(Mortal, self).remove(name))


COMMANDS: dict[str, Callable[[ServiceControl], object]] = {
    "start": start,
    "stop": lambda control: control.stop(CLASS),
    "restart": lambda control: control.restart(CLASS),
    "fresh": lambda control: control.restart(CLASS, fresh=True),
}


def a_persons(control: ServiceControl, machine: Machine) -> None:
    start(control)


def the_schedulers(control: ServiceControl, machine: Machine) -> None:
    scheduled(machine)


def the_schedulers_that_failed(control: ServiceControl, machine: Machine) -> None:
    scheduled(machine)
    machine.become(NAME, ProgramState.FATAL)


def nothing(control: ServiceControl, machine: Machine) -> None:
    pass


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("killed", COMMANDS)
@pytest.mark.parametrize("what", [nothing, a_persons, the_schedulers, the_schedulers_that_failed])
@pytest.mark.parametrize("mended_by", ["start", "stop"])
def test_a_command_that_is_killed_leaves_what_the_next_can_mend(
    place: Place, what: Callable[[ServiceControl, Machine], None], killed: str, at: int, before: bool, mended_by: str
) -> None:
    machine = Mortal(place)
    control = ServiceControl(machine, place)
    what(control, machine)
    machine.dies_at, machine.before = at, before
    with suppress(Killed, ManagerError):
        COMMANDS[killed](control)
    machine.dies_at = None
    for shown in control.services():
        assert shown.service_class == CLASS
    with suppress(RunsAlready, NotThere):
        COMMANDS[mended_by](control)
    there = control.service(CLASS)
    if mended_by == "start":
        assert there is not None
        assert (there.running, bool(there.uuid)) == (True, True)
        control.stop(CLASS)
    there = control.service(CLASS)
    if there is not None:  # the scheduler's, and over
        assert there.owner == "scheduler"
        assert not there.running
        scheduler_sees(machine, wanted=True)
        assert machine.state() is not ProgramState.RUNNING
        scheduler_sees(machine, wanted=False)
    assert (machine.state(), job(place)) == (None, None)


# -- options


def checked_here(*words: str) -> None:
    checked(CLASS, words, Path.cwd())


@pytest.mark.parametrize(
    "words",
    [
        ["--host", "x", "-H", "-N", "-m", "other", "-d", "text", "--uuid", UUID, "-v"],
        ["-s", "/a/file", "--host", "x"],
        ["--host", "x", "-s/a/file"],
        ["--host", "x", "--no-write-state"],
    ],
)
def test_a_person_may_use_what_a_service_knows(words: list[str]) -> None:
    checked_here(*words)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--hots", "x"], "--host"),
        (["--host", "x", "--port", "0"], "--port"),
        (["--host", "x", "extra"], "does not know extra"),
        (["--host", "x", "--job", "file"], "writes the job itself"),
        (["--host", "x", "--standalone"], "run livetiming-service yourself"),
        (["--host", "x", "--t71", "0"], "run livetiming-service yourself"),
        (["--host", "x", "--uuid", "short"], "hexadecimal"),
        (["--host", "x", "--"], "leave it out"),
        (["--host", "x", "-Hs", "/a/file"], "by itself"),
        (["--host", "x", "-d", "\udcff"], "no text"),
    ],
)
def test_what_a_service_would_refuse_is_refused_beforehand(words: list[str], why: str) -> None:
    with pytest.raises(RefusedOption, match=why):
        checked_here(*words)


def test_a_file_that_would_be_another_one_there_is_refused_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "race.txt").touch()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(RefusedOption, match=str(tmp_path / "here" / "race.txt")):
        checked(CLASS, ["--host", "race.txt"], tmp_path)
    checked(CLASS, ["--host", "race.txt"], tmp_path / "here")
    checked(CLASS, ["--host", str(tmp_path / "here" / "race.txt")], tmp_path)


@given(st.lists(st.sampled_from(["--host", "x", "-H", "--initial-state-of", "-d", "--s=1", "-"]), max_size=6))
def test_only_the_initial_state_is_left_out_of_the_options(words: list[str]) -> None:
    assert manual.without_initial_state(words) == words
    for extra in (["-s", "f"], ["-sf"], ["--initial-state", "f"], ["--initial-state=f"]):
        assert manual.without_initial_state([*words, *extra, "--x"]) == [*words, "--x"]


# -- what is shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--host", "x", "--token", "s3cret"], ["--host", "x", "--token", "***"]),
        (["--api-key=s3cret"], ["--api-key=***"]),
        (["--PASSWORD", "-s3cret"], ["--PASSWORD", "***"]),
        (["--token", "--hidden"], ["--token", "--hidden"]),
        (["https://user:s3cret@host/x"], ["https://***@host/x"]),
        (["--url=https://host/x?a=1&token=s3cret&b=2"], ["--url=https://host/x?a=1&token=***&b=2"]),
    ],
)
def test_what_is_named_like_a_secret_is_not_shown(words: list[str], shown: list[str]) -> None:
    assert manual.masked(words) == shown


def test_a_refused_start_does_not_show_the_secrets_of_what_runs(control: ServiceControl) -> None:
    start(control, [*OPTIONS, "--token", "s3cret"])
    with pytest.raises(RunsAlready) as refused:
        start(control)
    assert "s3cret" not in str(refused.value)


def test_a_service_is_shown_with_its_job(control: ServiceControl, machine: Machine) -> None:
    started = start(control, ["-d", "Club race", *OPTIONS])
    machine.now = 61
    (shown,) = control.services()
    assert (shown.service_class, shown.state, shown.owner, shown.uuid) == (CLASS, "RUNNING", "person", started.uuid)
    assert (shown.description, shown.uptime, shown.wrong) == ("Club race", 60, False)
    assert shown.options == ("-d", "Club race", *OPTIONS)


def test_what_a_restart_of_the_system_left_is_wrong_and_says_what_to_do(
    control: ServiceControl, machine: Machine
) -> None:
    start(control)
    machine.known.clear()
    (shown,) = control.services()
    assert (shown.state, shown.running, shown.wrong) == ("GONE", False, True)
    assert "restart or stop rmonitor" in shown.note


def test_what_is_over_or_has_ended_by_itself_is_not_wrong(control: ServiceControl, machine: Machine) -> None:
    start(control)
    machine.become(NAME, ProgramState.EXITED, exit_status=0)
    (shown,) = control.services()
    assert (shown.wrong, shown.note) == (False, "ended by itself")
    control.stop(CLASS)
    scheduled(machine, replace(SCHEDULED, over="stopped by hand"))
    machine.become(NAME, ProgramState.STOPPED)
    (shown,) = control.services()
    assert (shown.wrong, shown.note) == (False, "stopped by hand")
