"""Wanted and actual → actions."""

from dataclasses import replace

import pytest

from livetiming.jobs import Job
from orchestrator.scheduler.plan import Desired, Session
from orchestrator.scheduler.reconcile import (
    Action,
    Actual,
    Failed,
    MarkOver,
    Memory,
    Quit,
    Remove,
    Rename,
    Retry,
    Start,
    Stop,
    kept_waiting,
    on_air,
    reconcile,
)
from orchestrator.supervision import Program, ProgramState

NAME = "service-f1"
UUID = "a" * 32
SESSION = Session("instance", "uid", "Race", "f1", ("--a",), 0, 100)
WANTED = Desired(NAME, SESSION, frozenset({"instance"}))
JOB = Job("f1", ("--a",), UUID, "Race", "instance", "scheduler")


def program(state: ProgramState, **more: int) -> Program:
    return Program(NAME, state, **{"started": 1, **more})  # type: ignore[arg-type]  # ints only


RUNNING = program(ProgramState.RUNNING)
STOPPED_BY_HAND = program(ProgramState.STOPPED, stopped=5)
ENDED_BY_ITSELF = program(ProgramState.EXITED, stopped=5, exit_status=0)


def round_of(
    want: Desired | None, have: Actual | None, memory: Memory | None = None, now: float = 50
) -> tuple[list[Action], Memory]:
    return reconcile([want] if want else [], {NAME: have} if have else {}, memory or Memory(), now, grace=10)


def actions(want: Desired | None, have: Actual | None, memory: Memory | None = None, now: float = 50) -> list[Action]:
    return round_of(want, have, memory, now)[0]


def test_what_should_run_and_does_not_is_started_as_a_new_service() -> None:
    assert actions(WANTED, None) == [Start(WANTED, None, "it is due")]


def test_what_runs_as_it_should_is_left_alone() -> None:
    assert actions(WANTED, Actual(RUNNING, JOB)) == []


def test_after_a_restart_of_supervisord_it_goes_on_as_the_same_service() -> None:
    (action,) = actions(WANTED, Actual(None, JOB))
    assert isinstance(action, Start)
    assert action.uuid == UUID
    (action,) = actions(WANTED, Actual(program(ProgramState.STOPPED, started=0), JOB))
    assert isinstance(action, Start)
    assert action.uuid == UUID


def test_after_a_restart_another_event_is_another_service() -> None:
    (action,) = actions(WANTED, Actual(None, replace(JOB, event="of yesterday")))
    assert isinstance(action, Start)
    assert action.uuid is None


def test_what_should_not_run_any_more_is_told_to_quit_once_and_stopped_after_the_grace() -> None:
    have = Actual(RUNNING, JOB)
    first, memory = round_of(None, have, now=50)
    assert [type(action) for action in first] == [Quit]
    second, memory = round_of(None, have, memory, now=55)
    assert second == []
    third, _ = round_of(None, have, memory, now=60)
    assert [type(action) for action in third] == [Stop]


def test_what_has_ended_is_removed_with_its_job() -> None:
    assert actions(None, Actual(ENDED_BY_ITSELF, JOB)) == [Remove(NAME)]
    assert actions(None, Actual(None, JOB)) == [Remove(NAME)]


def test_what_a_person_started_is_theirs() -> None:
    theirs = replace(JOB, owner="alice")
    for want in (None, WANTED):
        assert actions(want, Actual(RUNNING, theirs)) == []
        assert actions(want, Actual(RUNNING, None)) == []


def test_an_event_whose_class_a_person_runs_is_kept_waiting() -> None:
    theirs = replace(JOB, owner="alice")
    assert kept_waiting([WANTED], {NAME: Actual(RUNNING, theirs)}) == [WANTED]
    assert kept_waiting([WANTED], {NAME: Actual(RUNNING, JOB)}) == []
    assert kept_waiting([WANTED], {}) == []


def test_what_ended_by_itself_is_over_for_its_event() -> None:
    (action,) = actions(WANTED, Actual(ENDED_BY_ITSELF, JOB))
    assert isinstance(action, MarkOver)
    assert actions(WANTED, Actual(ENDED_BY_ITSELF, replace(JOB, over="ended by itself"))) == []


def test_what_a_person_stopped_is_over_for_its_event() -> None:
    (action,) = actions(WANTED, Actual(STOPPED_BY_HAND, JOB))
    assert isinstance(action, MarkOver)


def test_it_is_over_across_a_restart_of_supervisord_too() -> None:
    assert actions(WANTED, Actual(None, replace(JOB, over="stopped by hand"))) == []


def test_what_is_over_is_started_again_with_other_options_or_for_another_event() -> None:
    over = replace(JOB, over="stopped by hand")
    for changed in (replace(SESSION, options=("--b",)), replace(SESSION, instance="next")):
        (action,) = actions(replace(WANTED, session=changed), Actual(STOPPED_BY_HAND, over))
        assert isinstance(action, Start)
        assert action.uuid is None


