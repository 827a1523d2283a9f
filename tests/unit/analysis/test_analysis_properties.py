"""What holds of every race, whatever its feed says."""

from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.analysis import Analysis, Columns, advance, changed, documents, dump, load
from livetiming.racing import Stat
from livetiming.state import State
from tests.unit.analysis.races import COLUMNS, frame, row

# Anything at all

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ANYTHING = st.recursive(
    SCALARS | st.sampled_from(["7", "PIT", "RUN"]),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=2), inside, max_size=2),
    max_leaves=4,
)
ANY_COLUMNS = st.lists(
    st.sampled_from([stat.column() for stat in Stat][:12]) | st.lists(ANYTHING, max_size=3), max_size=12
)
ANY_STATE = st.fixed_dictionaries(
    {
        "cars": st.lists(st.lists(ANYTHING, max_size=12), max_size=4),
        "session": st.dictionaries(st.just("flagState"), ANYTHING),
        "messages": st.lists(ANYTHING, max_size=4),
        "highlight": st.just([]),
    }
)


@given(columns=ANY_COLUMNS, states=st.lists(ANY_STATE, max_size=4), now=st.floats(0, 4e9))
def test_nothing_in_a_state_raises(columns: list[Any], states: list[State], now: float) -> None:
    read, analysis = Columns.of(columns), Analysis.EMPTY
    for second, state in enumerate(states):
        analysis = advance(analysis, read, state, now + second)
        assert orjson.dumps(documents(analysis))
        assert load(dump(analysis)) == analysis


@pytest.mark.parametrize("depth", [500, 1000, 5000])
def test_lists_in_lists_do_not_raise(depth: int) -> None:
    def deep() -> list[Any]:
        cell: list[Any] = []
        for _ in range(depth):
            cell = [cell]
        return cell

    analysis = Analysis.EMPTY
    for now in range(3):
        rows = [[*row()[:7], deep()], [deep(), *row()[1:]], ["8", *(deep() for _ in range(7))]]
        analysis = advance(analysis, COLUMNS, frame(*rows, flag=deep(), messages=[deep(), [1, *[deep()] * 4]]), now)
    assert set(documents(analysis)["static"]) == {"7", "8"}


# Feeds that are believable frame by frame, and in all else as they like

CARS = ["7", "8", "9"]
ROW = st.builds(
    row,
    st.sampled_from(["RUN", "RUN", "RUN", "OUT", "PIT", "N/S", "FIN", "FUEL", ""]),
    st.one_of(st.integers(0, 6), st.sampled_from([45, None, ""])),
    st.sampled_from([93.1, 94.2, 95.3, 3.0, None]),
    st.sampled_from(["Conway", "Lopez", "", ["Kobayashi", "gold"]]),
    st.sampled_from(CARS),
)
MESSAGE = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["Track", "GT"]),
    st.sampled_from("ab"),
    st.sampled_from(["", None, "pit", "green"]),
    st.sampled_from(["", *CARS]),
).map(list)
FRAME = st.builds(
    lambda rows, flag, messages: frame(*rows, flag=flag, messages=messages),
    st.lists(ROW, max_size=3),
    st.sampled_from(["green", "yellow", "sc", "none", "red"]),
    st.lists(MESSAGE, max_size=3),
)
FEED = st.lists(st.tuples(st.sampled_from([0.5, 1, 4, 12, 95]), FRAME), max_size=12)


def timed(feed: list[tuple[float, State]]) -> list[tuple[float, State]]:
    """The frames of a feed at Unix seconds, not the time between them."""
    now, frames = 1000.0, []
    for wait, state in feed:
        now += wait
        frames.append((now, state))
    return frames


def published(analysis: Analysis) -> dict[str, Any]:
    """The live topics, made of the document."""
    document = documents(analysis)
    per_car = {
        f"{module}/{number}": {number: value}
        for module in ("lap", "stint", "car_messages")
        for number, value in document[module].items()
    }
    return {**{module: document[module] for module in ("static", "driver", "messages", "session")}, **per_car}


@given(FEED)
def test_what_changed_is_what_differs_between_the_documents(feed: list[tuple[float, State]]) -> None:
    analysis = Analysis.EMPTY
    for now, state in timed(feed):
        before, analysis = analysis, advance(analysis, COLUMNS, state, now)
        was, is_now = published(before), published(analysis)
        differs = {topic: payload for topic, payload in is_now.items() if topic not in was or was[topic] != payload}
        told = changed(before, analysis)
        assert dict(told) == differs
        assert len(told) == len(differs)


@settings(max_examples=300)
@given(feed=FEED, data=st.data())
def test_what_is_kept_goes_on_in_the_same_way(feed: list[tuple[float, State]], data: st.DataObject) -> None:
    frames = timed(feed)
    cut = data.draw(st.integers(0, len(frames)))
    analysis = Analysis.EMPTY
    for now, state in frames[:cut]:
        analysis = advance(analysis, COLUMNS, state, now)
    resumed = load(dump(analysis))
    assert resumed == analysis
    for now, state in frames[cut - 1 if cut else 0 :]:  # the frame that was the newest comes again
        analysis, resumed = (advance(each, COLUMNS, state, now) for each in (analysis, resumed))
        assert resumed == analysis
    assert dump(resumed) == dump(analysis)


