"""rectool's `repair`: of a damaged recording it keeps what is readable, and says what is not."""

import io
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.recording.format import BadEntry, NotARecording
from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.dvr.finalise import unknown_manifest
from orchestrator.recordings.rectool.checking import check
from orchestrator.recordings.rectool.cli import main
from orchestrator.recordings.rectool.repair import repair
from tests.support.recorded import MANIFEST, NOON, UUID, frames, laps, write

FRAMES = 35


@pytest.fixture
def race(tmp_path: Path) -> Path:
    """A recording of 35 frames, one a second; keyframes are 0, 10, 20, 30."""
    return write(tmp_path / f"{UUID}.zip", frames(laps(FRAMES)))


def states(path: Path) -> list[tuple[int, State]]:
    with Recording(path) as recording:
        return list(recording.states())


def readable(path: Path) -> list[tuple[int, State]]:
    """What our reader makes of a damaged file."""
    bad: list[BadEntry] = []
    try:
        with Recording(path) as recording:
            return list(recording.states(bad.append))
    except NotARecording:
        return []


def garbled(path: Path, at: int, bits: int = 0xFF) -> Path:
    content = bytearray(path.read_bytes())
    content[at] ^= bits
    path.write_bytes(content)
    return path


def inside(path: Path, name: str) -> int:
    """Where the data of an entry begins."""
    return path.read_bytes().index(name.encode()) + len(name)


def repaired(path: Path) -> Path:
    return path.with_name(f"{path.stem}_repaired.zip")


def archive(target: Path, entries: dict[str, bytes]) -> Path:
    """A ZIP as somebody else may have written it, with sizes behind the data as in a stream."""

    with target.open("wb") as file, ZipFile(Stream(file), "w", ZIP_DEFLATED) as made:
        for name, body in entries.items():
            made.writestr(name, body)
    return target


