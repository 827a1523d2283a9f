"""What will start and stop when, and why; and how what is on does."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.jobs import Job
from orchestrator.scheduler.agenda import Entry, agenda, in_the_way, span, standing
from orchestrator.scheduler.plan import Buffers, Session, plan, runs_of
from orchestrator.scheduler.reconcile import OWNER, Actual
from orchestrator.supervision import Program, ProgramState

BUFFERS = Buffers(start=300, end=600)
HOUR = 3600.0


def session(name: str, start: float, end: float, *options: str, service_class: str = "f1") -> Session:
    """Hours → a session."""
    return Session(name, f"uid-{name}", name, service_class, options, start * HOUR, end * HOUR)


def entries(*sessions: Session, now: float = 0, until: float = 100, buffers: Buffers = BUFFERS) -> list[Entry]:
    return agenda(*runs_of(sessions, buffers), buffers, now * HOUR, until * HOUR)


def told(*sessions: Session, now: float = 0, until: float = 100, buffers: Buffers = BUFFERS) -> list[tuple[str, ...]]:
    """(hours, what, name, why)."""
    found = entries(*sessions, now=now, until=until, buffers=buffers)
    return [(span(entry.at), entry.what.value, entry.session.name, entry.why) for entry in found]


def test_an_event_starts_before_it_begins_and_stops_after_its_end() -> None:
    assert told(session("race", 10, 12)) == [
        ("9 h 55 min", "start", "race", "5 min before it begins"),
        ("12 h 10 min", "stop", "race", "10 min after its end"),
    ]


def test_without_buffers_it_starts_and_stops_with_the_event() -> None:
    assert [why for *_, why in told(session("race", 10, 12), buffers=Buffers(0, 0))] == ["it begins", "its end"]


def test_what_has_happened_already_is_left_out() -> None:
    assert [what for _, what, *_ in told(session("race", 10, 12), now=11)] == ["stop"]


def test_what_comes_later_than_was_asked_for_is_left_out() -> None:
    assert [what for _, what, *_ in told(session("race", 10, 12), until=11)] == ["start"]


def test_events_that_share_a_process_say_so_and_when_it_takes_the_next_name() -> None:
    assert told(session("one", 10, 12), session("two", 12, 13)) == [
        ("9 h 55 min", "start", "one", "5 min before it begins; shares its process with 'two'"),
        ("12 h", "rename", "two", "goes on in the process of 'one': the same options"),
        ("13 h 10 min", "stop", "two", "10 min after its end"),
    ]


def test_an_event_within_another_gives_the_process_its_name_only_if_it_is_left_then() -> None:
    found = told(session("day", 10, 18), session("inner", 11, 12), session("late", 13, 19))
    assert [(at, name) for at, what, name, _ in found if what == "rename"] == [("18 h", "late")]


def test_a_conflict_is_a_wait_a_late_start_and_an_end_buffer_given_up() -> None:
    assert told(session("one", 10, 12, "--a"), session("two", 11, 14, "--b")) == [
        ("9 h 55 min", "start", "one", "5 min before it begins"),
        ("10 h 55 min", "wait", "two", "for the end of 'one', which has other options: it starts 1 h late"),
        ("12 h", "stop", "one", "its end: the rest of its 10 min is given up for 'two'"),
        ("12 h", "start", "two", "1 h late: when 'one' has ended, which has other options"),
        ("14 h 10 min", "stop", "two", "10 min after its end"),
    ]


def test_an_event_that_waits_until_it_is_over_is_not_timed() -> None:
    found = told(session("one", 10, 14, "--a"), session("two", 11, 12, "--b"))
    assert ("wait", "two", "for the end of 'one', which has other options: it is not timed at all") in [
        entry[1:] for entry in found
    ]
    assert [name for _, what, name, _ in found if what == "start"] == ["one"]


def test_of_events_that_wait_together_the_one_that_is_on_by_then_is_told() -> None:
    found = told(session("one", 10, 14, "--a"), session("two", 11, 12, "--b"), session("three", 12, 16, "--b"))
    assert [(at, name, why) for at, what, name, why in found if what == "start"][1:] == [
        ("14 h", "three", "2 h late: when 'one' has ended, which has other options")
    ]


def test_an_end_buffer_is_given_up_for_the_next_in_part() -> None:
    found = told(session("one", 10, 12, "--a"), session("two", 12.2, 14, "--b"))
    assert ("12 h 7 min", "stop", "one", "7 min after its end: the rest of its 10 min is given up for 'two'") in found
    assert ("12 h 7 min", "start", "two", "5 min before it begins") in found


def test_a_start_buffer_is_cut_where_the_one_before_ends_within_it() -> None:
    (start,) = [why for _, what, name, why in told(
        session("one", 10, 12, "--a"), session("two", 12 + 1 / 60, 14, "--b")
    ) if (what, name) == ("start", "two")]  # fmt: skip
    assert start == "1 min before it begins: when 'one' has ended, which has other options"


def test_a_class_stops_before_it_starts_again() -> None:
    found = told(session("one", 10, 12, "--a"), session("two", 12, 14, "--b"))
    assert [what for at, what, *_ in found if at == "12 h"] == ["stop", "start"]


_SESSIONS = st.lists(
    st.builds(
        lambda number, start, length, option, name: session(f"{number}", start, start + length, option) if name else
        session(f"{number}", start, start + length, service_class="wec"),
        st.integers(0, 10**6),
        st.integers(0, 60).map(lambda quarter: quarter / 4),
        st.integers(1, 12).map(lambda quarter: quarter / 4),
        st.sampled_from(["--a", "--b"]),
        st.booleans(),
    ),
    max_size=8,
    unique_by=lambda item: item.instance,
)  # fmt: skip


@given(_SESSIONS)
def test_between_two_entries_the_plan_does_not_change(sessions: Sequence[Session]) -> None:
    def names(now: float) -> dict[str, str]:
        return {want.program: want.session.name for want in plan(sessions, now, BUFFERS).desired}

    running: dict[str, str] = {}
    moments = entries(*sessions, now=-1)
    for index, entry in enumerate(moments):
        match entry.what:
            case "start" | "rename":
                running[entry.session.program] = entry.session.name
            case "stop":
                del running[entry.session.program]
        following = moments[index + 1].at if index + 1 < len(moments) else entry.at + 1
        if following > entry.at:
            assert names(entry.at) == names((entry.at + following) / 2) == running
    assert running == {}


# -- what is on

RACE = session("race", 0, 1, "--a")
JOB = Job("f1", ("--a",), "a" * 32, "race", "race", OWNER)
RUNS = Program("service-f1", ProgramState.RUNNING, pid=7, started=1000, now=1180)


def how(program: Program | None, job: Job | None) -> tuple[bool, str]:
    (one,) = standing(plan([RACE], 10, BUFFERS).desired, {"service-f1": Actual(program, job)})
    return one.well, one.how


def test_a_running_service_is_well() -> None:
    assert how(RUNS, JOB) == (True, "runs, for 3 min")


def test_one_that_supervisord_does_not_know_is_about_to_start() -> None:
    assert how(None, JOB) == how(None, None) == (True, "is about to start")


def test_one_that_a_person_has_stopped_is_over() -> None:
    stopped = Program("service-f1", ProgramState.STOPPED, started=1000)
    job = Job("f1", ("--a",), "a" * 32, "race", "race", OWNER, over="stopped by hand")
    assert how(stopped, job) == (True, "over: stopped by hand")


def test_one_that_a_person_has_started_again_runs() -> None:
    job = Job("f1", ("--a",), "a" * 32, "race", "race", OWNER, over="stopped by hand")
    assert how(RUNS, job)[1].startswith("runs")


def test_one_that_is_over_for_an_earlier_event_is_about_to_start() -> None:
    stopped = Program("service-f1", ProgramState.STOPPED, started=1000)
    job = Job("f1", ("--a",), "a" * 32, "race", "yesterday", OWNER, over="stopped by hand")
    assert how(stopped, job) == (True, "is about to start")


def test_other_options_are_about_to_be_those_of_the_event() -> None:
    job = Job("f1", ("--b",), "a" * 32, "race", "race", OWNER)
    assert how(RUNS, job) == (True, "is about to start")


def test_one_that_could_not_be_started_is_told_with_its_reason_and_the_next_try() -> None:
    failed = Program("service-f1", ProgramState.FATAL, why="Exited too quickly")
    assert how(failed, JOB) == (
        False,
        "could not be started (Exited too quickly): is tried again, every 5 min at least",
    )


@pytest.mark.parametrize(
    ("program", "well", "word"),
    [
        (Program("service-f1", ProgramState.BACKOFF), False, "too soon"),
        (Program("service-f1", ProgramState.EXITED, exit_status=1), False, "crashed (exit 1)"),
        (Program("service-f1", ProgramState.EXITED, exit_status=0), True, "over: ended by itself"),
        (Program("service-f1", ProgramState.STARTING), True, "is starting"),
        (Program("service-f1", ProgramState.STOPPED), True, "is starting"),
        (Program("service-f1", ProgramState.STOPPING, started=1000), True, "is being stopped"),
    ],
)
def test_every_state_of_a_process_has_its_words(program: Program, well: bool, word: str) -> None:
    assert how(program, JOB)[0] is well
    assert word in how(program, JOB)[1]


PERSONS = Job("f1", (), "b" * 32, "a test", "", "person")


def test_a_persons_service_keeps_an_event_waiting() -> None:
    well, said = how(RUNS, PERSONS)
    assert not well
    assert "a person runs f1" in said


def test_a_persons_service_is_in_the_way_of_a_coming_event_while_it_runs() -> None:
    stopped = Program("service-f1", ProgramState.STOPPED, started=1000)
    assert in_the_way([RACE], {"service-f1": Actual(RUNS, PERSONS)}) == {"service-f1"}
    assert in_the_way([RACE], {"service-f1": Actual(stopped, PERSONS)}) == set()
    assert in_the_way([RACE], {"service-f1": Actual(RUNS, JOB)}) == set()
    assert in_the_way([], {"service-f1": Actual(RUNS, PERSONS)}) == set()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (90, "1 min 30 s"), (3600, "1 h"), (3661, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text
