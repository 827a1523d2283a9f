"""From the board to the universal state: a golden one, and each thing that it cannot show."""

from typing import Any

import pytest

from livetiming.openf1.board import Board
from livetiming.openf1.cars import RETIRED_AFTER
from livetiming.openf1.records import Session
from livetiming.openf1.state import COLUMNS, FRESH, TRACK_DATA_SPEC, race_state
from livetiming.racing import Stat
from livetiming.state import checked
from tests.support.openf1_server import START, a_race, iso

NOW = START + 395
TITLES = [column.title for column in COLUMNS]

GOLDEN = [
    ["7", "RUN", "Heron", "Ada Falk", ["S", "tyre-soft"], 4, 6, 4, "", "", [28.7, "sb"], [28.7, "sb"], [30.9, "old"],
     [30.8, "sb"], [29.7, "old"], [29.7, "sb"], [89.4, "sb"], [89.4, "sb"], 312, 312, 0],
    ["12", "RUN", "Heron", "Bo Lind", ["M", "tyre-med"], 4, 4, 4, 2.3, 2.3, [29.1, "old"], [29.0, ""], [30.8, "old"],
     [30.8, "sb"], [29.9, "old"], [29.9, ""], [89.8, "pb"], [89.8, ""], 309, 311, 0],
    ["23", "RUN", "Osprey", "Cy Moro", ["H", "tyre-hard"], 2, 5, 4, "1 lap", 23.8, [29.5, "old"], [29.5, ""],
     [31.2, "old"], [31.2, ""], [30.3, "old"], [30.3, ""], [91.0, "pb"], [91.0, ""], 308, 308, 1],
    ["44", "RET", "Osprey", "Di Nash", "", 0, 0, 0, "", "", ["", ""], ["", ""], ["", ""], ["", ""], ["", ""],
     ["", ""], ["", ""], ["", ""], "", "", 0],
]  # fmt: skip


def a_board(**collections: list[dict[str, Any]]) -> Board:
    """The sample race, with some of its collections replaced."""
    race = a_race() | collections
    board = Board(Session(9001, 800, "Race", "Race", "Kestrel Ridge", START, START + 7200))
    for collection, found in race.items():
        if collection not in ("sessions", "meetings"):
            board.merge(collection, found)
    return board


def practice(*laps: dict[str, Any], **collections: list[dict[str, Any]]) -> Board:
    """An hour of practice with these laps of two cars."""
    board = Board(Session(9002, 800, "Practice 1", "Practice", "Kestrel Ridge", START, START + 3600))
    for collection, found in {"laps": list(laps), **collections}.items():
        board.merge(collection, found)
    return board


def lap(number: int, lap_number: int, duration: float | None, at: float = 0, **fields: Any) -> dict[str, Any]:
    start = iso(START + at)
    return {"driver_number": number, "lap_number": lap_number, "date_start": start, "lap_duration": duration, **fields}


def cell(board: Board, stat: Stat, car: int = 7, now: float = NOW) -> Any:
    rows = {row[0]: row for row in race_state(board, now)["cars"]}
    return rows[str(car)][COLUMNS.index(stat)]


def session(board: Board, now: float = NOW) -> dict[str, Any]:
    found: dict[str, Any] = race_state(board, now)["session"]
    return found


class TestTheWhole:
    def test_the_sample_race(self) -> None:
        board = a_board(weather=[{**a_race()["weather"][1], "date": iso(START + 363.9 + FRESH + 1)}])
        assert race_state(board, NOW)["cars"] == GOLDEN

    def test_its_session(self) -> None:
        assert session(a_board()) == {
            "flagState": "vsc",
            "timeElapsed": 395.0,
            "timeRemain": None,
            "lapsRemain": None,
            "pauseClocks": False,
            "trackData": ["24.5°C", "41.2°C", "55%", "1012.3 mbar", "2.1 m/s, 187°", "no"],
        }

    def test_it_is_a_state_with_a_row_of_the_columns_for_each_car(self) -> None:
        race = checked(race_state(a_board(), NOW))
        assert {len(row) for row in race["cars"]} == {len(COLUMNS)}
        assert len(race["session"]["trackData"]) == len(TRACK_DATA_SPEC)

    def test_of_a_session_that_has_told_nothing_there_is_a_state_too(self) -> None:
        empty = Board(Session(9001))
        assert race_state(empty, NOW) == {
            "cars": [],
            "session": {
                "flagState": "none", "timeElapsed": None, "timeRemain": None, "lapsRemain": None,
                "pauseClocks": True, "trackData": [""] * 6,
            },
        }  # fmt: skip


