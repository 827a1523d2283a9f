"""Sessions → what should run."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.listing import upcoming
from orchestrator.scheduler.plan import Buffers, Session, plan, runs_of

BUFFERS = Buffers(start=5, end=10)


def session(
    start: float, end: float, *options: str, name: str = "race", service_class: str = "f1", hidden: bool = False
) -> Session:
    return Session(f"{name}-{start}", f"uid-{name}", name, service_class, options, start, end, hidden)


def running(sessions: list[Session], now: float) -> list[str]:
    return [desired.session.name for desired in plan(sessions, now, BUFFERS).desired]


def test_a_session_runs_from_its_start_buffer_to_its_end_buffer() -> None:
    one = [session(100, 200)]
    assert [bool(running(one, now)) for now in (94, 95, 209, 210)] == [False, True, True, False]


def test_the_next_edge_is_the_next_moment_that_matters() -> None:
    one = [session(100, 200)]
    assert [plan(one, now, BUFFERS).next_edge for now in (0, 95, 100, 210)] == [95, 100, 210, None]


def test_classes_run_side_by_side() -> None:
    both = [session(100, 200, name="a"), session(100, 200, name="b", service_class="wec")]
    assert sorted(running(both, 150)) == ["a", "b"]


def test_sessions_with_the_same_options_that_touch_share_a_process() -> None:
    runs, conflicts = runs_of([session(100, 200, name="a"), session(200, 300, name="b")], BUFFERS)
    assert [(run.begin, run.finish) for run in runs] == [(95, 310)]
    assert conflicts == []


def test_sessions_apart_from_each_other_do_not_share() -> None:
    assert len(runs_of([session(100, 200), session(216, 300)], BUFFERS)[0]) == 2


def test_a_shared_process_takes_the_next_name_when_the_first_has_ended() -> None:
    overlapping = [session(100, 200, name="a"), session(150, 300, name="b")]
    assert [running(overlapping, now) for now in (199, 200)] == [["a"], ["b"]]


def test_a_shared_process_takes_the_next_name_at_its_start_buffer() -> None:
    touching = [session(100, 200, name="a"), session(210, 300, name="b")]
    assert [running(touching, now) for now in (204, 205)] == [["a"], ["b"]]


def test_other_options_wait_until_the_first_has_ended_and_that_is_a_conflict() -> None:
    sessions = [session(100, 200, "--a", name="a"), session(150, 300, "--b", name="b")]
    assert [running(sessions, now) for now in (199, 200, 309)] == [["a"], ["b"], ["b"]]
    assert [(c.waiting.name, c.running.name) for c in plan(sessions, 0, BUFFERS).conflicts] == [("b", "a")]


def test_only_a_buffer_is_given_up_for_the_next_race() -> None:
    sessions = [session(100, 200, "--a", name="a"), session(208, 300, "--b", name="b")]
    assert [running(sessions, now) for now in (202, 203)] == [["a"], ["b"]]
    assert plan(sessions, 0, BUFFERS).conflicts == ()


sessions_strategy = st.lists(
    st.builds(
        lambda start, length, option, number: session(start, start + length, *option, name=f"n{number}"),
        st.integers(0, 300),
        st.integers(0, 100),
        st.sampled_from([(), ("--a",), ("--b",)]),
        st.integers(0, 5),
    ),
    max_size=8,
)


@given(sessions_strategy)
def test_runs_of_one_program_never_overlap(sessions: list[Session]) -> None:
    runs = sorted(runs_of(sessions, BUFFERS)[0], key=lambda run: run.begin)
    assert all(before.finish <= after.begin for before, after in pairwise(runs))
    assert all(run.begin < run.finish for run in runs)


@given(sessions_strategy, st.integers(0, 420))
def test_nothing_runs_that_no_session_asks_for(sessions: list[Session], now: int) -> None:
    for desired in plan(sessions, now, BUFFERS).desired:
        asking = [
            item
            for item in sessions
            if item.start - 5 <= now < item.end + 10 and item.options == desired.session.options
        ]
        assert asking


@given(sessions_strategy, st.integers(0, 420))
def test_something_runs_whenever_a_session_asks_for_it(sessions: list[Session], now: int) -> None:
    if any(item.start <= now < item.end for item in sessions):
        assert plan(sessions, now, BUFFERS).desired


@given(sessions_strategy, st.integers(0, 420), st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_next_edge(sessions: list[Session], now: int, part: float) -> None:
    first = plan(sessions, now, BUFFERS)
    edge = now + 1000 if first.next_edge is None else first.next_edge
    later = min(now + part * (edge - now), math.nextafter(edge, now))
    assert plan(sessions, later, BUFFERS) == first
    running = [item.session.instance for item in first.desired]
    assert upcoming(sessions, running, later) == upcoming(sessions, running, now)
