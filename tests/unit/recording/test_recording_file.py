"""Recordings on the disk: what the writer makes, what the reader takes, and what it rejects."""

import stat
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import orjson
import pytest

from livetiming.recording.format import BadEntry, Chain, Frame, Json, Kind, NotARecording, advance
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from livetiming.state import State

NOON = 1_700_000_000
UUID = "0123456789abcdef0123456789abcdef"
MANIFEST = {"uuid": UUID, "name": "FIA WEC", "description": "6h of Spa - Race", "version": 1, "startTime": NOON}


def lap(number: int) -> State:
    return {"cars": [["7", "RUN", number]], "session": {"timeElapsed": number}, "messages": [], "highlight": []}


def frames(count: int, step: int = 1) -> list[Frame]:
    chain, made = Chain(), []
    for index in range(count):
        chain, frame = advance(chain, NOON + index * step, lap(index))
        made.append(frame)
    return made


def write(target: Path, count: int = 25, step: int = 1) -> Path:
    with RecordingWriter(target) as writer:
        for frame in frames(count, step):
            writer.add(frame)
        writer.finish({"uuid": UUID, "name": "FIA WEC", "description": "6h of Spa - Race"})
    return target


def archive(target: Path, entries: dict[str, Json]) -> Path:
    """A ZIP of `entries`, as somebody else may have written it."""
    with ZipFile(target, "w", ZIP_DEFLATED) as file:
        for name, value in entries.items():
            file.writestr(name, value if isinstance(value, bytes) else orjson.dumps(value))
    return target


class TestWriting:
    def test_the_manifest_gets_its_version_and_the_second_of_the_first_frame(self, tmp_path: Path) -> None:
        with Recording(write(tmp_path / "a.zip")) as recording:
            assert recording.manifest == MANIFEST

    def test_the_entries_are_deflated_frames_and_the_manifest(self, tmp_path: Path) -> None:
        with ZipFile(write(tmp_path / "a.zip", 3)) as file:
            assert sorted(file.namelist()) == [
                "01700000000.json",
                "01700000001i.json",
                "01700000002i.json",
                "manifest.json",
            ]
            assert {info.compress_type for info in file.infolist()} == {ZIP_DEFLATED}

    def test_the_file_is_readable_by_the_web_server(self, tmp_path: Path) -> None:
        assert stat.S_IMODE(write(tmp_path / "a.zip").stat().st_mode) == 0o664

    def test_until_it_is_finished_no_file_has_the_final_name(self, tmp_path: Path) -> None:
        with RecordingWriter(tmp_path / "a.zip") as writer:
            for frame in frames(3):
                writer.add(frame)
            assert not (tmp_path / "a.zip").exists()
            writer.finish({})
            assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]

    def test_one_that_fails_leaves_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError), RecordingWriter(tmp_path / "a.zip") as writer:
            writer.add(frames(1)[0])
            raise ZeroDivisionError
        assert list(tmp_path.iterdir()) == []

    def test_what_an_interrupted_one_left_is_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip.part").write_bytes(b"x" * 100_000)
        with Recording(write(tmp_path / "a.zip")) as recording:
            assert len(recording) == 25

    def test_more_frames_than_a_plain_zip_can_count_are_kept(self, tmp_path: Path) -> None:
        with RecordingWriter(tmp_path / "day.zip") as writer:
            for second in range(66_000):
                writer.add(Frame(NOON + second, Kind.INTRA if second else Kind.KEY, b"{}"))
            writer.finish({})
        with Recording(tmp_path / "day.zip") as recording:
            assert (len(recording), recording.duration) == (66_000, 65_999)