class TestCells:
    def test_cars_without_a_position_come_last_by_number(self) -> None:
        board = a_board(position=[{"driver_number": 44, "date": iso(START), "position": 1}])
        assert [row[0] for row in race_state(board, NOW)["cars"]] == ["44", "7", "12", "23"]

    def test_a_car_without_a_name_has_its_number(self) -> None:
        board = a_board(drivers=[])
        assert (cell(board, Stat.DRIVER), cell(board, Stat.TEAM)) == ("", "")

    @pytest.mark.parametrize(
        ("compound", "expected"),
        [("SOFT", ["S", "tyre-soft"]), ("medium", ["M", "tyre-med"]), ("HARD", ["H", "tyre-hard"]),
         ("INTERMEDIATE", ["I", "tyre-inter"]), ("WET", ["W", "tyre-wet"]), ("TEST_UNKNOWN", ""), (None, "")],
    )  # fmt: skip
    def test_a_tyre_is_its_letter_and_its_style(self, compound: str | None, expected: Any) -> None:
        stint = {"driver_number": 7, "stint_number": 1, "lap_start": 1, "compound": compound}
        assert cell(a_board(stints=[stint]), Stat.TYRE) == expected

    def test_the_stint_counts_from_its_first_lap_and_the_age_from_when_they_were_new(self) -> None:
        assert (cell(a_board(), Stat.TYRE_STINT, 23), cell(a_board(), Stat.TYRE_AGE, 23)) == (2, 5)

    def test_without_a_stint_nothing_is_known_of_tyres(self) -> None:
        board = a_board(stints=[])
        assert [cell(board, stat) for stat in (Stat.TYRE, Stat.TYRE_STINT, Stat.TYRE_AGE)] == ["", "", ""]

    def test_a_session_best_is_new_for_a_while(self) -> None:
        assert cell(a_board(), Stat.LAST_LAP) == [89.4, "sb-new"]

    def test_a_lap_that_is_begun_completes_the_one_before_it(self) -> None:
        assert cell(practice(lap(7, 1, None), lap(7, 2, None, 120)), Stat.LAPS) == 1
        assert cell(practice(lap(7, 1, None), lap(7, 2, 90.0, 120)), Stat.LAPS) == 2

    def test_the_leader_has_no_gap_and_who_has_retired_has_none_any_more(self) -> None:
        intervals = [{"driver_number": car, "date": iso(NOW), "gap_to_leader": 5.0, "interval": 5.0} for car in (7, 44)]
        board = a_board(intervals=intervals)
        assert [cell(board, Stat.GAP, car) for car in (7, 44)] == ["", ""]

    @pytest.mark.parametrize(
        ("told", "shown"), [("+1 LAP", "1 lap"), ("+2 LAPS", "2 laps"), (0.004, 0.004), (None, "")]
    )
    def test_laps_behind_are_told_in_words(self, told: Any, shown: Any) -> None:
        board = a_board(intervals=[{"driver_number": 12, "date": iso(NOW), "gap_to_leader": told}])
        assert cell(board, Stat.GAP, 12) == shown

    def test_outside_races_gaps_are_differences_of_best_laps(self) -> None:
        places = [
            {"driver_number": car, "date": iso(START), "position": place} for place, car in enumerate((12, 7, 23), 1)
        ]
        board = practice(lap(12, 1, 89.0), lap(7, 1, 89.5), lap(7, 2, 91.0, 90), lap(23, 1, 90.25), position=places)
        assert [cell(board, Stat.GAP, car) for car in (12, 7, 23)] == ["", 0.5, 1.25]
        assert [cell(board, Stat.INT, car) for car in (12, 7, 23)] == ["", 0.5, 0.75]


