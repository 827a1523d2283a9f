"""Stints, drivers and what a car is. A stint is `[start lap, start s, end lap, end s, in progress, driver, best,
laps under yellow or worse, average, [[time, worst flag], …]]`."""

from typing import Any

import pytest

from livetiming.analysis import Columns, documents
from tests.unit.analysis.races import after, current, finished, frame, laps_of, row, run


def test_a_stint_from_its_start_to_its_end() -> None:
    frames: list[tuple[Any, ...]] = [(0, "N/S", 0, None), (10, "RUN", 0, None)]
    assert documents(run(*frames[:1]))["lap"]["7"] == [None, None]
    assert current(run(*frames)) == [1, 10, 0, 10, True, 0, None, 0, None, []]
    frames += [(110, "RUN", 1, 100.0), (205, "RUN", 2, 95.0), (301, "RUN", 3, 96.0)]
    laps = [[100.0, 1], [95.0, 1], [96.0, 1]]
    assert current(run(*frames)) == [1, 10, 3, 301, True, 0, 95.0, 0, 95.5, laps]
    frames += [(390, "PIT", 3, 96.0)]
    assert current(run(*frames)) is None
    assert finished(run(*frames)) == [[1, 10, 3, 390, False, 0, 95.0, 0, 95.0, laps]]
    frames += [(400, "PIT", 4, 99.0), (440, "OUT", 4, 99.0)]
    laps += [[99.0, 1]]
    assert finished(run(*frames)) == [[1, 10, 4, 390, False, 0, 95.0, 0, 95.5, laps]]
    assert current(run(*frames)) == [5, 440, 4, 440, True, 0, None, 0, None, []]


@pytest.mark.parametrize("state", ["PIT", "FUEL", "N/S", "FIN"])
def test_a_stint_ends_where_a_car_is_no_longer_racing(state: str) -> None:
    analysis = run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (100, state, 6, 93.1))
    assert (current(analysis), finished(analysis)[0][:5]) == (None, [6, 0, 6, 100, False])


@pytest.mark.parametrize("state", ["RUN", "OUT", "STOP", "RET", "", None, "SLOW"])
def test_a_stint_goes_on_in_any_other_state(state: str | None) -> None:
    analysis = run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (100, state, 6, 93.1))
    assert (current(analysis)[:5], finished(analysis)) == ([6, 0, 6, 93, True], [])


def test_refuelling_is_part_of_the_stop() -> None:
    frames = [(0, "RUN", 5, 94.0), (90, "RUN", 6, 90.0), (100, "PIT", 6, 90.0), (110, "FUEL", 6, 90.0)]
    analysis = run(*frames, (130, "PIT", 6, 90.0), (140, "OUT", 6, 90.0))
    assert (len(finished(analysis)), current(analysis)[1]) == (1, 140)


@pytest.mark.parametrize("state", ["RUN", "OUT", "STOP"])
def test_a_car_first_seen_on_the_track_starts_its_stint_then(state: str) -> None:
    assert current(run((50, state, 12, 93.0)))[:2] == [13, 50]


@pytest.mark.parametrize("state", ["PIT", "FUEL", "N/S", "FIN"])
def test_a_car_first_seen_elsewhere_has_none(state: str) -> None:
    analysis = run((50, state, 12, 93.0))
    assert (current(analysis), finished(analysis)) == (None, [])


@pytest.mark.parametrize("cell", ["", None, []])
def test_an_empty_state_says_nothing(cell: object) -> None:
    frames = [(0, "RUN", 5, 94.0), (90, "PIT", 5, 94.0), (95, cell, 5, 94.0)]
    assert current(run(*frames)) is None
    assert len(finished(run(*frames, (99, "PIT", 5, 94.0)))) == 1
    assert current(run((0, cell, 5, 94.0)))[0] == 6


def test_the_lap_of_the_frame_that_shows_the_stop_is_the_stints() -> None:
    (stint,) = finished(run((0, "RUN", 5, 94.0), (93, "PIT", 6, 93.1)))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


def test_the_last_lap_counts_when_the_finish_is_shown_before_it() -> None:
    (stint,) = finished(run((0, "RUN", 5, 94.0), (93, "FIN", 5, 94.0), (94, "FIN", 6, 93.1)))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


