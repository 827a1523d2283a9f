"""What readers rely on in an analysis (recording.md, "Analysis JSON"), and what the host relies on."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.analysis import (
    Analysis,
    Columns,
    MalformedAnalysis,
    advance,
    changed,
    documents,
    dump,
    full,
    load,
    topics,
)
from livetiming.racing import FlagStatus, Stat

STATS = (Stat.NUM, Stat.STATE, Stat.CLASS, Stat.TEAM, Stat.DRIVER, Stat.CAR, Stat.LAPS, Stat.LAST_LAP)
COLUMNS = Columns.of([stat.column() for stat in STATS])
LAP = 90.0


def row(num: str = "7", state: str = "RUN", driver: Any = "Conway", laps: Any = 0, last: Any = "") -> list[Any]:
    return [num, state, "GT", f"Team {num}", driver, "Car", laps, [last, ""]]


def frame(*rows: list[Any], flag: str = "green", messages: Sequence[list[Any]] = ()) -> dict[str, Any]:
    return {"cars": list(rows), "session": {"flagState": flag}, "messages": list(messages), "highlight": []}


class Race:
    """An analysis that is fed."""

    def __init__(self, columns: Columns = COLUMNS) -> None:
        self.analysis = Analysis.EMPTY
        self.columns = columns
        self.now = 1000.0

    def see(self, *rows: list[Any], after: float = 1.0, **rest: Any) -> "Race":
        self.now += after
        self.analysis = advance(self.analysis, self.columns, frame(*rows, **rest), self.now)
        return self

    @property
    def documents(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(orjson.dumps(documents(self.analysis)))
        return found

    def current(self, num: str = "7") -> list[Any]:
        stint: list[Any] = self.documents["lap"][num][0]
        return stint

    def finished(self, num: str = "7") -> list[list[Any]]:
        stints: list[list[Any]] = self.documents["stint"][num]
        return stints


def times(stint: list[Any]) -> list[float]:
    return [lap[0] for lap in stint[9]]


# Cars and drivers


def test_every_car_is_in_every_module_that_readers_expect_it_in() -> None:
    race = Race().see(row("7"), row("8", "N/S"), row("9", "PIT"))
    for module in ("static", "driver", "stint", "car_messages", "lap"):
        assert set(race.documents[module]) == {"7", "8", "9"}
    assert race.documents["static"]["7"] == ["GT", "Team 7", "Car"]
    assert race.documents["stint"]["8"] == []


def test_drivers_are_listed_in_order_of_appearance_by_their_names() -> None:
    race = Race().see(row(driver=["Conway", "platinum"])).see(row(driver="Kobayashi")).see(row(driver="Conway"))
    assert race.documents["driver"]["7"] == ["Conway", "Kobayashi"]
    assert race.current()[5] == 0


def test_without_a_driver_the_stint_has_none() -> None:
    race = Race().see(row(driver=""))
    assert (race.documents["driver"]["7"], race.current()[5]) == ([], -1)


# Laps


def test_a_lap_counts_when_laps_and_last_change() -> None:
    race = Race().see(row()).see(row(laps=1, last=LAP), after=90)
    stint, passing = race.documents["lap"]["7"]
    assert (stint[0], stint[2], times(stint), passing) == (1, 1, [LAP], race.now)


def test_equal_lap_times_count_each() -> None:
    race = Race().see(row())
    for lap in (1, 2, 3):
        race.see(row(laps=lap, last=LAP), after=90)
    assert times(race.current()) == [LAP] * 3
    assert race.current()[2] == 3


@pytest.mark.parametrize("first", ["laps", "last"])
def test_laps_and_last_that_change_one_after_the_other_are_one_lap(first: str) -> None:
    race = Race().see(row(laps=0, last=""))
    race.see(row(laps=1, last=91.0), after=90).see(row(laps=1, last=91.0), after=80)
    race.see(row(laps=2, last=91.0) if first == "laps" else row(laps=1, last=92.0))
    race.see(row(laps=2, last=92.0))
    assert times(race.current()) == [91.0, 92.0]
    assert race.current()[2] == 2


def test_a_lap_without_a_time_still_advances_the_number() -> None:
    race = Race().see(row()).see(row(laps=1), after=90).see(row(laps=2, last=LAP), after=90)
    assert (race.current()[2], times(race.current())) == (2, [LAP])


def test_without_a_column_of_laps_they_are_counted() -> None:
    race = Race(Columns.of([Stat.NUM.column(), Stat.LAST_LAP.column()]))
    for last in ("", 91.0, 92.0):
        race.see(["7", [last, ""]], after=90)
    assert (race.current()[2], times(race.current())) == (2, [91.0, 92.0])


def test_laps_that_go_back_count_none() -> None:
    race = Race().see(row(laps=5, last=LAP)).see(row(laps=4, last=LAP), after=30)
    assert times(race.current()) == []


# Stints


def test_a_stint_ends_in_the_pits_and_the_next_begins_when_the_car_leaves_them() -> None:
    race = Race().see(row())
    for lap in (1, 2):
        race.see(row(laps=lap, last=LAP + lap), after=90)
    race.see(row(state="PIT", laps=2, last=LAP + 2), after=60)
    entry = race.now
    (first,) = race.finished()
    assert (first[0], first[2], first[3], first[4]) == (1, 2, entry, False)
    assert race.documents["lap"]["7"][0] is None
    race.see(row(state="OUT", driver="Kobayashi", laps=2, last=LAP + 2), after=40)
    current = race.current()
    assert (current[0], current[1], current[4], current[5]) == (3, race.now, True, 1)


def test_a_lap_that_ends_in_the_pit_lane_belongs_to_the_stint_before() -> None:
    race = Race().see(row()).see(row(laps=1, last=91.0), after=90).see(row(state="PIT", laps=1, last=91.0), after=80)
    race.see(row(state="PIT", laps=2, last=95.0), after=15)
    (stint,) = race.finished()
    assert (stint[2], times(stint)) == (2, [91.0, 95.0])
    race.see(row(state="OUT", laps=2, last=95.0), after=20)
    assert race.current()[0] == 3


@pytest.mark.parametrize(("before", "after"), [("RUN", "FUEL"), ("OUT", "PIT"), ("STOP", "N/S"), ("RUN", "FIN")])
def test_these_states_end_a_stint(before: str, after: str) -> None:
    race = Race().see(row(state=before)).see(row(state=after))
    assert (len(race.finished()), race.documents["lap"]["7"][0]) == (1, None)


def test_between_two_pit_states_nothing_begins_or_ends() -> None:
    race = Race().see(row()).see(row(state="PIT")).see(row(state="FUEL")).see(row(state="PIT"))
    assert len(race.finished()) == 1


def test_a_car_that_stops_on_the_track_stays_in_its_stint() -> None:
    race = Race().see(row()).see(row(state="STOP")).see(row(state="RUN"))
    assert (race.finished(), race.current()[0]) == ([], 1)


def test_the_average_leaves_out_the_out_lap_and_of_a_finished_stint_the_in_lap() -> None:
    race = Race().see(row())
    for lap, last in enumerate([100.0, 90.0, 92.0, 110.0], start=1):
        race.see(row(laps=lap, last=last), after=last)
    assert race.current()[8] == pytest.approx((90 + 92 + 110) / 3)
    race.see(row(state="PIT", laps=4, last=110.0))
    assert race.finished()[0][8] == pytest.approx(91)
    assert race.finished()[0][6] == 90.0


def test_an_average_of_nothing_is_null() -> None:
    race = Race().see(row()).see(row(laps=1, last=LAP), after=90)
    assert race.current()[8] is None
    assert Race().see(row()).current()[6] is None


# Flags


def test_a_lap_has_the_worst_flag_seen_since_the_one_before() -> None:
    race = Race().see(row()).see(row(laps=1, last=LAP), after=90)
    race.see(row(laps=1, last=LAP), flag="sc").see(row(laps=1, last=LAP), flag="green")
    race.see(row(laps=2, last=120.0), after=120).see(row(laps=3, last=91.0), after=90)
    stint = race.current()
    assert [lap[1] for lap in stint[9]] == [FlagStatus.GREEN, FlagStatus.SC, FlagStatus.GREEN]
    assert stint[7] == 1


def test_flag_periods_follow_each_other_and_the_running_one_is_open() -> None:
    race = Race().see(row(laps=0)).see(row(laps=3, last=LAP), flag="red", after=300)
    change = race.now
    race.see(row(laps=3, last=LAP), flag="red", after=60)
    session = race.documents["session"]
    assert session["flagStats"] == [[1, 0, 1001, 3, change], [10, 3, change, None, None]]
    assert (session["leaderLap"], session["currentTimestamp"]) == (3, race.now)


# Messages


def message(second: int, text: str, kind: str | None = "", car: str | None = None) -> list[Any]:
    return [second, "GT", text, kind, *([car] if car else [])]


def test_messages_go_to_their_car_or_to_the_race_each_once() -> None:
    flag, best = message(1, "Green flag", "green"), message(2, "#7 best", "pb", "7")
    race = Race().see(row(), messages=[flag]).see(row(), messages=[best, flag]).see(row(), messages=[best, flag])
    assert race.documents["messages"]["messages"] == [flag]
    assert race.documents["car_messages"]["7"] == [best]


def test_pit_stops_and_driver_changes_are_left_out() -> None:
    told = [message(1, "#7 in", "pit", "7"), message(2, "#7 out", "out", "7"), message(3, "driver change", None)]
    race = Race().see(row(), messages=told[::-1])
    assert race.documents["car_messages"]["7"] == []
    assert race.documents["messages"]["messages"] == []


def test_several_messages_of_one_second_are_all_taken() -> None:
    a, b, c = message(5, "a", "green"), message(5, "b", "green"), message(5, "c", "green")
    race = Race().see(row(), messages=[a]).see(row(), messages=[c, b, a])
    assert sorted(each[2] for each in race.documents["messages"]["messages"]) == ["a", "b", "c"]


# For the host


def test_a_frame_that_brings_nothing_new_changes_the_clock_only() -> None:
    race = Race().see(row(laps=1, last=LAP))
    before = race.analysis
    race.see(row(laps=1, last=LAP))
    assert [topic for topic, _ in changed(before, race.analysis)] == ["session"]


def test_a_lap_changes_the_topic_of_its_car_only() -> None:
    race = Race().see(row("7"), row("8"))
    before = race.analysis
    race.see(row("7", laps=1, last=LAP), row("8"), after=90)
    news = dict(changed(before, race.analysis))
    assert set(news) == {"session", "lap/7"}
    assert news["lap/7"] == {"7": documents(race.analysis)["lap"]["7"]}


def test_the_whole_holds_state_and_manifest_too() -> None:
    race = Race().see(row())
    whole = full(race.analysis, frame(row()), {"uuid": "a"})
    assert (whole["state"], whole["service"]) == (frame(row()), {"uuid": "a"})
    assert set(whole) == {"state", "service", *documents(race.analysis)}


CELL = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**9)
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers(-(2**63), 2**63 - 1))
)
ANY_ROW = st.lists(CELL, max_size=10)
RACING_ROW = st.builds(
    row,
    num=st.sampled_from(["7", "8", "9"]),
    state=st.sampled_from(["RUN", "PIT", "OUT", "FUEL", "N/S", "STOP", "RET", "FIN", ""]),
    driver=st.sampled_from(["A", "B", "", None, ["C", "gold"]]),
    laps=st.integers(0, 6) | st.sampled_from(["", None, "3"]),
    last=st.sampled_from([90.0, 91.5, "", None, 0]),
)
MESSAGE = st.builds(
    message,
    second=st.integers(0, 9),
    text=st.sampled_from("abc"),
    kind=st.sampled_from(["pb", "pit", "", None]),
    car=st.sampled_from(["7", "8", None]),
)
FRAMES = st.lists(
    st.tuples(
        st.lists(RACING_ROW, max_size=3),
        st.sampled_from(["green", "sc", "none", "red"]),
        st.lists(MESSAGE, max_size=3),
        st.sampled_from([1.0, 4.0, 30.0]),
    ),
    max_size=20,
)


def fed(frames: list[Any]) -> Race:
    race = Race()
    for rows, flag, messages, after in frames:
        race.see(*rows, flag=flag, messages=messages, after=after)
    return race


@given(st.lists(st.lists(ANY_ROW, max_size=4), max_size=6), st.lists(st.lists(CELL, max_size=6), max_size=3))
def test_nothing_in_a_state_makes_it_raise(frames: list[list[list[Any]]], messages: list[list[Any]]) -> None:
    race = Race()
    for rows in frames:
        race.see(*rows, messages=messages)
    orjson.dumps(documents(race.analysis))
    dump(race.analysis)


@settings(max_examples=200)
@given(FRAMES, FRAMES)
def test_what_was_kept_goes_on_as_if_nothing_had_happened(before: list[Any], after: list[Any]) -> None:
    race = fed(before)
    resumed = Race()
    resumed.analysis, resumed.now = load(dump(race.analysis)), race.now
    assert resumed.documents == race.documents
    for rows, flag, messages, later in after:
        for each in (race, resumed):
            each.see(*rows, flag=flag, messages=messages, after=later)
    assert resumed.documents == race.documents


@given(FRAMES, FRAMES)
def test_what_has_changed_is_all_that_has_changed(before: list[Any], after: list[Any]) -> None:
    race = fed(before)
    old = race.analysis
    for rows, flag, messages, later in after:
        race.see(*rows, flag=flag, messages=messages, after=later)
    every, news = dict(topics(race.analysis)), dict(changed(old, race.analysis))
    known = dict(topics(old))
    assert {topic for topic in every if every[topic] != known.get(topic)} <= set(news)
    assert all(every.get(topic, value) == value for topic, value in news.items())


@given(FRAMES)
def test_stints_are_whole(frames: list[Any]) -> None:
    found = fed(frames).documents
    for number, (current, _) in found["lap"].items():
        for stint in [*found["stint"][number], *([current] if current else [])]:
            assert stint[0] - 1 <= stint[2] or stint[4] is False
            assert stint[1] <= stint[3]
            assert stint[5] < len(found["driver"][number])
            assert stint[6] == (min(times(stint)) if stint[9] else None)


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"{}", b'{"version": 1}', b'{"version": 99}', b"\xff", b'{"version":1,"cars":[]}']
)
def test_what_is_no_analysis_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedAnalysis):
        load(content)


@given(FRAMES, st.data())
def test_a_damaged_file_is_refused_or_an_analysis(frames: list[Any], data: st.DataObject) -> None:
    content = bytearray(dump(fed(frames).analysis))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = load(bytes(content))
    except MalformedAnalysis:
        return
    race = Race()
    race.analysis = found
    race.see(row())
    orjson.dumps(documents(race.analysis))


def test_a_feed_that_invents_cars_and_messages_does_not_grow_without_end() -> None:
    race = Race()
    for batch in range(20):
        cars = [row(f"{batch}-{index}") for index in range(100)]
        race.see(row(), *cars, messages=[message(batch * 100 + index, "x", "pb", "7") for index in range(100, 0, -1)])
    assert len(race.documents["static"]) <= 600
    assert len(race.documents["car_messages"]["7"]) <= 1000