class TestReading:
    def test_duration_is_the_last_frame_minus_the_first(self, tmp_path: Path) -> None:
        with Recording(write(tmp_path / "a.zip", 25, step=3)) as recording:
            assert (recording.start, recording.end, recording.duration, len(recording)) == (NOON, NOON + 72, 72, 25)

    def test_each_frame_gives_the_state_that_was_recorded(self, tmp_path: Path) -> None:
        with Recording(write(tmp_path / "a.zip")) as recording:
            assert list(recording.states()) == [(NOON + index, lap(index)) for index in range(25)]

    def test_a_second_between_two_frames_has_the_state_of_the_first(self, tmp_path: Path) -> None:
        with Recording(write(tmp_path / "a.zip", 25, step=3)) as recording:
            assert [recording.state_at(NOON + second) for second in (0, 2, 3, 50, 9999)] == [
                lap(index) for index in (0, 0, 1, 16, 24)
            ]

    def test_before_the_first_frame_there_is_no_state(self, tmp_path: Path) -> None:
        with Recording(write(tmp_path / "a.zip")) as recording:
            assert recording.state_at(NOON - 1) is None

    def test_a_file_written_by_hand_is_read(self, tmp_path: Path) -> None:
        message = [NOON, "Track", "Safety car deployed", "yellow"]
        intra = {
            "cars": [["change", [0, 1], ["RUN", "PIT"]], ["add", "", [[1, ["8", "RUN"]]]]],
            "session": [["change", "flagState", ["green", "sc"]], ["remove", "", [["lapsRemain", 3]]]],
            "messages": [message],
            "highlight": ["7"],
        }
        key = {"cars": [["7", "RUN"]], "session": {"flagState": "green", "lapsRemain": 3}, "messages": []}
        path = archive(
            tmp_path / "a.zip", {"01700000000.json": key, "01700000004i.json": intra, "manifest.json": MANIFEST}
        )
        with Recording(path) as recording:
            assert recording.state_at(NOON + 4) == {
                "cars": [["7", "PIT"], ["8", "RUN"]],
                "session": {"flagState": "sc"},
                "messages": [message],
                "highlight": ["7"],
            }

    def test_of_two_frames_of_one_second_the_keyframe_counts(self, tmp_path: Path) -> None:
        intra = {"cars": [["change", [0, 2], [0, 99]]], "session": [], "messages": []}
        path = archive(
            tmp_path / "a.zip",
            {"manifest.json": MANIFEST, "01700000000.json": lap(0), "01700000000i.json": intra},
        )
        with Recording(path) as recording:
            assert list(recording.states()) == [(NOON, lap(0))]


