"""The simulated race as a universal state."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.racing import Stat
from livetiming.simulation.race import Race
from livetiming.simulation.timing import COLUMNS, FRESH, Timing

unhurried = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])

TITLES = [stat.title for stat in COLUMNS]


def rows(timing: Timing) -> list[dict[str, object]]:
    return [dict(zip(TITLES, row, strict=True)) for row in timing.state()["cars"]]


@pytest.fixture
def timing() -> Timing:
    return Timing(Race(seed=4, cars=20, minutes=20))


def test_the_grid_waits_for_the_green_flag(timing: Timing) -> None:
    timing.advance(5)
    session = timing.state()["session"]
    assert (session["flagState"], session["timeElapsed"], session["timeRemain"]) == ("none", 0, 1200)
    assert session["pauseClocks"]
    assert {row["State"] for row in rows(timing)} == {"N/S"}
    assert {str(row["Last"]) for row in rows(timing)} == {"['', '']"}


def test_clocks_run_from_the_green_flag_and_stand_still_after_the_finish(timing: Timing) -> None:
    timing.advance(310)
    session = timing.state()["session"]
    assert (session["timeElapsed"], session["timeRemain"], session["pauseClocks"]) == (300, 900, False)
    timing.advance(9000)
    ended = timing.state()
    timing.advance(9100)
    assert timing.state() == ended
    assert (ended["session"]["flagState"], ended["session"]["pauseClocks"]) == ("chequered", True)


def test_the_leader_has_no_gap_and_gaps_grow_down_the_order(timing: Timing) -> None:
    timing.advance(60)
    gaps = [row["Gap"] for row in rows(timing)]
    assert gaps[0] == ""
    assert all(isinstance(gap, float) and gap >= 0 for gap in gaps[1:])


def test_one_car_holds_the_fastest_lap_and_it_is_new_for_a_while() -> None:
    timing = Timing(Race(seed=4, cars=20, minutes=20))
    seen = set()
    for now in range(1300):
        timing.advance(now)
        table = rows(timing)
        bests = [cell for row in table if (cell := row["Best"]) != ["", ""]]
        assert sum(isinstance(cell, list) and cell[1] == "sb" for cell in bests) == min(1, len(bests))
        for row, car in zip(table, timing.race.running_order(), strict=True):
            cell = row["Last"]
            assert isinstance(cell, list)
            if cell[1] == "sb-new":
                assert now - car.lap_began <= FRESH
                assert row["Best"] == [cell[0], "sb"]
            seen.add(cell[1])
    assert seen == {"", "pb", "sb", "sb-new"}


def test_sectors_of_the_lap_before_are_old(timing: Timing) -> None:
    timing.advance(400)
    for row, car in zip(rows(timing), timing.race.running_order(), strict=True):
        old = [row[title][1] == "old" for title in ("S1", "S2", "S3")]  # type: ignore[index]  # cells are lists
        assert old == [0 < car.sector <= sector for sector in range(3)]


def test_positions_in_class_count_from_one(timing: Timing) -> None:
    timing.advance(700)
    for name in {row["Class"] for row in rows(timing)}:
        places = [row["PIC"] for row in rows(timing) if row["Class"] == name]
        assert places == list(range(1, len(places) + 1))


@unhurried
@given(seed=st.integers(0, 1000), steps=st.lists(st.floats(0.1, 120), max_size=25))
def test_every_row_follows_the_columns_at_every_moment(seed: int, steps: list[float]) -> None:
    timing, now = Timing(Race(seed, 8, 3)), 0.0
    for step in steps:
        now += step
        timing.advance(now)
        state = timing.state()
        assert all(len(row) == len(COLUMNS) for row in state["cars"])
        assert len({row[TITLES.index(Stat.NUM.title)] for row in state["cars"]}) == 8
