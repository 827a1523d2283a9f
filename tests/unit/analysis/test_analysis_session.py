"""Flags, the leader's lap, and messages."""

from typing import Any

import pytest

from livetiming.analysis import Analysis, documents
from tests.unit.analysis.races import after, frame, row

CAR = row()


def session(analysis: Analysis) -> Any:
    return documents(analysis)["session"]


def test_before_the_first_frame_nothing_is_known() -> None:
    assert session(Analysis.EMPTY) == {"currentTimestamp": None, "flagStats": [], "leaderLap": 0}


def test_flags_are_periods_in_laps_of_the_leader_and_time() -> None:
    analysis = after(
        (0, frame(row("N/S", 0), flag="none")),
        (10, frame(row("RUN", 0), flag="green")),
        (105, frame(row("RUN", 1, 95.0), flag="green")),
        (150, frame(row("RUN", 1, 95.0), flag="sc")),
        (290, frame(row("RUN", 2, 185.0), flag="green")),
    )
    assert session(analysis) == {
        "currentTimestamp": 290,
        "flagStats": [[0, 0, 0, 0, 10], [1, 0, 10, 1, 150], [8, 1, 150, 2, 290], [1, 2, 290, None, None]],
        "leaderLap": 2,
    }


@pytest.mark.parametrize("flag", ["purple", "", None, 4, ["green"]])
def test_an_unknown_flag_is_none(flag: object) -> None:
    assert session(after((5, frame(flag=flag))))["flagStats"] == [[0, 0, 5, None, None]]


def test_the_leader_is_who_has_the_most_laps() -> None:
    analysis = after((0, frame(row("RUN", 5), row("RUN", 7, number="8"), row("RUN", 6, number="9"))))
    assert session(analysis)["leaderLap"] == 7
    assert session(after((9, frame(row("RUN", 5))), start=analysis))["leaderLap"] == 7


def test_the_time_is_to_the_millisecond() -> None:
    assert session(after((1700000000.123456, frame())))["currentTimestamp"] == 1700000000.123


# Messages

GREEN = [10, "Track", "Green flag", "green"]
SLOW = [20, "GT", "#7 is slow or has stopped", "", "7"]
IN = [30, "GT", "#7 has entered the pits", "pit", "7"]
OUT = [40, "GT", "#7 has left the pits", "out", "7"]
CHANGE = [40, "GT", "#7 driver change (Conway to Lopez)", None, "7"]
BEST = [50, "GT", "#7 - new personal best: 1:33.000", "pb", "7"]


def said(*states: list[Any], cars: list[Any] | None = None) -> Any:
    rows = [CAR] if cars is None else cars
    analysis = after(*((now, frame(*rows, messages=messages)) for now, messages in enumerate(states)))
    return documents(analysis)["messages"]["messages"], documents(analysis)["car_messages"].get("7")


def test_messages_are_kept_oldest_first_by_whom_they_are_about() -> None:
    assert said([BEST, SLOW, GREEN]) == ([GREEN], [SLOW, BEST])


def test_pit_stops_are_left_out_and_driver_changes_are_the_cars() -> None:
    assert said([CHANGE, OUT, IN]) == ([], [CHANGE])


def test_only_new_ones_are_taken() -> None:
    assert said([SLOW, GREEN], [BEST, SLOW, GREEN], [BEST, SLOW]) == ([GREEN], [SLOW, BEST])


def test_several_may_share_a_second() -> None:
    other = [20, "GT", "#7 is back under way", "", "7"]
    assert said([SLOW], [other, SLOW]) == ([], [SLOW, other])


def test_a_message_about_a_car_that_is_not_there_is_kept_with_those_of_no_car() -> None:
    assert said([BEST, CHANGE, IN, SLOW], cars=[]) == ([SLOW, BEST], None)


def test_a_driver_change_of_no_car_is_left_out() -> None:
    assert said([CHANGE[:4], GREEN]) == ([GREEN], [])


def test_a_newest_message_that_is_taken_back_brings_no_older_one_again() -> None:
    track, cars = said([BEST, SLOW, GREEN], [SLOW, GREEN], [[60, "Track", "Red", "red"], SLOW, GREEN])
    assert track == [GREEN, [60, "Track", "Red", "red"]]
    assert cars == [SLOW, BEST]


def test_what_comes_in_place_of_the_newest_is_taken() -> None:
    other = [50, "GT", "#7 - lap deleted", "", "7"]
    assert said([BEST, SLOW], [other, SLOW]) == ([], [SLOW, BEST, other])


def test_messages_that_go_all_at_once_and_come_back_are_known() -> None:
    assert said([SLOW, GREEN], [], [SLOW, GREEN]) == ([GREEN], [SLOW])


@pytest.mark.parametrize("junk", [None, 7, "text", [], [10], [10, "Track"], ["now", "Track", "x", ""], [None, "", ""]])
def test_what_is_no_message_is_passed_over(junk: object) -> None:
    assert said([junk, SLOW], [junk, BEST, SLOW, junk]) == ([], [SLOW, BEST])


def test_a_message_may_be_incomplete_or_have_other_types() -> None:
    assert said([[10, "Track", "x"], [9, None, 5, 3, 7], [8, "Track", "y", "", ""]]) == (
        [[8, "Track", "y", ""], [10, "Track", "x", ""]],
        [[9, "", "5", "3", "7"]],
    )
