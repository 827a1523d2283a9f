"""rectool's actions that only read: inspect, show, scan, verify."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import orjson
import pytest

from livetiming.recording.reader import Recording
from orchestrator.recordings.rectool.cli import EXAMPLES, main
from tests.support.recorded import MANIFEST, NOON, UUID, Recorded, frames, lap, laps, write


@pytest.fixture
def race(tmp_path: Path) -> Path:
    """A recording of 25 frames, one a second."""
    return write(tmp_path / "race.zip", frames(laps(25)))


def damage(path: Path, name: str) -> Path:
    """Garble what the entry holds."""
    content = bytearray(path.read_bytes())
    at = content.index(name.encode()) + len(name)
    content[at : at + 8] = bytes(8)
    path.write_bytes(content)
    return path


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    return orjson.loads(capsys.readouterr().out)


class TestCommandLine:
    @pytest.mark.parametrize("action", EXAMPLES)
    def test_every_action_has_help_with_examples(self, action: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main([action, "--help"])
        assert ended.value.code == 0
        assert f"livetiming-rectool {action} " in capsys.readouterr().out.partition("examples:")[2]

    def test_an_unknown_action_is_wrong_use(self) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["explode", "race.zip"])
        assert ended.value.code == 2

    def test_a_file_that_is_not_there_is_told_in_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["inspect", "/nowhere/race.zip"]) == 1
        assert "/nowhere/race.zip" in capsys.readouterr().err

    def test_a_file_that_is_no_recording_is_told_with_the_readers_words(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "text.zip").write_text("no ZIP")
        assert main(["show", str(tmp_path / "text.zip"), "0"]) == 1
        assert "text.zip is no version 1 recording" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "line", [["inspect"], ["show", "0"], ["scan"], ["clip", "1"], ["set", "name", "x"], ["repair"], ["convert"]]
    )
    @pytest.mark.parametrize("version", [{"version": 1}, {}])
    def test_what_is_nested_without_end_is_told_in_one_line(
        self, tmp_path: Path, line: list[str], version: dict[str, int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Deeper than JSON is written, but not too deep to be read."""
        deep = b"[" * 500 + b"]" * 500
        with ZipFile(tmp_path / "deep.zip", "w") as file:
            file.writestr(
                "manifest.json", b'{"startTime":1500000000,%s"x":%s}' % (b'"version":1,' if version else b"", deep)
            )
            name = "%011d.json" if version else "%05d.json"
            file.writestr(name % 0, b'{"session":{"x":%s}}' % deep)
            file.writestr(name % 9, b'{"session":{"x":[%s]}}' % deep)
        assert main([line[0], str(tmp_path / "deep.zip"), *line[1:]]) in (0, 1)
        assert "Traceback" not in capsys.readouterr().err


