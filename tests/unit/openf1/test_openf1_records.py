"""Documents of the API as values: what is read, and what of nonsense is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.openf1.fields import TEXT_LIMIT, MalformedDocument, moment, number, text, whole
from livetiming.openf1.records import (
    Control,
    Driver,
    Interval,
    Lap,
    parse_control,
    parse_driver,
    parse_interval,
    parse_lap,
    parse_pit_stop,
    parse_position,
    parse_session,
    parse_stint,
    parse_weather,
)
from tests.support.openf1_server import START, a_race, iso

PARSERS = {
    "sessions": parse_session, "drivers": parse_driver, "laps": parse_lap, "stints": parse_stint,
    "pit": parse_pit_stop, "position": parse_position, "intervals": parse_interval, "race_control": parse_control,
    "weather": parse_weather,
}  # fmt: skip
RACE = a_race()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def a_lap(**fields: Any) -> Lap:
    return parse_lap({"driver_number": 7, "lap_number": 3, **fields})


class TestFields:
    @pytest.mark.parametrize("value", [None, "7", True, float("nan"), float("inf"), 1e300, [7]])
    def test_what_is_no_number_is_none(self, value: Any) -> None:
        assert number({"x": value}, "x") is None

    @pytest.mark.parametrize("value", [None, 0, 11, 7.0, "7", True, 10**30])
    def test_what_is_no_whole_number_within_bounds_is_none(self, value: Any) -> None:
        assert whole({"x": value}, "x", 1, 10) is None

    @pytest.mark.parametrize(
        "value",
        ["2026-05-03T13:00:00+00:00", "2026-05-03T13:00:00", "2026-05-03T15:00:00+02:00", "2026-05-03T13:00:00Z"],
    )
    def test_a_date_is_in_its_zone_or_in_utc(self, value: str) -> None:
        assert moment({"x": value}, "x") == START

    @pytest.mark.parametrize(
        "value", [None, 1_700_000_000, "", "yesterday", "0001-01-01T00:00:00", "9999-12-31T23:59:59"]
    )
    def test_what_is_no_date_is_none(self, value: Any) -> None:
        assert moment({"x": value}, "x") is None

    def test_a_text_is_one_line_of_bounded_length(self) -> None:
        assert text({"x": "  YELLOW\n\tFLAG "}, "x") == "YELLOW FLAG"
        assert len(text({"x": "x" * 10_000}, "x")) == TEXT_LIMIT


class TestRecords:
    def test_a_lap(self) -> None:
        assert parse_lap(RACE["laps"][4]) == Lap(7, 2, START + 95, 90.0, (29.0, 31.0, 30.0), 310.0, False, None)

    def test_the_first_lap_of_a_race_has_no_start_and_no_time(self) -> None:
        assert parse_lap(RACE["laps"][0]) == Lap(7, 1, None, None, (None, 31.5, 30.5), None, False, None)

    @pytest.mark.parametrize(
        ("segments", "expected"),
        [
            ({}, None),
            ({"segments_sector_1": [0, 0], "segments_sector_2": None}, None),
            ({"segments_sector_1": [2049, 2051], "segments_sector_2": [2048, None]}, False),
            ({"segments_sector_1": [2049], "segments_sector_3": [2048, 2064, 2064]}, True),
            ({"segments_sector_1": [2064, 2049, 0]}, False),
            ({"segments_sector_1": "2064"}, None),
        ],
    )
    def test_the_latest_mini_sector_tells_of_the_pit_lane(self, segments: Any, expected: bool | None) -> None:
        assert a_lap(**segments).in_pit_lane is expected

    def test_times_of_0_or_less_are_none(self) -> None:
        assert a_lap(lap_duration=0, duration_sector_1=-1.5).duration is None
        assert a_lap(lap_duration=0, duration_sector_1=-1.5).sectors == (None, None, None)

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            ({"first_name": "Ada", "last_name": "Falk", "full_name": "Ada FALK"}, "Ada Falk"),
            ({"full_name": "Ada FALK", "broadcast_name": "A FALK"}, "Ada FALK"),
            ({"broadcast_name": "A FALK", "name_acronym": "FAL"}, "A FALK"),
            ({"name_acronym": "FAL"}, "FAL"),
            ({"first_name": None, "full_name": None}, ""),
        ],
    )
    def test_a_driver_has_the_fullest_name_that_is_known(self, names: Any, expected: str) -> None:
        assert parse_driver({"driver_number": 7, **names}) == Driver(7, expected, "")

    @pytest.mark.parametrize(
        ("gap", "expected"), [(2.3, 2.3), ("+1 LAP", "+1 LAP"), (None, None), ("", None), ([], None)]
    )
    def test_a_gap_is_seconds_or_a_text_or_nothing(self, gap: Any, expected: Any) -> None:
        document = {"driver_number": 12, "date": iso(START), "gap_to_leader": gap}
        assert parse_interval(document) == Interval(12, START, expected, None)

    def test_a_word_of_race_control(self) -> None:
        assert parse_control(RACE["race_control"][1]) == Control(
            START + 20, "Flag", "DOUBLE YELLOW", "Sector", 5, None, "DOUBLE YELLOW IN TRACK SECTOR 5"
        )

    @pytest.mark.parametrize(("rain", "expected"), [(0, False), (1, True), (True, True), (None, None), ("wet", None)])
    def test_rain_is_a_number_or_a_boolean(self, rain: Any, expected: bool | None) -> None:
        assert parse_weather({"date": iso(START), "rainfall": rain}).rain is expected


@pytest.mark.parametrize(
    ("collection", "key"),
    [
        ("sessions", "session_key"), ("drivers", "driver_number"), ("laps", "driver_number"), ("laps", "lap_number"),
        ("stints", "stint_number"), ("pit", "date"), ("position", "position"), ("position", "date"),
        ("intervals", "date"), ("race_control", "date"), ("weather", "date"),
    ],
)  # fmt: skip
def test_without_what_makes_it_one_of_its_kind_a_document_is_refused(collection: str, key: str) -> None:
    with pytest.raises(MalformedDocument, match=key):
        PARSERS[collection]({**RACE[collection][0], key: None})


@pytest.mark.parametrize("collection", PARSERS)
@given(data=st.data())
def test_whatever_a_document_holds_it_is_read_or_refused(collection: str, data: st.DataObject) -> None:
    document = dict(RACE[collection][0])
    for key in data.draw(st.sets(st.sampled_from(sorted(document)), min_size=1)):
        document[key] = data.draw(json_values)
    try:
        record = PARSERS[collection](document)
    except MalformedDocument:
        return
    assert hash(record) == hash(PARSERS[collection](document))
