"""Records → scoreboard: what decides whether a consumer is right. The numbers are those of the facts it is built on."""

from collections.abc import Iterable

import pytest

from livetiming.racing import CarState, FlagStatus
from livetiming.rmonitor.entry import Entry
from livetiming.rmonitor.records import Malformed, parse_line
from livetiming.rmonitor.scoreboard import ENTRY_LIMIT, REFRESH_BEATS, Scoreboard

GREEN = '$F,9999,"00:00:00","14:00:00","00:10:00","Green "'
IDLE = '$F,9999,"00:00:00","14:00:00","00:59:59","      "'
FINISH = '$F,0,"00:00:00","14:00:00","00:10:00","Finish"'


def apply(board: Scoreboard, lines: Iterable[str]) -> Scoreboard:
    for line in lines:
        record = parse_line(line)
        assert record is not None and not isinstance(record, Malformed), line
        board.apply(record)
    return board


def board_of(*lines: str) -> Scoreboard:
    return apply(Scoreboard(), lines)


def car(registration: str, *, transponder: str = "", name: str = "Almeida") -> list[str]:
    transponder = transponder or f"1{registration}"
    return [
        f'$A,"{registration}","{registration}",{transponder},"Anna","{name}","",1',
        f'$COMP,"{registration}","{registration}",1,"Anna","{name}","","Apex Racing"',
    ]


def entry(board: Scoreboard, key: str = "7") -> Entry:
    return {entry.key: entry for entry in board.entries()}[key]


@pytest.fixture
def race() -> Scoreboard:
    """Car 7 has completed three laps, the last in 1:32.000."""
    return board_of(
        '$B,5,"Race"',
        '$C,1,"GT"',
        *car("7"),
        GREEN,
        '$G,1,"7",2,"00:03:10.000"',
        '$H,1,"7",2,"00:01:31.500"',
        '$J,"7","00:01:32.000","00:04:42.000"',
        '$G,1,"7",3,"00:04:42.000"',
        '$H,1,"7",2,"00:01:31.500"',
    )


# 1
@pytest.mark.parametrize("laps", [9999, 0])
def test_unlimited_or_unset_laps_and_time_to_go_are_none(laps: int) -> None:
    session = board_of(f'$F,{laps},"00:00:00","14:00:00","00:10:00","Green "').session
    assert (session.laps_to_go, session.time_to_go) == (None, None)


def test_laps_and_time_to_go_that_are_set_are_told() -> None:
    session = board_of('$F,14,"00:12:45","13:34:23","00:09:47","Green "').session
    assert (session.laps_to_go, session.time_to_go, session.race_time) == (14, 765.0, 587.0)


# 2
def test_a_blank_flag_means_not_running_and_keeps_the_last_race_time() -> None:
    board = board_of(*car("7"), GREEN, IDLE)
    assert not board.session.running
    assert board.session.clock_stopped
    assert board.session.race_time == 600.0


def test_a_crossing_while_nothing_runs_starts_no_lap() -> None:
    board = board_of(*car("7"), IDLE, '$J,"7","00:00:00.000","00:00:02.000"')
    assert entry(board).state is CarState.NOT_STARTED


def test_a_race_time_that_does_not_advance_is_a_stopped_clock() -> None:
    red = '$F,9999,"00:00:00","14:00:00","00:10:00","Red   "'
    board = board_of(red, red)
    assert not board.session.clock_stopped
    assert apply(board, [red]).session.clock_stopped


# 3 and 4
def test_no_time_and_no_laps_leave_a_car_not_started() -> None:
    board = board_of(*car("7"), GREEN, '$G,1,"7",,"00:59:59.999"', '$H,1,"7",0,"00:59:59.999"')
    seven = entry(board)
    assert (seven.laps, seven.total, seven.best, seven.last, seven.state) == (0, None, None, None, CarState.NOT_STARTED)


# 5
def test_a_first_crossing_counts_but_is_no_lap() -> None:
    board = board_of(*car("7"), GREEN, '$J,"7","00:00:00.000","00:02:24.629"', '$G,1,"7",,"00:02:24.629"')
    seven = entry(board)
    assert (seven.state, seven.laps, seven.total, seven.last) == (CarState.RUN, 0, 144.629, None)


# 6
def test_a_lap_counts_only_when_the_lap_count_grows(race: Scoreboard) -> None:
    apply(race, ['$J,"7","00:01:33.000","00:06:15.000"'])
    assert (entry(race).laps, entry(race).last) == (3, 92.0)
    apply(race, ['$G,1,"7",4,"00:06:15.000"'])
    assert (entry(race).laps, entry(race).last) == (4, 93.0)


def test_the_lap_count_may_come_before_the_crossing(race: Scoreboard) -> None:
    apply(race, ['$G,1,"7",4,"00:06:15.100"', '$J,"7","00:01:33.000","00:06:15.100"'])
    assert entry(race).last == 93.0