@given(FEED)
def test_a_frame_that_comes_again_changes_only_the_time(feed: list[tuple[float, State]]) -> None:
    analysis = Analysis.EMPTY
    for now, state in timed(feed):
        analysis = advance(analysis, COLUMNS, state, now)
        again = advance(analysis, COLUMNS, state, now + 0.1)
        assert again.cars is analysis.cars
        assert [topic for topic, _ in changed(analysis, again)] == ["session"]


@given(FEED)
def test_stints_are_what_their_laps_make_them(feed: list[tuple[float, State]]) -> None:
    analysis = Analysis.EMPTY
    for now, state in timed(feed):
        analysis = advance(analysis, COLUMNS, state, now)
        document = documents(analysis)
        cars = {cells[0] for cells in state["cars"]}
        assert cars <= set(document["static"])
        assert set(document["static"]) == set(document["driver"]) == set(document["stint"])
        assert set(document["static"]) == set(document["car_messages"]) == set(document["lap"])
        for number, (running, _) in document["lap"].items():
            assert running is None or running[4] is True
            assert all(stint[4] is False for stint in document["stint"][number])
            for stint in [*document["stint"][number], *([running] if running else [])]:
                times, flags = [time for time, _ in stint[9]], [flag for _, flag in stint[9]]
                assert 1 <= stint[0] <= stint[2] + 1
                assert stint[1] <= stint[3] <= now
                assert -1 <= stint[5] < len(document["driver"][number])
                assert stint[6] == min(times, default=None)
                assert stint[7] == sum(flag >= 4 for flag in flags)


# Races whose laps we know, told by a feed whose columns lag behind


@dataclass(frozen=True)
class Lap:
    """One lap of a car."""

    seconds: int
    time: float  # what Last will say
    laps_late: int  # s after the passing
    last_late: int
    pit_at: int | None  # s after the start of the lap
    pit_for: int  # s


LAP = st.builds(
    Lap,
    st.integers(20, 60),
    st.sampled_from([93.1, 94.2, 95.3, 96.4]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.none() | st.integers(5, 59),
    st.integers(1, 30),
)
RACE = st.lists(LAP, min_size=1, max_size=8)


def told(laps: list[Lap], *, with_laps: bool) -> list[tuple[float, State]]:
    """A frame a second of one car's race: on the track from second 1, and 10 s more after the last lap."""
    ends = [sum(lap.seconds for lap in laps[: index + 1]) for index in range(len(laps))]
    starts = [0, *ends[:-1]]
    stops = [
        (start + lap.pit_at, start + lap.pit_at + lap.pit_for)
        for start, lap in zip(starts, laps, strict=True)
        if lap.pit_at is not None
    ]
    frames = []
    for now in range(ends[-1] + 10):
        column = sum(now >= end + lap.laps_late for end, lap in zip(ends, laps, strict=True))
        shown = [lap.time for end, lap in zip(ends, laps, strict=True) if now >= end + lap.last_late]
        in_pits = any(begin <= now < end for begin, end in stops)
        state = "N/S" if now == 0 else "PIT" if in_pits else "RUN"
        frames.append((float(now), frame(row(state, column if with_laps else "", shown[-1] if shown else None))))
    return frames


def all_stints(analysis: Analysis) -> list[Any]:
    running, _ = documents(analysis)["lap"]["7"]
    return [*documents(analysis)["stint"]["7"], *([running] if running else [])]


@settings(max_examples=300)
@given(RACE)
def test_every_lap_counts_once_with_its_time_whichever_column_tells_first(laps: list[Lap]) -> None:
    analysis = Analysis.EMPTY
    for now, state in told(laps, with_laps=True):
        analysis = advance(analysis, COLUMNS, state, now)
    stints = all_stints(analysis)
    assert [time for stint in stints for time, _ in stint[9]] == [lap.time for lap in laps]
    assert documents(analysis)["session"]["leaderLap"] == len(laps)


@settings(max_examples=300)
@given(RACE)
def test_stints_follow_each_other_without_a_gap(laps: list[Lap]) -> None:
    analysis = Analysis.EMPTY
    for now, state in told(laps, with_laps=True):
        analysis = advance(analysis, COLUMNS, state, now)
    stints = all_stints(analysis)
    assert [stint[0] for stint in stints] == [1, *(stint[2] + 1 for stint in stints[:-1])]
    assert [stint[2] - stint[0] + 1 for stint in stints] == [len(stint[9]) for stint in stints]
    assert stints[-1][2] == len(laps)


@given(RACE)
def test_without_laps_every_change_of_the_time_counts(laps: list[Lap]) -> None:
    analysis = Analysis.EMPTY
    for now, state in told(laps, with_laps=False):
        analysis = advance(analysis, COLUMNS, state, now)
    times = [lap.time for lap in laps]
    changes = [time for index, time in enumerate(times) if index == 0 or time != times[index - 1]]
    assert [time for stint in all_stints(analysis) for time, _ in stint[9]] == changes