class TestRejecting:
    @pytest.mark.parametrize(
        ("entries", "why"),
        [
            ({"01700000000.json": {}}, "no manifest.json"),
            ({"manifest.json": b"{", "01700000000.json": {}}, "manifest.json is no JSON"),
            ({"manifest.json": [], "01700000000.json": {}}, "manifest.json is no object"),
            ({"manifest.json": {}, "01700000000.json": {}}, "no version"),
            ({"manifest.json": {"version": 2}, "01700000000.json": {}}, "of version 2"),
            ({"manifest.json": MANIFEST}, "no keyframe"),
            ({"manifest.json": MANIFEST, "01700000000i.json": {}}, "no keyframe"),
            ({"manifest.json": MANIFEST, "01700000000.json": {}, "notes.txt": b""}, "notes.txt is no frame"),
            ({"manifest.json": MANIFEST, "00001.json": {}}, "00001.json is no frame"),
        ],
    )
    def test_a_file_that_is_no_version_1_recording_is_named_with_the_reason(
        self, tmp_path: Path, entries: dict[str, Json], why: str
    ) -> None:
        path = archive(tmp_path / "a.zip", entries)
        with pytest.raises(NotARecording, match=why) as caught:
            Recording(path)
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all" * 100])
    def test_what_is_no_zip_is_no_recording(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(NotARecording, match="cut short, or no ZIP"):
            Recording(tmp_path / "a.zip")

    def test_a_file_cut_anywhere_is_no_recording(self, tmp_path: Path) -> None:
        whole = write(tmp_path / "a.zip", 3).read_bytes()
        for length in range(len(whole)):
            (tmp_path / "cut.zip").write_bytes(whole[:length])
            with pytest.raises(NotARecording):
                Recording(tmp_path / "cut.zip")

    def test_a_file_with_any_byte_garbled_gives_its_states_or_names_what_is_wrong(self, tmp_path: Path) -> None:
        whole = write(tmp_path / "a.zip", 3).read_bytes()
        expected = [(NOON + index, lap(index)) for index in range(3)]
        for position in range(len(whole)):
            garbled = bytearray(whole)
            garbled[position] ^= 0xFF
            path = tmp_path / "garbled.zip"
            path.write_bytes(garbled)
            try:
                with Recording(path) as recording:
                    assert all(state in expected for state in recording.states())
            except (NotARecording, BadEntry) as error:
                assert str(path) in str(error)


class TestDamagedEntries:
    def damaged(self, tmp_path: Path, entry: str, body: bytes) -> Path:
        """25 frames, one of which is replaced."""
        with ZipFile(write(tmp_path / "a.zip")) as file:
            entries: dict[str, Json] = {name: file.read(name) for name in file.namelist()}
        return archive(tmp_path / "damaged.zip", {**entries, entry: body})

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"7", b'{"cars": [["change", [5], [1, 2]]], "session": [], "messages": []}']
    )
    def test_an_entry_that_cannot_be_applied_is_named(self, tmp_path: Path, body: bytes) -> None:
        path = self.damaged(tmp_path, "01700000003i.json", body)
        with Recording(path) as recording, pytest.raises(BadEntry) as caught:
            list(recording.states())
        assert (caught.value.file, caught.value.entry) == (str(path), "01700000003i.json")

    def test_what_does_not_build_on_it_can_still_be_read(self, tmp_path: Path) -> None:
        bad: list[BadEntry] = []
        with Recording(self.damaged(tmp_path, "01700000003i.json", b"{")) as recording:
            seconds = [second - NOON for second, _state in recording.states(bad.append)]
            assert recording.state_at(NOON + 2) == lap(2)
            assert recording.state_at(NOON + 12) == lap(12)
            with pytest.raises(BadEntry):
                recording.state_at(NOON + 4)
        assert seconds == [0, 1, 2, *range(10, 25)]
        assert [error.entry for error in bad] == ["01700000003i.json"]

    def test_a_damaged_keyframe_costs_the_frames_up_to_the_next(self, tmp_path: Path) -> None:
        bad: list[BadEntry] = []
        with Recording(self.damaged(tmp_path, "01700000010.json", b"[]")) as recording:
            seconds = [second - NOON for second, _state in recording.states(bad.append)]
        assert seconds == [*range(10), *range(20, 25)]
        assert len(bad) == 1

    def test_intra_frames_before_the_first_keyframe_cannot_be_read(self, tmp_path: Path) -> None:
        path = self.damaged(tmp_path, "01699999999i.json", b"{}")
        with Recording(path) as recording, pytest.raises(BadEntry, match="no keyframe comes before it"):
            recording.state_at(NOON - 1)

    def test_a_compression_that_the_format_does_not_have_is_an_error(self, tmp_path: Path) -> None:
        with ZipFile(tmp_path / "a.zip", "w") as file:
            file.writestr("manifest.json", orjson.dumps(MANIFEST))
            file.writestr("01700000000.json", orjson.dumps(lap(0)), ZIP_BZIP2)
        with Recording(tmp_path / "a.zip") as recording, pytest.raises(BadEntry, match="compression"):
            recording.state_at(NOON)

    def test_an_entry_that_inflates_to_more_than_any_state_is_an_error(self, tmp_path: Path) -> None:
        path = archive(tmp_path / "a.zip", {"manifest.json": MANIFEST, "01700000000.json": b" " * (65 * 2**20)})
        with Recording(path) as recording, pytest.raises(BadEntry, match="larger than 64 MiB"):
            recording.state_at(NOON)