def test_a_lap_whose_crossing_was_lost_is_timed_by_the_totals(race: Scoreboard) -> None:
    apply(race, ['$G,1,"7",4,"00:06:15.250"'])
    assert entry(race).last == 93.25


def test_the_last_lap_of_a_late_joiner_is_unknown_until_its_next_crossing() -> None:
    board = board_of(*car("7"), GREEN, '$G,1,"7",20,"00:31:00.000"')
    assert entry(board).last is None
    apply(board, ['$J,"7","00:01:33.000","00:32:33.000"', '$G,1,"7",21,"00:32:33.000"'])
    assert entry(board).last == 93.0


def test_a_crossing_whose_total_is_wrong_still_times_its_lap(race: Scoreboard) -> None:
    apply(race, ['$J,"7","00:01:33.000","00:00:40.000"', '$G,1,"7",4,"00:06:15.000"'])
    assert (entry(race).last, entry(race).total) == (93.0, 375.0)


# 7
def test_a_double_read_is_no_lap(race: Scoreboard) -> None:
    apply(race, ['$J,"7","00:00:00.020","00:04:42.020"', '$G,1,"7",3,"00:04:42.020"'])
    assert (entry(race).laps, entry(race).last) == (3, 92.0)
    apply(race, ['$J,"7","00:01:33.000","00:06:15.000"', '$G,1,"7",4,"00:06:15.000"'])
    assert entry(race).last == 93.0


def test_the_same_crossing_twice_counts_once(race: Scoreboard) -> None:
    crossing = '$J,"7","00:01:33.000","00:06:15.000"'
    apply(race, [crossing, '$G,1,"7",4,"00:06:15.000"', crossing, '$G,1,"7",4,"00:06:15.000"'])
    assert (entry(race).laps, entry(race).last) == (4, 93.0)


def test_another_lap_time_for_a_crossing_that_counted_is_ignored(race: Scoreboard) -> None:
    apply(race, ['$J,"7","00:09:44.808","00:04:42.000"', '$G,1,"7",3,"00:04:42.000"'])
    assert entry(race).last == 92.0


def test_a_crossing_timed_again_replaces_the_lap_time(race: Scoreboard) -> None:
    apply(race, ['$J,"7","00:01:31.999","00:04:41.999"', '$G,1,"7",3,"00:04:41.999"'])
    assert (entry(race).laps, entry(race).last) == (3, 91.999)


def test_a_deleted_lap_gives_back_the_lap_before(race: Scoreboard) -> None:
    apply(race, ['$J,"7","00:01:33.000","00:06:15.000"', '$G,1,"7",4,"00:06:15.000"', '$G,1,"7",3,"00:04:42.000"'])
    assert (entry(race).laps, entry(race).last, entry(race).total) == (3, 92.0, 282.0)


# 8
def test_only_a_change_of_the_run_is_a_boundary() -> None:
    board = board_of(*car("7"), '$B,5,"Race"', '$B,5,"Race"')
    assert not board.stale
    assert apply(board, ['$B,6,"Race"']).stale


def test_run_95_closes_and_keeps_the_description() -> None:
    board = board_of('$B,32,"Test Session 4"', '$B,95,"Test Session 4"')
    assert board.session.closed
    assert (board.session.run is not None and board.session.run.unique, board.session.description) == (
        32,
        "Test Session 4",
    )
    assert not apply(board, ['$B,32,"Test Session 4"']).stale


def test_a_late_joiner_of_a_closed_run_still_has_its_name() -> None:
    assert board_of('$B,95,"Test Session 4"').session.description == "Test Session 4"


def test_another_run_takes_the_entries_that_its_refresh_repeats() -> None:
    board = board_of('$B,5,"Race 1"', *car("7"), *car("8"), '$G,1,"7",9,"00:15:00.000"', GREEN, GREEN)
    apply(board, [*car("7"), '$G,1,"7",,"00:00:00.000"', '$B,6,"Race 2"', IDLE, IDLE])
    assert [entry.key for entry in board.entries()] == ["7"]
    assert entry(board).laps == 0


# 9 and 10
def test_a_clear_alone_changes_nothing(race: Scoreboard) -> None:
    apply(race, ['$I,"00:00:00","0/0/0000"'] * 3)
    apply(race, [GREEN] * 3 * REFRESH_BEATS)
    assert (entry(race).laps, entry(race).last) == (3, 92.0)


def test_after_a_clear_what_the_refresh_does_not_repeat_goes(race: Scoreboard) -> None:
    apply(race, car("8"))
    apply(race, ["$I", "$I", '$C,1,"GT"', *car("7"), '$G,1,"7",3,"00:04:42.000"', GREEN])
    assert len(race.entries()) == 2
    apply(race, [GREEN])
    assert [entry.key for entry in race.entries()] == ["7"]


