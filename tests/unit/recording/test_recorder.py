"""A recording of a service's own."""

from pathlib import Path

import pytest

from livetiming.files import opened_alone
from livetiming.recording import TimingRecorder, writer
from livetiming.recording.reader import Recording

MANIFEST = {"uuid": "a" * 32, "name": "Club", "description": "Race", "colSpec": []}


def state(laps: int) -> dict[str, object]:
    return {"cars": [["7", laps]], "session": {}, "messages": [], "highlight": []}


def test_states_become_a_recording_of_which_each_second_keeps_the_newest(tmp_path: Path) -> None:
    recorder = TimingRecorder(tmp_path / "race.zip")
    recorder.writeManifest(MANIFEST)
    for second, laps in [(100, 1), (101.2, 2), (101.9, 3), (103, 4)]:
        recorder.writeState(state(laps), second)
    recorder.close()
    with Recording(tmp_path / "race.zip") as recording:
        assert [(second, each["cars"][0][1]) for second, each in recording.states()] == [(100, 1), (101, 3), (103, 4)]
        assert recording.manifest["name"] == "Club"


def test_what_cannot_be_recorded_is_left_out(tmp_path: Path) -> None:
    recorder = TimingRecorder(tmp_path / "race.zip")
    recorder.writeState(state(1), 100)
    recorder.writeState({"cars": "none"}, 101)
    recorder.writeState(state(2), 102)
    recorder.close()
    with Recording(tmp_path / "race.zip") as recording:
        assert [second for second, _ in recording.states()] == [100, 102]


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        recorder = TimingRecorder(str(tmp_path / "race"))
        recorder.writeState(state(1), 100)
        recorder.close()
        names.append(recorder.path.name)
    assert names == ["race.zip", "race_1.zip", "race_2.zip"]


def test_a_file_that_somebody_else_is_writing_is_kept(tmp_path: Path) -> None:
    one, other = TimingRecorder(tmp_path / "race.zip"), TimingRecorder(tmp_path / "race.zip")
    for recorder in (one, other):
        recorder.writeState(state(1), 100)
        recorder.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["race.zip", "race_1.zip"]


def test_a_file_that_somebody_finishes_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has it between our look and our lock."""
    path = tmp_path / "race.zip"

    def opened(part: Path, mode: int, *, wait: bool) -> int:
        if not path.exists():
            path.write_text("another's")
        return opened_alone(part, mode, wait=wait)

    monkeypatch.setattr(writer, "opened_alone", opened)
    recorder = TimingRecorder(path)
    recorder.writeState(state(1), 100)
    recorder.close()
    assert (recorder.path.name, path.read_text()) == ("race_1.zip", "another's")
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    recorder = TimingRecorder(tmp_path / "race.zip")
    recorder.close()
    recorder.close()
    assert list(tmp_path.iterdir()) == []
