"""When a lap counts, by columns that may tell of it one after the other, be corrected, or be missing."""

import pytest

from livetiming.analysis import Columns, documents
from tests.unit.analysis.races import COLUMNS, after, current, finished, frame, laps_of, row, run

WITHOUT_LAPS = Columns.of([["Num", "text"], ["State", "text"], *[["", ""]] * 5, ["Last", "time"]])


def test_a_lap_counts_when_laps_and_last_change_together() -> None:
    stint = current(run((0, "RUN", 0, None), (95, "RUN", 1, 95.0), (188, "RUN", 2, 93.1)))
    assert (stint[0], stint[2], laps_of(stint)) == (1, 2, [95.0, 93.1])


def test_the_last_passing_is_when_it_did() -> None:
    analysis = run((0, "RUN", 0, None), (95, "RUN", 1, 95.0), (150, "RUN", 1, 95.0, "Kobayashi"))
    assert documents(analysis)["lap"]["7"][1] == 95


def test_what_a_car_had_done_before_it_was_seen_counts_for_nothing() -> None:
    analysis = run((0, "RUN", 37, 93.1))
    assert current(analysis)[0] == 38
    assert (laps_of(current(analysis)), documents(analysis)["lap"]["7"][1]) == ([], None)


def test_laps_before_last_is_one_lap_of_the_time_that_follows() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 94.0), (94, "RUN", 6, 93.1)))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


def test_last_before_laps_is_one_lap() -> None:
    before = run((0, "RUN", 5, 94.0), (93, "RUN", 5, 93.1))
    assert (current(before)[2], laps_of(current(before))) == (6, [93.1])
    stint = current(after((94, frame(row("RUN", 6, 93.1))), start=before))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


def test_last_before_laps_lap_after_lap() -> None:
    frames = [(0.0, "RUN", 5, 94.0)]
    for lap in range(6, 12):
        frames += [(lap * 100.0, "RUN", lap - 1, 90.0 + lap), (lap * 100.0 + 1, "RUN", lap, 90.0 + lap)]
    stint = current(run(*frames))
    assert (stint[2], laps_of(stint)) == (11, [96.0, 97.0, 98.0, 99.0, 100.0, 101.0])


def test_laps_before_last_lap_after_lap() -> None:
    frames = [(0.0, "RUN", 5, 94.0)]
    for lap in range(6, 12):
        frames += [(lap * 100.0, "RUN", lap, 89.0 + lap), (lap * 100.0 + 2, "RUN", lap, 90.0 + lap)]
    stint = current(run(*frames))
    assert (stint[2], laps_of(stint)) == (11, [96.0, 97.0, 98.0, 99.0, 100.0, 101.0])


def test_laps_of_the_same_time_count() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (186, "RUN", 7, 93.1), (279, "RUN", 8, 93.1)))
    assert (stint[2], laps_of(stint)) == (8, [93.1, 93.1, 93.1])


def test_a_lap_whose_time_is_unknown_counts_without_one() -> None:
    stint = current(run((0, "RUN", 0, None), (95, "RUN", 1, None), (190, "RUN", 2, 95.0)))
    assert (stint[2], laps_of(stint)) == (2, [95.0])


def test_a_lap_that_empties_last_has_no_time() -> None:
    frames = [(0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (290, "RUN", 7, None)]
    assert current(run(*frames))[2] == 7
    assert laps_of(current(run(*frames))) == [93.1]
    assert laps_of(current(run(*frames, (292, "RUN", 7, 197.0)))) == [93.1, 197.0]


def test_the_time_of_such_a_lap_may_follow() -> None:
    analysis = run((0, "RUN", 0, None), (95, "RUN", 1, None), (97, "RUN", 1, 95.3))
    assert (current(analysis)[2], laps_of(current(analysis))) == (1, [95.3])
    assert documents(analysis)["lap"]["7"][1] == 95


def test_a_time_that_is_corrected_at_once_is_the_same_laps() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (99, "RUN", 6, 93.104)))
    assert (stint[2], laps_of(stint)) == (6, [93.104])


def test_a_time_that_is_corrected_late_makes_no_lap_in_the_end() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (120, "RUN", 6, 93.104), (187, "RUN", 7, 94.2)))
    assert (stint[2], laps_of(stint)) == (7, [93.104, 94.2])


def test_a_flag_that_only_fades_is_no_lap() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, [93.1, "sb-new"]), (103, "RUN", 6, [93.1, "sb"])))
    assert laps_of(stint) == [93.1]


def test_a_time_that_goes_and_comes_back_is_no_lap() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (140, "RUN", 6, None), (150, "RUN", 6, 93.1)))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


def test_laps_that_go_and_come_back_are_none() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (140, "RUN", "", 93.1), (150, "RUN", 6, 93.1)))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