def test_without_a_state_column_there_is_one_stint_for_ever() -> None:
    columns = Columns.of([["Num", "text"], ["", ""], *[["", ""]] * 4, ["Laps", "numeric"], ["Last", "time"]])
    analysis = run((0, "PIT", 0, None), (95, "RUN", 1, 95.0), (190, "PIT", 2, 95.0), columns=columns)
    assert (current(analysis)[:3], finished(analysis)) == ([1, 0, 2], [])


def test_a_stint_in_progress_ends_with_the_latest_passing() -> None:
    analysis = run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (150, "STOP", 6, 93.1))
    assert current(analysis)[3] == 93


def test_a_stint_without_a_lap_is_forgotten_when_the_next_begins() -> None:
    """Readers add the current stint only where it starts after the last finished one."""
    frames = [(0, "RUN", 5, 94.0), (60, "PIT", 5, 94.0)]
    assert len(finished(run(*frames))) == 1
    analysis = run(*frames, (80, "OUT", 5, 94.0))
    assert (finished(analysis), current(analysis)[:2]) == ([], [6, 80])


def test_stops_of_a_car_whose_laps_nobody_counts_are_kept() -> None:
    columns = Columns.of([["Num", "text"], ["State", "text"]])
    analysis = run((0, "RUN"), (60, "PIT"), (90, "RUN"), (160, "PIT"), (190, "RUN"), columns=columns)
    assert [stint[1:4:2] for stint in finished(analysis)] == [[0, 60], [90, 160]]


def test_a_lap_has_the_worst_flag_that_was_shown_since_the_passing_before() -> None:
    analysis = after(
        (0, frame(row("RUN", 5, 94.0), flag="green")),
        (40, frame(row("RUN", 5, 94.0), flag="sc")),
        (80, frame(row("RUN", 5, 94.0), flag="yellow")),
        (99, frame(row("RUN", 6, 99.0), flag="yellow")),
        (120, frame(row("RUN", 6, 99.0), flag="green")),
        (194, frame(row("RUN", 7, 95.0), flag="green")),
        (288, frame(row("RUN", 8, 94.0), flag="none")),
    )
    assert current(analysis)[9] == [[99.0, 8], [95.0, 4], [94.0, 1]]
    assert current(analysis)[7] == 2


def test_a_flag_that_the_frame_of_the_passing_shows_first_is_of_both_laps() -> None:
    analysis = after(
        (0, frame(row("RUN", 5, 94.0))),
        (93, frame(row("RUN", 6, 93.0), flag="fcy")),
        (120, frame(row("RUN", 6, 93.0))),
        (190, frame(row("RUN", 7, 97.0))),
        (290, frame(row("RUN", 8, 94.0))),
    )
    assert current(analysis)[9] == [[93.0, 5], [97.0, 5], [94.0, 1]]


def test_a_time_that_follows_gets_the_flag_of_its_lap() -> None:
    analysis = after(
        (0, frame(row("RUN", 0), flag="sc")),
        (99, frame(row("RUN", 1))),
        (100, frame(row("RUN", 1, 99.0))),
    )
    assert current(analysis)[9] == [[99.0, 8]]


def test_white_and_chequered_are_no_worse_than_green() -> None:
    analysis = after((0, frame(row("RUN", 5, 94.0), flag="white")), (94, frame(row("RUN", 6, 93.0), flag="chequered")))
    assert current(analysis)[7] == 0


# Drivers


def test_drivers_are_listed_in_order_of_appearance() -> None:
    names = ["Conway", "Kobayashi", "Conway", "Lopez"]
    analysis = run(*((now, "RUN", 5, 94.0, name) for now, name in enumerate(names)))
    assert documents(analysis)["driver"] == {"7": ["Conway", "Kobayashi", "Lopez"]}


def test_a_stint_is_its_newest_drivers() -> None:
    frames = [(0, "RUN", 5, 94.0, "Conway"), (90, "RUN", 6, 90.0, "Conway"), (100, "PIT", 6, 90.0, "Conway")]
    frames += [(120, "PIT", 6, 90.0, "Kobayashi"), (140, "OUT", 6, 90.0, "Kobayashi"), (150, "RUN", 6, 90.0, "Lopez")]
    analysis = run(*frames)
    assert (finished(analysis)[0][5], current(analysis)[5]) == (0, 2)


