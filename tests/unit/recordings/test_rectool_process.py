"""rectool as a process of its own: pipes, terminals, the shell's exit code."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from orchestrator.recordings.processes import in_processes
from tests.support.recorded import frames, laps, write
from tests.support.waiting import eventually

RECTOOL = [sys.executable, "-m", "orchestrator.recordings.rectool.cli"]
PROJECT = Path(__file__).parent.parent.parent.parent


@pytest.fixture
def race(tmp_path: Path) -> Path:
    """A recording of 500 frames, one a second."""
    return write(tmp_path / "race.zip", frames(laps(500)))


def run(*line: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*RECTOOL, *line], cwd=PROJECT, capture_output=True, timeout=60, check=False)


def test_results_go_to_standard_output_and_in_a_pipe_there_is_no_progress(race: Path) -> None:
    done = run("verify", str(race))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == f"{race}: good, 500 frames, 0:08:19\n"


def test_several_files_are_verified_by_several_processes(race: Path) -> None:
    done = run("verify", str(race), str(race), str(race), "-j", "2")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"good") == 3


def test_the_exit_code_tells_what_is_wrong(race: Path) -> None:
    assert run("verify", str(race.with_name("none.zip"))).returncode == 1
    assert run("verify").returncode == 2


def test_interrupted_it_ends_with_all_its_processes_and_without_a_traceback(race: Path) -> None:
    command = [*RECTOOL, "verify", *[str(race)] * 400, "-j", "2"]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.read(1)  # it is at work
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1
    assert told == "livetiming-rectool: interrupted, no file is left unfinished\n"
    eventually(lambda: not in_group(process.pid), what="all processes have ended")


def test_work_that_is_shared_out_comes_back_with_the_index_of_its_item() -> None:
    assert dict(in_processes(abs, [-1, -2, -3], 2)) == {0: 1, 1: 2, 2: 3}


def test_an_item_whose_process_is_killed_gives_nothing() -> None:
    assert dict(in_processes(os._exit, [1, 1], 2)) == {0: None, 1: None}


def in_group(group: int) -> list[int]:
    """The processes of a group that are alive."""
    found = []
    for each in psutil.process_iter(["status"]):
        try:
            if each.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(each.pid) == group:
                found.append(each.pid)
        except ProcessLookupError:
            continue
    return found


@pytest.mark.parametrize("line", [["show", "0"], ["export", "--table", "frames", "--format", "jsonl", "-o", "-"]])
def test_a_reader_that_has_enough_ends_it_without_a_word(race: Path, line: list[str]) -> None:
    """What `| head` does."""
    reading, writing = os.pipe()
    command = [*RECTOOL, line[0], str(race), *line[1:]]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    os.close(reading)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["verify"], rb"r\udcff.zip: good"),
        (["verify", "--json"], rb"r\\xff.zip"),
        (["inspect", "--json"], rb"r\\xff.zip"),
    ],
)
def test_a_file_whose_name_is_no_text_is_told_all_the_same(
    race: Path, line: list[str], told: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    odd = race.rename(race.with_name(os.fsdecode(b"r\xff.zip")))
    done = run(*line, str(odd))
    assert (done.returncode, done.stderr) == (0, b"")
    assert told in done.stdout


def test_on_a_terminal_long_work_shows_how_far_it_is(race: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [*RECTOOL, "verify", str(race)], cwd=PROJECT, stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65_536):
            shown += part
    except OSError:
        pass  # how a terminal says that nobody writes to it any more
    os.close(ours)
    assert process.communicate(timeout=60)[0].endswith(b"500 frames, 0:08:19\n")
    assert b"race.zip" in shown