class Stream(io.RawIOBase):
    """A file that can only be written on."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)


class TestRepair:
    def test_of_a_good_file_nothing_is_made(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["repair", str(race)]) == 0
        assert "there is nothing to repair" in capsys.readouterr().err
        assert not repaired(race).exists()

    def test_a_bad_frame_is_left_out_with_what_builds_on_it(
        self, race: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        garbled(race, inside(race, "01700000012i.json") + 5)
        assert main(["repair", str(race)]) == 1
        assert states(repaired(race)) == [*laps(FRAMES)[:12], *laps(FRAMES)[20:]]
        told = capsys.readouterr()
        assert "entry 01700000012i.json: " in told.err
        assert "8 frames are lost" in told.out

    def test_the_result_for_a_program(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        garbled(race, inside(race, "01700000012i.json") + 5)
        main(["repair", str(race), "--json"])
        told = orjson.loads(capsys.readouterr().out)
        assert (told["frames"], told["lost"]["frames"]) == (FRAMES - 8, 8)
        assert [each["entry"] for each in told["lost"]["entries"]] == ["01700000012i.json"]

    def test_without_its_directory_every_frame_is_found(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        content = race.read_bytes()
        race.write_bytes(content[: content.index(b"PK\1\2")])
        assert main(["repair", str(race)]) == 0 or capsys.readouterr().err
        assert states(repaired(race)) == laps(FRAMES)

    def test_cut_short_it_gives_the_frames_before_the_cut_and_a_manifest_of_its_own(
        self, race: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        race.write_bytes(race.read_bytes()[: inside(race, "01700000015i.json") + 3])
        assert main(["repair", str(race)]) == 1
        assert states(repaired(race)) == laps(FRAMES)[:15]
        with Recording(repaired(race)) as recording:
            assert recording.manifest == {**unknown_manifest(UUID), "version": 1, "startTime": NOON}
        assert "no readable manifest" in capsys.readouterr().err

    def test_a_file_that_was_streamed_is_read_without_its_directory(self, tmp_path: Path) -> None:
        entries = {f"{each.second:011d}{'i' * (each.kind == 'i')}.json": each.body for each in frames(laps(12))}
        whole = archive(tmp_path / "whole.zip", {"manifest.json": orjson.dumps({**MANIFEST, "version": 1}), **entries})
        content = whole.read_bytes()
        whole.write_bytes(content[: content.index(b"PK\1\2")])
        repair(whole, tmp_path / "made.zip")
        assert states(tmp_path / "made.zip") == laps(12)

    def test_foreign_entries_are_left_out_and_told(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with ZipFile(race, "a") as file:
            file.writestr("__MACOSX/._race", b"")
        assert main(["repair", str(race)]) == 1
        assert states(repaired(race)) == laps(FRAMES)
        assert "__MACOSX/._race is no part of a recording" in capsys.readouterr().err

    def test_a_manifest_without_a_version_gets_one(self, tmp_path: Path) -> None:
        entries = {f"{each.second:011d}{'i' * (each.kind == 'i')}.json": each.body for each in frames(laps(12))}
        path = archive(tmp_path / "race.zip", {"manifest.json": orjson.dumps(MANIFEST), **entries})
        main(["repair", str(path)])
        assert states(repaired(path)) == laps(12)

    @pytest.mark.parametrize("content", [b"", b"PK", b"no ZIP", b"PK\3\4" * 100])
    def test_of_what_is_no_recording_nothing_is_made(
        self, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "a.zip").write_bytes(content)
        assert main(["repair", str(tmp_path / "a.zip")]) == 1
        assert "no frame of it can be read" in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]

    def test_a_later_version_is_left_alone(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        entries = {"manifest.json": orjson.dumps({**MANIFEST, "version": 2}), "01700000000.json": b"{}"}
        path = archive(tmp_path / "new.zip", entries)
        assert main(["repair", str(path)]) == 1
        assert "it is of version 2" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["repair", "convert"])
def test_what_is_no_file_is_told_by_its_name(tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([action, "/dev/null", "-o", str(tmp_path / "made.zip")]) == 1
    assert "/dev/null is no version 1 recording: it is no file" in capsys.readouterr().err


class TestAnyDamage:
    def test_cut_at_every_byte_of_its_tail_it_keeps_every_frame_before_the_cut(self, tmp_path: Path) -> None:
        race = write(tmp_path / "race.zip", frames(laps(15)))
        content = race.read_bytes()
        names = [*(f"{NOON + index:011d}" for index in range(9, 15)), "manifest.json"]
        ends = [content.index(name.encode()) - 30 for name in names]  # of frames 8, 9, …: where the next one begins
        for cut in range(ends[0], len(content)):
            race.write_bytes(content[:cut])
            repair(race, tmp_path / "made.zip")
            assert states(tmp_path / "made.zip") == laps(15)[: 8 + sum(end <= cut for end in ends)]

    @settings(max_examples=100)
    @given(data=st.data())
    def test_with_one_garbled_byte_it_keeps_all_that_a_reader_can_read_and_nothing_else(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("repair")
        race = write(folder / "race.zip", frames(laps(FRAMES)))
        garbled(race, data.draw(st.integers(0, race.stat().st_size - 1)), data.draw(st.integers(1, 255)))
        before = [each for each in readable(race) if each in laps(FRAMES)]
        repair(race, folder / "made.zip")
        kept = states(folder / "made.zip")
        assert all(each in kept for each in before)
        assert all(each in laps(FRAMES) for each in kept)
        assert len(kept) >= FRAMES - 10
        assert check(folder / "made.zip").good

    @settings(max_examples=100)
    @given(data=st.data())
    def test_whatever_is_garbled_what_it_makes_is_good(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("repair")
        race = write(folder / "race.zip", frames(laps(FRAMES)))
        for _ in range(data.draw(st.integers(2, 20))):
            garbled(race, data.draw(st.integers(0, race.stat().st_size - 1)), data.draw(st.integers(1, 255)))
        try:
            repair(race, folder / "made.zip")
        except NotARecording:
            assert not readable(race)
        else:
            assert check(folder / "made.zip").good

    @settings(max_examples=100)
    @given(data=st.data())
    def test_verify_calls_it_bad_where_a_frame_is_not_what_it_was(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        race = write(tmp_path_factory.mktemp("repair") / "race.zip", frames(laps(FRAMES)))
        garbled(race, data.draw(st.integers(0, race.stat().st_size - 1)), 1 << data.draw(st.integers(0, 7)))
        if readable(race) != laps(FRAMES):
            assert not check(race).good