def test_changed_options_end_the_process_and_start_a_new_service() -> None:
    changed = replace(WANTED, session=replace(SESSION, options=("--b",)))
    running, memory = round_of(changed, Actual(RUNNING, JOB))
    assert [type(action) for action in running] == [Quit]
    (action,) = actions(changed, Actual(ENDED_BY_ITSELF, JOB), memory)
    assert isinstance(action, Start)
    assert action.uuid is None


def test_a_changed_name_is_a_new_description_for_the_running_process() -> None:
    retitled = replace(WANTED, session=replace(SESSION, name="Race 2"))
    assert actions(retitled, Actual(RUNNING, JOB)) == [Rename(retitled, JOB)]


def test_what_was_told_to_quit_and_is_wanted_again_is_started_again_when_it_has_ended() -> None:
    _, memory = round_of(None, Actual(RUNNING, JOB), now=50)
    still, memory = round_of(WANTED, Actual(RUNNING, JOB), memory, now=51)
    assert still == []
    (action,) = actions(WANTED, Actual(ENDED_BY_ITSELF, JOB), memory, now=52)
    assert isinstance(action, Start)


def test_what_cannot_be_started_is_announced_once_and_tried_after_30_s_1_2_and_then_every_5_min() -> None:
    fatal, memory, tried = Actual(program(ProgramState.FATAL), JOB), Memory(), []
    for now in range(0, 1200, 10):
        done, memory = round_of(WANTED, fatal, memory, now=now)
        tried += [(now, type(action)) for action in done]
    assert tried == [(0, Failed), (30, Retry), (90, Retry), (210, Retry), (510, Retry), (810, Retry), (1110, Retry)]


def test_a_success_forgets_earlier_failures() -> None:
    _, memory = round_of(WANTED, Actual(program(ProgramState.FATAL), JOB))
    assert memory.failed
    _, memory = round_of(WANTED, Actual(RUNNING, JOB), memory)
    assert not memory.failed


def test_a_crash_is_left_to_supervisord() -> None:
    crashed = program(ProgramState.EXITED, stopped=49, exit_status=1)
    assert actions(WANTED, Actual(crashed, JOB)) == []
    assert actions(WANTED, Actual(program(ProgramState.BACKOFF), JOB)) == []


def test_what_a_person_started_again_is_not_over_any_more() -> None:
    over = replace(JOB, over="stopped by hand")
    assert actions(WANTED, Actual(RUNNING, over)) == [MarkOver(NAME, over, "")]


def test_our_own_stop_is_not_taken_for_a_persons_however_long_it_takes() -> None:
    memory = Memory(quit_at={NAME: 0})
    stopping = Actual(program(ProgramState.STOPPING), JOB)
    nothing, memory = round_of(WANTED, stopping, memory, now=50)
    assert nothing == []
    (action,) = actions(WANTED, Actual(STOPPED_BY_HAND, JOB), memory, now=51)
    assert isinstance(action, Start)


@pytest.mark.parametrize("state", list(ProgramState))
@pytest.mark.parametrize("job", [JOB, replace(JOB, over="stopped by hand"), replace(JOB, event="other")])
@pytest.mark.parametrize("told", [Memory(), Memory(quit_at={NAME: 49})])
def test_nothing_is_started_while_its_process_lives(state: ProgramState, job: Job, told: Memory) -> None:
    have = Actual(program(state), job)
    for want in (WANTED, replace(WANTED, session=replace(SESSION, options=("--b",)))):
        for action in actions(want, have, told):
            assert not (isinstance(action, Start) and program(state).alive)


def test_on_the_air_is_what_is_known_to_run_for_its_event() -> None:
    assert on_air([WANTED], {NAME: Actual(RUNNING, JOB)}) == [SESSION]
    for have in (
        Actual(program(ProgramState.STARTING), JOB),
        Actual(program(ProgramState.FATAL), JOB),
        Actual(RUNNING, replace(JOB, owner="alice")),
        Actual(RUNNING, replace(JOB, event="the one before")),
        Actual(RUNNING, replace(JOB, options=("--old",))),
        Actual(RUNNING, None),
    ):
        assert on_air([WANTED], {NAME: have}) == []
    assert on_air([WANTED], {}) == []


def test_a_program_that_an_action_is_at_work_on_is_left_to_it_and_remembered() -> None:
    memory = Memory(quit_at={NAME: 40}, failed={NAME: (2, 45)})
    assert reconcile([WANTED], {NAME: Actual(None, None)}, memory, 50, 10, busy={NAME}) == ([], memory)


def test_a_failure_says_what_supervisord_says() -> None:
    fatal = replace(program(ProgramState.FATAL), why="Exited too quickly")
    assert actions(WANTED, Actual(fatal, JOB)) == [Failed(WANTED, "Exited too quickly")]
