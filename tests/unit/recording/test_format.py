"""Names of entries, keyframes and intra-frames: the file format, version 1."""

from copy import deepcopy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.recording.format import (
    KEYFRAME_EVERY,
    Chain,
    Frame,
    Json,
    Kind,
    UnusableFrame,
    UnusableState,
    advance,
    apply_intra,
    decode_intra,
    decode_keyframe,
    frame_name,
    intra_frame,
    new_messages,
    parse_frame_name,
)
from livetiming.state import MESSAGES_LIMIT, State

NOON = 1_700_000_000


def state(*cars: Json, messages: Json = (), highlight: Json = (), **session: Json) -> State:
    return {
        "cars": [list(car) for car in cars],
        "session": session,
        "messages": [list(message) for message in messages],
        "highlight": list(highlight),
    }


def record(*states: Json) -> list[Frame]:
    """The frames of states that come once a second."""
    chain, frames = Chain(), []
    for second, each in enumerate(states, NOON):
        chain, frame = advance(chain, second, each)
        frames.append(frame)
    return frames


def play(frames: list[Frame]) -> list[State]:
    """The states that a reader makes of frames."""
    states: list[State] = []
    for frame in frames:
        states.append(decode_keyframe(frame.body) if frame.kind is Kind.KEY else decode_intra(states[-1], frame.body))
    return states


class TestNames:
    def test_a_keyframe_is_named_by_its_second_in_eleven_digits(self) -> None:
        assert frame_name(NOON, Kind.KEY) == "01700000000.json"

    def test_an_intra_frame_has_an_i(self) -> None:
        assert frame_name(NOON, Kind.INTRA) == "01700000000i.json"

    @given(st.integers(0, 10**11 - 1), st.sampled_from(Kind))
    def test_a_name_is_read_as_it_was_written(self, second: int, kind: Kind) -> None:
        assert parse_frame_name(frame_name(second, kind)) == (second, kind)

    @pytest.mark.parametrize(
        "name",
        [
            "manifest.json",
            "00001.json",
            "01700000000.txt",
            "01700000000ii.json",
            "a/01700000000.json",
            "٠" * 11 + ".json",
        ],
    )
    def test_any_other_name_is_no_frame(self, name: str) -> None:
        assert parse_frame_name(name) is None


class TestKeyframes:
    def test_the_first_frame_is_one(self) -> None:
        assert record(state(["7"]))[0].kind is Kind.KEY

    def test_every_tenth_frame_is_one(self) -> None:
        frames = record(*(state(["7", lap]) for lap in range(31)))
        assert [index for index, frame in enumerate(frames) if frame.kind is Kind.KEY] == [0, 10, 20, 30]

    def test_it_holds_the_whole_state_and_when_it_was_updated_in_milliseconds(self) -> None:
        whole = state(["7", "RUN"], flagState="green", messages=[[1, "Track", "Go", "green"]], highlight=["7"])
        assert orjson.loads(record(whole)[0].body) == {**whole, "lastUpdated": NOON * 1000}

    def test_a_frame_with_fewer_cars_is_one(self) -> None:
        assert record(state(["7"], ["8"]), state(["7"]))[1].kind is Kind.KEY

    def test_a_frame_with_a_shorter_row_is_one(self) -> None:
        assert record(state(["7", "RUN"]), state(["7"]))[1].kind is Kind.KEY

    def test_a_frame_with_a_shorter_list_in_its_session_is_one(self) -> None:
        assert record(state(trackData=[1, 2]), state(trackData=[1]))[1].kind is Kind.KEY

    def test_a_frame_in_which_known_messages_went_away_is_one(self) -> None:
        assert record(state(messages=[[2, "a", "b"], [1, "a", "b"]]), state())[1].kind is Kind.KEY

    def test_the_count_to_ten_starts_again_at_each(self) -> None:
        long, short = state(["7"], ["8"]), state(["7"])
        frames = record(long, long, long, short, *[short] * 11)
        assert [index for index, frame in enumerate(frames) if frame.kind is Kind.KEY] == [0, 3, 13]

    def test_a_frame_in_which_a_part_outside_the_contract_changed_is_one(self) -> None:
        frames = record({**state(), "weather": "dry"}, {**state(), "weather": "wet"}, {**state(), "weather": "wet"})
        assert [frame.kind for frame in frames] == [Kind.KEY, Kind.KEY, Kind.INTRA]
        assert play(frames)[2]["weather"] == "wet"


