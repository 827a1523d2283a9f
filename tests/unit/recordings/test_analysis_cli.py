"""`livetiming-analysis`: files in, analyses out."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from livetiming.recording.analysed import analyse
from livetiming.recording.format import Frame
from livetiming.recording.reader import Recording
from orchestrator.dvr.finalise import finalise
from orchestrator.dvr.journal_view import JournalView
from orchestrator.recordings.analysis_cli import analyse_files, main
from orchestrator.recordings.following import WRITE_SECONDS, follow
from tests.support.recorded import COLUMNS, MANIFEST, NOON, UUID, Recorded, frames, lap, laps, nested, write
from tests.support.waiting import eventually

Document = dict[str, Any]


def of(path: Path) -> Document:
    """The analysis that a finished recording has."""
    with Recording(path) as recording:
        document: Document = orjson.loads(orjson.dumps(analyse(recording)))
    return document


def read(path: Path) -> Document:
    """The document in a file."""
    document: Document = orjson.loads(path.read_bytes())
    return document


@pytest.fixture
def race(tmp_path: Path) -> Path:
    return write(tmp_path / "race.zip", frames(laps(30)))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Recorded]:
    with closing(Recorded(tmp_path / f"{UUID}.0.journal")) as made:
        yield made


class TestOneFile:
    def test_its_analysis_stands_beside_it(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(race)]) == 0
        assert read(race.with_suffix(".json")) == of(race)
        said = capsys.readouterr()
        assert said.out == f"{race.with_suffix('.json')}  30 frames  0:00:29\n"
        assert said.err == ""

    def test_it_is_always_made(self, race: Path) -> None:
        race.with_suffix(".json").write_text("newer than the recording")
        assert main([str(race)]) == 0
        assert read(race.with_suffix(".json")) == of(race)

    def test_it_goes_where_it_is_told_to(self, race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "folder").mkdir()
        assert main([str(race), "-o", str(tmp_path / "other.json")]) == 0
        assert main([str(race), "-o", str(tmp_path / "folder")]) == 0
        capsys.readouterr()
        assert main([str(race), "-o", "-"]) == 0
        made = [read(tmp_path / "other.json"), read(tmp_path / "folder" / "race.json")]
        assert [*made, orjson.loads(capsys.readouterr().out)] == [of(race)] * 3
        assert not race.with_suffix(".json").exists()

    def test_what_was_made_is_told_as_json(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(race), "--json"]) == 0
        told = orjson.loads(capsys.readouterr().out)
        assert (told["analysis"], told["frames"], told["error"]) == (str(race.with_suffix(".json")), 30, None)

    def test_bad_frames_are_told_and_the_rest_is_analysed(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = frames(laps(100))
        for index in range(5, 100, 10):
            made[index] = Frame(made[index].second, made[index].kind, b"no JSON")
        path = write(tmp_path / "bad.zip", made)
        assert main([str(path), "--json"]) == 1
        said = capsys.readouterr()
        assert f"bad.zip: entry 0{NOON + 5}i.json" in said.err
        assert "… and 5 more" in said.err
        assert len(orjson.loads(said.out)["unreadable"]) == 6
        assert read(tmp_path / "bad.json")["state"] == lap(94)

    @pytest.mark.parametrize("content", [None, b"", b"PK half copied", b"LTJRNL1\n"])
    def test_a_file_that_is_no_recording_is_told(
        self, tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if content is not None:
            (tmp_path / "bad.zip").write_bytes(content)
        assert main([str(tmp_path / "bad.zip")]) == 1
        assert "bad.zip" in capsys.readouterr().err
        assert not (tmp_path / "bad.json").exists()

    def test_a_recording_is_never_replaced_by_its_analysis(self, race: Path) -> None:
        before = race.read_bytes()
        assert main([str(race), "-o", str(race)]) == 2
        assert race.read_bytes() == before

    def test_nor_is_it_under_another_of_its_names(self, race: Path, tmp_path: Path) -> None:
        (tmp_path / "hard.zip").hardlink_to(race)
        assert main([str(race), "-o", str(tmp_path / "hard.zip")]) == 2
        assert (tmp_path / "hard.zip").samefile(race)

    def test_a_folder_that_is_not_there_is_no_file_to_be_made(
        self, race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([str(race), "-o", f"{tmp_path}/new/"]) == 2
        assert f"there is no folder {tmp_path}/new\n" in capsys.readouterr().err
        assert not (tmp_path / "new").exists()

    @pytest.mark.parametrize("more", [[], ["--json"]])
    def test_a_name_that_is_no_utf_8_is_told_with_its_bytes(
        self, race: Path, more: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        odd = race.rename(race.with_name(os.fsdecode(b"x\xff.zip")))
        assert main([str(odd), *more]) == 0
        assert "x\\xff.json" in capsys.readouterr().out.replace("\\\\", "\\")
        assert main([str(odd.with_name(os.fsdecode(b"none\xff.zip"))), *more]) == 1

    @pytest.mark.parametrize("more", [[], ["-o", "-"]])
    def test_one_that_nests_too_deep_to_be_written_is_told(
        self, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([str(write(tmp_path / "deep.zip", [nested(NOON, 300)])), *more]) == 1
        said = capsys.readouterr()
        assert (said.out, "deep." in said.err) == ("", True)

    def test_a_journal_gives_the_analysis_of_what_is_there(self, journal: Recorded, tmp_path: Path) -> None:
        journal.record(laps(30))
        assert main([str(journal.path)]) == 0
        target = tmp_path / f"{UUID}.0.json"
        finished = finalise(journal.path, tmp_path)
        assert finished is not None
        assert read(target) == of(finished.path)


class TestSeveralFiles:
    @pytest.fixture
    def races(self, tmp_path: Path) -> list[Path]:
        return [write(tmp_path / f"race{n}.zip", frames(laps(10 + n))) for n in range(4)]

    @pytest.mark.parametrize("processes", ["1", "2"])
    def test_one_that_is_bad_does_not_stop_the_others(
        self, races: list[Path], tmp_path: Path, processes: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "bad.zip").write_bytes(b"PK half copied")
        write(tmp_path / "deep.zip", [nested(NOON, 300)])
        bad = [tmp_path / name for name in ("bad.zip", "deep.zip", "none.zip")]
        files = [str(path) for path in (*races[:2], *bad, *races[2:])]
        assert main([*files, "-j", processes, "--json"]) == 1
        assert [read(path.with_suffix(".json")) for path in races] == [of(path) for path in races]
        told = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {Path(each["file"]).name for each in told if each["error"]} == {path.name for path in bad}
        assert len(told) == 7

    def test_those_whose_analysis_is_newer_are_left_alone_unless_forced(
        self, races: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        for path in races[:2]:
            path.with_suffix(".json").write_text("{}")
        os.utime(races[1].with_suffix(".json"), (NOON, NOON))
        files = [str(path) for path in races]
        assert main([*files, "-j1"]) == 0
        assert "1 of 4 are analysed already" in capsys.readouterr().err
        assert read(races[0].with_suffix(".json")) == {}
        assert read(races[1].with_suffix(".json")) == of(races[1])
        assert main([*files, "-j1", "--force"]) == 0
        assert read(races[0].with_suffix(".json")) == of(races[0])

    def test_they_go_into_a_folder_or_to_standard_output_a_line_each(
        self, races: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = [str(path) for path in races]
        (tmp_path / "out").mkdir()
        assert main([*files, "-j1", "-o", str(tmp_path / "out")]) == 0
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"race{n}.json" for n in range(4)]
        capsys.readouterr()
        assert main([*files, "-j1", "-o", "-"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [orjson.loads(line) for line in lines] == [of(path) for path in races]

    def test_they_need_a_folder_and_names_of_their_own(self, races: list[Path], tmp_path: Path) -> None:
        files = [str(path) for path in races]
        assert main([*files, "-o", str(tmp_path / "one.json")]) == 2
        assert main([files[0], files[0]]) == 2
        assert main([*files, "--follow"]) == 2
        assert not list(tmp_path.glob("*.json"))

    def test_another_program_that_has_them_made_is_interrupted_with_them(
        self, races: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("orchestrator.recordings.analysis_cli.make", interrupted)
        with pytest.raises(KeyboardInterrupt):
            analyse_files(races, 1)
        assert main([str(races[0])]) == 1


class Time:
    """A clock that goes on by a second with each pause, and does what is due then."""

    def __init__(self, *due: Any) -> None:
        self.now = 0.0
        self._due = list(due)

    def pause(self, seconds: float) -> None:
        self.now += seconds
        if not self._due:
            raise AssertionError("still followed")
        self._due.pop(0)()

    def clock(self) -> float:
        return self.now


class TestFollowing:
    """With time in the test's hands."""

    def followed(self, journal: Recorded, *due: Any) -> list[Document]:
        """What is written while these things happen, a second each."""
        written: list[Document] = []
        time = Time(*due)
        with JournalView(journal.path) as view:
            follow(
                view,
                lambda document: written.append(orjson.loads(orjson.dumps(document))),
                lambda error: pytest.fail(str(error)),
                clock=time.clock,
                pause=time.pause,
            )
        return written

    def test_it_is_written_at_once_then_every_10_s_where_it_changed_and_at_the_end(self, journal: Recorded) -> None:
        journal.record(laps(5))
        steps = [lambda index=index: journal.record([(NOON + index, lap(index))]) for index in range(5, 20)]
        rest = [lambda: None] * 20
        written = self.followed(journal, *steps, *rest, journal.end)
        assert WRITE_SECONDS == 10
        assert [each["session"]["currentTimestamp"] - NOON for each in written] == [4, 14, 19, 19]

    def test_the_last_one_is_that_of_the_finished_recording(self, journal: Recorded, tmp_path: Path) -> None:
        journal.record(laps(5))
        seconds = [5, 6, 6, 6, 9, 9, 10, 14, 14, 30]
        steps = [
            lambda second=second, number=number: journal.record([(NOON + second, lap(number))])
            for number, second in enumerate(seconds, 5)
        ]
        written = self.followed(journal, *steps, journal.end)
        finished = finalise(journal.path, tmp_path)
        assert finished is not None
        assert written[-1] == of(finished.path)

    def test_a_journal_that_goes_without_a_word_has_ended_too(self, journal: Recorded, tmp_path: Path) -> None:
        journal.record(laps(5))

        def goes() -> None:
            journal.record([(NOON + 5, lap(5))])
            finalise(journal.path, tmp_path)

        assert self.followed(journal, goes)[-1] == of(tmp_path / f"{UUID}.zip")

    def test_columns_that_change_hold_for_all_of_it(self, journal: Recorded, tmp_path: Path) -> None:
        journal.record(laps(5))
        swapped = [COLUMNS[0], COLUMNS[1], ["Pits", "numeric"], COLUMNS[3]]
        written = self.followed(
            journal,
            lambda: journal.describe({**MANIFEST, "colSpec": swapped}),
            lambda: journal.record([(NOON + 6, lap(6))]),
            journal.end,
        )
        finished = finalise(journal.path, tmp_path)
        assert finished is not None
        assert written[-1] == of(finished.path)
        assert written[0]["session"]["leaderLap"] != written[-1]["session"]["leaderLap"]

    def test_one_that_holds_no_frame_yet_is_waited_for(self, journal: Recorded) -> None:
        written = self.followed(journal, lambda: None, lambda: journal.record(laps(3)), journal.end)
        assert [each["session"]["currentTimestamp"] for each in written] == [NOON + 2] * len(written)
        assert written

    def test_one_that_ends_without_a_frame_has_no_analysis(self, journal: Recorded) -> None:
        assert self.followed(journal, journal.end) == []


