"""Scoreboard → universal state."""

from typing import Any

import pytest

from livetiming.racing import Stat
from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.state import FRESH_BEATS, Options, Order, TextFrom, columns, order_of, race_state

GREEN = '$F,9999,"00:20:00","14:00:00","00:10:00","Green "'


def board_of(*lines: str) -> Feed:
    feed = Feed()
    feed.receive("".join(f"{line}\r\n" for line in lines).encode("cp1252"))
    assert feed.malformed == 0
    return feed


def car(number: int, class_id: int = 1) -> list[str]:
    return [
        f'$A,"{number}","{number}",{1000 + number},"Anna","Almeida","Porsche",{class_id}',
        f'$COMP,"{number}","{number}",{class_id},"Anna","Almeida","Porsche","Apex Racing"',
    ]


def lap(number: int, position: int, laps: int, time: str, total: str) -> list[str]:
    return [f'$J,"{number}","{time}","{total}"', f'$G,{position},"{number}",{laps},"{total}"']


def column(feed: Feed, stat: Stat, options: Options | None = None) -> list[Any]:
    options = options or Options()
    index = columns(options).index(stat)
    return [row[index] for row in race_state(feed.board, options)["cars"]]


CLASSES = ['$C,1,"GT"', '$C,2,"LMP2"']


@pytest.fixture
def race() -> Feed:
    """Two laps of two cars, 7 before 9."""
    return board_of(
        '$B,5,"Race"',
        *CLASSES,
        *car(7),
        *car(9, class_id=2),
        GREEN,
        *lap(7, 1, 1, "00:01:35.000", "00:01:35.000"),
        *lap(9, 2, 1, "00:01:36.500", "00:01:36.500"),
        *lap(7, 1, 2, "00:01:33.000", "00:03:08.000"),
        *lap(9, 2, 2, "00:01:34.000", "00:03:10.500"),
        '$H,1,"7",2,"00:01:33.000"',
        '$H,2,"9",2,"00:01:34.000"',
    )


def test_a_row_follows_the_columns(race: Feed) -> None:
    options = Options(car=TextFrom.NATIONALITY)
    row = race_state(race.board, options)["cars"][1]
    assert dict(zip([stat.title for stat in columns(options)], row, strict=True)) == {
        "Num": "9",
        "State": "RUN",
        "Class": "LMP2",
        "PIC": 1,
        "Team": "Apex Racing",
        "Driver": "Anna Almeida",
        "Car": "Porsche",
        "Laps": 2,
        "Gap": 2.5,
        "Int": 2.5,
        "Last": [94.0, "pb"],
        "Best": [94.0, ""],
    }


def test_times_that_were_never_set_are_empty_cells() -> None:
    feed = board_of(*car(7))
    assert column(feed, Stat.LAST_LAP) == [["", ""]]
    assert column(feed, Stat.BEST_LAP) == [["", ""]]
    assert column(feed, Stat.GAP) == [""]


def test_the_operator_chooses_where_team_and_car_come_from() -> None:
    feed = board_of('$COMP,"59","59",1,"Stratus 59","Almeida","Porsche","Hawk"')
    by_first_name = Options(team=TextFrom.FIRST_NAME, car=TextFrom.ADDITIONAL)
    assert column(feed, Stat.TEAM, by_first_name) == ["Stratus 59"]
    assert column(feed, Stat.DRIVER, by_first_name) == ["Almeida"]
    assert column(feed, Stat.CAR, by_first_name) == ["Hawk"]
    assert Stat.TEAM not in columns(Options(team=TextFrom.NONE))


def test_a_status_is_not_shown_as_a_car() -> None:
    feed = board_of('$COMP,"7","7",1,"Anna","Almeida","Retired","Hawk"')
    options = Options(car=TextFrom.NATIONALITY)
    assert (column(feed, Stat.CAR, options), column(feed, Stat.STATE, options)) == ([""], ["RET"])


# Gaps


def test_a_gap_is_measured_after_equal_laps_and_holds_until_the_next_crossing(race: Feed) -> None:
    race.receive(b'$G,1,"7",3,"00:04:41.000"\r\n')
    assert column(race, Stat.GAP) == ["", 2.5]


def test_a_car_that_was_lapped_is_laps_down(race: Feed) -> None:
    for line in (*lap(7, 1, 3, "00:01:33.000", "00:04:41.000"), *lap(7, 1, 4, "00:01:33.000", "00:06:14.000")):
        race.receive(f"{line}\n".encode())
    assert column(race, Stat.GAP) == ["", "1 lap"]
    race.receive(b'$G,2,"9",3,"00:06:14.100"\r\n')
    assert column(race, Stat.GAP) == ["", "1 lap"]


def test_a_stopped_car_falls_back_lap_by_lap(race: Feed) -> None:
    gaps = []
    for laps in range(3, 12):
        race.receive(f'$G,1,"7",{laps},"00:{laps + 2:02}:00.000"\r\n'.encode())
        gaps.append(column(race, Stat.GAP)[1])
    assert gaps == [2.5, "1 lap", *(f"{laps} laps" for laps in range(2, 9))]


def test_a_late_joiner_takes_the_difference_of_laps() -> None:
    feed = board_of(*car(7), *car(9), '$G,1,"7",12,"00:20:00.000"', '$G,2,"9",10,"00:20:01.000"')
    assert column(feed, Stat.GAP) == ["", "2 laps"]


