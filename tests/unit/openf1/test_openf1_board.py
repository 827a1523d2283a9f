"""What is merged from the documents of all collections, in any order, and what is refused."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.errors import RemoteError
from livetiming.openf1.board import MOST_CARS, MOST_TEXTS, QUIET, Board
from livetiming.openf1.feed import documents
from livetiming.openf1.records import MOST_LAPS, parse_session
from livetiming.openf1.state import COLUMNS, race_state
from tests.support.openf1_server import SESSION, START, Documents, a_race, iso

NOW = START + 395
RACE = a_race()
COLLECTIONS = [collection for collection in RACE if collection not in ("sessions", "meetings")]


def empty() -> Board:
    return Board(parse_session(RACE["sessions"][0]))


def board(race: Documents | None = None, *collections: str) -> Board:
    """A board that has taken in everything of a race, or of some of its collections."""
    made = empty()
    for collection in collections or COLLECTIONS:
        made.merge(collection, (race or RACE)[collection])
    return made


def test_what_comes_again_changes_nothing() -> None:
    made = board()
    once = race_state(made, NOW)
    for collection in COLLECTIONS:
        assert made.merge(collection, RACE[collection]) == []
    made.pitting.clear()
    assert race_state(made, NOW) == once


@given(st.permutations([(collection, document) for collection in COLLECTIONS for document in RACE[collection]]))
def test_the_order_in_which_documents_come_makes_no_difference(arrivals: list[tuple[str, Any]]) -> None:
    made = empty()
    for collection, document in arrivals:
        made.merge(collection, [document])
    made.pitting.clear()
    assert race_state(made, NOW) == race_state(board(), NOW)


def test_a_lap_that_goes_on_is_completed() -> None:
    made = board()
    made.merge(
        "laps", [{**RACE["laps"][13], "duration_sector_2": 30.7, "duration_sector_3": 29.6, "lap_duration": 89.0}]
    )
    assert made.laps[7][5].duration == 89.0


def test_an_older_position_or_interval_does_not_replace_a_newer_one() -> None:
    made = board()
    made.merge("position", [{"driver_number": 7, "date": iso(START - 9000), "position": 3}])
    made.merge("intervals", [{"driver_number": 12, "date": iso(START), "gap_to_leader": 9.9, "interval": 9.9}])
    assert made.positions[7].place == 1
    assert made.intervals[12].gap == 2.3


def test_a_driver_who_loses_his_name_keeps_it() -> None:
    made = board()
    made.merge("drivers", [{"driver_number": 7, "full_name": None, "team_name": None}])
    assert made.drivers[7].name == "Ada Falk"


def test_what_race_control_says_is_told_once_oldest_first() -> None:
    made = empty()
    assert [control.at for control in made.merge("race_control", RACE["race_control"][::-1])] == [
        START + at for at in (-600, 20, 60, 300, 310, 390)
    ]
    assert made.merge("race_control", RACE["race_control"]) == []


def test_a_stop_is_marked_when_it_is_told_but_not_those_before_we_came() -> None:
    made = board(None, "pit")
    assert made.pitting == set()
    made.merge("pit", [{"driver_number": 12, "lap_number": 4, "date": iso(NOW)}])
    assert made.pitting == {12}


def test_it_knows_the_newest_moment_of_each_collection() -> None:
    made = board()
    assert made.newest == {
        "laps": START + 390, "position": START + 95, "race_control": START + 390, "intervals": START + 392,
        "pit": START + 205, "weather": START + 360,
    }  # fmt: skip
    assert made.latest == START + 392


def test_a_session_that_is_over_has_stopped_its_clock() -> None:
    made = board()
    assert made.time(NOW) == NOW
    assert made.time(START + 365 * 86400) == START + 7200
    assert made.time(START + 392 + QUIET) == START + 392 + QUIET  # silent before its planned end


class TestWhatIsRefused:
    @pytest.mark.parametrize("document", [None, 7, "lap", [], {}, {"driver_number": 7}])
    def test_what_is_no_document_is_counted_and_skipped(self, document: Any) -> None:
        made = empty()
        made.merge("laps", [document, *RACE["laps"]])
        assert made.refused.count == 1
        assert made.refused.example == repr(document)
        assert len(made.laps[7]) == 5

    def test_a_document_of_another_session_is(self) -> None:
        made = empty()
        made.merge("laps", [{**RACE["laps"][0], "session_key": SESSION + 1}])
        assert (made.laps, made.refused.why) == ({}, "it is of another session")

    def test_an_example_of_a_refused_document_is_short(self) -> None:
        made = empty()
        made.merge("laps", [{"driver_number": "x" * 10_000}])
        assert len(made.refused.example) <= 120


class TestBounds:
    def test_a_feed_cannot_invent_cars_without_end(self) -> None:
        made = empty()
        for collection, fields in (("drivers", {}), ("laps", {"lap_number": 1}), ("intervals", {"date": iso(START)})):
            made.merge(collection, [{"driver_number": number, **fields} for number in range(999)])
        assert len(made.cars()) == len(made.intervals) == MOST_CARS
        assert made.refused.count == 3 * (999 - MOST_CARS)

    def test_nor_laps(self) -> None:
        made = empty()
        made.merge("laps", [{"driver_number": 7, "lap_number": number} for number in range(1, 10_000)])
        assert len(made.laps[7]) == MOST_LAPS

    def test_nor_texts(self) -> None:
        made = empty()
        for at in range(3 * MOST_TEXTS):
            made.merge("race_control", [{"date": iso(START + at), "message": str(at)}])
        assert len(made.controls) == MOST_TEXTS
        assert max(control.at for control in made.controls) == START + 3 * MOST_TEXTS - 1


def usable(made: Board) -> bool:
    """Whether there are rows of all columns, that JSON can hold, whatever was merged."""
    race = race_state(made, NOW)
    return all(len(row) == len(COLUMNS) for row in race["cars"]) and bool(orjson.dumps(race))


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_truncation_of_a_sample_leaves_the_board_usable(collection: str) -> None:
    whole = orjson.dumps(RACE[collection])
    before = race_state(board(), NOW)
    for length in range(len(whole)):
        with pytest.raises(RemoteError):
            documents(whole[:length])
    made = board()
    made.merge(collection, documents(whole))
    made.pitting.clear()
    assert race_state(made, NOW) == before


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_field_that_is_missing_leaves_the_board_usable(collection: str) -> None:
    keys = sorted({key for document in RACE[collection] for key in document})
    for missing in keys:
        cut = [{key: value for key, value in document.items() if key != missing} for document in RACE[collection]]
        assert usable(board({**RACE, collection: cut})), missing


junk: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 7, 10**30, 0.1, float("nan"), "", "x", "2064", "9999-12-31", [], [2064], {}]
)


@pytest.mark.parametrize("collection", COLLECTIONS)
@given(data=st.data())
def test_every_field_that_is_nonsense_leaves_the_board_usable(collection: str, data: st.DataObject) -> None:
    spoilt = [dict(document) for document in RACE[collection]]
    for document in spoilt:
        for key in data.draw(st.sets(st.sampled_from(sorted(document)), max_size=3)):
            document[key] = data.draw(junk)
    assert usable(board({**RACE, collection: spoilt}))
