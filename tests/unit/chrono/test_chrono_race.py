"""A race of result files as it is shown at each moment: order, gaps, states, best times, flag, clocks."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.chrono.board import Board
from livetiming.chrono.model import Chrono, Entry, Lap, Reading
from livetiming.chrono.race import FRESH
from livetiming.chrono.states import ON_THE_GRID, seconds, states
from livetiming.chrono.timeline import AFTER_THE_RACE, RETIRED_AFTER, SLOWEST
from livetiming.racing import FlagStatus, Stat
from tests.unit.chrono.cards import board, column, laps, race, rows

GREEN, RED, FCY, CHEQUERED = FlagStatus.GREEN, FlagStatus.RED, FlagStatus.FCY, FlagStatus.CHEQUERED


def entry(number: str, *times: float, class_name: str = "LMP2", **more: Any) -> Entry:
    return Entry(number, class_name, f"Team {number}", "Oreca", laps(*times, **more))


def finished(number: str, *times: float, **more: Any) -> Entry:
    """A car that sees the chequered flag at the end of its last lap."""
    return entry(number, *times, flags=[*[GREEN] * (len(times) - 1), CHEQUERED], **more)


def pits(number: str, in_lap: Lap, out_lap: Lap, before: float = 90.0) -> Entry:
    """A car with a usual lap, an in-lap and an out-lap; their ends are worked out."""
    first = Lap(1, before, before, (30.0, 30.0, 30.0), in_lap.driver, flag=GREEN)
    second = replace(in_lap, number=2, ends=before + (in_lap.time or 0), flag=GREEN)
    third = replace(out_lap, number=3, ends=second.ends + (out_lap.time or 0), flag=GREEN)
    return Entry(number, laps=(first, second, third))


def states_of(shown: Board, *moments: float, number: str = "7") -> list[str]:
    return [column(shown, Stat.STATE, at)[number] for at in moments]


class TestBeforeTheStart:
    def test_nobody_has_started_and_no_flag_is_shown(self) -> None:
        shown = board(entry("7", 90), entry("8", 91))
        assert set(column(shown, Stat.STATE, -5).values()) == {"N/S"}
        session = shown.session()
        assert (session["flagState"], session["timeElapsed"], session["pauseClocks"]) == ("none", 0, True)

    def test_cars_stand_in_the_order_in_which_they_are_first_seen(self) -> None:
        shown = board(entry("7", 93), entry("8", 90), Entry("9"), entry("10", 96))
        assert list(rows(shown, -5)) == ["8", "7", "10", "9"]

    def test_who_never_starts_stays_there(self) -> None:
        shown = board(finished("7", 90), Entry("9"))
        assert states_of(shown, 0, 90, shown.ends, number="9") == ["N/S"] * 3


class TestTheOrder:
    def test_it_is_by_lines_passed_and_then_by_who_was_first(self) -> None:
        shown = board(entry("7", 90, 96), entry("8", 93, 90))
        assert list(rows(shown, 100)) == ["7", "8"]
        assert list(rows(shown, 184)) == ["8", "7"]

    def test_places_in_class_follow_it(self) -> None:
        shown = board(entry("1", 91, class_name="GT"), entry("2", 92), entry("3", 90, class_name="GT"), entry("4", 93))
        assert column(shown, Stat.POS_IN_CLASS, 95) == {"3": 1, "1": 2, "2": 1, "4": 2}

    def test_at_the_end_it_is_by_laps_and_then_by_time(self) -> None:
        shown = board(finished("7", 90, 90), finished("8", 91, 88), finished("9", 89, 150), entry("10", 80))
        assert list(rows(shown, shown.ends)) == ["8", "7", "9", "10"]

    def test_at_the_very_end_it_is_the_official_one(self) -> None:
        shown = board(finished("7", 90), finished("8", 91), finished("9", 92), official=("8", "7"))
        assert list(rows(shown, shown.ends - 1)) == ["7", "8", "9"]
        assert list(rows(shown, shown.ends)) == ["8", "7", "9"]

    def test_of_a_race_that_was_cut_off_it_stays_ours(self) -> None:
        shown = board(entry("7", 90), entry("8", 91), official=("8", "7"))
        assert list(rows(shown, shown.ends)) == ["7", "8"]


class TestGaps:
    def test_they_are_measured_at_the_last_line_that_both_have_passed(self) -> None:
        shown = board(entry("7", 90, 90), entry("8", 93, 93), entry("9", 96, 96))
        assert column(shown, Stat.GAP, 97) == {"7": "", "8": 3.0, "9": 6.0}
        assert column(shown, Stat.INT, 97) == {"7": "", "8": 3.0, "9": 3.0}
        assert column(shown, Stat.GAP, 130) == {"7": "", "8": 4.0, "9": 8.0}

    def test_where_both_have_passed_none_they_are_not_known(self) -> None:
        shown = board(entry("7", 90), entry("8", 93))
        assert column(shown, Stat.GAP, 30.5) == {"7": "", "8": ""}

    def test_who_was_lapped_is_laps_down(self) -> None:
        shown = board(entry("7", 90, 90, 90, 90), entry("8", 130, 130), entry("9", 200))
        assert column(shown, Stat.GAP, 260) == {"7": "", "8": "", "9": "1 lap"} | {"8": 80.0}
        assert column(shown, Stat.GAP, 360)["9"] == "2 laps"

    def test_a_follower_is_not_a_lap_down_while_the_leader_is_just_in_front_of_it(self) -> None:
        shown = board(entry("7", 90, 90, 90), entry("8", 98, 98, 98))
        for at in range(40, 270):
            assert isinstance(column(shown, Stat.GAP, at)["8"], float)

    def test_a_car_that_does_not_move_loses_laps(self) -> None:
        shown = board(entry("7", *[90] * 6), entry("8", 91))
        gaps = [column(shown, Stat.GAP, at)["8"] for at in (100, 200, 211, 275, 365, 541)]
        assert gaps == [1.0, 1.0, "1 lap", "2 laps", "3 laps", "5 laps"]

    def test_a_new_leader_is_whom_everybody_is_measured_against(self) -> None:
        shown = board(entry("7", 90, 120), entry("8", 93, 90), entry("9", 94, 90))
        assert column(shown, Stat.GAP, 184.5) == {"8": "", "9": 1.0, "7": 17.0}
        assert column(shown, Stat.GAP, 211) == {"8": "", "9": 1.0, "7": 27.0}


class TestStates:
    def test_a_car_runs_from_the_start_and_is_finished_after_the_chequered_flag(self) -> None:
        assert states_of(board(finished("7", 90, 90)), 0, 179, 180) == ["RUN", "RUN", "FIN"]

    def test_laps_after_the_chequered_flag_are_none_of_the_race(self) -> None:
        slower = entry("8", 91, 60, 40, flags=[CHEQUERED])
        shown = board(finished("7", 90), slower)
        assert column(shown, Stat.LAPS, shown.ends) == {"7": 1, "8": 1}

    def test_a_stop_begins_where_the_last_sector_became_slow_and_lasts_as_long_as_the_file_says(self) -> None:
        shown = board(
            pits(
                "7",
                Lap(0, 0, 100.0, (30.0, 30.0, 40.0), in_pit=True),
                Lap(0, 0, 130.0, (70.0, 30.0, 30.0), pit_time=45.0),
            )
        )
        assert states_of(shown, 179, 181, 200, 224, 226, 319, 320) == ["RUN", "PIT", "PIT", "PIT", "OUT", "OUT", "RUN"]
        assert column(shown, Stat.PITS, 321) == {"7": 1}

    def test_a_stop_of_unknown_length_ends_at_the_line(self) -> None:
        shown = board(pits("7", Lap(0, 0, 100.0, (30.0, 30.0, 40.0), in_pit=True), Lap(0, 0, 130.0)))
        assert states_of(shown, 189, 191) == ["PIT", "OUT"]

    def test_where_the_pit_lane_is_after_the_line_the_stop_is_too(self) -> None:
        shown = board(
            pits("7", Lap(0, 0, 90.0, (30.0, 30.0, 30.0)), Lap(0, 0, 130.0, (70.0, 30.0, 30.0), pit_time=45.0))
        )
        assert states_of(shown, 179, 181, 224, 226) == ["RUN", "PIT", "PIT", "OUT"]

    def test_a_long_stop_is_no_silence(self) -> None:
        for in_lap in (Lap(0, 0, 100.0, (30.0, 30.0, 40.0), in_pit=True), Lap(0, 0, 90.0, (30.0, 30.0, 30.0))):
            shown = board(pits("7", in_lap, Lap(0, 0, 2060.0, (2000.0, 30.0, 30.0), pit_time=1990.0)))
            assert set(states_of(shown, *range(190, 2160))) == {"PIT"}

    def test_the_next_driver_takes_over_in_the_pits(self) -> None:
        shown = board(
            pits(
                "7",
                Lap(0, 0, 100.0, (30.0, 30.0, 40.0), driver="Anna", in_pit=True),
                Lap(0, 0, 130.0, (70.0, 30.0, 30.0), driver="Ben", pit_time=45.0),
            )
        )
        assert [column(shown, Stat.DRIVER, at)["7"] for at in (200, 224, 226)] == ["Anna", "Anna", "Ben"]

    def test_who_is_missed_is_stopped_and_comes_back(self) -> None:
        slow = Entry("7", laps=(Lap(1, 100, 100.0, flag=GREEN), Lap(2, 400, 300.0, flag=GREEN)))
        shown = board(slow, entry("8", *[90] * 9))
        missed = 100 + 100 * (1 + SLOWEST)  # there is one line only
        assert states_of(shown, missed - 1, missed + 1, 399, 400) == ["RUN", "STOP", "STOP", "RUN"]

    def test_who_is_slow_but_seen_is_not_missed(self) -> None:
        shown = board(entry("7", 100, 300), entry("8", *[90] * 9))
        assert states_of(shown, 251, 399) == ["RUN", "RUN"]

    def test_who_is_never_seen_again_stops_and_retires(self) -> None:
        shown = board(entry("7", 100), entry("8", *[90] * 9))
        stopped, retired = 100 + 100 * (1 + SLOWEST / 3), 100 + 100 * RETIRED_AFTER
        assert states_of(shown, stopped - 1, stopped + 1, retired + 1) == ["RUN", "STOP", "RET"]

    def test_a_car_that_is_left_in_the_pits_retires_there(self) -> None:
        garage = Entry("7", laps=(Lap(1, 100, 100.0, in_pit=True, flag=GREEN),))
        assert states_of(board(garage, entry("8", *[90] * 9)), 101, 399, 401) == ["PIT", "PIT", "RET"]

    def test_a_red_flag_retires_nobody(self) -> None:
        shown = board(
            entry("7", 100, 1000, 100, flags=[RED, GREEN]),
            Entry(
                "8", laps=(Lap(1, 99, 99.0, flag=RED), Lap(2, 1090, 991.0, flag=GREEN), Lap(3, 1190, 100.0, flag=GREEN))
            ),
        )
        for at in range(100, 1200, 10):
            assert column(shown, Stat.STATE, at)["8"] == "RUN"

    def test_who_is_out_when_the_race_ends_has_retired(self) -> None:
        shown = board(finished("7", *[100] * 3), entry("8", 100, 105))
        assert states_of(shown, 301, shown.ends, number="8") == ["RUN", "RET"]

    def test_when_a_file_ends_before_the_race_nobody_has_retired_with_it(self) -> None:
        shown = board(entry("7", 100, 100), entry("8", 100, 105))
        assert states_of(shown, shown.ends, number="8") == ["RUN"]

    def test_a_file_without_flags_ends_with_the_leaders_last_lap(self) -> None:
        unflagged = [replace(each, flag=None) for each in laps(90, 90)]
        slower = [replace(each, flag=None) for each in laps(100, 100)]
        shown = Board(Chrono(entries=(Entry("7", laps=tuple(unflagged)), Entry("8", laps=tuple(slower)))), 0)
        assert states_of(shown, 179, 180) == ["RUN", "FIN"]
        assert shown.session()["flagState"] == "chequered"
        assert states_of(shown, 199, 200, number="8") == ["RUN", "FIN"]


class TestTimes:
    def test_a_lap_is_marked_by_what_it_was_at_that_moment(self) -> None:
        shown = board(entry("7", 90, 88, 95), entry("8", 92, 91, 86))
        at_first = column(shown, Stat.LAST_LAP, 95)
        assert at_first == {"7": [90, "sb-new"], "8": [92, "pb"]}
        at_second = column(shown, Stat.LAST_LAP, 184)
        assert at_second == {"7": [88, "sb-new"], "8": [91, "pb"]}
        at_third = column(shown, Stat.LAST_LAP, 275)
        assert at_third == {"8": [86, "sb-new"], "7": [95, ""]}
        assert column(shown, Stat.BEST_LAP, 275) == {"8": [86, "sb"], "7": [88, ""]}

    def test_who_is_beaten_keeps_a_personal_best(self) -> None:
        shown = board(entry("7", 90, 90), entry("8", 91, 80))
        assert column(shown, Stat.LAST_LAP, 172) == {"8": [80, "sb-new"], "7": [90, "pb"]}

    def test_a_best_lap_is_new_for_a_while(self) -> None:
        shown = board(entry("7", 90, 91))
        assert column(shown, Stat.LAST_LAP, 90 + FRESH)["7"] == [90, "sb-new"]
        assert column(shown, Stat.LAST_LAP, 90 + FRESH + 1)["7"] == [90, "sb"]

    def test_a_time_that_was_taken_back_is_no_best_one(self) -> None:
        taken_back = [replace(each, counts=False, sectors_count=(False,) * 3) for each in laps(80)]
        shown = board(Entry("7", laps=(*taken_back, *[replace(each, number=2, ends=170.0) for each in laps(90)])))
        assert rows(shown, 81)["7"]["Last"] == [80, ""]
        assert rows(shown, 81)["7"]["Best"] == ["", ""]
        assert rows(shown, 81)["7"]["BS3"] == ["", ""]
        assert rows(shown, 171)["7"]["Best"] == [90, "sb"]

    def test_sectors_of_the_lap_before_are_old(self) -> None:
        shown = board(entry("7", 90, 87))
        assert [rows(shown, 91)["7"][title] for title in ("S1", "S2", "S3")] == [[30, "sb"]] * 3
        assert [rows(shown, 120)["7"][title] for title in ("S1", "S2", "S3")] == [[29, "sb"], [30, "old"], [30, "old"]]
        assert rows(shown, 120)["7"]["BS1"] == [29, "sb"]

    def test_a_sector_without_a_time_leaves_the_old_one(self) -> None:
        second = Lap(2, 180, 90.0, (None, None, 29.0), flag=GREEN)
        shown = board(Entry("7", laps=(*laps(90), second)))
        assert [rows(shown, 181)["7"][title] for title in ("S1", "S2", "S3")] == [[30, "old"], [30, "old"], [29, "sb"]]

    def test_a_line_is_passed_when_the_sectors_after_it_say_so(self) -> None:
        known_from_the_end = Lap(1, 90, 90.0, (None, None, 30.0), flag=GREEN)
        shown = board(Entry("7", laps=(known_from_the_end,)), entry("8", 93))
        assert list(rows(shown, 61)) == ["7", "8"]


class TestTheSession:
    def test_the_flag_is_that_of_the_last_crossing(self) -> None:
        shown = board(
            entry("7", 90, 90, 90, flags=[GREEN, FCY, GREEN]), entry("8", 91, 91, 91, flags=[GREEN, FCY, GREEN])
        )
        flags = []
        for at in (0, 179, 180, 269, 270):
            shown.advance(at)
            flags.append(shown.session()["flagState"])
        assert flags == ["green", "green", "fcy", "fcy", "green"]

    def test_the_clocks_run_and_stand_still_at_the_end(self) -> None:
        shown = Board(race(finished("7", 90, 90)), 0.0, duration=150)
        clocks = []
        for at in (0, 100, 160, 180 + AFTER_THE_RACE, 9999):
            shown.advance(at)
            session = shown.session()
            clocks.append((session["timeElapsed"], session["timeRemain"], session["pauseClocks"]))
        assert clocks == [(0, 150, False), (100, 50, False), (160, 0, False), (210, 0, True), (210, 0, True)]

    def test_without_a_duration_nobody_knows_what_remains(self) -> None:
        assert board(entry("7", 90)).session()["timeRemain"] is None

    def test_the_weather_is_the_last_one_read_while_that_is_recent(self) -> None:
        chrono = race(
            entry("7", *[1000.0] * 9), headings=("Air",), readings=(Reading(1020, ("20°C",)), Reading(1080, ("21°C",)))
        )
        shown = Board(chrono, start=1000.0)
        air = []
        for at in (-10, 25, 79, 81, 1870, 1900):
            shown.advance(at)
            air.append(shown.session()["trackData"])
        assert air == [["20°C"], ["20°C"], ["20°C"], ["21°C"], ["21°C"], [""]]


class TestColumns:
    def test_there_is_none_that_the_file_cannot_fill(self) -> None:
        bare = Board(Chrono(entries=(Entry("7", laps=(Lap(1, 90.0),)),)), 0)
        assert bare.columns == [Stat.NUM, Stat.STATE, Stat.LAPS, Stat.GAP, Stat.INT]

    def test_a_drivers_rank_stands_beside_the_name(self) -> None:
        ranked = Entry("7", laps=laps(90, driver="Anna"), ranks={"Anna": "gold"})
        assert column(board(ranked), Stat.DRIVER, 0) == {"7": ["Anna", "gold"]}


lap_times = st.lists(st.floats(20, 200).map(lambda time: round(time, 3)), max_size=8)
flag_lists = st.lists(st.sampled_from([GREEN, FCY, RED, CHEQUERED]), min_size=1, max_size=4)


@st.composite
def races(draw: st.DrawFn) -> Chrono:
    entries = []
    for number in range(draw(st.integers(1, 6))):
        made = laps(*draw(lap_times), flags=draw(flag_lists))
        stops = draw(st.sets(st.integers(1, 8)))
        made = tuple(replace(each, in_pit=each.number in stops, driver=f"D{each.number % 3}") for each in made)
        made = tuple(replace(each, pit_time=35.0) if each.number - 1 in stops else each for each in made)
        entries.append(Entry(str(number), draw(st.sampled_from(["GT", "LMP2"])), laps=made))
    return Chrono(entries=tuple(entries), tells_flags=True, tells_pits=True)


class TestAlways:
    @settings(max_examples=60)
    @given(races(), st.lists(st.floats(0.1, 60), max_size=40))
    def test_however_a_moment_is_reached_it_is_the_same(self, chrono: Chrono, steps: list[float]) -> None:
        stepwise, now = Board(chrono, 0), -5.0
        for step in steps:
            now += step
            stepwise.advance(now)
            stepwise.cars()
        at_once = Board(chrono, 0)
        at_once.advance(now)
        stepwise.advance(now)
        assert stepwise.state() == at_once.state()

    @settings(max_examples=60)
    @given(races())
    def test_every_moment_holds_together(self, chrono: Chrono) -> None:
        shown = Board(chrono, 0)
        laps_before: dict[str, int] = {}
        for at in range(-5, int(shown.ends) + 2, 7):
            table = rows(shown, at)
            assert set(table) == {each.number for each in chrono.entries}
            laps_now = {number: cells["Laps"] for number, cells in table.items()}
            assert all(laps_now[number] >= laps for number, laps in laps_before.items())
            laps_before = laps_now
            if "Best" in next(iter(table.values())):
                timed = [cells["Best"] for cells in table.values() if cells["Best"][0] != ""]
                assert [cell[1] for cell in timed].count("sb") == min(1, len(timed))
                assert all(cell[0] == min(timed)[0] for cell in timed if cell[1] == "sb")
            gaps = [cells["Gap"] for cells in table.values()]
            assert gaps[0] == ""
            assert all(gap == "" or isinstance(gap, str) or gap >= 0 for gap in gaps)
            for name in {cells["Class"] for cells in table.values()}:
                places = [cells["PIC"] for cells in table.values() if cells["Class"] == name]
                assert places == list(range(1, len(places) + 1))

    def test_a_moment_in_which_nothing_happens_changes_no_row(self) -> None:
        shown = board(entry("7", 90, 91), entry("8", 92, 92))
        shown.advance(102)
        before = shown.cars()
        shown.advance(110)
        assert shown.cars() is before


class TestSecondBySecond:
    def test_a_state_is_made_of_each_second_from_the_grid_to_the_end(self) -> None:
        shown = Board(race(finished("7", 90)), start=1000.5)
        told = list(states(shown))
        assert [second for second, _ in told] == list(seconds(shown))
        assert (told[0][0], told[-1][0]) == (990, 1000 + 1 + 90 + int(AFTER_THE_RACE))
        assert told[0][0] <= 1000.5 - ON_THE_GRID

    def test_messages_are_those_of_a_live_service_with_the_races_time(self) -> None:
        stopping = pits(
            "7",
            Lap(0, 0, 100.0, (30.0, 30.0, 40.0), driver="Anna", in_pit=True),
            Lap(0, 0, 130.0, (70.0, 30.0, 30.0), driver="Ben", pit_time=45.0),
        )
        shown = Board(race(stopping), start=1000.0)
        *_, (_, last) = states(shown)
        told = [(message[0], message[2]) for message in reversed(last["messages"])]
        assert told == [
            (1000, "Green flag - the track is clear"),
            (1090, "#7 (Anna) - new overall best: 1:30.000"),
            (1180, "#7 (Anna) has entered the pits"),
            (1225, "#7 (Ben) has left the pits"),
            (1225, "#7 driver change (Anna to Ben)"),
        ]

    def test_who_is_told_of_is_highlighted_in_that_second_only(self) -> None:
        highlights = {second: state["highlight"] for second, state in states(Board(race(entry("7", 90)), 1000.0))}
        assert highlights[1090] == ["7"]
        assert highlights[1089] == highlights[1091] == []


@pytest.mark.parametrize("sectors", [1, 2, 5])
def test_a_lap_may_have_any_number_of_sectors(sectors: int) -> None:
    shown = board(entry("7", 90, 90, sectors=sectors), entry("8", 95, 95, sectors=sectors))
    assert column(shown, Stat.GAP, 96) == {"7": "", "8": 5.0}
    assert sum(stat.title.startswith("S") for stat in shown.columns) == sectors + 1
