"""rectool's actions that make a recording: set, clip, merge; and what they never do to a file that is there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.recording.analysed import analysis_path, write_analysis
from livetiming.recording.format import KEYFRAME_EVERY, Kind
from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.recordings.rectool.cli import main
from tests.support.recorded import COLUMNS, MANIFEST, NOON, UUID, Recorded, frames, lap, laps, write

OTHER = "f" * 32


@pytest.fixture
def race(tmp_path: Path) -> Path:
    """A recording of 25 frames, one a second."""
    return write(tmp_path / "race.zip", frames(laps(25)))


def states(path: Path) -> list[tuple[int, State]]:
    with Recording(path) as recording:
        return list(recording.states())


def manifest(path: Path) -> dict[str, Any]:
    with Recording(path) as recording:
        return recording.manifest


def follows_the_rules(path: Path) -> bool:
    """At least every tenth frame is a keyframe, the first one too."""
    with Recording(path) as recording:
        kinds = "".join(frame.kind for frame in recording.frames())
    return kinds.startswith(Kind.KEY) and Kind.INTRA * KEYFRAME_EVERY not in kinds


class TestSet:
    def test_a_value_that_is_no_json_is_a_text(self, race: Path) -> None:
        assert main(["set", str(race), "description", "24 h of Le Mans"]) == 0
        assert manifest(race) == {**MANIFEST, "description": "24 h of Le Mans", "version": 1, "startTime": NOON}

    def test_a_value_that_is_json_is_that(self, race: Path) -> None:
        assert main(["set", str(race), "hidden", "true"]) == 0
        assert main(["set", str(race), "event", '{"id": 7}']) == 0
        assert (manifest(race)["hidden"], manifest(race)["event"]) == (True, {"id": 7})

    @pytest.mark.parametrize(("given", "kept"), [("2025", "2025"), ("null", "null"), ('"24"', "24")])
    def test_a_description_is_always_a_text(self, race: Path, given: str, kept: str) -> None:
        assert main(["set", str(race), "description", given]) == 0
        assert manifest(race)["description"] == kept

    def test_a_dot_in_a_key_is_a_part_of_it(self, race: Path) -> None:
        assert main(["set", str(race), "a.b", "1"]) == 0
        assert manifest(race)["a.b"] == 1

    def test_the_frames_stay_as_they_are(self, race: Path) -> None:
        with Recording(race) as recording:
            before = [recording.raw(second) for second in recording.seconds]
        main(["set", str(race), "name", "WEC"])
        with Recording(race) as recording:
            assert [recording.raw(second) for second in recording.seconds] == before

    @pytest.mark.parametrize("key", ["uuid", "version", "startTime"])
    def test_what_the_file_goes_by_cannot_be_set(
        self, race: Path, key: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = race.read_bytes()
        assert main(["set", str(race), key, "1"]) == 2
        assert f"{key} cannot be set: " in capsys.readouterr().err
        assert race.read_bytes() == before

    def test_what_readers_could_not_use_is_refused(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = race.read_bytes()
        assert main(["set", str(race), "colSpec", "7"]) == 1
        assert "colSpec" in capsys.readouterr().err
        assert race.read_bytes() == before

    def test_the_later_recording_of_a_service_can_be_set_too(self, tmp_path: Path) -> None:
        later = write(tmp_path / f"{UUID}_1.zip", frames(laps(3)), {**MANIFEST, "uuid": f"{UUID}:1"})
        assert main(["set", str(later), "name", "WEC"]) == 0
        assert (manifest(later)["uuid"], manifest(later)["name"]) == (f"{UUID}:1", "WEC")

    def test_the_analysis_beside_it_gets_the_new_manifest_too(self, race: Path) -> None:
        write_analysis(race)
        assert main(["set", str(race), "name", "WEC"]) == 0
        assert orjson.loads(analysis_path(race).read_bytes())["service"] == manifest(race)

    def test_an_analysis_that_stays_behind_is_told(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        analysis_path(race).write_text("no JSON")
        assert main(["set", str(race), "name", "WEC"]) == 1
        assert "the analysis has the manifest from before" in capsys.readouterr().err
        assert manifest(race)["name"] == "WEC"

    def test_the_result_for_a_program(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["set", str(race), "hidden", "false", "--json"]) == 0
        assert orjson.loads(capsys.readouterr().out) == {"file": str(race), "key": "hidden", "value": False}

    def test_interrupted_anywhere_it_leaves_the_old_file_or_the_new_one(
        self, race: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The n-th call that the writer makes of the system fails, for n = 1, 2, 3 … until none fails."""
        original, expected = race.read_bytes(), states(race)
        for number in range(1, 100):
            race.write_bytes(original)
            with monkeypatch.context() as patched:
                calls = fail_nth(patched, number)
                code = main(["set", str(race), "name", "new"])
            assert states(race) == expected
            assert manifest(race)["name"] in (MANIFEST["name"], "new")
            assert [path.name for path in race.parent.iterdir()] == ["race.zip"]
            if len(calls) < number:
                assert code == 0
                break
            assert code == 1
        else:
            pytest.fail("it never came through")
        assert number > 4
        assert manifest(race)["name"] == "new"