class TestIntraFrames:
    def test_one_holds_the_diffs_the_new_messages_and_the_highlight(self) -> None:
        old = state(["7", "RUN"], flagState="green", messages=[[1, "Track", "Go", "green"]])
        new = state(
            ["7", "PIT"],
            flagState="sc",
            messages=[[2, "Pits", "#7 in", "pit", "7"], [1, "Track", "Go", "green"]],
            highlight=["7"],
        )
        assert intra_frame(old, new) == {
            "cars": [["change", [0, 1], ["RUN", "PIT"]]],
            "session": [["change", "flagState", ["green", "sc"]]],
            "messages": [[2, "Pits", "#7 in", "pit", "7"]],
            "highlight": ["7"],
        }

    def test_messages_of_the_same_second_as_the_newest_known_are_new_if_their_text_is(self) -> None:
        known = [[5, "Pits", "#7 in", "pit", "7"]]
        assert new_messages(known, [[5, "Pits", "#8 in", "pit", "8"], *known]) == [[5, "Pits", "#8 in", "pit", "8"]]

    def test_messages_are_known_by_time_category_and_text_only(self) -> None:
        assert new_messages([[5, "Track", "Go", "green"]], [[5, "Track", "Go", None, "x"]]) == []

    def test_messages_are_cut_at_a_hundred(self) -> None:
        old = state(messages=[[n, "a", "b"] for n in range(MESSAGES_LIMIT, 0, -1)])
        new = apply_intra(old, {"cars": [], "session": [], "messages": [[101, "a", "b"]], "highlight": []})
        assert [message[0] for message in new["messages"]] == list(range(101, 1, -1))

    def test_the_highlight_comes_from_the_frame_and_may_be_missing(self) -> None:
        old = state(highlight=["7"])
        assert apply_intra(old, {"cars": [], "session": [], "messages": []})["highlight"] == []

    @pytest.mark.parametrize(
        "body",
        [
            "null",
            "[]",
            "{",
            '{"cars": []}',
            '{"cars": [], "session": [], "messages": null}',
            '{"cars": [["change", [9], [1, 2]]], "session": [], "messages": []}',
            '{"cars": [["change", "", [[], {}]]], "session": [], "messages": []}',
            '{"cars": [], "session": [], "messages": [], "highlight": 7}',
        ],
    )
    def test_one_that_is_none_is_an_error(self, body: str) -> None:
        with pytest.raises(UnusableFrame):
            decode_intra(state(["7"]), body.encode())


class TestOneSecond:
    def test_a_later_state_of_the_same_second_replaces_the_frame_and_builds_on_the_one_before(self) -> None:
        chain, first = advance(Chain(), NOON, state(["7", 1]))
        chain, _replaced = advance(chain, NOON + 1, state(["7", 2]))
        _chain, second = advance(chain, NOON + 1, state(["7", 3]))
        assert second.second == NOON + 1
        assert play([first, second])[1] == state(["7", 3])

    def test_a_state_of_an_earlier_second_replaces_the_newest_frame(self) -> None:
        chain, _ = advance(Chain(), NOON, state(["7", 1]))
        _, frame = advance(chain, NOON - 30, state(["7", 2]))
        assert (frame.second, frame.kind) == (NOON, Kind.KEY)


class TestStates:
    def test_missing_parts_are_empty(self) -> None:
        assert play(record({"cars": [["7"]]})) == [state(["7"])]

    def test_more_than_a_hundred_messages_are_cut(self) -> None:
        frames = record(state(messages=[[n, "a", "b"] for n in range(150, 0, -1)]))
        assert len(play(frames)[0]["messages"]) == MESSAGES_LIMIT

    @pytest.mark.parametrize(
        "nonsense",
        [
            None,
            7,
            [],
            {"cars": {}},
            {"session": []},
            {"messages": [1]},
            {"session": {1: 2}},
            {"session": {"a": 2**70}},
            {"session": {"a": "\ud800"}},
        ],
    )
    def test_what_cannot_be_recorded_is_refused_and_the_chain_stands(self, nonsense: Json) -> None:
        chain, _ = advance(Chain(), NOON, state(["7"]))
        before = deepcopy(chain)
        with pytest.raises(UnusableState):
            advance(chain, NOON + 1, nonsense)
        assert chain == before

    def test_a_state_nested_without_end_is_refused(self) -> None:
        deep: list[Json] = []
        for _ in range(5000):
            deep = [deep]
        chain, _ = advance(Chain(), NOON, state([[]]))
        with pytest.raises(UnusableState):
            advance(chain, NOON + 1, state([deep]))


cells = st.sampled_from(["7", "8", "RUN", "PIT", "", None, 12, 93.412]) | st.tuples(
    st.sampled_from([93.4, 92.1]), st.sampled_from(["pb", "old"])
).map(list)
rows = st.lists(cells, max_size=4)
messages = st.lists(st.tuples(st.integers(1, 3), st.just("Track"), st.sampled_from(["a", "b"])).map(list), max_size=4)
sessions = st.dictionaries(st.sampled_from(["flagState", "a.b", "trackData"]), cells | st.lists(cells, max_size=3))
states = st.fixed_dictionaries(
    {
        "cars": st.lists(rows, max_size=3),
        "session": sessions,
        "messages": messages,
        "highlight": st.lists(cells, max_size=2),
    }
)


@given(st.lists(states, max_size=25))
def test_what_is_recorded_is_what_is_played(recorded: list[State]) -> None:
    assert play(record(*recorded)) == recorded


@given(st.lists(states, max_size=40))
def test_no_more_than_nine_intra_frames_follow_a_keyframe(recorded: list[State]) -> None:
    kinds = "".join(frame.kind for frame in record(*recorded))
    assert Kind.INTRA * KEYFRAME_EVERY not in kinds


@given(st.lists(st.tuples(st.integers(-2, 3), states), min_size=1, max_size=25))
def test_one_frame_a_second_is_kept_and_it_is_the_newest(arrivals: list[tuple[int, State]]) -> None:
    chain, frames, expected, second = Chain(), dict[int, Frame](), dict[int, State](), NOON
    for step, each in arrivals:
        chain, frame = advance(chain, second + step, each)
        second = max(second, second + step) if expected else second + step
        frames[frame.second], expected[second] = frame, each
    assert list(frames) == list(expected)
    assert play(list(frames.values())) == list(expected.values())
