"""Recordings from before version 1, as the field has written them, made into ones of today."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import dictdiffer
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.recording.convert import LATEST, Converted, NothingToConvert, StartOutOfRange, StartUnknown, convert
from livetiming.recording.format import KEYFRAME_EVERY, BadEntry, Kind, NotARecording
from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.recordings.rectool.cli import main

BEGAN = 1_467_446_400  # 2016-07-02 08:00 UTC
UUID = "0123456789abcdef0123456789abcdef"
MANIFEST = {"uuid": UUID, "name": "WEC", "description": "Nürburgring", "colSpec": [["Num", "text"]]}
NO_DATE = (1980, 1, 1, 0, 0, 0)


def state(laps: int, *, cars: int = 2, newest: int = 0) -> State:
    return {
        "cars": [[str(number), laps] for number in range(cars)],
        "session": {"flagState": "green", "timeElapsed": laps},
        "messages": [[BEGAN + second, "Track", f"message {second}", ""] for second in range(newest, -1, -1)],
    }


def intra(old: State, new: State) -> dict[str, Any]:
    """An intra-frame as it was written then: without a highlight, with messages of a later second."""
    return {
        "cars": list(dictdiffer.diff(old["cars"], new["cars"])),
        "session": list(dictdiffer.diff(old["session"], new["session"])),
        "messages": [message for message in new["messages"] if message[0] > old["messages"][0][0]],
    }


def old_file(
    target: Path,
    states: list[tuple[int, State]],
    manifest: dict[str, Any] | None = None,
    date: tuple[int, int, int, int, int, int] = NO_DATE,
) -> Path:
    """A file of version 0: every tenth frame is a keyframe, and the manifest comes first."""
    with ZipFile(target, "w", ZIP_DEFLATED) as file:
        file.writestr("manifest.json", orjson.dumps({**MANIFEST, "startTime": BEGAN} if manifest is None else manifest))
        before: State | None = None
        for index, (second, each) in enumerate(states):
            key = before is None or index % 10 == 0
            body = each if before is None or key else intra(before, each)
            name = f"{second:05d}{'' if key else 'i'}.json"
            with pytest.warns(UserWarning) if name in file.namelist() else nullcontext():
                file.writestr(ZipInfo(name, date), orjson.dumps(body), ZIP_DEFLATED)
            before = each
    return target


def made(source: Path, **options: Any) -> tuple[Converted, list[tuple[int, State]]]:
    """What is converted without a loss, and the states of it."""
    bad: list[BadEntry] = []
    target = source.with_name("made.zip")
    done = convert(source, target, on_bad=bad.append, **options)
    assert not bad
    with Recording(target) as recording:
        kinds = "".join(frame.kind for frame in recording.frames())
        assert Kind.INTRA * KEYFRAME_EVERY not in kinds
        return done, list(recording.states())


def as_shown(states: list[tuple[int, State]]) -> list[tuple[int, State]]:
    return [(BEGAN + second, {**each, "highlight": []}) for second, each in states]


class TestStates:
    def test_the_states_are_those_of_the_old_file_at_unix_seconds(self, tmp_path: Path) -> None:
        states = [(second, state(second, newest=second)) for second in range(35)]
        done, shown = made(old_file(tmp_path / "old.zip", states))
        assert shown == as_shown(states)
        assert done == Converted(frames=35, start=BEGAN, duration=34, guessed=False)

    def test_of_several_frames_in_one_second_each_counts_for_the_next_and_the_last_is_kept(
        self, tmp_path: Path
    ) -> None:
        states = [(index // 3, state(index)) for index in range(30)]
        _done, shown = made(old_file(tmp_path / "old.zip", states))
        assert shown == as_shown([states[index] for index in range(2, 30, 3)])

    def test_where_a_list_got_shorter_there_is_a_keyframe_now(self, tmp_path: Path) -> None:
        states = [(0, state(0, cars=3)), (1, state(1, cars=2))]
        _done, shown = made(old_file(tmp_path / "old.zip", states))
        assert shown == as_shown(states)
        with Recording(tmp_path / "made.zip") as recording:
            assert recording.frame(BEGAN + 1).kind is Kind.KEY

    def test_more_than_27_hours_have_six_digits(self, tmp_path: Path) -> None:
        states = [(99_999, state(1)), (100_000, state(2))]
        assert made(old_file(tmp_path / "old.zip", states))[1] == as_shown(states)

    def test_the_order_in_the_archive_does_not_matter(self, tmp_path: Path) -> None:
        states = [(second, state(second)) for second in range(25)]
        with ZipFile(old_file(tmp_path / "old.zip", states)) as old, ZipFile(tmp_path / "mixed.zip", "w") as mixed:
            for name in sorted(old.namelist(), key=lambda name: ("i" in name, name)):
                mixed.writestr(name, old.read(name))
        assert made(tmp_path / "mixed.zip")[1] == as_shown(states)

    @settings(max_examples=60)
    @given(data=st.data())
    def test_of_any_race(self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
        second, newest, states = 0, 0, list[tuple[int, State]]()
        for _ in range(data.draw(st.integers(1, 25))):
            states.append(
                (second, state(data.draw(st.integers(0, 3)), cars=data.draw(st.integers(0, 4)), newest=newest))
            )
            second += data.draw(st.integers(1, 4))
            newest += data.draw(st.integers(0, 2))
        assert made(old_file(tmp_path_factory.mktemp("old") / "old.zip", states))[1] == as_shown(states)


class TestStart:
    def test_the_manifest_says_it_as_a_fraction_too(self, tmp_path: Path) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0))], {**MANIFEST, "startTime": BEGAN + 0.9})
        assert made(old)[0].start == BEGAN

    @pytest.mark.parametrize("unknown", [{}, {"startTime": 0}, {"startTime": None}, {"startTime": "2016"}])
    def test_else_the_date_of_the_first_entry_tells_it(self, tmp_path: Path, unknown: dict[str, Any]) -> None:
        date = datetime.fromtimestamp(BEGAN + 4, UTC)
        dated = (date.year, date.month, date.day, date.hour, date.minute, date.second)
        done, shown = made(old_file(tmp_path / "old.zip", [(4, state(0))], {**MANIFEST, **unknown}, dated))
        assert (done.guessed, shown[0][0]) == (True, BEGAN + 4)

    def test_without_any_it_has_to_be_given(self, tmp_path: Path) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0))], MANIFEST)
        with pytest.raises(StartUnknown, match="--start"):
            made(old)
        assert made(old, start=BEGAN) == (Converted(1, BEGAN, 0, guessed=False), as_shown([(0, state(0))]))

    @pytest.mark.parametrize("start", [-1, 59, LATEST - 8, LATEST + 1])
    def test_one_that_frames_cannot_be_named_by_is_refused(self, tmp_path: Path, start: int) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0)), (9, state(1))])
        with pytest.raises(StartOutOfRange, match=f"from @60 to @{LATEST - 9}"):
            made(old, start=start)
        assert [path.name for path in tmp_path.iterdir()] == ["old.zip"]

    def test_the_latest_one_has_names_that_can_be_read(self, tmp_path: Path) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0)), (9, state(1))])
        assert [second for second, _ in made(old, start=LATEST - 9)[1]] == [LATEST - 9, LATEST]

    def test_one_in_the_manifest_after_which_the_last_frame_has_no_name_is_none(self, tmp_path: Path) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0)), (9, state(1))], {**MANIFEST, "startTime": LATEST - 8})
        with pytest.raises(StartUnknown):
            made(old)

    def test_the_manifest_gets_its_version_and_the_second_of_the_first_frame(self, tmp_path: Path) -> None:
        made(old_file(tmp_path / "old.zip", [(7, state(0))]))
        with Recording(tmp_path / "made.zip") as recording:
            assert recording.manifest == {**MANIFEST, "version": 1, "startTime": BEGAN + 7}


class TestDamage:
    def test_a_bad_frame_is_told_and_left_out_with_what_builds_on_it(self, tmp_path: Path) -> None:
        states = [(second, state(second)) for second in range(25)]
        with ZipFile(old_file(tmp_path / "old.zip", states)) as old, ZipFile(tmp_path / "bad.zip", "w") as bad_file:
            for name in old.namelist():
                bad_file.writestr(name, b"{" if name == "00012i.json" else old.read(name))
        bad: list[BadEntry] = []
        convert(tmp_path / "bad.zip", tmp_path / "made.zip", on_bad=bad.append)
        assert [error.entry for error in bad] == ["00012i.json"]
        with Recording(tmp_path / "made.zip") as recording:
            assert list(recording.states()) == as_shown([*states[:12], *states[20:]])

    def test_what_nobody_wrote_is_passed_over(self, tmp_path: Path) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0))])
        with ZipFile(old, "a") as file:
            file.writestr("notes.txt", b"")
        assert made(old)[1] == as_shown([(0, state(0))])

    @pytest.mark.parametrize(
        ("entries", "why"),
        [
            ({}, "no manifest.json"),
            ({"manifest.json": b"["}, "cannot be read"),
            ({"manifest.json": b"[]"}, "no object"),
            ({"manifest.json": b"{}"}, "no frames"),
            ({"manifest.json": b'{"startTime": 1467446400}', "00000i.json": b"{}"}, "none of its frames"),
            ({"manifest.json": b'{"version": 7}', "00000.json": b"{}"}, "of version 7"),
            ({"manifest.json": b"{}", "01467446400.json": b"{}"}, "repair"),
        ],
    )
    def test_what_is_no_recording_is_refused_with_a_reason(
        self, tmp_path: Path, entries: dict[str, bytes], why: str
    ) -> None:
        with ZipFile(tmp_path / "a.zip", "w") as file:
            for name, body in entries.items():
                file.writestr(name, body)
        with pytest.raises(NotARecording, match=why):
            convert(tmp_path / "a.zip", tmp_path / "made.zip", on_bad=lambda _: None)
        assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]

    def test_a_file_of_today_needs_none(self, tmp_path: Path) -> None:
        made(old_file(tmp_path / "old.zip", [(0, state(0))]))
        with pytest.raises(NothingToConvert):
            convert(tmp_path / "made.zip", tmp_path / "again.zip", on_bad=lambda _: None)

    @settings(max_examples=100)
    @given(at=st.floats(0, 1), bits=st.integers(1, 255))
    def test_a_garbled_byte_is_a_frame_less_or_a_refusal(
        self, at: float, bits: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("old")
        old = old_file(folder / "old.zip", [(second, state(second)) for second in range(12)])
        content = bytearray(old.read_bytes())
        content[int(at * (len(content) - 1))] ^= bits
        old.write_bytes(content)
        try:
            done = convert(old, folder / "made.zip", on_bad=lambda _: None)
        except (NotARecording, StartUnknown):
            assert not (folder / "made.zip").exists()
        else:
            with Recording(folder / "made.zip") as recording:
                assert len(list(recording.states())) == done.frames


class TestCommand:
    def test_it_makes_a_file_beside_the_old_one(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        old = old_file(tmp_path / "old.zip", [(second, state(second)) for second in range(3)])
        before = old.read_bytes()
        assert main(["convert", str(old)]) == 0
        assert capsys.readouterr().out.startswith(f"{tmp_path / 'old_conv.zip'}: 3 frames, 0:00:02")
        assert old.read_bytes() == before

    def test_a_start_that_is_guessed_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0))], MANIFEST, (2016, 7, 2, 8, 0, 0))
        assert main(["convert", str(old)]) == 0
        assert "2016-07-02 08:00:00 UTC" in capsys.readouterr().err

    def test_a_start_that_is_unknown_can_be_given(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0))], MANIFEST)
        assert main(["convert", str(old)]) == 1
        assert "--start" in capsys.readouterr().err
        assert main(["convert", str(old), "--start", f"@{BEGAN}", "--json"]) == 0
        assert orjson.loads(capsys.readouterr().out)["start"] == BEGAN

    @pytest.mark.parametrize("start", ["@1467446400000", "@30", "@99999999999", "1467446400"])
    def test_a_start_that_makes_no_sense_is_wrong_use(self, tmp_path: Path, start: str) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0)), (9, state(1))])
        try:
            code = main(["convert", str(old), "--start", start])
        except SystemExit as ended:  # of what is wrong whatever the file is
            code = int(str(ended.code))
        assert code == 2
        assert [path.name for path in tmp_path.iterdir()] == ["old.zip"]

    def test_other_actions_advise_to_convert(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        old = old_file(tmp_path / "old.zip", [(0, state(0))])
        assert main(["show", str(old), "0"]) == 1
        assert "rectool convert" in capsys.readouterr().err
