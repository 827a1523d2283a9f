"""The diff of recordings: what the readers in the field apply, we make; and what they made, we apply."""

from contextlib import suppress
from copy import deepcopy
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.diff import DiffError, Json, diff, patch, shortens_a_list

# (old, new, what dictdiffer 0.10.0 makes of them, through JSON)
DICTDIFFER: list[tuple[Json, Json, Json]] = [
    (
        {"cars": [["7", "RUN", 12, [93.4, "pb"]]]},
        {"cars": [["7", "PIT", 12, [93.4, "old"]]]},
        [["change", ["cars", 0, 1], ["RUN", "PIT"]], ["change", ["cars", 0, 3, 1], ["pb", "old"]]],
    ),
    (
        [["7", "RUN"], ["8", "RUN"]],
        [["8", "RUN"], ["7", "RUN"]],
        [["change", [0, 0], ["7", "8"]], ["change", [1, 0], ["8", "7"]]],
    ),
    (
        [["7", "RUN"]],
        [["7", "RUN"], ["8", "N/S"], ["9", "N/S"]],
        [["add", "", [[1, ["8", "N/S"]], [2, ["9", "N/S"]]]]],
    ),
    (
        [["7", "RUN"], ["8", "RUN"], ["9", "RUN"]],
        [["7", "RUN"]],
        [["remove", "", [[2, ["9", "RUN"]], [1, ["8", "RUN"]]]]],
    ),
    ([["7", "RUN", "x", "y"]], [["7"]], [["remove", [0], [[3, "y"], [2, "x"], [1, "RUN"]]]]),
    (
        {"flagState": "green", "timeElapsed": 1},
        {"flagState": "sc", "timeElapsed": 1},
        [["change", "flagState", ["green", "sc"]]],
    ),
    (
        {"flagState": "green", "lapsRemain": 3},
        {"flagState": "green", "timeRemain": 60, "trackData": ["24°C"]},
        [["add", "", [["timeRemain", 60], ["trackData", ["24°C"]]]], ["remove", "", [["lapsRemain", 3]]]],
    ),
    (
        {"a": {"b": {"c": 1}}},
        {"a": {"b": {"c": 2, "d": [1]}}},
        [["change", "a.b.c", [1, 2]], ["add", "a.b", [["d", [1]]]]],
    ),
    (
        {"a.b": 1, "c": {"d.e": {"f": 1}}},
        {"a.b": 2, "c": {"d.e": {"f": 2, "g": 3}}},
        [["change", ["a.b"], [1, 2]], ["change", ["c", "d.e", "f"], [1, 2]], ["add", ["c", "d.e"], [["g", 3]]]],
    ),
    (
        {"trackData": ["24°C", "30°C"]},
        {"trackData": ["25°C"]},
        [["change", ["trackData", 0], ["24°C", "25°C"]], ["remove", "trackData", [[1, "30°C"]]]],
    ),
    ({"x": [1, 2]}, {"x": {"y": 1}}, [["change", "x", [[1, 2], {"y": 1}]]]),
    ({"x": None}, {"x": 0}, [["change", "x", [None, 0]]]),
    ({"x": 1, "y": True}, {"x": 1.0, "y": 1}, []),
]

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2, width=16) | st.sampled_from(["", "a", "7"])
keys = st.sampled_from(["a", "b", "a.b", ".", "", "0", "trackData"])
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
cells = scalars | st.lists(scalars, max_size=2)
tables = st.lists(st.lists(cells, max_size=3), max_size=3)


@pytest.mark.parametrize(("old", "new", "changes"), DICTDIFFER)
def test_a_diff_is_the_one_that_dictdiffer_makes(old: Json, new: Json, changes: Json) -> None:
    assert diff(old, new) == changes


@pytest.mark.parametrize(("old", "new", "changes"), DICTDIFFER)
def test_a_diff_of_dictdiffer_is_applied(old: Json, new: Json, changes: Json) -> None:
    assert patch(old, changes) == new


@given(json_values, json_values)
def test_patching_with_the_diff_gives_the_new_value(old: Json, new: Json) -> None:
    assert patch(old, diff(old, new)) == new


@given(st.lists(json_values, min_size=2, max_size=5) | st.lists(tables, min_size=2, max_size=5))
def test_the_diffs_of_several_steps_can_be_applied_as_one(steps: list[Json]) -> None:
    changes = [change for old, new in pairwise(steps) for change in diff(old, new)]
    assert patch(steps[0], changes) == steps[-1]


@given(json_values, json_values)
def test_neither_diff_nor_patch_alters_its_arguments(old: Json, new: Json) -> None:
    before = deepcopy((old, new))
    changes = diff(old, new)
    kept = deepcopy(changes)
    patch(old, changes)
    assert (old, new, changes) == (*before, kept)


@given(json_values)
def test_equal_values_have_an_empty_diff(value: Json) -> None:
    assert diff(value, deepcopy(value)) == []


def test_an_empty_key_is_written_as_a_list_path_because_the_empty_string_is_the_root() -> None:
    assert diff({"": 1}, {"": 2}) == [["change", [""], [1, 2]]]


def test_an_index_written_as_text_finds_the_list_item() -> None:
    assert patch({"trackData": ["24°C"]}, [["change", "trackData.0", ["24°C", "25°C"]]]) == {"trackData": ["25°C"]}


def test_a_change_of_a_key_that_is_not_there_sets_it_as_the_readers_in_the_field_do() -> None:
    assert patch({}, [["change", "flagState", [None, "green"]]]) == {"flagState": "green"}


def test_unchanged_rows_are_shared_not_copied() -> None:
    old = [["7", "RUN"], ["8", "RUN"]]
    new = patch(old, [["change", [0, 1], ["RUN", "PIT"]]])
    assert new[1] is old[1]


@pytest.mark.parametrize(
    "change",
    [
        ["change", [5, 0], ["a", "b"]],
        ["change", [-1], ["a", "b"]],
        ["change", [0, 0, 0], ["a", "b"]],
        ["change", [0]],
        ["change", None, ["a", "b"]],
        ["change", [0, None], ["a", "b"]],
        ["change", "a.b", ["a", "b"]],
        ["add", "", [[7, ["9"]]]],
        ["add", "", [[[], ["9"]]]],
        ["remove", "", [[2, ["9"]]]],
        ["remove", "", 5],
        ["swap", "", []],
        [[], "", []],
        "change",
        None,
        5,
    ],
)
def test_a_change_that_does_not_fit_is_an_error_that_counts_and_shows_it(change: Json) -> None:
    with pytest.raises(DiffError, match="change 1 does not apply"):
        patch([["7", "RUN"]], [["change", [0, 1], ["RUN", "PIT"]], change])


@given(
    json_values,
    st.lists(json_values | st.tuples(st.sampled_from(["add", "change", "remove"]), json_values, json_values)),
)
def test_any_other_value_in_place_of_a_diff_is_an_error_or_applies(value: Json, changes: Json) -> None:
    with suppress(DiffError):
        patch(value, changes)


def test_a_list_that_loses_items_is_seen_and_an_object_that_loses_keys_is_not() -> None:
    assert shortens_a_list(diff([["7", "RUN"]], [["7"]]))
    assert shortens_a_list(diff({"trackData": [1, 2]}, {"trackData": [1]}))
    assert not shortens_a_list(diff({"a": 1, "lapsRemain": 3}, {"a": 2}))
    assert not shortens_a_list(diff([["7"]], [["7", "RUN"]]))
