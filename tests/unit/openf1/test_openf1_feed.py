"""Answers of the API: documents, sessions that follow each other, and what race control has to say."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.errors import RemoteError
from livetiming.openf1.feed import LATEST, MOST_TEXTS, RECENT, Feed, documents
from livetiming.openf1.polling import KINDS, MEETING, SESSION, Kind
from tests.support.openf1_server import MEETING as MEETING_KEY
from tests.support.openf1_server import SESSION as SESSION_KEY
from tests.support.openf1_server import START, a_race, iso

NOW = START + 395
RACE = a_race()
CONTROL: Kind = next(kind for kind in KINDS if kind.collection == "race_control")


def a_feed(wanted: str = LATEST, *said: str) -> Feed:
    feed = Feed(wanted, said)
    feed.take(SESSION, RACE["sessions"], NOW)
    return feed


def said(message: str, at: float = 390, **fields: Any) -> dict[str, Any]:
    return {"date": iso(START + at), "message": message, **fields}


class TestAnswers:
    def test_an_answer_is_a_list(self) -> None:
        assert documents(b'[{"a": 1}]') == [{"a": 1}]

    def test_no_results_are_none(self) -> None:
        assert documents(b'{"detail": "No results found."}') == []

    @pytest.mark.parametrize(
        "body", [b"", b"<html>busy</html>", b'{"detail": "Rate exceeded"}', b"7", b"null", b"[1, 2"]
    )
    def test_anything_else_is_the_feeds_fault(self, body: bytes) -> None:
        with pytest.raises(RemoteError):
            documents(body)

    def test_what_the_server_says_instead_is_told(self) -> None:
        with pytest.raises(RemoteError, match="Rate exceeded"):
            documents(b'{"detail": "Rate exceeded"}')

    @given(st.binary(max_size=200))
    def test_no_answer_makes_it_fail_in_another_way(self, body: bytes) -> None:
        try:
            assert isinstance(documents(body), list)
        except RemoteError as error:
            assert len(str(error)) < 400


class TestSessions:
    def test_it_asks_for_the_one_that_is_wanted_and_then_for_that_one_only(self) -> None:
        feed = Feed(LATEST)
        assert feed.query(SESSION) == "sessions?session_key=latest"
        assert feed.query(MEETING) is None
        feed.take(SESSION, RACE["sessions"], NOW)
        assert feed.query(MEETING) == f"meetings?meeting_key={MEETING_KEY}"
        assert feed.query(CONTROL) == f"race_control?session_key={SESSION_KEY}"
        assert Feed("9165").query(SESSION) == "sessions?session_key=9165"

    def test_a_session_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises(RemoteError, match="there is no session 9165"):
            Feed("9165").take(SESSION, [], NOW)

    @pytest.mark.parametrize("found", [[None], [{}], [{"session_key": "x"}]])
    def test_so_is_one_that_cannot_be_read(self, found: list[Any]) -> None:
        feed = a_feed()
        with pytest.raises(RemoteError):
            feed.take(SESSION, found, NOW)
        assert feed.board is not None

    def test_the_same_one_again_changes_its_dates_only(self) -> None:
        feed = a_feed()
        feed.take(CONTROL, RACE["race_control"], NOW)
        board = feed.board
        assert not feed.take(SESSION, [{**RACE["sessions"][0], "date_end": iso(START + 9000)}], NOW)
        assert feed.board is board is not None
        assert board.session.end == START + 9000

    def test_another_one_begins_with_an_empty_board(self) -> None:
        feed = a_feed()
        feed.take(CONTROL, RACE["race_control"], NOW)
        assert feed.take(SESSION, [{"session_key": 9002, "date_start": iso(START + 86400)}], NOW)
        assert feed.board is not None
        assert (feed.board.session.key, feed.board.controls) == (9002, {})

    def test_one_that_was_before_does_not_come_back(self) -> None:
        feed = a_feed()
        assert not feed.take(SESSION, [{"session_key": 8999, "date_start": iso(START - 86400)}], NOW)
        assert feed.board is not None
        assert feed.board.session.key == SESSION_KEY

    def test_documents_that_could_not_be_read_stay_counted(self) -> None:
        feed = a_feed()
        feed.take(CONTROL, [None, {}], NOW)
        feed.take(SESSION, [{"session_key": 9002}], NOW)
        feed.take(CONTROL, [None], NOW)
        assert feed.refused == 3


class TestDescription:
    def test_it_is_the_meeting_and_the_session(self) -> None:
        feed = a_feed()
        feed.take(MEETING, RACE["meetings"], NOW)
        assert feed.description == "Kestrel Grand Prix - Race"

    @pytest.mark.parametrize("found", [[], [None], [{"meeting_name": 7}]])
    def test_without_a_meeting_it_is_the_circuit(self, found: list[Any]) -> None:
        feed = a_feed()
        feed.take(MEETING, found, NOW)
        assert feed.description == "Kestrel Ridge - Race"

    def test_without_a_session_there_is_none(self) -> None:
        assert Feed(LATEST).description == ""


class TestRaceControl:
    def test_what_is_new_is_to_be_said_once_but_for_blue_flags(self) -> None:
        feed = a_feed()
        feed.take(CONTROL, [], NOW)
        for _ in range(2):
            feed.take(CONTROL, [said("CAR 7 NOTED"), said("BLUE FLAG", flag="BLUE"), said("")], NOW)
        assert feed.texts == ["CAR 7 NOTED"]

    def test_who_comes_late_says_what_was_said_lately(self) -> None:
        feed = a_feed()
        feed.take(CONTROL, [said("OLD", 395 - RECENT - 1), said("LATELY", 395 - RECENT + 1)], NOW)
        assert feed.texts == ["LATELY"]

    def test_after_a_restart_nothing_is_said_twice(self) -> None:
        feed = a_feed(LATEST, "CAR 7 NOTED")
        feed.take(CONTROL, [said("Car 7 noted", 380), said("CAR 12 NOTED", 385)], NOW)
        feed.take(CONTROL, [said("CAR 7 NOTED", 394)], NOW)
        assert feed.texts == ["CAR 12 NOTED", "CAR 7 NOTED"]

    def test_what_waits_for_a_frame_is_bounded(self) -> None:
        feed = a_feed()
        waiting = feed.texts
        feed.take(CONTROL, [said(str(at), at) for at in range(395 - 250, 395)], NOW)
        assert len(feed.texts) == MOST_TEXTS
        assert feed.texts[-1] == "394"
        assert feed.texts is waiting  # whoever tells them holds this list


@given(
    st.lists(
        st.tuples(
            st.sampled_from([SESSION, MEETING, *KINDS]),
            st.lists(st.none() | st.integers() | st.dictionaries(st.sampled_from(
                ["session_key", "driver_number", "date", "lap_number", "position", "message", "meeting_name"]
            ), st.none() | st.integers(0, 100) | st.text(max_size=9) | st.just(iso(START))), max_size=5),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_nothing_that_is_answered_makes_it_fail(answers: list[tuple[Kind, list[Any]]]) -> None:
    feed = a_feed()
    for kind, found in answers:
        try:
            feed.take(kind, found, NOW)
        except RemoteError:
            assert kind is SESSION
    assert orjson.dumps(feed.texts)