def test_a_driver_change_after_a_clear_is_no_refresh(race: Scoreboard) -> None:
    apply(race, car("8"))
    apply(race, ["$I", *car("8", name="Lindqvist"), GREEN, GREEN, GREEN])
    assert len(race.entries()) == 2


def test_the_last_lap_survives_a_clear_in_mid_race(race: Scoreboard) -> None:
    empty_grid_first = ['$G,1,"7",,"00:00:00.000"', '$G,1,"7",3,"00:04:42.000"', '$H,1,"7",0,"00:00:00.000"']
    apply(race, ["$I", *car("7"), '$B,5,"Race"', '$C,1,"GT"', *empty_grid_first, '$H,1,"7",2,"00:01:31.500"'])
    assert (entry(race).laps, entry(race).last, entry(race).best) == (3, 92.0, 91.5)
    apply(race, [GREEN, GREEN])
    assert (entry(race).laps, entry(race).last, entry(race).best) == (3, 92.0, 91.5)


def test_a_clear_before_another_session_clears(race: Scoreboard) -> None:
    apply(race, ["$I", '$B,95,"Race"', '$C,1,"GT"', *car("7"), '$G,1,"7",,"00:59:59.999"', '$H,1,"7",0,"00:59:59.999"'])
    apply(race, [IDLE, IDLE])
    seven = entry(race)
    assert (seven.laps, seven.last, seven.best, seven.state) == (0, None, None, CarState.NOT_STARTED)


# 11
def test_chequered_is_a_state_of_the_flag_and_not_the_end(race: Scoreboard) -> None:
    crossing = ['$J,"7","00:01:33.000","00:06:15.000"', '$G,1,"7",4,"00:06:15.000"']
    apply(race, [GREEN, FINISH])
    assert (race.session.flag, entry(race).state) == (FlagStatus.CHEQUERED, CarState.RUN)
    assert entry(apply(race, crossing)).state is CarState.FINISHED
    red = '$F,9999,"00:00:00","14:00:00","00:10:00","Red   "'
    assert entry(apply(race, [red])).state is CarState.FINISHED
    assert entry(apply(race, [GREEN])).state is CarState.RUN


def test_who_crossed_with_the_leader_just_before_the_flag_was_told_has_finished(race: Scoreboard) -> None:
    second, third = '$G,2,"8",3,"00:06:14.000"', '$G,3,"9",3,"00:06:15.500"'
    apply(race, [*car("8"), *car("9"), GREEN, second, '$G,1,"7",4,"00:06:15.000"', third, FINISH])
    assert {entry.key for entry in race.entries() if entry.state is CarState.FINISHED} == {"7", "9"}


# 12
def test_a_second_car_with_the_same_registration_is_told_apart() -> None:
    both = [*car("64", transponder="NE4", name="Almeida"), *car("64", transponder="PL-44599", name="Zhou")]
    board = board_of(GREEN, *both, GREEN, GREEN, *both)
    assert {entry.key: entry.last_name for entry in board.entries()} == {"64": "Almeida", "64#2": "Zhou"}


def test_positions_of_twins_go_to_the_one_whose_times_they_continue() -> None:
    board = board_of(GREEN, *car("64", transponder="1", name="Almeida"), *car("64", transponder="2", name="Zhou"))
    apply(board, ['$G,1,"64",5,"00:08:00.000"', '$G,2,"64",4,"00:08:30.000"'])
    apply(board, ['$J,"64","00:01:40.000","00:10:10.000"', '$G,2,"64",5,"00:10:10.000"'])
    apply(board, ['$J,"64","00:01:36.000","00:09:36.000"', '$G,1,"64",6,"00:09:36.000"'])
    assert {key: (entry(board, key).laps, entry(board, key).last) for key in ("64", "64#2")} == {
        "64": (6, 96.0),
        "64#2": (5, 100.0),
    }


def test_a_twin_that_no_refresh_repeats_was_none() -> None:
    board = board_of(*car("64", transponder="1"), *car("64", transponder="2", name="Zhou"))
    apply(board, [GREEN] * (REFRESH_BEATS + 1))
    apply(board, [*car("64", transponder="1"), GREEN])
    assert [entry.key for entry in board.entries()] == ["64"]


# 13
def test_a_changed_name_or_transponder_is_the_same_car(race: Scoreboard) -> None:
    apply(race, [*car("7", name="Zhou"), *[GREEN] * 5, *car("7", name="Zhou", transponder="999"), *[GREEN] * 5])
    apply(race, car("7", name="Ilott", transponder="1000"))
    seven = entry(race)
    assert [entry.key for entry in race.entries()] == ["7"]
    assert (seven.last_name, seven.transponder, seven.laps, seven.additional) == ("Ilott", "1000", 3, "Apex Racing")


