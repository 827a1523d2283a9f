"""Recordings go both ways: between ours and readers with dictdiffer, and ours and `@timing71/common` in node.

The states are those of a race of 60 cars, with everything that readers stumble over: cars and cells that go away,
keys with dots, several messages in one second, seconds without a frame.
"""

import importlib.util
import json
import random
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import dictdiffer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.diff import diff, patch
from livetiming.recording.format import Json, apply_intra, new_messages
from livetiming.recording.reader import Recording
from tests.support import npm, old_reader
from tests.support.old_reader import OldReader
from tests.support.recorded import NOON, frames, write

PACKAGE = "@timing71/common@0.6.1"
FRAMES = 600

States = list[tuple[int, dict[str, Any]]]  # (Unix s, state)
Race = tuple[dict[str, Any], States]  # with its manifest


@pytest.fixture(scope="module", params=["line", "live"])
def race(request: pytest.FixtureRequest, data: Path) -> Race:
    """A race of FRAMES frames, made difficult."""
    spec = importlib.util.spec_from_file_location("racegen", data / "racegen.py")
    assert spec is not None
    assert spec.loader is not None
    racegen = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(racegen)
    made = racegen.RaceGenerator(cars=60, seconds=FRAMES, seed=5, gap_mode=request.param)
    dice = random.Random(5)
    states: States = []
    told: list[Json] = []
    generated: list[Json] = []
    second = made.start
    for index, (_at, state) in enumerate(made.states()):
        second += dice.choice([1, 1, 1, 1, 2, 7])
        fresh = new_messages(generated, state["messages"])
        generated = state["messages"]
        for number in range(dice.choice([0, 0, 3])):
            fresh = [[second, "Race Control", f"CAR {number} TWICE {index}", "raceControl"], *fresh]
        told = [*fresh, *told][:100]
        states.append((second, difficult({**state, "messages": told}, index, dice)))
    return made.manifest(), states