@pytest.mark.parametrize(
    "stop",
    [
        [(100, "PIT", 6, 90.0, "Kobayashi"), (140, "OUT", 6, 90.0, "Kobayashi")],
        [(100, "PIT", 6, 90.0, "Conway"), (140, "OUT", 6, 90.0, "Kobayashi")],
    ],
    ids=["with the stop", "with the exit"],
)
def test_a_change_in_the_same_frame_as_a_stop_is_of_the_next_stint(stop: list[tuple[object, ...]]) -> None:
    analysis = run((0, "RUN", 5, 94.0, "Conway"), (90, "RUN", 6, 90.0, "Conway"), *stop)
    assert (finished(analysis)[0][5], current(analysis)[5]) == (0, 1)


def test_a_driver_with_a_rank_is_known_by_the_name() -> None:
    assert documents(run((0, "RUN", 5, 94.0, ["Conway", "platinum"])))["driver"] == {"7": ["Conway"]}


@pytest.mark.parametrize("cell", ["", None, " ", [], ["", "gold"], [None], [[]], {}, False])
def test_an_empty_cell_is_no_driver(cell: object) -> None:
    analysis = run((0, "RUN", 5, 94.0, cell))
    assert (documents(analysis)["driver"], current(analysis)[5]) == ({"7": []}, -1)


def test_a_cell_that_becomes_empty_takes_nobody_out_of_the_stint() -> None:
    frames = [(0, "RUN", 5, 94.0, "Conway"), (90, "RUN", 6, 90.0, "")]
    assert current(run(*frames))[5] == 0
    analysis = run(*frames, (100, "PIT", 6, 90.0, ""), (140, "OUT", 6, 90.0, ""))
    assert (finished(analysis)[0][5], current(analysis)[5]) == (0, -1)


# What a car is


def test_static_is_class_team_and_vehicle() -> None:
    assert documents(run((0, "RUN")))["static"] == {"7": ["GT", "Toyota", "GR010"]}


def test_what_the_feed_has_no_columns_for_is_empty() -> None:
    analysis = run((0,), columns=Columns.of([["Num", "text"]]))
    assert documents(analysis)["static"] == {"7": ["", "", ""]}


def test_what_comes_later_is_taken_and_what_goes_is_kept() -> None:
    rows = [row(), row(), row()]
    rows[0][3], rows[1][2], rows[2][3] = "", "GTE", "Toyota Gazoo"
    analysis = after(*((now, frame(cells)) for now, cells in enumerate(rows)))
    assert documents(analysis)["static"] == {"7": ["GT", "Toyota Gazoo", "GR010"]}
    rows[2][2:6] = ["", None, "", []]
    assert documents(after((9, frame(rows[2])), start=analysis)) == {
        **documents(analysis),
        "session": {**documents(analysis)["session"], "currentTimestamp": 9},
    }


@pytest.mark.parametrize("number", [7, 7.0])
def test_a_number_that_is_no_text_is_read_as_one(number: object) -> None:
    assert list(documents(after((0, frame(row(number=number)))))["static"]) == ["7"]


@pytest.mark.parametrize("number", ["", None, True, [7], {}, float("nan"), "7" * 65])
def test_a_row_without_a_number_is_no_car(number: object) -> None:
    assert list(documents(after((0, frame(row(number=number), row(number="8")))))["static"]) == ["8"]


def test_of_two_rows_with_one_number_the_first_counts() -> None:
    analysis = after(
        (0, frame(row("RUN", 5, 94.0), row("RUN", 2, 99.0))), (9, frame(row("RUN", 5, 94.0), row("PIT", 3, 98.0)))
    )
    assert current(analysis)[:3] == [6, 0, 5]


def test_a_row_that_is_too_short_lacks_what_it_lacks() -> None:
    analysis = after((0, frame(["7", "RUN"], ["8"], [])))
    assert documents(analysis)["static"] == {"7": ["", "", ""], "8": ["", "", ""]}


def test_a_car_that_is_gone_for_some_frames_goes_on_where_it_was() -> None:
    analysis = after((0, frame(row("RUN", 5, 94.0))), (50, frame()), (93, frame(row("RUN", 6, 93.1))))
    assert laps_of(current(analysis)) == [93.1]


def test_cars_are_told_apart() -> None:
    analysis = after(
        (0, frame(row("RUN", 5, 94.0), row("RUN", 4, 99.0, number="8"))),
        (93, frame(row("RUN", 6, 93.0), row("PIT", 4, 99.0, number="8"))),
    )
    assert (current(analysis)[2], current(analysis, "8")) == (6, None)
