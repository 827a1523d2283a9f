"""The analysis of a recording: that of a live service, made of the frames that the file holds."""

import importlib.util
import multiprocessing
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.analysis import Analysis, Columns, advance, full
from livetiming.chrono import cli as chrono
from livetiming.recording.analysed import (
    PROGRESS_EVERY,
    Unwritable,
    analyse,
    analysis_path,
    write_analysis,
    write_document,
)
from livetiming.recording.format import BadEntry, Frame, Kind, NotARecording
from livetiming.recording.reader import Recording
from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.framing import split_lines
from livetiming.rmonitor.state import Options, columns, race_state
from livetiming.state import MESSAGES_LIMIT, State, empty_state
from tests.support.recorded import COLUMNS, MANIFEST, NOON, Timed, frames, lap, laps, nested, write


def live(states: Timed, spec: Any = COLUMNS) -> bytes:
    """The document of a live analysis that is fed these states, of each second the newest."""
    newest = dict(states)
    analysis, state, read = Analysis.EMPTY, empty_state(), Columns.of(spec)
    for second, state in newest.items():
        analysis = advance(analysis, read, state, second)
    manifest = {**MANIFEST, "colSpec": spec, "version": 1, "startTime": next(iter(newest))}
    return orjson.dumps(full(analysis, state, manifest), option=orjson.OPT_SORT_KEYS)


def recorded(folder: Path, states: Timed, spec: Any = COLUMNS) -> bytes:
    """The document of the recording of these states."""
    path = write(folder / "race.zip", frames(states), {**MANIFEST, "colSpec": spec})
    with Recording(path) as recording:
        return orjson.dumps(analyse(recording), option=orjson.OPT_SORT_KEYS)


