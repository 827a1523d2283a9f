"""The ZIP below a recording: our own quick way to read it gives what zipfile gives, and what we write is a ZIP."""

import json
import os
import struct
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.recording import frames as frames_module
from livetiming.recording.format import (
    BadEntry,
    Chain,
    Frame,
    Kind,
    NotARecording,
    RawFrame,
    advance,
    decode_intra,
    frame_name,
)
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from livetiming.recording.zipped import CENTRAL, Entry, entries, inflated, packed
from livetiming.state import State

NOON = 1_700_000_000
KEY = b'{"cars": [["7"]], "session": {}, "messages": []}'
INTRA = b'{"cars": [], "session": [], "messages": [], "highlight": []}'

cells = st.sampled_from([1, "x", [], ["y"], ["7", "RUN", 5], {}, {"a": 1}, None])
paths = st.sampled_from(["", [], [0], "0", [0, 2], "0.2", [0, 2, 0], [1], ["a"], "a", [5, 0]])
changes = st.lists(
    st.tuples(st.just("change"), paths, st.tuples(cells, cells))
    | st.tuples(st.sampled_from(["add", "remove"]), paths, st.lists(st.tuples(st.integers(0, 3), cells), max_size=2)),
    max_size=3,
)
intras = st.builds(
    lambda *parts: json.dumps(dict(zip(("cars", "session", "messages", "highlight"), parts, strict=True))).encode(),
    changes | st.just([]),
    changes | st.just([]),
    st.just([]) | st.sampled_from([[5], {}, "m", [["t", "c", "x"]]]),
    st.just([]) | st.sampled_from([None, "h", [1], {}]),
)


def lap(number: int) -> State:
    return {"cars": [["7", "RUN", number]], "session": {"timeElapsed": number}, "messages": [], "highlight": []}


def laps(count: int) -> list[Frame]:
    chain, made = Chain(), []
    for index in range(count):
        chain, frame = advance(chain, NOON + index, lap(index))
        made.append(frame)
    return made


def change(number: int) -> bytes:
    """The intra-frame that leads to a lap."""
    cars, session = (["change", path, [number - 1, number]] for path in ([0, 2], "timeElapsed"))
    return json.dumps({"cars": [cars], "session": [session], "messages": [], "highlight": []}).encode()


def written(target: Path, frames: list[Frame]) -> Path:
    with RecordingWriter(target) as writer:
        for frame in frames:
            writer.add(frame)
        writer.finish({"name": "FIA WEC"})
    return target


def seen(recording: Recording, second: int) -> State | str | None:
    """The state, or what is said of the entry that is bad."""
    try:
        return recording.state_at(second)
    except BadEntry as error:
        return str(error)


class Counted(bytes):
    """Counts the looks into it."""

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        self.looks += 1
        return super().__getitem__(index)


def table(path: Path) -> list[tuple[int, int, str, bytes]]:
    """Second, kind, name and content of each frame."""
    with path.open("rb") as file:
        found = entries(file)
        return [
            (second, key, found[index].name, inflated(found[index], packed(file, found[index])))
            for index, (second, key) in enumerate(zip(found.seconds, found.keys, strict=True))
        ]


def by_zipfile(path: Path) -> list[tuple[int, int, str, bytes]]:
    with ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name != "manifest.json")
        return [(int(name[:11]), "i" not in name, name, archive.read(name)) for name in names]


