"""What is kept of an analysis, to go on from."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.analysis import Analysis, MalformedAnalysis, dump, load
from tests.unit.analysis.races import after, frame, laps_of, row

MESSAGES = [
    [30, "GT", "#7 driver change (Conway to López)", None, "7"],
    [20.5, "GT", "#7 is slow or has stopped", "", "7"],
    [10, "Track", "Green flag", "green"],
]
WHOLE = after(
    (0, frame(row("N/S"), row("RUN", 4, 99.0, number="8"), flag="none")),
    (10, frame(row("RUN"), row("RUN", 4, 99.0, number="8"), messages=MESSAGES[2:])),
    (105.25, frame(row("RUN", 1, 95.0), row("PIT", 5, 98.0, number="8"), flag="sc")),
    (140, frame(row("RUN", 1, 95.0), row("OUT", 5, 98.0, "López", number="8"), messages=MESSAGES)),
)


def test_what_is_kept_is_the_whole() -> None:
    assert load(dump(WHOLE)) == WHOLE
    assert load(dump(Analysis.EMPTY)) == Analysis.EMPTY


def test_it_goes_on_where_it_was() -> None:
    """In the middle of a lap that Laps has told of, and Last has not."""
    middle = after((200, frame(row("RUN", 2, 95.0))), start=WHOLE)
    state = frame(row("RUN", 2, 94.5))
    resumed = after((201, state), start=load(dump(middle)))
    assert resumed == after((201, state), start=middle)
    stint = resumed.cars["7"].stint
    assert stint is not None
    assert laps_of(stint.as_list()) == [95.0, 94.5]


def test_what_is_kept_may_be_kept_again() -> None:
    assert dump(load(dump(WHOLE))) == dump(WHOLE)


def test_what_is_kept_is_json_of_a_version() -> None:
    assert orjson.loads(dump(WHOLE))["version"] == 1


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b"{}", b'{"version": 2}', b'{"version": 1}', b"\x80\x04.", b"[" * 100_000]
)
def test_what_is_none_is_told(raw: bytes) -> None:
    with pytest.raises(MalformedAnalysis):
        load(raw)


@given(cut=st.integers(0, len(dump(WHOLE)) - 1))
def test_a_part_is_none(cut: int) -> None:
    with pytest.raises(MalformedAnalysis):
        load(dump(WHOLE)[:cut])


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(way for key, each in inside for way in paths(each, (*path, key)))]


def with_value(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    """`whole` with another value at `path`."""
    if not path:
        return value
    copy = dict(whole) if isinstance(whole, dict) else list(whole)
    copy[path[0]] = with_value(whole[path[0]], path[1:], value)
    return copy


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=5,
)
KEPT = orjson.loads(dump(WHOLE))


@given(path=st.sampled_from(paths(KEPT)), value=JSON)
def test_any_damage_is_told_or_does_no_harm(path: tuple[Any, ...], value: Any) -> None:
    raw = orjson.dumps(with_value(KEPT, path, value))
    try:
        analysis = load(raw)
    except MalformedAnalysis:
        return
    rows = [row("PIT", 2, 94.5), row("RUN", 6, 97.0, "Conway", number="8")]
    assert dump(after((300, frame(*rows, messages=MESSAGES)), start=analysis))


@given(st.binary())
def test_garbage_is_told(raw: bytes) -> None:
    with pytest.raises(MalformedAnalysis):
        load(raw)