def test_without_a_laps_column_laps_are_counted_by_last() -> None:
    analysis = run((0, "RUN", None, None), (95, "RUN", None, 95.0), (188, "RUN", None, 93.1), columns=WITHOUT_LAPS)
    assert (current(analysis)[0], current(analysis)[2], laps_of(current(analysis))) == (1, 2, [95.0, 93.1])


def test_where_laps_never_moves_laps_are_counted_by_last() -> None:
    stint = current(run((0, "RUN", 0, None), (95, "RUN", 0, 95.0), (188, "RUN", 0, 93.1), (190, "RUN", 0, 93.2)))
    assert (stint[0], stint[2], laps_of(stint)) == (1, 3, [95.0, 93.1, 93.2])


def test_laps_that_lag_behind_last_catch_up() -> None:
    frames = [(0, "RUN", 5, 90.0), (95, "RUN", 5, 95.0), (190, "RUN", 5, 94.0), (210, "RUN", 6, 94.0)]
    assert current(run(*frames))[2] == 7
    stint = current(run(*frames, (285, "RUN", 6, 93.0), (290, "RUN", 8, 93.0)))
    assert (stint[2], laps_of(stint)) == (8, [95.0, 94.0, 93.0])
    assert current(run(*frames, (285, "RUN", 6, 93.0)))[2] == 8


def test_a_jump_of_laps_counts_them_all_but_only_one_time_is_known() -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (500, "RUN", 10, 92.8)))
    assert (stint[0], stint[2], laps_of(stint)) == (6, 10, [93.1, 92.8])


def test_laps_that_come_late_put_the_numbers_right() -> None:
    stint = current(run((0, "RUN", "", None), (5, "RUN", 37, 93.1), (90, "RUN", 38, 92.8)))
    assert (stint[0], stint[2], laps_of(stint)) == (38, 38, [92.8])


def test_laps_that_come_late_with_too_few_start_at_the_first() -> None:
    stint = current(run((0, "RUN", "", None), (95, "RUN", "", 95.0), (96, "RUN", 0, 95.0), (190, "RUN", 1, 94.0)))
    assert (stint[0], stint[2], laps_of(stint)) == (1, 1, [95.0, 94.0])


def test_a_first_lap_that_laps_did_not_know_before_counts() -> None:
    stint = current(run((0, "RUN", "", None), (95, "RUN", 1, 95.0)))
    assert (stint[0], stint[2], laps_of(stint)) == (1, 1, [95.0])


def test_a_lap_that_is_taken_back_never_was() -> None:
    frames = [(0, "RUN", 11, 124.0), (123, "RUN", 12, 122.72), (126, "RUN", 13, 3.054)]
    stint = current(run(*frames, (130, "RUN", 12, 122.72)))
    assert (stint[2], stint[6], laps_of(stint)) == (12, 122.72, [122.72])
    stint = current(run(*frames, (130, "RUN", 12, 122.72), (247, "RUN", 13, 123.5)))
    assert (stint[2], laps_of(stint)) == (13, [122.72, 123.5])


def test_a_lap_without_a_time_that_is_taken_back_takes_no_time_with_it() -> None:
    stint = current(run((0, "RUN", 0, None), (60, "RUN", 1, None), (61, "RUN", 0, None), (95, "RUN", 1, 95.0)))
    assert (stint[2], laps_of(stint)) == (1, [95.0])
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (150, "RUN", 7, None), (152, "RUN", 6, None)))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


def test_its_time_may_be_taken_back_later_than_the_lap() -> None:
    frames = [(0, "RUN", 11, 124.0), (123, "RUN", 12, 122.72), (126, "RUN", 13, 3.054), (200, "RUN", 12, 3.054)]
    stint = current(run(*frames, (203, "RUN", 12, 122.72)))
    assert (stint[2], laps_of(stint)) == (12, [122.72])


def test_a_lap_that_is_taken_back_leaves_its_flag_to_the_lap_that_goes_on() -> None:
    analysis = after(
        (0, frame(row("RUN", 11, 124.0), flag="sc")),
        (3, frame(row("RUN", 12, 3.054), flag="green")),
        (9, frame(row("RUN", 11, 124.0), flag="green")),
        (140, frame(row("RUN", 12, 140.0), flag="green")),
    )
    assert current(analysis)[9] == [[140.0, 8]]


def test_laps_that_vanish_for_a_moment_change_nothing() -> None:
    before = [(0, "RUN", 44, 94.0), (93, "RUN", 45, 93.1)]
    stint = current(run(*before, (120, "RUN", 0, 93.1), (122, "RUN", 45, 93.1), (186, "RUN", 46, 93.2)))
    assert stint == current(run(*before, (186, "RUN", 46, 93.2)))