class TestReading:
    @given(
        kinds=st.lists(st.booleans(), min_size=1, max_size=30),
        gaps=st.lists(st.integers(1, 5000), min_size=30, max_size=30),
    )
    @settings(max_examples=30, deadline=None)
    def test_what_we_write_is_read_as_zipfile_reads_it(
        self, tmp_path_factory: pytest.TempPathFactory, kinds: list[bool], gaps: list[int]
    ) -> None:
        second, frames = 0, []
        for key, gap in zip(kinds, gaps, strict=False):
            second += gap
            frames.append(Frame(second, Kind.KEY if key else Kind.INTRA, KEY if key else INTRA))
        path = written(tmp_path_factory.mktemp("any") / "a.zip", frames)
        assert table(path) == by_zipfile(path)
        with ZipFile(path) as archive:
            assert archive.testzip() is None

    @pytest.mark.parametrize("method", [ZIP_DEFLATED, ZIP_STORED])
    @pytest.mark.parametrize("unusual", ["nothing", "a comment", "an extra field", "another order", "before it"])
    def test_what_others_write_is_read_as_zipfile_reads_it(self, tmp_path: Path, method: int, unusual: str) -> None:
        path = tmp_path / "a.zip"
        names = [frame_name(NOON + index, Kind.INTRA if index % 3 else Kind.KEY) for index in range(7)]
        if unusual == "another order":
            names.reverse()
        if unusual == "before it":
            path.write_bytes(b"#!/bin/sh\n")
        with ZipFile(path, "a" if unusual == "before it" else "w", method) as archive:
            archive.comment = b"of a race" if unusual == "a comment" else b""
            for name in ["manifest.json", *names]:
                info = ZipInfo(name)
                info.compress_type = method
                if unusual == "an extra field":
                    info.extra = struct.pack("<HHL", 0x5455, 5, 1) + b"\1"
                archive.writestr(info, INTRA if "i." in name else KEY)
        assert table(path) == by_zipfile(path)

    def test_a_name_that_stands_there_twice_is_the_later_entry(self, tmp_path: Path) -> None:
        with ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("manifest.json", "{}")
            archive.writestr("01700000000.json", b"{}")
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("01700000000.json", KEY)
        assert table(tmp_path / "a.zip") == [(NOON, True, "01700000000.json", KEY)]

    def test_a_foreign_name_is_told(self, tmp_path: Path) -> None:
        with ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("holiday.jpg", b"")
        with (tmp_path / "a.zip").open("rb") as file:
            assert entries(file).foreign == "holiday.jpg"

    def test_of_a_pre_version_file_it_is_told_that_it_can_be_converted(self, tmp_path: Path) -> None:
        with ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("manifest.json", b'{"name": "FIA WEC"}')
            archive.writestr("00000.json", KEY)
        with pytest.raises(NotARecording, match="livetiming-rectool convert reads such files"):
            Recording(tmp_path / "a.zip")

    def test_an_entry_whose_own_header_has_another_name_is_told(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.zip", laps(3))
        path.write_bytes(path.read_bytes().replace(b"01700000001i", b"01700000001k", 1))
        with Recording(path) as recording, pytest.raises(BadEntry, match="its own header has another name"):
            recording.frame(NOON + 1)

    @given(st.binary(max_size=200))
    @settings(max_examples=50, deadline=None)
    def test_anything_else_is_no_zip(self, tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
        path = tmp_path_factory.mktemp("junk") / "a.zip"
        path.write_bytes(content)
        with path.open("rb") as file, pytest.raises(BadZipFile):
            entries(file)

    def test_a_file_cut_short_anywhere_is_no_recording(self, tmp_path: Path) -> None:
        whole = written(tmp_path / "a.zip", laps(3)).read_bytes()
        for length in range(len(whole)):
            (tmp_path / "cut.zip").write_bytes(whole[:length])
            with pytest.raises(NotARecording, match="cut short"):
                Recording(tmp_path / "cut.zip")

    def test_with_any_byte_changed_it_is_no_recording_or_the_states_are_right_or_the_entry_is_named(
        self, tmp_path: Path
    ) -> None:
        whole = written(tmp_path / "a.zip", laps(3)).read_bytes()
        expected = [(NOON + index, lap(index)) for index in range(3)]
        for place in range(len(whole)):
            (tmp_path / "b.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
            bad: list[BadEntry] = []
            try:
                with Recording(tmp_path / "b.zip") as recording:
                    states = list(recording.states(bad.append))
            except NotARecording:
                continue
            if [state for _, state in states] != [state for _, state in expected]:
                assert bad, f"byte {place}"
                assert all(state in [good for _, good in expected] for _, state in states)

    def test_an_entry_that_says_it_is_elsewhere_is_named(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.zip", laps(3))
        content = bytearray(path.read_bytes())
        second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 1)
        struct.pack_into("<L", content, second + CENTRAL.size - 4, 0xFFFFFFF0)
        path.write_bytes(content)
        with Recording(path) as recording, pytest.raises(BadEntry, match=r"01700000001i\.json: there is no entry"):
            recording.frame(NOON + 1)

    @pytest.mark.parametrize("offset", [-1, 2**62 + 1, 2**63, 2**64 - 1])
    def test_an_offset_that_no_file_has_is_damage(self, tmp_path: Path, offset: int) -> None:
        with written(tmp_path / "a.zip", laps(1)).open("rb") as file, pytest.raises(BadZipFile, match="no entry"):
            packed(file, Entry("manifest.json", 0, ZIP_DEFLATED, 0, 1, 1, offset))

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.zip")
        with pytest.raises(NotARecording, match="it is no file"):
            Recording(tmp_path / "a.zip")

    def test_what_is_told_of_a_file_steers_no_terminal(self, tmp_path: Path) -> None:
        with ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("manifest.json", '{"version": 1}')
            archive.writestr("\x1b]0;mine\a", "")
        with pytest.raises(NotARecording) as told:
            Recording(tmp_path / "a.zip")
        assert r"\x1b]0;mine\x07" in str(told.value)
        assert str(told.value).isprintable()


class TestWriting:
    def test_a_frame_of_another_file_is_put_in_as_it_stands(self, tmp_path: Path) -> None:
        source = written(tmp_path / "a.zip", laps(12))
        with Recording(source) as recording, RecordingWriter(tmp_path / "b.zip") as writer:
            for second in recording.seconds:
                writer.add_raw(recording.raw(second))
            writer.finish({"name": "FIA WEC"})
        assert (tmp_path / "b.zip").read_bytes() == source.read_bytes()

    def test_a_system_that_takes_a_byte_at_a_time_gets_all_of_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:1])))
        path = written(tmp_path / "a.zip", laps(12))
        assert [content for *_, content in table(path)] == [frame.body for frame in laps(12)]

    def test_behind_four_gibibytes_it_is_a_zip_still(self, tmp_path: Path) -> None:
        with RecordingWriter(tmp_path / "a.zip") as writer:
            writer.add(laps(2)[0])
            writer._flush()
            writer._offset = os.lseek(writer._descriptor, 2**32 + 7, os.SEEK_SET)  # a hole: 4 GiB that take no room
            writer.add(laps(2)[1])
            writer.finish({})
        assert table(tmp_path / "a.zip") == by_zipfile(tmp_path / "a.zip")
        with Recording(tmp_path / "a.zip") as recording:
            assert recording.state_at(NOON + 1) == lap(1)