def difficult(state: dict[str, Any], index: int, dice: random.Random) -> dict[str, Any]:
    """The state with what readers stumble over."""
    if dice.random() < 0.05:
        del state["cars"][dice.randrange(50) :]
    if dice.random() < 0.05:
        del state["cars"][0][-2:]
    state["session"]["sector.1"] = {"flag.state": index // 3, "0": [index % 4] * (index % 5)}
    if dice.random() < 0.1:
        del state["session"]["trackData"]
    if index % 25 == 0:
        state["session"]["trackData"] = {"Air": index}
    state["session"]["notes"] = [None, index // 7, {"": index % 2}]
    return state


def easy(state: dict[str, Any]) -> dict[str, Any]:
    """The state without what `@timing71/common` cannot write: keys with dots, and a list that becomes an object."""
    session = {key: value for key, value in state["session"].items() if key not in ("sector.1", "trackData")}
    return {**state, "session": session}


@pytest.fixture(scope="module")
def ours(race: Race, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of ours."""
    manifest, states = race
    return write(tmp_path_factory.mktemp("ours") / "race.zip", frames(states), manifest)


@pytest.fixture(scope="module")
def theirs(race: Race, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the field's."""
    manifest, states = race
    return old_reader.write(tmp_path_factory.mktemp("theirs") / "race.zip", manifest, states)


def shown(state: dict[str, Any]) -> dict[str, Any]:
    """The parts of a state that it was recorded with."""
    return {part: state[part] for part in ("cars", "session", "messages", "highlight")}


class TestDictdiffer:
    def test_a_file_of_ours_gives_exactly_the_states_that_were_recorded(self, race: Race, ours: Path) -> None:
        reader = OldReader(ours)
        assert reader.seconds == [second for second, _state in race[1]]
        for second, state in race[1][::7]:  # reopening takes 20 ms
            assert shown(reader.state_at(second)) == shown(state)

    def test_a_keyframe_of_ours_tells_its_time_in_milliseconds(self, ours: Path) -> None:
        reader = OldReader(ours)
        assert [reader.state_at(second)["lastUpdated"] for second in reader.keyframes[:5]] == [
            second * 1000 for second in reader.keyframes[:5]
        ]

    def test_where_a_list_got_shorter_there_is_a_keyframe(self, race: Race, ours: Path) -> None:
        states = race[1]
        shorter = [second for (_before, old), (second, new) in pairwise(states) if len(new["cars"]) < len(old["cars"])]
        assert shorter
        assert set(shorter) <= set(OldReader(ours).keyframes)

    def test_a_file_of_theirs_gives_exactly_the_states_that_were_recorded(self, race: Race, theirs: Path) -> None:
        with Recording(theirs) as recording:
            assert [(second, shown(state)) for second, state in recording.states()] == [
                (second, shown(state)) for second, state in race[1]
            ]


# What states hold. Their numbers are far enough apart: dictdiffer takes neighbouring floats for equal.
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2, width=16) | st.sampled_from(["", "a", "7"])
keys = st.sampled_from(["a", "b", "a.b", ".", "0", "trackData"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
rows = st.lists(st.lists(values, max_size=4), max_size=4)
sessions = st.dictionaries(keys, values, max_size=4)
pairs = st.tuples(rows, rows) | st.tuples(sessions, sessions)


def through_json(value: Json) -> Json:
    return json.loads(json.dumps(value))


def with_indices_as_text(changes: Json) -> Json:
    """The paths as the oldest files have them: all parts joined by dots, where no key holds one."""
    joined = []
    for action, path, items in changes:
        text = isinstance(path, list) and not any("." in str(part) or part == "" for part in path)
        joined.append([action, ".".join(map(str, path)) if text else path, items])
    return joined


@given(pairs)
def test_theirs_applies_the_diff_of_ours(pair: tuple[Json, Json]) -> None:
    old, new = pair
    assert dictdiffer.patch(through_json(diff(old, new)), deepcopy(old)) == new


@given(pairs)
def test_ours_applies_the_diff_of_theirs(pair: tuple[Json, Json]) -> None:
    old, new = pair
    changes = list(dictdiffer.diff(old, new))
    assert patch(old, through_json(changes)) == new


@given(pairs)
def test_ours_applies_it_as_tuples_too_and_with_indices_as_text(pair: tuple[Json, Json]) -> None:
    old, new = pair
    changes = list(dictdiffer.diff(old, new))
    assert patch(old, changes) == new
    assert patch(old, with_indices_as_text(through_json(changes))) == new


# Reads {"file", "times", "pairs"}; writes what the package makes of them, one JSON document.
SCRIPT = """
import { readFileSync } from "node:fs";
import { loadReplayFromFile } from "@timing71/common";
import { createIframe } from "./node_modules/@timing71/common/src/replay.js";

console.warn = () => {};  // it warns of each change of a list or object
const { file, times, pairs } = JSON.parse(readFileSync(0, "utf-8"));
const replay = await loadReplayFromFile(new Blob([readFileSync(file)]));
const frames = [];
await replay.forEachFrame((state, second) => frames.push([second, structuredClone(state)]));
const looked = [];
for (const time of times) looked.push(await replay.getStateAt(time));
const made = pairs.map(([before, after]) => createIframe(before, after));
process.stdout.write(JSON.stringify({ manifest: replay.manifest, frames, looked, made }));
"""

Node = Callable[[Path, list[int], list[Json]], Json]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Runs SCRIPT where the package is installed."""
    folder = tmp_path_factory.mktemp("common")
    npm.install(PACKAGE, folder)
    (folder / "read.mjs").write_text(SCRIPT)

    def run(file: Path, times: list[int], pairs: list[Json]) -> Json:
        given = json.dumps({"file": str(file), "times": times, "pairs": pairs})
        return json.loads(npm.run(folder, "read.mjs", given=given))

    return run


class TestTiming71Common:
    def test_a_file_of_ours_gives_exactly_the_states_that_were_recorded(
        self, node: Node, race: Race, ours: Path
    ) -> None:
        manifest, states = race
        answer = node(ours, [], [])
        assert [(second, shown(state)) for second, state in answer["frames"]] == [
            (second, shown(state)) for second, state in states
        ]
        assert answer["manifest"]["uuid"] == manifest["uuid"]
        first, last = states[0][0], states[-1][0]
        assert (answer["manifest"]["startTime"], answer["manifest"]["duration"]) == (first, last - first)

    def test_each_frame_tells_its_time_in_milliseconds(self, node: Node, ours: Path) -> None:
        frames_seen = node(ours, [], [])["frames"]
        assert [state["lastUpdated"] for _second, state in frames_seen] == [second * 1000 for second, _ in frames_seen]

    def test_looking_at_any_time_gives_the_state_of_that_time(self, node: Node, race: Race, ours: Path) -> None:
        first, last = race[1][0][0], race[1][-1][0]
        times = random.Random(7).sample(range(first, last + 5), 20)
        with Recording(ours) as recording:
            for time, looked in zip(times, node(ours, times, [])["looked"], strict=True):
                state = recording.state_at(time)
                assert state is not None
                assert shown(looked) == shown(state)

    def test_we_apply_the_frames_that_it_makes(self, node: Node, race: Race, ours: Path) -> None:
        pairs = list(pairwise(easy(state) for _second, state in race[1][:100]))
        for (old, new), made in zip(pairs, node(ours, [], [list(pair) for pair in pairs])["made"], strict=True):
            got = apply_intra(old, made)
            assert shown(got) == shown(new)

    def test_it_leaves_a_hole_where_an_intra_frame_shortens_a_list_which_is_why_ours_never_does(
        self, node: Node, tmp_path: Path
    ) -> None:
        states = [
            (NOON + at, {"cars": cars, "session": {}, "messages": [], "highlight": []})
            for at, cars in enumerate([[["7"], ["8"]], [["7"]]])
        ]
        theirs = old_reader.write(tmp_path / "theirs.zip", {}, states)
        assert [state["cars"] for _second, state in node(theirs, [], [])["frames"]] == [[["7"], ["8"]], [["7"], None]]
        ours = write(tmp_path / "ours.zip", frames(states), {})
        assert [state["cars"] for _second, state in node(ours, [], [])["frames"]] == [[["7"], ["8"]], [["7"]]]