class TestEquality:
    """With a live analysis that is fed the frames that the file holds."""

    def test_of_a_few_laps(self, tmp_path: Path) -> None:
        assert recorded(tmp_path, laps(50)) == live(laps(50))

    def test_of_several_states_in_one_second_the_newest_counts_in_both(self, tmp_path: Path) -> None:
        states = [(NOON + index // 3, lap(index)) for index in range(60)]
        assert recorded(tmp_path, states) == live(states)

    @pytest.mark.parametrize("name", ["2009_Sebring_ALMS_Session_4.txt", "Orbits_Mock_Session.txt"])
    def test_of_an_rmonitor_capture(self, data: Path, tmp_path: Path, name: str) -> None:
        states = list(capture(data / "rmonitor" / name))
        spec = [stat.column() for stat in columns(Options())]
        assert len(states) > 300
        assert recorded(tmp_path, states, spec) == live(states, spec)

    def test_of_published_results(self, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Of a recording that a plugin's own command has made: fed its states again, and recorded again."""
        laps_file = data / "alkamel" / "202307221210-race-laps.csv"
        target = tmp_path / "chrono.zip"
        chrono.main(["alkamel", "-i", str(laps_file), "-o", str(target), "--date", "2023-07-22", "--duration", "2400"])
        with Recording(target) as recording:
            states, spec = list(recording.states()), recording.manifest["colSpec"]
        assert recorded(tmp_path, states, spec) == live(states, spec)

    def test_of_a_generated_race(self, data: Path, tmp_path: Path) -> None:
        race = generator(data)(cars=12, seconds=1800, seed=3, gap_mode="live")
        states, spec = list(race.states()), race.manifest()["colSpec"]
        assert recorded(tmp_path, states, spec) == live(states, spec)

    @settings(max_examples=60)
    @given(data=st.data())
    def test_of_any_race(self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
        states = data.draw(RACES)
        assert recorded(tmp_path_factory.mktemp("race"), states) == live(states)


NUMBERS = st.sampled_from(["7", "8", "007", "É1"])
ROWS = st.tuples(
    NUMBERS,
    st.sampled_from(["RUN", "PIT", "OUT", "N/S", "RET", "FIN", "STOP", ""]),
    st.integers(0, 9) | st.just(""),
    st.tuples(st.floats(60, 99) | st.just(""), st.sampled_from(["", "pb", "sb"])).map(list),
).map(list)
MESSAGES = st.tuples(
    st.integers(NOON, NOON + 9), st.sampled_from(["Track", "GT"]), st.text(max_size=2), st.sampled_from(["", "pit"])
).map(list)
FLAGS = st.sampled_from(["green", "sc", "fcy", "red", "chequered", "none"])


@st.composite
def races(draw: st.DrawFn) -> list[tuple[int, State]]:
    """Some frames; now and then two in a second, none in others; messages stay as they do in a service."""
    second, messages, states = NOON, list[Any](), list[tuple[int, State]]()
    for _ in range(draw(st.integers(1, 25))):
        second += draw(st.integers(0, 3))
        messages = [*draw(st.lists(MESSAGES, max_size=2)), *messages][:MESSAGES_LIMIT]
        session = {"flagState": draw(FLAGS), "timeElapsed": second - NOON}
        states.append((second, {"cars": draw(CARS), "session": session, "messages": messages, "highlight": []}))
    return states


CARS = st.lists(ROWS, max_size=4, unique_by=lambda row: str(row[0]))
RACES = races()


def capture(path: Path) -> Iterator[tuple[int, State]]:
    """A state for each heartbeat of an RMonitor capture, a second each."""
    feed, second, options = Feed(), NOON, Options()
    for line in split_lines(path.read_bytes()):
        feed.receive(f"{line}\n".encode())
        if line.startswith("$F"):
            second += 1
            yield second, orjson.loads(orjson.dumps({**empty_state(), **race_state(feed.board, options)}))


def generator(data: Path) -> Any:
    """The race generator of the test data."""
    spec = importlib.util.spec_from_file_location("racegen", data / "racegen.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.RaceGenerator


class TestDocument:
    def test_it_holds_the_last_state_and_the_manifest_of_the_file(self, tmp_path: Path) -> None:
        with Recording(write(tmp_path / "a.zip", frames(laps(5)))) as recording:
            document = analyse(recording)
            assert document["state"] == lap(4)
            assert document["service"] == recording.manifest

    def test_the_times_are_the_seconds_of_the_frames(self, tmp_path: Path) -> None:
        with Recording(write(tmp_path / "a.zip", frames(laps(3, step=7)))) as recording:
            document = analyse(recording)
        assert document["session"]["currentTimestamp"] == NOON + 14
        assert document["lap"]["7"][1] == NOON + 14

    @pytest.mark.parametrize("spec", [None, 7, "Num", {"Num": "text"}, [None, ["Num"], []]])
    def test_columns_that_make_no_sense_are_none(self, tmp_path: Path, spec: Any) -> None:
        path = write(tmp_path / "a.zip", frames(laps(3)), {**MANIFEST, "colSpec": spec})
        with Recording(path) as recording:
            assert analyse(recording)["session"]["flagStats"] == [[1, 0, NOON, None, None]]

    def test_progress_is_told_now_and_then_and_at_the_end(self, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []
        count = PROGRESS_EVERY + 1
        with Recording(write(tmp_path / "a.zip", frames(laps(count)))) as recording:
            analyse(recording, progress=lambda done, total: told.append((done, total)))
        assert told == [(PROGRESS_EVERY, count), (count, count)]


def with_bad_frames(folder: Path, *bad: int) -> Path:
    """A recording of 30 laps, of which some frames are no JSON."""
    made = frames(laps(30))
    for index in bad:
        made[index] = Frame(made[index].second, made[index].kind, b"no JSON")
    return write(folder / "bad.zip", made)


class TestBadFrames:
    def test_they_are_told_and_the_rest_is_analysed_from_the_next_keyframe_on(self, tmp_path: Path) -> None:
        told: list[BadEntry] = []
        path = with_bad_frames(tmp_path, 5, 6)
        with Recording(path) as recording:
            assert recording.frame(NOON + 10).kind is Kind.KEY
            document = analyse(recording, told.append)
        assert [error.entry for error in told] == [f"0{NOON + 5}i.json"]
        laps_of_stint = document["lap"]["7"][0][9]
        assert len(laps_of_stint) == 4 + 20  # laps 1 to 4, and 10 to 29
        assert document["state"] == lap(29)

    def test_without_a_listener_the_first_one_is_raised(self, tmp_path: Path) -> None:
        with Recording(with_bad_frames(tmp_path, 5)) as recording, pytest.raises(BadEntry, match=f"{NOON + 5}i.json"):
            analyse(recording)

    def test_of_nothing_readable_it_is_the_analysis_of_nothing(self, tmp_path: Path) -> None:
        told: list[BadEntry] = []
        with Recording(with_bad_frames(tmp_path, *range(30))) as recording:
            document = analyse(recording, told.append)
        assert (document["state"], document["static"]) == (empty_state(), {})
        assert len(told) == 3  # the keyframes; what builds on them is not tried


class TestFile:
    def test_it_stands_beside_the_recording(self, tmp_path: Path) -> None:
        assert analysis_path(tmp_path / "0123_1.zip") == tmp_path / "0123_1.json"
        path = write(tmp_path / "0123_1.zip", frames(laps(3)))
        assert write_analysis(path) == tmp_path / "0123_1.json"
        with Recording(path) as recording:
            assert orjson.loads((tmp_path / "0123_1.json").read_bytes()) == analyse(recording)

    def test_the_web_server_may_read_it(self, tmp_path: Path) -> None:
        before = os.umask(0o077)
        try:
            target = write_analysis(write(tmp_path / "a.zip", frames(laps(3))))
        finally:
            os.umask(before)
        assert stat.S_IMODE(target.stat().st_mode) == 0o664

    def test_one_that_cannot_be_made_leaves_what_was_there(self, tmp_path: Path) -> None:
        (tmp_path / "bad.json").write_text("before")
        with pytest.raises(BadEntry):
            write_analysis(with_bad_frames(tmp_path, 5))
        (tmp_path / "foreign.zip").write_text("no ZIP")
        with pytest.raises(NotARecording):
            write_analysis(tmp_path / "foreign.zip", tmp_path / "bad.json")
        assert (tmp_path / "bad.json").read_text() == "before"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json", "bad.zip", "foreign.zip"]

    def test_one_that_nests_too_deep_to_be_written_is_an_error_that_names_it(self, tmp_path: Path) -> None:
        path = write(tmp_path / "deep.zip", [nested(NOON, 300)])
        with pytest.raises(Unwritable, match=r"deep\.json"):
            write_analysis(path)
        assert [each.name for each in tmp_path.iterdir()] == ["deep.zip"]

    def test_what_a_killed_process_left_is_used_by_the_next_one(self, tmp_path: Path) -> None:
        (tmp_path / ".a.json.new").write_bytes(b"half a document" * 1000)
        write_document({"state": 1}, tmp_path / "a.json")
        assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
        assert (tmp_path / "a.json").read_bytes() == b'{"state":1}'

    def test_several_processes_that_write_it_at_once_take_turns(self, tmp_path: Path) -> None:
        target = tmp_path / "a.json"
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=write_often, args=(target, letter)) for letter in "abc"]
        for writer in writers:
            writer.start()
        seen: set[str] = set()
        while any(writer.is_alive() for writer in writers):
            if target.exists():
                seen |= set(orjson.loads(target.read_bytes())["text"])
        for writer in writers:
            writer.join(60)
        assert [writer.exitcode for writer in writers] == [0, 0, 0]
        assert seen <= set("abc")
        assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def write_often(target: Path, letter: str) -> None:
    """Documents of one letter, each of another length."""
    for length in range(40):
        write_document({"text": letter * (length * 977 % 5000 + 1)}, target)