class TestInspect:
    def test_it_tells_what_the_recording_is(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["inspect", str(race)]) == 0
        told = capsys.readouterr().out
        assert told.startswith("6h of Spa - Race\n")
        assert f"FIA WEC ({UUID})" in told
        assert "25 (3 k / 22 i)" in told
        assert "0:00:24" in told
        assert "2023-11-14 22:13:20 UTC (@1700000000)" in told
        assert '"colSpec": [' in told

    def test_as_json_for_a_program(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["inspect", str(race), "--json"]) == 0
        told = answer(capsys)
        assert told["manifest"] == {**MANIFEST, "version": 1, "startTime": NOON}
        assert (told["frames"], told["keyframes"], told["intraFrames"]) == (25, 3, 22)
        assert (told["start"], told["end"], told["duration"]) == (NOON, NOON + 24, 24)
        assert told["complete"]

    def test_nothing_in_it_steers_the_terminal(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        evil = {**MANIFEST, "description": "\x1b[2Jgone", "name": "\x1b]0;title\x07"}
        main(["inspect", str(write(tmp_path / "race.zip", frames(laps(1)), evil))])
        assert "\x1b" not in capsys.readouterr().out

    def test_a_journal_is_told_to_be_in_progress(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        journal = Recorded(tmp_path / f"{UUID}.0.journal")
        journal.record(laps(25))
        assert main(["inspect", str(journal.path)]) == 0
        told = capsys.readouterr().out
        assert "25 (3 k / 22 i)" in told
        assert "in progress" in told


class TestShow:
    @pytest.mark.parametrize("moment", ["14", "0:00:14", "0:14", f"@{NOON + 14}"])
    def test_the_state_at_a_time(self, race: Path, moment: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["show", str(race), moment]) == 0
        assert answer(capsys) == lap(14)

    def test_before_the_first_frame_there_is_none(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["show", str(race), "@1600000000"]) == 1
        told = capsys.readouterr()
        assert not told.out
        assert "@1700000000" in told.err

    def test_after_the_end_it_is_the_last_one_and_that_is_said(
        self, race: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["show", str(race), "9:00:00"]) == 0
        told = capsys.readouterr()
        assert orjson.loads(told.out) == lap(24)
        assert "ends before" in told.err

    @pytest.mark.parametrize("moment", ["soon", "-5", "@", "1:99", "nan", "@inf"])
    def test_what_is_no_time_is_wrong_use(self, race: Path, moment: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["show", str(race), moment])
        assert ended.value.code == 2

    def test_of_a_journal_too(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        journal = Recorded(tmp_path / f"{UUID}.0.journal")
        journal.record(laps(25))
        assert main(["show", str(journal.path), "14"]) == 0
        assert answer(capsys) == lap(14)

    def test_a_journal_without_a_frame_is_told_to_be_one(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        journal = Recorded(tmp_path / f"{UUID}.0.journal")
        assert main(["show", str(journal.path), "14"]) == 1
        assert "it holds no frame yet" in capsys.readouterr().err

    def test_a_damaged_entry_is_named(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        damage(race, "01700000012i.json")
        assert main(["show", str(race), "14"]) == 1
        assert "race.zip: entry 01700000012i.json: " in capsys.readouterr().err


class TestScan:
    def test_it_tells_when_each_part_first_changes(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        still = {"cars": [["7", 1]], "session": {"flagState": "none"}, "messages": [], "highlight": []}
        go = {**still, "session": {"flagState": "green"}}
        said = {**go, "messages": [[NOON, "Track", "Go", ""]]}
        states = [(NOON, still), (NOON + 60, go), (NOON + 90, said), (NOON + 91, {**said, "cars": [["7", 2]]})]
        race = write(tmp_path / "race.zip", frames(states))
        assert main(["scan", str(race), "--json"]) == 0
        told = answer(capsys)
        assert told["start"] == NOON
        assert told["session"] == {
            "second": NOON + 60,
            "after": 60,
            "changes": [["change", "flagState", ["none", "green"]]],
        }
        assert told["messages"] == {"second": NOON + 90, "after": 90, "changes": [[NOON, "Track", "Go", ""]]}
        assert told["cars"] == {"second": NOON + 91, "after": 91, "changes": [["change", [0, 1], [1, 2]]]}

    def test_and_what_never_does(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        race = write(tmp_path / "race.zip", frames([(NOON, lap(0)), (NOON + 1, lap(0))]))
        assert main(["scan", str(race)]) == 0
        assert capsys.readouterr().out.count("never changes") == 3


class TestVerify:
    def test_a_good_file_is_good(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["verify", str(race)]) == 0
        assert capsys.readouterr().out == f"{race}: good, 25 frames, 0:00:24\n"

    def test_a_bad_entry_is_named_and_what_builds_on_it_counted(
        self, race: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        damage(race, "01700000012i.json")
        assert main(["verify", str(race)]) == 1
        told = capsys.readouterr()
        assert f"{race}: bad, 17 of 25 frames can be read\n" in told.out  # 12 to 19 cannot
        assert "entry 01700000012i.json: " in told.out
        assert "repair" in told.err

    def test_an_intra_frame_of_another_state_is_found(self, tmp_path: Path) -> None:
        first, second = frames([(NOON, lap(0)), (NOON + 1, lap(1))])
        other = frames([(NOON, {**lap(0), "cars": []})])[0]
        assert main(["verify", str(write(tmp_path / "good.zip", [first, second]))]) == 0
        assert main(["verify", str(write(tmp_path / "bad.zip", [other, second]))]) == 1

    def test_several_files_are_told_in_their_order_and_one_bad_one_never_stops_it(
        self, race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "text.zip").write_text("no ZIP")
        paths = [str(tmp_path / "text.zip"), str(race), str(tmp_path / "none.zip"), str(race)]
        assert main(["verify", *paths, "--json", "-j", "2"]) == 1
        told = answer(capsys)
        assert [each["file"] for each in told] == paths
        assert [each["good"] for each in told] == [False, True, False, True]

    def test_what_others_cannot_open_is_told(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        content = bytearray(race.read_bytes())
        content[content.index(b"PK\1\2") + 6] = 99  # the version of ZIP that is needed
        race.write_bytes(content)
        assert main(["verify", str(race), str(race)]) == 1
        assert capsys.readouterr().out.count("others cannot open it") == 2
        assert main(["repair", str(race), "-o", str(race.with_name("whole.zip"))]) == 0
        assert main(["verify", str(race.with_name("whole.zip"))]) == 0

    def test_a_journal_is_verified_too(self, tmp_path: Path) -> None:
        journal = Recorded(tmp_path / f"{UUID}.0.journal")
        journal.record(laps(5))
        assert main(["verify", str(journal.path)]) == 0

    def test_reading_alters_nothing(self, race: Path) -> None:
        before = race.read_bytes()
        for line in (["inspect"], ["show", "3"], ["scan"], ["verify"]):
            assert main([line[0], str(race), *line[1:]]) == 0
        assert race.read_bytes() == before
        assert sorted(path.name for path in race.parent.iterdir()) == ["race.zip"]
        with Recording(race) as recording:
            assert len(recording) == 25