def fail_nth(patched: pytest.MonkeyPatch, number: int) -> list[str]:
    """Let the `number`-th call that alters the disk fail; the list fills with the calls made."""
    calls: list[str] = []

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) == number:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        return call

    for name in ("write", "writev", "pwrite", "fsync", "fchmod"):
        patched.setattr(os, name, failing(name, getattr(os, name)))
    patched.setattr(Path, "rename", failing("rename", Path.rename))
    return calls


class TestClip:
    def test_it_takes_from_the_first_time_to_before_the_second(
        self, race: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["clip", str(race), "0:00:03", f"@{NOON + 14}"]) == 0
        made = race.with_name("race_clip.zip")
        assert states(made) == laps(25)[3:14]
        assert capsys.readouterr().out.startswith(f"{made}: 11 frames, 0:00:10, from 2023-11-14 22:13:23 UTC")

    def test_without_the_second_it_goes_to_the_end(self, race: Path) -> None:
        assert main(["clip", str(race), "20"]) == 0
        assert states(race.with_name("race_clip.zip")) == laps(25)[20:]

    def test_between_two_frames_it_begins_with_the_state_of_the_first(self, tmp_path: Path) -> None:
        slow = write(tmp_path / "slow.zip", frames(laps(4, step=10)))
        assert main(["clip", str(slow), "15", "25"]) == 0
        assert states(tmp_path / "slow_clip.zip") == [(NOON + 15, lap(1)), (NOON + 20, lap(2))]

    def test_the_manifest_stays_but_for_the_start(self, race: Path) -> None:
        main(["clip", str(race), "3"])
        assert manifest(race.with_name("race_clip.zip")) == {**MANIFEST, "version": 1, "startTime": NOON + 3}

    @pytest.mark.parametrize("span", [["25"], ["10", "10"], ["10", "5"], ["@1600000000", "@1600000100"]])
    def test_where_nothing_is_there_is_no_file(
        self, race: Path, span: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["clip", str(race), *span]) == 1
        assert "there is nothing in that part" in capsys.readouterr().err
        assert not race.with_name("race_clip.zip").exists()

    def test_of_a_recording_in_progress_it_makes_a_recording(self, tmp_path: Path) -> None:
        journal = Recorded(tmp_path / f"{UUID}.0.journal")
        journal.record(laps(25))
        before = journal.path.read_bytes()
        assert main(["clip", str(journal.path), "0", "-o", str(tmp_path / "so-far.zip")]) == 0
        assert states(tmp_path / "so-far.zip") == laps(25)
        assert journal.path.read_bytes() == before

    @settings(max_examples=60)
    @given(data=st.data())
    def test_at_every_second_of_it_the_state_is_that_of_the_whole(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("clip")
        whole = write(folder / "race.zip", frames(data.draw(races())))
        with Recording(whole) as recording:
            begin = data.draw(st.integers(0, recording.duration))
            end = data.draw(st.integers(begin + 1, recording.duration + 5))
        assert main(["clip", str(whole), str(begin), str(end)]) == 0
        made = folder / "race_clip.zip"
        with Recording(whole) as recording, Recording(made) as clipped:
            for second in range(recording.start + begin, min(recording.start + end, recording.end + 1)):
                assert clipped.state_at(second) == recording.state_at(second)
            assert clipped.start == recording.start + begin
            assert clipped.end < recording.start + end
        assert follows_the_rules(made)


class TestMerge:
    def test_two_that_follow_one_another_become_one(self, race: Path, tmp_path: Path) -> None:
        later = write(tmp_path / "race_1.zip", frames(laps(10, NOON + 100)), {**MANIFEST, "uuid": f"{UUID}:1"})
        assert main(["merge", str(later), str(race)]) == 0
        made = tmp_path / "race_merged.zip"
        assert states(made) == [*laps(25), *laps(10, NOON + 100)]
        assert manifest(made) == manifest(race)

    def test_where_they_overlap_the_one_that_began_later_counts(self, race: Path, tmp_path: Path) -> None:
        later = write(tmp_path / "later.zip", frames([(NOON + 20 + index, lap(500 + index)) for index in range(10)]))
        assert main(["merge", str(race), str(later)]) == 0
        assert states(tmp_path / "race_merged.zip") == [*laps(25)[:20], *states(later)]

    def test_after_one_inside_the_other_that_goes_on(self, race: Path, tmp_path: Path) -> None:
        inside = write(tmp_path / "inside.zip", frames([(NOON + 5 + index, lap(500 + index)) for index in range(3)]))
        assert main(["merge", str(race), str(inside)]) == 0
        assert states(tmp_path / "race_merged.zip") == [*laps(25)[:5], *states(inside), *laps(25)[8:]]

    def test_of_two_that_begin_together_the_last_named_counts(self, race: Path, tmp_path: Path) -> None:
        other = write(tmp_path / "other.zip", frames([(NOON + index, lap(500 + index)) for index in range(25)]))
        assert main(["merge", str(race), str(other), "-o", str(tmp_path / "a.zip")]) == 0
        assert main(["merge", str(other), str(race), "-o", str(tmp_path / "b.zip")]) == 0
        assert (states(tmp_path / "a.zip"), states(tmp_path / "b.zip")) == (states(other), states(race))

    def test_recordings_of_two_services_are_merged_only_if_that_is_meant(
        self, race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = write(tmp_path / "other.zip", frames(laps(3, NOON + 50)), {**MANIFEST, "uuid": OTHER})
        assert main(["merge", str(race), str(other)]) == 1
        assert "--any-service" in capsys.readouterr().err
        assert main(["merge", str(race), str(other), "--any-service"]) == 0

    def test_recordings_with_other_columns_are_not(
        self, race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = write(tmp_path / "other.zip", frames(laps(3, NOON + 50)), {**MANIFEST, "colSpec": COLUMNS[:2]})
        assert main(["merge", str(race), str(other), "--any-service"]) == 1
        assert "colSpec" in capsys.readouterr().err

    def test_one_file_is_nothing_to_merge(self, race: Path) -> None:
        assert main(["merge", str(race)]) == 2

    @settings(max_examples=60)
    @given(data=st.data())
    def test_at_every_second_the_state_is_that_of_the_latest_that_covers_it(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("merge")
        paths = [
            write(folder / f"{index}.zip", frames(data.draw(races()))) for index in range(data.draw(st.integers(2, 4)))
        ]
        assert main(["merge", *map(str, paths), "-o", str(folder / "made.zip")]) == 0
        parts = [Recording(path) for path in paths]
        parts.sort(key=lambda part: part.start)
        with Recording(folder / "made.zip") as made:
            for second in range(parts[0].start, max(part.end for part in parts) + 1):
                covering = [part for part in parts if part.start <= second <= part.end]
                if covering:
                    assert made.state_at(second) == covering[-1].state_at(second)
            assert (made.start, made.end) == (parts[0].start, max(part.end for part in parts))
        for part in parts:
            part.close()
        assert follows_the_rules(folder / "made.zip")


class TestFilesThatAreThere:
    @pytest.mark.parametrize("line", [["clip", "3"], ["merge"]])
    def test_they_are_replaced_by_force_only(
        self, race: Path, tmp_path: Path, line: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = [str(write(tmp_path / "b.zip", frames(laps(3, NOON + 50))))] if line == ["merge"] else []
        there = tmp_path / "there.zip"
        there.write_text("mine")
        command = [line[0], str(race), *other, *line[1:], "-o", str(there)]
        assert main(command) == 2
        assert there.read_text() == "mine"
        assert "--force" in capsys.readouterr().err
        assert main([*command, "--force"]) == 0
        assert len(states(there)) > 3

    def test_what_is_read_is_never_replaced(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = race.read_bytes()
        assert main(["clip", str(race), "3", "-o", str(race), "--force"]) == 2
        assert "is what is read" in capsys.readouterr().err
        assert race.read_bytes() == before

    @pytest.mark.parametrize("line", [["clip", "3"], ["repair"], ["convert"], ["export", "--table", "frames"]])
    def test_nor_is_it_while_the_new_file_is_written(
        self, race: Path, line: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What an interrupted writer left is where the next one writes."""
        left = race.rename(race.with_name("race.csv.part"))
        before = left.read_bytes()
        assert main([line[0], str(left), *line[1:], "-o", str(race.with_name("race.csv")), "--force"]) == 2
        assert f"{left} would be overwritten" in capsys.readouterr().err
        assert left.read_bytes() == before

    def test_a_folder_takes_the_file_under_its_usual_name(self, race: Path, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        assert main(["clip", str(race), "3", "-o", str(tmp_path / "folder"), "--json"]) == 0
        assert (tmp_path / "folder" / "race_clip.zip").is_file()

    @pytest.mark.parametrize("line", [["set", "name", "x"], ["repair"], ["convert"], ["merge"]])
    def test_a_journal_is_left_to_the_dvr(
        self, tmp_path: Path, line: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        journal = Recorded(tmp_path / f"{UUID}.0.journal")
        journal.record(laps(5))
        before = journal.path.read_bytes()
        files = [str(journal.path)] * (2 if line == ["merge"] else 1)
        assert main([line[0], *files, *line[1:]]) == 1
        assert "it is the journal of one in progress" in capsys.readouterr().err
        assert journal.path.read_bytes() == before


@st.composite
def races(draw: st.DrawFn) -> list[tuple[int, State]]:
    """A small race: cars come and go, seconds are left out."""
    second, made = NOON + draw(st.integers(0, 20)), list[tuple[int, State]]()
    for _ in range(draw(st.integers(1, 25))):
        cars = draw(st.lists(st.tuples(st.sampled_from("78"), st.integers(0, 3)).map(list), max_size=3))
        flag = draw(st.sampled_from(["green", "sc"]))
        made.append((second, {"cars": cars, "session": {"flagState": flag}, "messages": [], "highlight": []}))
        second += draw(st.integers(1, 3))
    return made