@pytest.mark.parametrize("restart", [[(200, "RUN", 1, 99.0)], [(200, "RUN", 0, 99.0), (201, "RUN", 1, 99.0)]])
def test_laps_that_start_anew_are_believed_with_the_next_lap(restart: list[tuple[int, str, int, float]]) -> None:
    stint = current(run((0, "RUN", 44, 94.0), (93, "RUN", 45, 93.1), (100, "RUN", 0, None), *restart))
    assert (stint[0], stint[2], laps_of(stint)) == (1, 1, [93.1, 99.0])


def test_a_stint_after_a_restart_starts_with_the_new_number() -> None:
    frames = [(0, "RUN", 44, 94.0), (93, "RUN", 45, 93.1), (100, "PIT", 45, 93.1)]
    analysis = run(*frames, (160, "N/S", 0, None), (199, "RUN", 0, None))
    assert current(analysis)[0] == 1


@pytest.mark.parametrize("cell", ["93.1", None, "", True, [], ["", ""], [None, ""], [[93.1]], [0, ""], [-3, ""], {}])
def test_what_is_no_time_counts_no_lap(cell: object) -> None:
    cells = [*row("RUN", 5)[:7], cell]
    assert current(after((0, frame(row("RUN", 5, 94.0))), (93, frame(cells))))[2] == 5


@pytest.mark.parametrize("cell", [93.1, [93.1], [93.1, "pb"], (93.1, "")])
def test_a_time_may_come_in_any_form(cell: object) -> None:
    cells = [*row("RUN", 5)[:7], cell]
    assert laps_of(current(after((0, frame(row("RUN", 5, 94.0))), (93, frame(cells))))) == [93.1]


@pytest.mark.parametrize("laps", [6, 6.0, "6"])
def test_a_number_of_laps_may_come_in_any_form(laps: object) -> None:
    stint = current(run((0, "RUN", 5, 94.0), (93, "RUN", laps, 93.1)))
    assert (stint[2], laps_of(stint)) == (6, [93.1])


@pytest.mark.parametrize("laps", ["six", -1, 10**30, float("nan"), True, [6], None])
def test_what_is_no_number_of_laps_is_ignored(laps: object) -> None:
    analysis = run((0, "RUN", 5, 94.0), (93, "RUN", laps, 93.1), (94, "RUN", 6, 93.1))
    assert (current(analysis)[2], laps_of(current(analysis))) == (6, [93.1])


def test_an_in_lap_completed_in_the_pit_lane_belongs_to_the_stint_before() -> None:
    frames = [(0, "RUN", 5, 94.0), (93, "RUN", 6, 93.1), (180, "PIT", 6, 93.1)]
    (stint,) = finished(run(*frames))
    assert (stint[2], stint[3], laps_of(stint)) == (6, 180, [93.1])
    analysis = run(*frames, (190, "PIT", 7, 97.5))
    (stint,) = finished(analysis)
    assert (stint[2], stint[3], stint[6], laps_of(stint)) == (7, 180, 93.1, [93.1, 97.5])
    assert documents(analysis)["lap"]["7"] == [None, 190]


def test_its_time_may_follow_when_the_car_is_out_again() -> None:
    analysis = run((0, "RUN", 5, 94.0), (80, "PIT", 5, 94.0), (90, "PIT", 6, 94.0), (91, "OUT", 6, 94.0))
    analysis = after((92, frame(row("OUT", 6, 97.5))), start=analysis)
    assert laps_of(finished(analysis)[0]) == [97.5]
    assert (current(analysis)[:3], laps_of(current(analysis))) == ([7, 91, 6], [])


def test_a_lap_that_the_frame_of_the_exit_shows_belongs_to_the_stint_before() -> None:
    analysis = run((0, "RUN", 5, 94.0), (80, "PIT", 5, 94.0), (140, "OUT", 6, 150.0))
    assert laps_of(finished(analysis)[0]) == [150.0]
    assert current(analysis)[0] == 7


def test_a_lap_that_ends_in_the_pits_without_a_stint_before_is_nobodys() -> None:
    analysis = run((0, "PIT", 5, 94.0), (80, "PIT", 6, 93.0), (90, "OUT", 6, 93.0))
    assert (finished(analysis), laps_of(current(analysis)), current(analysis)[0]) == ([], [], 7)


def test_rows_of_other_columns_are_read_by_those() -> None:
    turned = Columns.of([["Last", "time"], ["Lap", "numeric"], ["Num", "text"]])
    analysis = after((0, frame(row("RUN", 5, 94.0))), columns=COLUMNS)
    state = {"cars": [[[93.1, ""], 6, "7"]], "session": {}, "messages": [], "highlight": []}
    assert laps_of(current(after((93, state), columns=turned, start=analysis))) == [93.1]
