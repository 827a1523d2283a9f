"""What is asked for when: within the limits, only what is new, and never stuck."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.openf1.polling import (
    BASIS,
    GONE_AFTER,
    INTERVALS,
    KINDS,
    LONGEST_BACKOFF,
    MEETING,
    SESSION,
    WITH_ACCOUNT,
    WITHOUT_ACCOUNT,
    Kind,
    Poller,
    backoff,
    query,
)
from tests.support.openf1_server import START

NAMED = {kind.name: kind for kind in (SESSION, MEETING, *KINDS)}


def poller(fast: float = 4.0, requests: float = WITHOUT_ACCOUNT, *, race: bool = True) -> Poller:
    """One that knows its session."""
    made = Poller(fast, requests)
    made.answered(SESSION, 0)
    made.begin(race=race)
    return made


def run(made: Poller, until: float, *, takes: float = 0.1) -> list[tuple[float, str]]:
    """When each kind is asked for, where everything is answered."""
    now, asked = 0.0, []
    while now < until:
        kind, wait = made.next(now)
        if kind is None:
            now += wait
            continue
        asked.append((now, kind.name))
        now += takes
        made.answered(kind, now)
    return asked


class TestOrder:
    def test_first_of_all_it_asks_which_session_it_is(self) -> None:
        made = Poller(4, 30)
        assert made.next(0)[0] is SESSION
        made.failed(SESSION, 0.5)
        assert made.next(100)[0] is SESSION

    def test_then_for_the_meeting_and_for_what_a_first_picture_needs(self) -> None:
        made = poller()
        first = [name for _, name in run(made, 12)]
        assert first[:5] == ["meeting", *BASIS]
        assert made.ready

    def test_intervals_are_asked_for_in_races_only(self) -> None:
        assert INTERVALS.name in {name for _, name in run(poller(race=True), 120)}
        assert INTERVALS.name not in {name for _, name in run(poller(race=False), 120)}

    def test_what_seldom_changes_is_asked_for_seldom(self) -> None:
        asked = [name for _, name in run(poller(requests=WITH_ACCOUNT), 600)]
        counts = {name: asked.count(name) for name in NAMED}
        assert counts["meeting"] == 1
        assert counts["session"] in (9, 10)
        assert counts["drivers"] == counts["all laps"] == 5
        assert min(counts["positions"], counts["laps"], counts["intervals"], counts["race control"]) > 90

    def test_when_the_session_is_over_there_is_no_hurry(self) -> None:
        made = poller()
        for kind in NAMED.values():
            made.answered(kind, 100, quiet=True)
        assert made.next(103) == (None, 27)

    def test_another_session_is_asked_for_from_the_beginning(self) -> None:
        made = poller()
        run(made, 60)
        made.begin(race=False)
        assert not made.ready
        assert [name for _, name in run(made, 75)][:1] == ["meeting"]


class TestLimits:
    @given(
        st.floats(0.1, 60),
        st.sampled_from([WITHOUT_ACCOUNT, WITH_ACCOUNT]),
        st.lists(st.tuples(st.floats(0.01, 20), st.booleans()), min_size=1, max_size=300),
    )
    def test_whatever_happens_there_are_no_more_requests_than_allowed(
        self, fast: float, limit: int, answers: list[tuple[float, bool]]
    ) -> None:
        made, now, asked = poller(fast, limit), 0.0, []
        for takes, answered in answers:
            kind, wait = made.next(now)
            if kind is None:
                now += wait
                kind, _ = made.next(now)
                if kind is None:
                    continue
            asked.append(now)
            now += takes
            (made.answered if answered else made.failed)(kind, now)
        assert all(later - earlier >= 60 / limit for earlier, later in pairwise(asked))

    def test_what_has_waited_longest_comes_first_so_that_nothing_starves(self) -> None:
        asked = [name for _, name in run(poller(fast=0.1, requests=WITHOUT_ACCOUNT), 600)]
        assert set(asked) == set(NAMED)
        assert asked.count("weather") > 5


class TestFailures:
    def test_the_pause_doubles_up_to_a_minute(self) -> None:
        assert [backoff(failures) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
        assert backoff(10**6) == LONGEST_BACKOFF

    def test_one_kind_that_fails_does_not_keep_the_others_waiting(self) -> None:
        made, asked, now = poller(), [], 0.0
        while now < 300:
            kind, wait = made.next(now)
            now += wait
            if kind is None:
                continue
            asked.append(kind.name)
            if kind.name == "stints":
                made.failed(kind, now, all_of_it=False)
            else:
                made.answered(kind, now)
        assert asked.count("positions") > 20
        assert asked.count("stints") > 3

    def test_an_outage_stops_all_of_them_for_as_long_as_the_server_says(self) -> None:
        made = poller()
        kind, _ = made.next(0)
        assert kind is not None
        made.failed(kind, 1, pause=45)
        assert made.next(1) == (None, 45)

    def test_after_an_outage_it_goes_on_as_before(self) -> None:
        made, now = poller(), 0.0
        for _ in range(20):
            kind, wait = made.next(now)
            now += wait
            if kind is not None:
                made.failed(kind, now)
        assert made.failures >= GONE_AFTER
        kind, wait = made.next(now + LONGEST_BACKOFF)
        assert kind is not None
        made.answered(kind, now)
        assert made.failures == 0

    def test_a_first_picture_does_not_wait_for_what_is_not_to_be_had(self) -> None:
        made = poller()
        for name in BASIS[1:]:
            made.answered(NAMED[name], 1)
        for _ in range(GONE_AFTER):
            assert not made.ready
            made.failed(NAMED[BASIS[0]], 1, all_of_it=False)
        assert made.ready


class TestQueries:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
    def test_at_first_it_asks_for_everything(self, kind: Kind) -> None:
        assert query(kind, 9001, {}) == f"{kind.collection}?session_key=9001"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("positions", "position?session_key=9001&date%3E%3D2026-05-03T13%3A01%3A30.000000"),
            ("laps", "laps?session_key=9001&date_start%3E%3D2026-05-03T12%3A56%3A40.500000"),
            ("all laps", "laps?session_key=9001"),
            ("stints", "stints?session_key=9001"),
            ("drivers", "drivers?session_key=9001"),
        ],
    )
    def test_then_only_for_what_may_be_new(self, name: str, expected: str) -> None:
        newest = {"position": START + 100, "laps": START + 100.5, "stints": START + 100}
        assert query(NAMED[name], 9001, newest) == expected

    def test_of_intervals_there_are_so_many_that_only_recent_ones_are_asked_for(self) -> None:
        assert "13%3A00%3A00" in query(INTERVALS, 9001, {"laps": START + 100, "weather": START + 130})