# 15
def test_a_team_in_the_first_name_is_shown_as_the_name() -> None:
    board = board_of('$A,"59","59",14451114,"Stratus 59","","",1')
    assert entry(board, "59").name == "Stratus 59"


# 17
def test_positions_wait_for_their_entry_for_one_refresh() -> None:
    board = board_of(GREEN, '$G,1,"7",5,"00:08:00.000"', '$H,1,"7",3,"00:01:31.500"')
    assert board.entries() == []
    apply(board, car("7"))
    assert (entry(board).position, entry(board).laps, entry(board).best) == (1, 5, 91.5)


def test_positions_that_no_entry_claims_are_forgotten() -> None:
    board = board_of(GREEN, '$G,1,"7",5,"00:08:00.000"', *[GREEN] * (REFRESH_BEATS + 1), *car("7"))
    assert entry(board).position is None


def test_a_feed_cannot_make_the_board_grow_without_bound() -> None:
    board = Scoreboard()
    apply(board, (f'$G,1,"{number}",5,"00:08:00.000"' for number in range(ENTRY_LIMIT + 5)))
    apply(board, (f'$C,{number},"GT"' for number in range(ENTRY_LIMIT + 5)))
    assert board.ignored == 5
    assert len(board.classes) == ENTRY_LIMIT


# 20 and IMSA
def test_without_line_crossings_nobody_is_in_the_pits(race: Scoreboard) -> None:
    assert entry(race).state is CarState.RUN


def test_a_car_is_in_the_pits_from_their_entry_to_their_exit(race: Scoreboard) -> None:
    def line(kind: str) -> str:
        return f'$L,"7","P1","{kind}","01/27/2009","08:00:05.894"'

    assert entry(apply(race, [line("PIP")])).state is CarState.PIT
    crossing_in_the_pit_lane = ['$J,"7","00:01:58.000","00:06:40.000"', '$G,1,"7",4,"00:06:40.000"', line("SFP")]
    assert entry(apply(race, crossing_in_the_pit_lane)).state is CarState.PIT
    assert entry(apply(race, [line("POP")])).state is CarState.OUT
    assert entry(apply(race, ['$J,"7","00:01:40.000","00:08:20.000"'])).state is CarState.RUN


def test_a_lost_pit_exit_ends_at_the_next_crossing_on_the_track(race: Scoreboard) -> None:
    apply(race, ['$L,"7","P3","PIP","",""', '$L,"7","T1","SFT","",""'])
    assert entry(race).state is CarState.RUN


def test_a_crossing_may_name_the_transponder(race: Scoreboard) -> None:
    assert entry(apply(race, ['$L,"Tx17","P3","PIP","",""'])).state is CarState.PIT
    apply(race, ['$L,"Tx4667026","P2","POP","",""', '$L,"99","P2","POP","",""'])
    assert len(race.entries()) == 1


@pytest.mark.parametrize("status", ["Retired", "Excluded"])
def test_the_status_in_the_nationality_field_retires_a_car(race: Scoreboard, status: str) -> None:
    apply(race, [f'$COMP,"7","7",1,"Anna","Almeida","{status}","Apex Racing"'])
    assert entry(race).state is CarState.RETIRED


def test_a_correction_moves_the_total_and_the_lap_that_ended_there(race: Scoreboard) -> None:
    apply(race, ['$COR,"7","7",3,"00:04:42.000","+00:00:00.012"'])
    assert (entry(race).total, entry(race).last) == (282.012, 92.012)
    apply(race, ['$COR,"7","7",3,"00:04:41.512","-00:00:00.500"'])
    assert (entry(race).total, entry(race).last) == (281.512, 91.512)


def test_a_correction_of_a_lap_that_is_not_known_is_nothing(race: Scoreboard) -> None:
    apply(race, ['$COR,"7","7",1,"00:01:42.000","+00:00:00.012"', '$COR,"9","9",1,"00:01:42.000","+00:00:00.012"'])
    assert entry(race).total == 282.0


def test_orbits_last_lap_is_taken_where_no_crossing_tells_it(race: Scoreboard) -> None:
    apply(race, ['$SR,1,"7",4,"00:01:33.500",32000', '$G,1,"7",4,"00:06:20.000"'])
    assert entry(race).last == 93.5
    late = board_of(*car("7"), '$G,1,"7",4,"00:06:20.000"', '$SR,1,"7",4,"00:01:33.500",32000')
    assert entry(late).last == 93.5


def test_the_track_is_told_by_either_dialect() -> None:
    assert board_of('$E,"TRACKNAME","Sebring"', '$E,"TRACKLENGTH","3.700"').session.track_length == "3.700"
    assert board_of('$T,"Sebring","Seb","3.74",0').session.track_name == "Sebring"
