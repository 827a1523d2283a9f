"""Finishing in a process of its own: the real one."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from orchestrator.dvr import worker
from orchestrator.dvr.finalise import Finished, finalise
from orchestrator.dvr.worker import Interrupted, WorkerFailed, finalise_in_worker
from tests.support.waiting import eventually
from tests.unit.dvr.test_finalise import LAPS, UUID, record, states

PROJECT = Path(__file__).parent.parent.parent.parent


def never() -> bool:
    return False


@contextmanager
def held(journal: Path) -> Iterator[None]:
    """Another worker is at this journal."""
    with journal.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def workers(parent: int) -> list[psutil.Process]:
    """The workers of a process."""
    try:
        children = psutil.Process(parent).children()
        return [child for child in children if "orchestrator.dvr.worker" in child.cmdline()]
    except psutil.Error:
        return []


def test_it_makes_the_file_and_its_analysis_and_tells_what_it_made(temp: Path, done: Path) -> None:
    assert finalise_in_worker(record(temp), done, never) == Finished(done / f"{UUID}.zip", 25, 24)
    assert states(done / f"{UUID}.zip") == LAPS
    assert sorted(path.name for path in done.iterdir()) == [f"{UUID}.json", f"{UUID}.zip"]
    assert list(temp.iterdir()) == []


def test_a_journal_without_frames_makes_no_file(temp: Path, done: Path) -> None:
    assert finalise_in_worker(record(temp, 0), done, never) is None
    assert list(temp.iterdir()) == list(done.iterdir()) == []


def test_what_the_disk_refuses_is_told_as_it_would_be_here(temp: Path) -> None:
    journal = record(temp)
    with pytest.raises(FileNotFoundError) as caught:
        finalise_in_worker(journal, temp / "nowhere", never)
    assert "nowhere" in str(caught.value)
    assert len(list(temp.iterdir())) == 1


def test_it_leaves_no_process_behind(temp: Path, done: Path) -> None:
    finalise_in_worker(record(temp), done, never)
    assert workers(os.getpid()) == []


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("raise SystemExit(7)", "exit 7"),
        ("print('hello')", "no answer"),
    ],
)
def test_one_that_crashes_is_told_and_the_journal_stays(
    temp: Path, done: Path, monkeypatch: pytest.MonkeyPatch, does: str, why: str
) -> None:
    monkeypatch.setattr(worker, "_COMMAND", [sys.executable, "-c", does])
    journal = record(temp)
    with pytest.raises(WorkerFailed, match=why):
        finalise_in_worker(journal, done, never)
    assert journal.exists()


def test_it_is_killed_when_the_dvr_ends(temp: Path, done: Path) -> None:
    journal = record(temp)
    with held(journal), pytest.raises(Interrupted):
        finalise_in_worker(journal, done, lambda: bool(workers(os.getpid())))
    assert workers(os.getpid()) == []
    (claimed,) = temp.iterdir()
    assert finalise(claimed, done) == Finished(done / f"{UUID}.zip", 25, 24)


def test_none_is_started_when_the_dvr_ends(temp: Path, done: Path) -> None:
    with pytest.raises(Interrupted):
        finalise_in_worker(record(temp), done, lambda: True)
    assert list(done.iterdir()) == []


def test_it_ends_when_its_parent_is_killed(temp: Path, done: Path) -> None:
    journal = record(temp)
    code = "import sys; from pathlib import Path; from orchestrator.dvr.worker import finalise_in_worker\n"
    code += "finalise_in_worker(Path(sys.argv[1]), Path(sys.argv[2]), lambda: False)"
    with held(journal):
        parent = subprocess.Popen([sys.executable, "-c", code, str(journal), str(done)], cwd=PROJECT)
        (child,) = eventually(lambda: workers(parent.pid), what="its worker runs")
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        eventually(lambda: not psutil.pid_exists(child.pid), what="the worker ends")
    assert list(done.iterdir()) == []


def test_two_of_them_never_write_the_same_file_at_once(temp: Path, done: Path) -> None:
    journal = record(temp)
    made: list[Finished | None] = []
    second = threading.Thread(target=lambda: made.append(finalise_in_worker(journal, done, never)))
    with held(journal):
        second.start()
        eventually(lambda: not journal.exists(), what="it has claimed its name")
        assert list(done.iterdir()) == []
    second.join(20)
    assert made == [Finished(done / f"{UUID}.zip", 25, 24)]
    assert states(done / f"{UUID}.zip") == LAPS
