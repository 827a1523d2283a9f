"""A recording of a service's own."""

from pathlib import Path

from livetiming.recording import TimingRecorder
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


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    recorder = TimingRecorder(tmp_path / "race.zip")
    recorder.close()
    recorder.close()
    assert list(tmp_path.iterdir()) == []
