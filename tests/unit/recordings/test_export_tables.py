"""What a recording holds as tables: laps, stints, messages, every car over time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.analysis import Analysis, Columns, advance, full
from livetiming.state import State
from orchestrator.recordings.rectool.frame_table import frames
from orchestrator.recordings.rectool.table_cells import gap_text, mark, number, seconds
from orchestrator.recordings.rectool.tables import Table, laps, messages, stints
from tests.support.recorded import NOON, UUID

COLUMNS = [
    ["Num", "text"],
    ["State", "text"],
    ["Class", "class"],
    ["Driver", "text"],
    ["Laps", "numeric"],
    ["Gap", "delta"],
    ["Last", "time"],
]
MANIFEST = {"uuid": UUID, "colSpec": COLUMNS}


def row(laps: int, last: Any = "", *, status: str = "RUN", driver: str = "Ann", gap: Any = "") -> list[Any]:
    return ["7", status, "GT3", driver, laps, gap, [last, "pb"]]


def state(*cars: list[Any], flag: str = "green", messages: Any = ()) -> State:
    return {"cars": list(cars), "session": {"flagState": flag}, "messages": list(messages), "highlight": []}


def dicts(table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, each, strict=True)) for each in table.rows]


def document(states: list[tuple[int, State]]) -> dict[str, Any]:
    analysis = Analysis.EMPTY
    for second, each in states:
        analysis = advance(analysis, Columns.of(COLUMNS), each, second)
    return full(analysis, states[-1][1], MANIFEST)


RACE = [
    (NOON, state(row(0))),
    (NOON + 95, state(row(1, 95.0))),
    (NOON + 188, state(row(2, 93.1), flag="sc")),
    (NOON + 200, state(row(2, 93.1, status="PIT"), flag="sc")),
    (NOON + 260, state(row(2, 93.1, driver="Bob"), flag="sc")),
    (NOON + 350, state(row(3, 150.0, driver="Bob"))),
]


class TestLaps:
    def test_one_row_for_each_lap_with_who_drove_it_and_under_which_flag(self) -> None:
        found = dicts(laps(document(RACE)))
        assert [(each["stint"], each["lap"], each["lap_time"], each["driver"]) for each in found] == [
            (1, 1, 95.0, "Ann"),
            (1, 2, 93.1, "Ann"),
            (2, 3, 150.0, "Bob"),
        ]
        assert [each["worst_flag"] for each in found] == ["green", "sc", "sc"]
        assert {(each["recording"], each["car"], each["class"], each["team"]) for each in found} == {
            (UUID, "7", "GT3", None)
        }
        assert (found[0]["stint_start"], found[0]["stint_end"], found[0]["in_progress"]) == (NOON, NOON + 200, False)
        assert found[-1]["in_progress"] is True

    def test_where_the_time_of_a_lap_is_missing_no_lap_of_the_stint_has_a_number(self) -> None:
        race = [(NOON, state(row(0))), (NOON + 95, state(row(1, 95.0))), (NOON + 300, state(row(3, 94.0)))]
        assert [(each["lap"], each["lap_time"]) for each in dicts(laps(document(race)))] == [(None, 95.0), (None, 94.0)]


class TestStints:
    def test_one_row_for_each_that_in_progress_included(self) -> None:
        first, second = dicts(stints(document(RACE)))
        assert (first["start_lap"], first["end_lap"], first["laps"]) == (1, 2, 2)
        assert (first["start"], first["end"], first["in_progress"]) == (NOON, NOON + 200, False)
        assert (first["best_lap"], first["average_lap"], first["laps_under_yellow"]) == (93.1, None, 1)
        assert (second["stint"], second["driver"], second["laps"], second["in_progress"]) == (2, "Bob", 1, True)


class TestMessages:
    def test_each_is_told_once_oldest_first(self) -> None:
        one, two = [NOON, "Track", "Go", "green"], [NOON + 5, "GT3", "#7 in", "pit", "7"]
        states = [(NOON, state(messages=[one])), (NOON + 5, state(messages=[two, one])), (NOON + 9, state())]
        states.append((NOON + 12, state(messages=[two, one])))  # a feed that lost them for a moment
        assert dicts(messages(MANIFEST, states)) == [
            {
                "recording": UUID,
                "time": NOON,
                "elapsed": 0,
                "category": "Track",
                "text": "Go",
                "type": "green",
                "car": None,
            },
            {
                "recording": UUID,
                "time": NOON + 5,
                "elapsed": 5,
                "category": "GT3",
                "text": "#7 in",
                "type": "pit",
                "car": "7",
            },
        ]

    @pytest.mark.parametrize("nonsense", [[], 7, None, ["soon", "a", "b"], [1, 2], [True, "a", "b"]])
    def test_what_is_none_is_left_out(self, nonsense: Any) -> None:
        assert dicts(messages(MANIFEST, [(NOON, state(messages=[nonsense]))])) == []


class TestFrames:
    def test_one_row_for_each_car_and_frame_with_typed_columns(self) -> None:
        states = [(NOON + 3, state(row(5, 93.1, gap="1 lap"), ["8"])), (NOON + 4, state(row(6, "1:32.5", gap=4.25)))]
        first, short, second = dicts(frames(MANIFEST, states))
        assert first == {
            "recording": UUID,
            "time": NOON + 3,
            "elapsed": 0,
            "flag": "green",
            "position": 1,
            "num": "7",
            "state": "RUN",
            "class": "GT3",
            "driver": "Ann",
            "laps": 5,
            "gap": None,
            "gap_text": "1 lap",
            "last": 93.1,
            "last_flag": "pb",
        }
        assert (short["num"], short["position"], short["laps"]) == ("8", 2, None)
        assert (second["gap"], second["gap_text"], second["last"], second["elapsed"]) == (4.25, None, 92.5, 1)

    def test_thinned_there_is_one_frame_in_so_many_seconds(self) -> None:
        states = [(NOON + second, state(row(second))) for second in (0, 1, 9, 10, 12, 25, 29, 30, 31)]
        assert [each["elapsed"] for each in dicts(frames(MANIFEST, states, every=10))] == [0, 10, 25, 30]

    def test_names_are_snake_case_and_unique(self) -> None:
        spec = [["C.Gap", "delta"], ["D1 Best", "time"], ["Ü", "text"], ["Flag", "text"], ["Gap", "x"], ["gap", "time"]]
        names = [column.name for column in frames({"colSpec": spec}, []).columns]
        assert names[5:] == [
            "c_gap",
            "c_gap_text",
            "d1_best",
            "d1_best_flag",
            "column_3",
            "flag_2",
            "gap",
            "gap_2",
            "gap_2_flag",
        ]
        assert len(set(names)) == len(names)

    @given(st.lists(st.lists(st.text(max_size=6), max_size=3), max_size=6), st.sampled_from(["text", "delta", "time"]))
    def test_whatever_a_manifest_calls_its_columns(self, headings: list[list[str]], kind: str) -> None:
        spec = [[*each[:1], kind] for each in headings]
        names = [column.name for column in frames({"colSpec": spec}, []).columns]
        assert len(set(names)) == len(names)

    @given(
        st.lists(
            st.lists(
                st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), st.lists),
                max_size=9,
            )
            | st.integers(),
            max_size=4,
        )
    )
    def test_whatever_a_feed_puts_into_the_cells(self, cars: list[Any]) -> None:
        """Read one after the other on one board, each cell says what it says alone."""
        states = [(NOON + second, state(*cars[second:])) for second in range(len(cars))]
        together = dicts(frames(MANIFEST, states))
        assert [each["position"] for each in together] == [p for s in states for p in range(1, len(s[1]["cars"]) + 1)]
        alone = [each for second, one in states for each in dicts(frames(MANIFEST, [(second, one)]))]
        assert [{**each, "elapsed": 0} for each in together] == alone


class TestCells:
    @pytest.mark.parametrize(
        ("cell", "value"),
        [
            (12, 12),
            (12.5, 12.5),
            ("12", 12),
            (" -1.50 ", -1.5),
            ([7, "x"], 7),
            ("", None),
            ("fast", None),
            (None, None),
            (True, None),
            ([], None),
            ([[1]], None),
            ({}, None),
            (float("inf"), None),
            (2**60, float(2**60)),
            ("9" * 400, None),
        ],
    )
    def test_numbers(self, cell: Any, value: Any) -> None:
        assert number(cell) == value
        assert type(number(cell)) is type(value)

    @pytest.mark.parametrize(
        ("cell", "value"), [([92.981, "pb"], 92.981), ("1:32.981", 92.981), (["1:32.981", ""], 92.981), ("1:99", None)]
    )
    def test_times(self, cell: Any, value: float | None) -> None:
        assert seconds(cell) == value

    def test_marks_and_gaps(self) -> None:
        assert (mark([92.981, "pb"]), mark([92.981, ""]), mark(92.981)) == ("pb", None, None)
        assert (gap_text("2 laps"), gap_text(3.5), gap_text("3.5"), gap_text("")) == ("2 laps", None, None, None)
