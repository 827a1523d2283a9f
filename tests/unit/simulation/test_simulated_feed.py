"""The simulated race as RMonitor: what a client makes of it is the race."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.racing import CarState
from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.state import Options, columns, race_state
from livetiming.simulation.race import Race
from livetiming.simulation.rmonitor import INTERVAL, REFRESH_BEATS, Season

unhurried = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def season(*, loop: bool = False, cars: int = 12, minutes: float = 6.0) -> Season:
    return Season(lambda number: Race(5 + number, cars, minutes), loop=loop)


def heard(feed: Feed, lines: list[str]) -> Feed:
    feed.receive("".join(f"{line}\r\n" for line in lines).encode("cp1252"))
    assert feed.malformed == 0
    return feed


def rows(feed: Feed) -> list[dict[str, object]]:
    titles = [stat.title for stat in columns(Options())]
    return [dict(zip(titles, row, strict=True)) for row in race_state(feed.board, Options())["cars"]]


@unhurried
@given(steps=st.lists(st.floats(0.01, 90), max_size=30))
def test_the_lines_do_not_depend_on_the_steps(steps: list[float]) -> None:
    stepwise, now, lines = season(loop=True, cars=3, minutes=1), 0.0, []
    for step in steps:
        now = min(600.0, now + step)
        lines += stepwise.advance(now)
    lines += stepwise.advance(600)
    assert lines == season(loop=True, cars=3, minutes=1).advance(600)


def test_every_second_has_its_heartbeat_and_every_thirtieth_the_whole_state() -> None:
    lines = season().advance(REFRESH_BEATS * 2)
    times_of_day = {line.split(",")[3] for line in lines if line.startswith("$F")}
    refreshes = [line for line in lines if line.startswith("$B")]
    assert (len(times_of_day), len(refreshes)) == (REFRESH_BEATS * 2 + 1, 3)


def test_a_flag_is_told_at_once() -> None:
    flags = [line for line in season().advance(10.5) if line.startswith("$F")]
    assert [flag.split(",")[3:] for flag in flags[-2:]] == [
        ['"14:00:10"', '"00:00:00"', '"Green "'],
        ['"14:00:10"', '"00:00:00"', '"Green "'],
    ]


def test_a_client_knows_the_race_at_every_moment() -> None:
    sent, feed = season(), Feed()
    for now in range(0, 500, 7):
        heard(feed, sent.advance(now))
        cars = sorted(sent.current.race.cars, key=lambda car: (-car.laps, car.total or car.starter.index))
        if now > 60:
            assert [row["Num"] for row in rows(feed)] == [car.starter.number for car in cars]
            assert [row["Laps"] for row in rows(feed)] == [car.laps for car in cars]
            for row, car in zip(rows(feed), cars, strict=True):
                # An out-lap ends at the line in the feed, and after the first sector in the race.
                assert row["State"] == car.state.value or (row["State"], car.state) == ("OUT", CarState.RUN)
            assert [row["Driver"] for row in rows(feed)] == [car.driver.name for car in cars]
            assert [feed.board.session.flag.text != "none"] == [sent.current.flag.text != "none"]


def test_the_result_stays_on_after_the_race() -> None:
    sent, feed = season(), Feed()
    heard(feed, sent.advance(2000))
    result = rows(feed)
    heard(feed, sent.advance(2300))
    assert rows(feed) == result
    assert {row["State"] for row in result} <= {"FIN", "RET"}
    assert result[0]["State"] == "FIN"
    session = race_state(feed.board, Options())["session"]
    assert (session["flagState"], session["pauseClocks"]) == ("chequered", True)


@pytest.mark.parametrize("now", [0, 5, 11.5, 100, 333.3, 2000])
def test_a_late_client_is_complete_at_once_but_for_last_laps_and_pits(now: float) -> None:
    sent, early, late = season(), Feed(), Feed()
    heard(early, sent.advance(now))
    heard(late, sent.snapshot())
    known = ["Num", "Class", "PIC", "Team", "Driver", "Laps", "Best"]
    assert [[row[title] for title in known] for row in rows(late)] == [
        [row[title] for title in known] for row in rows(early)
    ]
    assert late.board.session.flag is early.board.session.flag


def test_the_next_race_clears_the_board() -> None:
    sent, feed = season(loop=True, cars=6, minutes=1), Feed()
    now = 0.0
    while sent.current.number == 1:
        now += 1
        heard(feed, sent.advance(now))
        over_at = sent.current.over_at
    assert over_at is None or now >= over_at + INTERVAL
    heard(feed, sent.advance(now + 4))
    assert {row["State"] for row in rows(feed)} == {CarState.NOT_STARTED.value}
    assert {row["Num"] for row in rows(feed)} == {car.starter.number for car in sent.current.race.cars}
    assert feed.board.session.description == "Simulated race 2"


def test_a_retired_car_is_told_as_imsa_tells_it() -> None:
    sent = Season(lambda _: Race(1, 60, 10))
    lines = sent.advance(2000)
    retired = [car.starter.number for car in sent.current.race.cars if car.state is CarState.RETIRED]
    assert retired
    for number in retired:
        assert any(line.startswith(f'$COMP,"{number}"') and '"Retired"' in line for line in lines)
