"""`livetiming-recordings-index`, as an operator calls it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.recordings.expiry import EXPIRING
from orchestrator.recordings.index_cli import main
from tests.unit.recordings.files import NOON, UUID, age, write

KEYS = {"description", "duration", "filename", "name", "startTime", "uuid", "hidden", "external", "hasAnalysis"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two recordings and a file that is none; the settings say it is ours."""
    for name in [name for name in os.environ if name.startswith("LIVETIMING_")]:
        monkeypatch.delenv(name)
    made = tmp_path / "recordings"
    made.mkdir()
    monkeypatch.setenv("LIVETIMING_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIVETIMING_RECORDINGS_DIR", str(made))
    monkeypatch.chdir(tmp_path)
    write(made, f"{UUID}.zip", external={"name": "Club", "url": "https://example.org"})
    write(made, f"{UUID}_1.zip", NOON + 100, hidden=True)
    (made / "broken.zip").write_text("no ZIP")
    age(made / "broken.zip")
    return made


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return orjson.loads(capsys.readouterr().out)


class TestTheIndex:
    def test_it_is_one_object_by_uuid(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == 0
        assert told(capsys) == {
            f"{UUID}:1": {
                "description": "Race",
                "duration": 61,
                "filename": f"{UUID}_1.zip",
                "name": "FIA WEC",
                "startTime": NOON + 100,
                "uuid": f"{UUID}:1",
                "hidden": True,
                "external": None,
                "hasAnalysis": False,
            },
            UUID: {
                "description": "Race",
                "duration": 61,
                "filename": f"{UUID}.zip",
                "name": "FIA WEC",
                "startTime": NOON,
                "uuid": UUID,
                "hidden": False,
                "external": {"name": "Club", "url": "https://example.org"},
                "hasAnalysis": False,
            },
        }

    def test_it_is_written_whole(self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["-o", str(tmp_path / "index.json")]) == 0
        assert set(orjson.loads((tmp_path / "index.json").read_bytes())[UUID]) == KEYS
        out, err = capsys.readouterr()
        assert out == ""
        assert "files that are not listed: 1" in err

    def test_an_external_provider_that_is_none_is_left_out(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        deep: list[Any] = []
        for _ in range(251):  # the manifest can still be written, the index that holds it could not
            deep = [deep]
        write(folder, "deep.zip", external={"name": "Club", "url": deep})
        write(folder, "list.zip", external=["Club"])
        assert main([]) == 0
        index = told(capsys)
        assert [index[uuid]["external"] for uuid in ("deep", "list")] == [None, None]
        assert index[UUID]["external"] == {"name": "Club", "url": "https://example.org"}

    def test_one_that_cannot_be_written_leaves_nothing_behind(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "out").mkdir()
        assert main(["-o", str(tmp_path / "out")]) == 1
        assert str(tmp_path / "out") in capsys.readouterr().err
        assert {path.name for path in tmp_path.iterdir()} == {"out", "home", "recordings"}

    def test_it_never_takes_the_place_of_a_recording(self, folder: Path) -> None:
        before = (folder / f"{UUID}.zip").read_bytes()
        assert main(["-o", str(folder / f"{UUID}.zip")]) == 2
        assert (folder / f"{UUID}.zip").read_bytes() == before

    def test_a_folder_that_is_not_there_is_no_file_to_be_made(self, folder: Path, tmp_path: Path) -> None:
        assert main(["-o", f"{tmp_path}/new/"]) == 2
        assert not (tmp_path / "new").exists()

    def test_processes_are_for_analyses_only(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["-j", "2"]) == 2
        assert "--analyses" in capsys.readouterr().err

    def test_a_folder_can_be_named_and_then_no_setting_is_needed(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LIVETIMING_PORT", "not a port")
        other = tmp_path / "other"
        other.mkdir()
        write(other, "a.zip")
        assert main([str(other)]) == 0
        assert list(told(capsys)) == ["a"]
        assert main([]) == 2
        assert "LIVETIMING_PORT" in capsys.readouterr().err

    def test_the_cache_of_the_daemon_is_used_for_its_own_folder_only(self, folder: Path, tmp_path: Path) -> None:
        cache = tmp_path / "home" / "state" / "recordings.sqlite3"
        other = tmp_path / "other"
        other.mkdir()
        assert main([str(other)]) == 0
        assert not cache.exists()
        assert main([]) == 0
        assert cache.exists()

    def test_where_the_cache_cannot_be_used_the_files_are_read(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "home" / "state" / "recordings.sqlite3").mkdir(parents=True)
        assert main([]) == 0
        assert len(told(capsys)) == 2

    def test_a_folder_that_is_none_is_wrong_use(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(folder / "nowhere")]) == 2
        assert "is no folder" in capsys.readouterr().err


class TestProblems:
    def test_they_are_listed_with_their_reason(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--problems"]) == 1
        out, err = capsys.readouterr()
        assert f"{folder / 'broken.zip'} is no version 1 recording: " in out
        assert "1 of the files" in err

    def test_a_program_gets_json(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--problems", "--json"]) == 1
        (problem,) = told(capsys)
        assert (problem["filename"], "no ZIP" in problem["why"]) == ("broken.zip", True)

    @pytest.mark.parametrize("more", [[], ["--json"]])
    def test_they_go_into_a_file_where_one_is_named(
        self, folder: Path, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["--problems", *more])
        shown = capsys.readouterr().out
        assert main(["--problems", *more, "-o", str(tmp_path / "problems")]) == 1
        assert capsys.readouterr().out == ""
        assert (tmp_path / "problems").read_text() == shown

    def test_where_there_is_none_all_is_well(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "broken.zip").unlink()
        assert main(["--problems"]) == 0
        assert capsys.readouterr().out == ""


class TestAnalyses:
    def test_what_is_missing_or_older_than_its_recording_is_made(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / f"{UUID}.json").write_text("old")
        age(folder / f"{UUID}.json", 1)
        assert main(["--analyses", "-j", "1"]) == 0
        assert {key: each["hasAnalysis"] for key, each in told(capsys).items()} == {UUID: True, f"{UUID}:1": True}
        assert orjson.loads((folder / f"{UUID}.json").read_bytes())["service"]["name"] == "FIA WEC"
        assert main(["--analyses"]) == 0
        assert "analyses to be made: 0" in capsys.readouterr().err

    def test_one_that_cannot_be_made_keeps_no_other_and_is_told(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / f"{UUID}.json").mkdir()
        age(folder / f"{UUID}.json", 1)
        assert main(["--analyses"]) == 1
        out, err = capsys.readouterr()
        assert orjson.loads(out)[f"{UUID}:1"]["hasAnalysis"] is True
        assert f"{UUID}.json" in err

    def test_interrupted_there_is_no_index(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("orchestrator.recordings.analysis_cli.make", interrupted)
        assert main(["--analyses", "-j", "1", "-o", str(tmp_path / "index.json")]) == 1
        assert "interrupted" in capsys.readouterr().err
        assert not (tmp_path / "index.json").exists()


class TestExpiring:
    def test_without_limits_nothing_is(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--expiring"]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert "are not set" in err

    def test_what_is_to_go_is_listed_and_stays(
        self, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LIVETIMING_RECORDINGS_KEEP_DAYS", "30")
        assert main(["--expiring", "--json"]) == 0
        (entry,) = told(capsys)
        assert (entry["filename"], entry["why"]) == (f"{UUID}.zip", "age")
        assert main(["--expiring"]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(f"{UUID}.zip  20")
        assert main(["--expiring", "-o", str(tmp_path / "expiring")]) == 0
        assert (tmp_path / "expiring").read_text() == shown
        assert (folder / f"{UUID}.zip").exists()
        assert not (tmp_path / "home" / "state" / EXPIRING).exists()


def test_in_a_pipe_that_is_closed_there_is_no_traceback(folder: Path) -> None:
    for number in range(300):
        write(folder, f"{number:032x}.zip", NOON - number)
    command = [sys.executable, "-m", "orchestrator.recordings.index_cli"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(timeout=60) == 1


def test_help_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "examples:" in capsys.readouterr().out