def test_a_lap_count_beyond_reason_costs_nothing() -> None:
    feed = board_of(*car(7), *car(9), '$G,1,"7",999999999,"00:20:00.000"', '$G,2,"9",10,"00:20:01.000"')
    assert column(feed, Stat.GAP) == ["", "999999989 laps"]


# Order


@pytest.mark.parametrize(
    ("description", "laps_to_go", "order"),
    [
        ("Race 1", 9999, Order.RACE),
        ("Test Race", 9999, Order.RACE),
        ("Race Qualifying", 9999, Order.BEST),
        ("Friday free practice", 9999, Order.BEST),
        ("Test Session 4", 9999, Order.BEST),
        ("Test Session 4", 20, Order.RACE),
        ("Saturday 8 Hour", 9999, Order.RACE),
    ],
)
def test_the_order_follows_the_runs_name_and_the_laps_to_go(description: str, laps_to_go: int, order: Order) -> None:
    feed = board_of(f'$B,5,"{description}"', f'$F,{laps_to_go},"00:00:00","14:00:00","00:10:00","Green "')
    assert order_of(feed.board, Order.AUTO) is order


def test_practice_is_ordered_by_best_lap_with_gaps_of_best_laps(race: Feed) -> None:
    race.receive(b'$H,2,"7",2,"00:01:33.000"\r\n$H,1,"9",3,"00:01:32.750"\r\n')
    options = Options(order=Order.BEST)
    assert column(race, Stat.NUM, options) == ["9", "7"]
    assert column(race, Stat.GAP, options) == ["", 0.25]


def test_cars_without_a_position_come_last_by_number() -> None:
    feed = board_of(*car(12), *car(7), *car(9), '$G,1,"9",2,"00:03:10.500"')
    assert column(feed, Stat.NUM) == ["9", "7", "12"]


def test_positions_count_within_the_class(race: Feed) -> None:
    race.receive("".join(f"{line}\n" for line in [*car(8, class_id=2), '$G,3,"8",,""']).encode())
    assert list(zip(column(race, Stat.NUM), column(race, Stat.POS_IN_CLASS), strict=True)) == [
        ("7", 1),
        ("9", 1),
        ("8", 2),
    ]


def test_two_cars_with_one_number_are_told_apart() -> None:
    feed = board_of('$A,"64","64",1,"A","Almeida","",1', '$A,"65","64",2,"Z","Zhou","",1')
    assert column(feed, Stat.NUM) == ["64", "64#2"]


# Marks of lap times


def test_the_fastest_lap_of_all_is_new_for_a_while_and_then_only_the_best(race: Feed) -> None:
    assert column(race, Stat.LAST_LAP) == [[93.0, "sb-new"], [94.0, "pb"]]
    assert column(race, Stat.BEST_LAP) == [[93.0, "sb"], [94.0, ""]]
    race.receive(f"{GREEN}\n".encode() * (FRESH_BEATS + 1))
    assert column(race, Stat.LAST_LAP) == [[93.0, "sb"], [94.0, "pb"]]


def test_a_slower_lap_has_no_mark(race: Feed) -> None:
    for line in lap(9, 2, 3, "00:01:35.000", "00:04:45.500"):
        race.receive(f"{line}\n".encode())
    assert column(race, Stat.LAST_LAP)[1] == [95.0, ""]


def test_a_lap_that_the_timekeeper_does_not_count_has_no_mark(race: Feed) -> None:
    for line in lap(9, 2, 3, "00:00:03.054", "00:03:13.554"):
        race.receive(f"{line}\n".encode())
    assert column(race, Stat.LAST_LAP)[1] == [3.054, ""]


# Session


def test_the_session_has_flag_clocks_and_track_data() -> None:
    feed = board_of('$E,"TRACKNAME","Sebring"', '$E,"TRACKLENGTH","3.700"', GREEN)
    assert race_state(feed.board, Options())["session"] == {
        "flagState": "green",
        "timeElapsed": 600.0,
        "timeRemain": 1200.0,
        "lapsRemain": None,
        "pauseClocks": False,
        "trackData": ["Sebring", "3.700", "14:00:00"],
    }


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("Green ", "green"),
        ("Yellow", "yellow"),
        ("Red   ", "red"),
        ("Finish", "chequered"),
        ("      ", "none"),
        ("Pink", "none"),
    ],
)
def test_flags_are_mapped(flag: str, text: str) -> None:
    feed = board_of(f'$F,9999,"00:00:00","14:00:00","00:10:00","{flag}"')
    assert race_state(feed.board, Options())["session"]["flagState"] == text


def test_a_known_track_length_gives_the_mean_speed_of_the_last_lap(race: Feed) -> None:
    options = Options(track_km=4.65)
    assert column(race, Stat.SPEED, options) == [180.0, 178.1]
    assert race_state(race.board, options)["session"]["trackData"][1] == "4.65 km"


# The feed's border


def test_malformed_lines_are_counted_and_told_once() -> None:
    feed = Feed()
    feed.receive(b"hello\r\n$G,x\r\n" + b"y" * 10_000 + b"\r\n")
    complaint = feed.complaint()
    assert complaint is not None
    assert (complaint.lines, complaint.example) == (3, "'$G,x'")
    assert feed.complaint() is None


def test_half_a_line_of_a_lost_connection_is_not_glued_to_the_next() -> None:
    feed = board_of(*car(7))
    feed.receive(b'$G,1,"7",')
    feed.connected()
    feed.receive(b'3,"00:03:10.500"\r\n$G,1,"7",4,"00:04:10.500"\r\n')
    assert column(feed, Stat.LAPS) == [4]