class TestStates:
    def test_before_its_first_lap_a_car_has_not_started(self) -> None:
        assert cell(a_board(laps=[]), Stat.STATE) == "N/S"

    def test_the_lap_out_of_the_pits_is_an_out_lap_until_it_is_over(self) -> None:
        assert cell(practice(lap(7, 1, None, is_pit_out_lap=True)), Stat.STATE) == "OUT"
        assert cell(practice(lap(7, 1, 95.0, is_pit_out_lap=True)), Stat.STATE) == "RUN"

    @pytest.mark.parametrize(
        ("segments", "state"), [([2049, 2064], "PIT"), ([2064, 2049], "RUN"), ([], "RUN"), (None, "RUN")]
    )
    def test_outside_races_the_mini_sectors_tell_of_the_pits(self, segments: Any, state: str) -> None:
        assert cell(practice(lap(7, 1, None, segments_sector_3=segments)), Stat.STATE) == state

    def test_a_car_in_the_garage_is_in_the_pits_while_its_new_lap_has_no_mini_sectors(self) -> None:
        came_in = lap(7, 4, 101.0, segments_sector_3=[2048, 2064])
        assert cell(practice(came_in, lap(7, 5, None, 101)), Stat.STATE) == "PIT"

    def test_in_a_race_a_stop_shows_when_it_is_told(self) -> None:
        board = a_board()
        board.merge("pit", [{"driver_number": 12, "lap_number": 4, "date": iso(NOW)}])
        assert cell(board, Stat.STATE, 12) == "PIT"
        board.pitting.clear()
        assert (cell(board, Stat.STATE, 12), cell(board, Stat.PITS, 12)) == ("RUN", 1)

    def test_in_a_race_a_car_has_retired_when_the_leader_has_begun_some_laps_without_it(self) -> None:
        begun = [lap(7, number, 90.0, 90.0 * number) for number in range(2, 2 + RETIRED_AFTER)]
        stopped = lap(44, 1, None, 1.0)
        assert cell(a_board(laps=[stopped, *begun]), Stat.STATE, 44) == "RET"
        assert cell(a_board(laps=[stopped, *begun[1:]]), Stat.STATE, 44) == "RUN"

    def test_after_a_red_flag_nobody_has_retired_because_the_clock_went_on(self) -> None:
        before = [lap(car, 5, None, 400) for car in (7, 12)]
        assert cell(a_board(laps=[*before, lap(7, 6, None, 4000)]), Stat.STATE, 12) == "RUN"

    def test_who_ends_a_lap_under_the_chequered_flag_has_finished(self) -> None:
        control = [{"date": iso(START + 385), "flag": "CHEQUERED", "scope": "Track", "message": "CHEQUERED FLAG"}]
        laps = [lap(7, 4, 90.0, 295), lap(12, 4, None, 297), lap(23, 3, 90.0, 200)]
        board = a_board(laps=laps, race_control=control)
        assert [cell(board, Stat.STATE, car) for car in (7, 12, 23)] == ["FIN", "RUN", "RUN"]
        assert session(board)["flagState"] == "chequered"


class TestClocks:
    def test_before_the_start_they_stand(self) -> None:
        assert (session(a_board(), START - 60)["timeElapsed"], session(a_board(), START - 60)["pauseClocks"]) == (
            0.0,
            True,
        )

    def test_outside_races_the_plan_says_how_long_it_lasts(self) -> None:
        board = practice(lap(7, 1, 90.0))
        assert session(board, START + 600)["timeRemain"] == 3000.0
        over = session(board, START + 3700)
        assert (over["timeElapsed"], over["timeRemain"], over["pauseClocks"]) == (3600.0, 0.0, True)

    def test_a_race_ends_with_the_chequered_flag(self) -> None:
        control = [{"date": iso(START + 300), "flag": "CHEQUERED", "scope": "Track", "message": "CHEQUERED FLAG"}]
        ended = session(a_board(race_control=control))
        assert (ended["timeElapsed"], ended["timeRemain"], ended["pauseClocks"]) == (300.0, None, True)

    def test_a_race_of_last_year_shows_its_last_moment(self) -> None:
        old = session(a_board(), START + 365 * 86400)
        assert (old["timeElapsed"], old["pauseClocks"]) == (7200.0, True)

    def test_weather_that_is_not_known_is_left_out(self) -> None:
        reading = {"date": iso(NOW), "air_temperature": 20, "wind_direction": 90, "rainfall": 1}
        assert session(a_board(weather=[reading]))["trackData"] == ["20°C", "", "", "", "90°", "yes"]