class TestFollow:
    """The program itself."""

    def program(self, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator.recordings.analysis_cli", *arguments],
            env={**os.environ, "LIVETIMING_RECORDINGS_TEMP_DIR": str(folder), "LIVETIMING_HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_a_uuid_is_its_recording_in_progress_which_is_followed_to_its_end(
        self, journal: Recorded, tmp_path: Path
    ) -> None:
        journal.record(laps(5))
        target = tmp_path / "now.json"
        process = self.program(tmp_path, "--follow", UUID, "-o", str(target))
        try:
            eventually(target.exists, within=60, what="the first analysis")
            assert read(target)["state"] == lap(4)
            journal.record([(NOON + 5, lap(5))])
            journal.end()
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait(10)
        assert (process.returncode, err) == (0, "")
        assert out == f"{target}  6 frames  0:00:05\n"
        assert read(target)["state"] == lap(5)

    def test_ctrl_c_ends_it_with_a_whole_file(self, journal: Recorded, tmp_path: Path) -> None:
        journal.record(laps(5))
        process = self.program(tmp_path, "--follow", str(journal.path))
        try:
            eventually((tmp_path / f"{UUID}.0.json").exists, within=60, what="the first analysis")
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait(10)
        assert (process.returncode, err) == (0, "livetiming-analysis: no longer followed\n")
        assert read(tmp_path / f"{UUID}.0.json")["state"] == lap(4)
        assert sorted(path.name for path in tmp_path.iterdir()) == [f"{UUID}.0.journal", f"{UUID}.0.json"]

    def test_a_uuid_of_which_nothing_is_in_progress_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("LIVETIMING_RECORDINGS_TEMP_DIR", str(tmp_path))
        assert main(["--follow", UUID]) == 1
        assert f"no recording of {UUID} is in progress" in capsys.readouterr().err

    def test_a_finished_recording_has_nothing_to_follow(self, race: Path) -> None:
        assert main(["--follow", str(race)]) == 0
        assert read(race.with_suffix(".json")) == of(race)

    def test_a_reader_that_has_left_is_no_traceback(self, race: Path, tmp_path: Path) -> None:
        begin, end = os.pipe()
        os.close(begin)
        process = subprocess.run(
            [sys.executable, "-m", "orchestrator.recordings.analysis_cli", str(race), "-o", "-"],
            stdout=end,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        os.close(end)
        assert (process.returncode, process.stderr) == (1, "")