class TestSeeking:
    @given(looks=st.lists(st.integers(-2, 47), min_size=1, max_size=30))
    @settings(max_examples=50, deadline=None)
    def test_in_any_order_a_second_has_the_state_that_it_has_in_order(
        self, tmp_path_factory: pytest.TempPathFactory, looks: list[int]
    ) -> None:
        path = written(tmp_path_factory.mktemp("any") / "a.zip", laps(45))
        with Recording(path) as recording:
            for look in looks:
                expected = None if look < 0 else lap(min(look, 44))
                assert recording.state_at(NOON + look) == expected

    def test_a_damaged_frame_does_not_disturb_the_looks_at_others(self, tmp_path: Path) -> None:
        frames = laps(25)
        frames[13] = Frame(NOON + 13, Kind.INTRA, b"{")
        with Recording(written(tmp_path / "a.zip", frames)) as recording:
            assert recording.state_at(NOON + 12) == lap(12)
            with pytest.raises(BadEntry):
                recording.state_at(NOON + 14)
            assert recording.state_at(NOON + 12) == lap(12)
            assert recording.state_at(NOON + 20) == lap(20)

    def test_far_from_a_keyframe_the_state_is_the_same_and_a_damaged_frame_is_named(self, tmp_path: Path) -> None:
        first, others = laps(1)[0], [Frame(NOON + number, Kind.INTRA, change(number)) for number in range(1, 200)]
        with Recording(written(tmp_path / "a.zip", [first, *others])) as recording:
            assert recording.state_at(NOON + 199) == lap(199)
            assert [state for _second, state in recording.states()] == [lap(number) for number in range(200)]
        others[70] = Frame(NOON + 71, Kind.INTRA, change(71).replace(b"[0, 2]", b"[5, 2]"))
        with Recording(written(tmp_path / "b.zip", [first, *others])) as recording:
            assert recording.state_at(NOON + 70) == lap(70)
            with pytest.raises(BadEntry, match=f"b.zip: entry 0{NOON + 71}i.json: change 0 does not apply"):
                recording.state_at(NOON + 199)

    def test_one_by_one_the_way_back_to_the_keyframe_is_not_gone_each_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        count = 500
        frames = [laps(1)[0], *(Frame(NOON + number, Kind.INTRA, change(number)) for number in range(1, count))]
        with Recording(written(tmp_path / "a.zip", frames)) as recording:
            keys = Counted(recording._keys)
            monkeypatch.setattr(recording, "_keys", keys)
            assert sum(1 for _ in recording.states()) == count
        assert keys.looks <= 3 * count

    @given(chain=st.lists(intras, max_size=6), last=st.integers(0, 6))
    @settings(max_examples=300, deadline=None)
    def test_whatever_the_changes_are_a_look_gives_what_one_by_one_gives(
        self, tmp_path_factory: pytest.TempPathFactory, chain: list[bytes], last: int
    ) -> None:
        frames = [laps(1)[0], *(Frame(NOON + number, Kind.INTRA, body) for number, body in enumerate(chain, 1))]
        path = written(tmp_path_factory.mktemp("any") / "a.zip", frames)
        with Recording(path) as one, Recording(path) as other:
            for second in range(NOON, NOON + min(last, len(chain)) + 1):
                state = seen(one, second)
            assert seen(other, second) == state

    def test_large_frames_are_not_held_all_at_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(frames_module, "AT_ONCE_BYTES", 300)
        taken: list[int] = []

        def decoding(state: State, *bodies: bytes) -> State:
            taken.append(sum(map(len, bodies)))
            return decode_intra(state, *bodies)

        monkeypatch.setattr(frames_module, "decode_intra", decoding)
        frames = [laps(1)[0], *(Frame(NOON + number, Kind.INTRA, change(number)) for number in range(1, 20))]
        with Recording(written(tmp_path / "a.zip", frames)) as recording:
            assert recording.state_at(NOON + 19) == lap(19)
        assert max(taken) < 300 + len(change(19))
        assert len(taken) > 3

    @pytest.mark.parametrize("within", [slice(None), slice(2, 5), slice(None, None, -1), slice(-3, None), slice(9, 12)])
    def test_its_seconds_are_those_of_its_frames_one_by_one_and_in_parts(self, tmp_path: Path, within: slice) -> None:
        with Recording(written(tmp_path / "a.zip", laps(9))) as recording:
            assert recording.seconds[within] == [*range(NOON, NOON + 9)][within]
            assert [recording.seconds[index] for index in range(-9, 9)] == [*range(NOON, NOON + 9)] * 2

    @pytest.mark.parametrize("second", [NOON - 1, NOON + 3])
    def test_a_second_without_a_frame_has_none(self, tmp_path: Path, second: int) -> None:
        with Recording(written(tmp_path / "a.zip", laps(3))) as recording:
            with pytest.raises(KeyError):
                recording.frame(second)
            with pytest.raises(KeyError):
                recording.raw(second)

    def test_a_raw_frame_tells_what_is_needed_to_inflate_it(self, tmp_path: Path) -> None:
        with Recording(written(tmp_path / "a.zip", laps(3))) as recording:
            raw = recording.raw(NOON)
            assert isinstance(raw, RawFrame)
            assert (raw.second, raw.kind, raw.method, raw.size) == (NOON, Kind.KEY, ZIP_DEFLATED, len(laps(1)[0].body))
