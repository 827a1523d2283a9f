"""What may be told of what should run and what does."""

from dataclasses import replace

from livetiming.jobs import Job
from orchestrator.scheduler.announce.standing import Standing, Subject, standing
from orchestrator.scheduler.plan import Desired, Session
from orchestrator.scheduler.reconcile import OWNER, Actual
from orchestrator.supervision import Program, ProgramState

RACE = Session("race@1", "race", "Race", "f1", ("--a",), 100, 200)
JOB = Job("f1", ("--a",), "f" * 32, "Race", "race@1", OWNER)
SUBJECT = Subject("race@1", "Race", "f1", 200)


def stands(state: ProgramState, job: Job | None = JOB, session: Session = RACE) -> Standing:
    want = Desired(session.program, session, frozenset({session.instance}))
    program = Program(session.program, state, why="no luck")
    return standing([want], {session.program: Actual(program, job)})


def test_what_runs_for_its_event_is_on_the_air() -> None:
    assert stands(ProgramState.RUNNING) == Standing((SUBJECT,), (), frozenset({"race@1"}))


def test_what_has_not_been_started_yet_is_expected() -> None:
    want = Desired(RACE.program, RACE, frozenset({RACE.instance}))
    assert standing([want], {}) == Standing((), (), frozenset({"race@1"}))


def test_what_has_crashed_is_expected() -> None:
    assert stands(ProgramState.BACKOFF) == Standing((), (), frozenset({"race@1"}))


def test_what_could_not_be_started_is_told_with_supervisords_reason() -> None:
    assert stands(ProgramState.FATAL) == Standing((), ((SUBJECT, "no luck"),), frozenset({"race@1"}))


def test_what_is_over_is_not_expected() -> None:
    assert stands(ProgramState.EXITED, replace(JOB, over="ended by itself")) == Standing()


def test_the_failure_of_the_event_before_is_not_this_ones() -> None:
    assert stands(ProgramState.FATAL, replace(JOB, event="before@1")).failed == ()
    assert stands(ProgramState.FATAL, replace(JOB, options=("--b",))).failed == ()


def test_a_persons_service_is_not_told_of() -> None:
    theirs = replace(JOB, owner="person")
    assert stands(ProgramState.RUNNING, theirs).on_air == ()
    assert stands(ProgramState.FATAL, theirs).failed == ()


def test_a_hidden_event_is_nowhere() -> None:
    hidden = replace(RACE, hidden=True)
    assert stands(ProgramState.RUNNING, session=hidden) == Standing()
    assert stands(ProgramState.FATAL, session=hidden) == Standing()


def test_a_service_is_told_of_as_what_it_is_shown_as() -> None:
    assert stands(ProgramState.RUNNING, session=replace(RACE, shown_as="wec")).on_air[0].service == "wec"


def test_an_endless_id_is_remembered_by_its_digest() -> None:
    long, other = (replace(RACE, instance="i" * 10_000 + end) for end in "ab")
    first, second = (stands(ProgramState.STARTING, session=session).expected for session in (long, other))
    assert first != second
    assert all(len(about) == 64 for about in first | second)


def test_half_a_character_in_a_title_can_be_stored() -> None:
    [subject] = stands(ProgramState.RUNNING, session=replace(RACE, name="a\ud800b")).on_air
    assert subject.name == "a?b"
