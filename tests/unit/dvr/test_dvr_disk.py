"""What the DVR does when its disk is in trouble: in the reactor, with its threads."""

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from livetiming.state import State
from orchestrator.dvr import alarm as alarm_module
from orchestrator.dvr import dvr as module
from orchestrator.dvr import finishing as finishing_module
from orchestrator.dvr.alarm_file import FILE_NAME, AlarmFile, read_alarm
from orchestrator.dvr.disk import Disk, Flushed
from orchestrator.dvr.dvr import Dvr
from orchestrator.dvr.journal import Journal
from orchestrator.dvr.rules import FrameSeen, Left, Limits
from tests.support.client import in_reactor
from tests.support.waiting import eventually

UUID = "0123456789abcdef0123456789abcdef"


def lap(number: int) -> State:
    return {"cars": [["7", "RUN", number]], "session": {}, "messages": [], "highlight": []}


@pytest.fixture
def dvr(tmp_path: Path) -> Iterator[Dvr]:
    def made() -> Dvr:
        limits = Limits(min_duration=0)
        return Dvr(tmp_path / "temp", tmp_path / "done", limits, lambda _uuid: None, AlarmFile(tmp_path / FILE_NAME))

    dvr = in_reactor(made)
    in_reactor(dvr.recover)
    eventually(lambda: (tmp_path / FILE_NAME).exists(), what="the file of the alarm")
    yield dvr
    in_reactor(dvr.end, 20.0)
    for lane in (dvr._disk_lane, dvr._alarm_lane, dvr._finishing._lane):
        in_reactor(lane._pool.stop)


def said(dvr: Dvr, folder: Path) -> str:
    """What others read now."""
    in_reactor(dvr.watch)
    outage = read_alarm(folder / FILE_NAME, time.time())
    return "" if outage is None else outage.text


def test_a_disk_that_does_not_answer_is_told_and_so_is_its_end(
    dvr: Dvr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.05)
    monkeypatch.setattr(alarm_module, "CALM_SECONDS", 0.05)
    answers = threading.Event()

    def silent(_disk: Disk) -> Flushed:
        answers.wait(20)
        return Flushed()

    with monkeypatch.context() as patch:
        patch.setattr(Disk, "flush", silent)
        in_reactor(lambda: dvr.flush() is None)  # and do not wait for it
        outage = eventually(lambda: said(dvr, tmp_path), what="the alarm")
        assert "it has not answered for" in outage
        assert f"look at the disk of {tmp_path / 'temp'}" in outage
        answers.set()
        eventually(lambda: said(dvr, tmp_path) == "", what="its end")


def test_a_recording_that_the_disk_has_no_room_for_becomes_a_file_later(
    dvr: Dvr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_module, "CALM_SECONDS", 0.05)
    flush = Journal.flush

    def full(_journal: Journal) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Journal, "flush", full)
    in_reactor(dvr.event, UUID, FrameSeen(None, time.time()), lap(1))
    in_reactor(dvr.event, UUID, Left())
    outage = eventually(lambda: said(dvr, tmp_path), what="the alarm")
    assert outage.startswith("recording is paused (0.0 MiB wait in memory, no frame was dropped): No space left")
    monkeypatch.setattr(Journal, "flush", flush)
    in_reactor(dvr.flush)
    eventually(lambda: list((tmp_path / "done").glob("*.zip")), what="the file")
    eventually(lambda: said(dvr, tmp_path) == "", what="the end of the alarm")


def test_a_file_that_cannot_be_made_is_told_and_tried_until_it_can(
    dvr: Dvr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_module, "CALM_SECONDS", 0.05)
    attempts: list[int] = []

    def soon(failures: int) -> float:
        attempts.append(failures)
        return 0.05

    monkeypatch.setattr(finishing_module, "retry_seconds", soon)
    done = tmp_path / "done"
    done.rmdir()
    done.write_text("a file where the folder should be")
    in_reactor(dvr.event, UUID, FrameSeen(None, time.time()), lap(1))
    in_reactor(dvr.event, UUID, Left())
    eventually(lambda: len(attempts) >= 3, what="three attempts")
    assert said(dvr, tmp_path).startswith("1 recording waits to be finished: Not a directory")
    assert len(list((tmp_path / "temp").glob("*.journal"))) == 1
    done.unlink()
    done.mkdir()
    eventually(lambda: list(done.glob("*.json")), what="the file and its analysis")
    eventually(lambda: said(dvr, tmp_path) == "", what="the end of the alarm")
    assert attempts == [*range(1, len(attempts) + 1)]


def test_a_recording_whose_name_is_taken_while_it_cannot_be_made_gets_another(
    dvr: Dvr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the attempt that found another file there has renamed the journal, before it failed."""
    taken = tmp_path / "done" / f"{UUID}.zip"
    monkeypatch.setattr(finishing_module, "retry_seconds", lambda _failures: 0.05)
    (tmp_path / "done" / f"{UUID}.zip.part").mkdir()  # nobody can write it
    (tmp_path / "done" / f"{UUID}_1.zip.part").mkdir()
    in_reactor(dvr.event, UUID, FrameSeen(None, time.time()), lap(1))
    in_reactor(dvr.event, UUID, Left())
    eventually(lambda: list((tmp_path / "temp").glob("*.as0.journal")), what="it has its name")
    taken.write_text("another's")
    eventually(lambda: list((tmp_path / "temp").glob("*.as1.journal")), what="it has another name")
    (tmp_path / "done" / f"{UUID}_1.zip.part").rmdir()
    eventually(lambda: (tmp_path / "done" / f"{UUID}_1.json").exists(), what="the file and its analysis")
    assert taken.read_text() == "another's"


def test_what_the_disk_did_not_take_before_the_end_is_owned_up_to(
    dvr: Dvr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []

    def listen(event: LogEvent) -> None:
        logged.append(formatEvent(event))

    observer: Any = listen

    def full(_journal: Journal) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Journal, "flush", full)
    in_reactor(dvr.event, UUID, FrameSeen(None, time.time()), lap(1))
    globalLogPublisher.addObserver(observer)
    in_reactor(dvr.end, 1.0)
    globalLogPublisher.removeObserver(observer)
    assert any(line.endswith("bytes of recordings are lost: the disk did not take them") for line in logged)
    assert list((tmp_path / "temp").iterdir()) == []
