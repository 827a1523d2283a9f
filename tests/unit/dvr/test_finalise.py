"""From states to a finished recording: recorder, journal, finalising, and what a restart finds."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from livetiming.recording.format import Kind, UnusableState
from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.dvr.finalise import Finished, Interrupted, JournalName, finalise
from orchestrator.dvr.journal import MAGIC, Journal
from orchestrator.dvr.recorder import Recorder
from orchestrator.dvr.recover import recover
from orchestrator.dvr.rules import End, Part

UUID = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
NOON = 1_700_000_000
MANIFEST = {"uuid": UUID, "name": "FIA WEC", "description": "6h of Spa - Race"}


def lap(number: int) -> State:
    return {"cars": [["7", "RUN", number]], "session": {"timeElapsed": number}, "messages": [], "highlight": []}


def record(folder: Path, count: int = 25, number: int = 0, uuid: str = UUID, end: End | None = None) -> Path:
    """A journal of `count` frames, one a second."""
    path = folder / f"{uuid}.{number}.journal"
    recorder = Recorder.begin(Journal(path), uuid, NOON)
    recorder.describe(MANIFEST, NOON)
    for index in range(count):
        recorder.record(NOON + index, lap(index))
    if end is not None:
        recorder.end(end, NOON + count)
    recorder.journal.flush()
    recorder.journal.close()
    return path


def states(path: Path) -> list[tuple[int, State]]:
    with Recording(path) as recording:
        return list(recording.states())


LAPS = [(NOON + index, lap(index)) for index in range(25)]


def fail_nth_call(patch: pytest.MonkeyPatch, names: tuple[str, ...], nth: int) -> list[str]:
    """The n-th of these calls of `os` fails; the list tells which were made."""
    calls: list[str] = []

    def failing(name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) == nth:
                raise OSError(errno.EIO, "Input/output error")
            return real(*args, **kwargs)

        return call

    for name in names:
        patch.setattr(os, name, failing(name, getattr(os, name)))
    return calls


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    (tmp_path / "temp").mkdir()
    return tmp_path / "temp"


@pytest.fixture
def done(tmp_path: Path) -> Path:
    (tmp_path / "done").mkdir()
    return tmp_path / "done"


class TestRecorder:
    def test_of_one_second_the_newest_state_is_kept(self, temp: Path, done: Path) -> None:
        recorder = Recorder.begin(Journal(temp / f"{UUID}.0.journal"), UUID, NOON)
        for second, number in [(0, 0), (1, 1), (1, 2), (2, 3), (1, 4)]:
            recorder.record(NOON + second, lap(number))
        recorder.journal.flush()
        recorder.journal.close()
        finalise(recorder.journal.path, done)
        assert states(done / f"{UUID}.zip") == [(NOON, lap(0)), (NOON + 1, lap(2)), (NOON + 2, lap(4))]

    def test_a_state_that_cannot_be_recorded_does_not_disturb_those_around_it(self, temp: Path, done: Path) -> None:
        recorder = Recorder.begin(Journal(temp / f"{UUID}.0.journal"), UUID, NOON)
        recorder.record(NOON, lap(0))
        with pytest.raises(UnusableState):
            recorder.record(NOON + 1, {"cars": 7})
        recorder.record(NOON + 1, lap(1))
        recorder.journal.flush()
        recorder.journal.close()
        finalise(recorder.journal.path, done)
        assert states(done / f"{UUID}.zip") == LAPS[:2]


class TestFinalising:
    def test_the_file_holds_what_was_recorded_and_the_journal_is_gone(self, temp: Path, done: Path) -> None:
        assert finalise(record(temp), done) == Finished(done / f"{UUID}.zip", 25, 24)
        assert states(done / f"{UUID}.zip") == LAPS
        assert list(temp.iterdir()) == []

    def test_the_manifest_is_the_newest(self, temp: Path, done: Path) -> None:
        path = temp / f"{UUID}.0.journal"
        recorder = Recorder.begin(Journal(path), UUID, NOON)
        recorder.describe({**MANIFEST, "hidden": True}, NOON)
        recorder.record(NOON + 5, lap(0))
        recorder.describe(MANIFEST, NOON)
        recorder.journal.flush()
        recorder.journal.close()
        finalise(path, done)
        with Recording(done / f"{UUID}.zip") as recording:
            assert recording.manifest == {**MANIFEST, "version": 1, "startTime": NOON + 5}

    def test_without_any_manifest_the_recording_is_hidden(self, temp: Path, done: Path) -> None:
        path = temp / f"{UUID}.0.journal"
        recorder = Recorder.begin(Journal(path), UUID, NOON)
        recorder.record(NOON, lap(0))
        recorder.journal.flush()
        recorder.journal.close()
        finalise(path, done)
        with Recording(done / f"{UUID}.zip") as recording:
            assert (recording.manifest["uuid"], recording.manifest["hidden"]) == (UUID, True)

    def test_a_recording_without_frames_is_discarded(self, temp: Path, done: Path) -> None:
        assert finalise(record(temp, 0), done) is None
        assert list(temp.iterdir()) == list(done.iterdir()) == []

    def test_later_recordings_of_the_uuid_are_counted(self, temp: Path, done: Path) -> None:
        for number in range(3):
            finalise(record(temp, number=number), done)
        assert sorted(path.name for path in done.iterdir()) == [f"{UUID}.zip", f"{UUID}_1.zip", f"{UUID}_2.zip"]

    def test_of_a_damaged_journal_what_stands_before_the_damage_is_kept(self, temp: Path, done: Path) -> None:
        path = record(temp)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 1)
        finished = finalise(path, done)
        assert finished is not None
        assert finished.damage is not None
        assert states(finished.path) == LAPS[:24]

    def test_interrupted_it_leaves_the_journal_and_no_file(self, temp: Path, done: Path) -> None:
        with pytest.raises(Interrupted):
            finalise(record(temp), done, lambda: True)
        assert list(done.iterdir()) == []
        (journal,) = temp.iterdir()
        finalise(journal, done)
        assert states(done / f"{UUID}.zip") == LAPS

    def test_one_that_failed_keeps_its_claim_on_the_name(self, temp: Path, done: Path) -> None:
        with pytest.raises(Interrupted):
            finalise(record(temp, 25, number=0), done, lambda: True)
        finalise(record(temp, 10, number=1), done)
        (journal,) = temp.iterdir()
        finalise(journal, done)
        assert states(done / f"{UUID}.zip") == LAPS
        assert states(done / f"{UUID}_1.zip") == LAPS[:10]

    def test_whichever_rename_sync_or_deletion_fails_the_next_attempt_makes_the_file_once(
        self, temp: Path, done: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for fail_at in range(1, 100):
            journal = record(temp)
            with monkeypatch.context() as patch:
                calls = fail_nth_call(patch, ("fsync", "rename", "unlink"), fail_at)
                with suppress(OSError):
                    finalise(journal, done)
            for left in temp.glob("*.journal"):
                finalise(left, done)
            assert [path.name for path in done.iterdir()] == [f"{UUID}.zip"], f"after call {fail_at} failed"
            assert states(done / f"{UUID}.zip") == LAPS
            assert list(temp.iterdir()) == []
            (done / f"{UUID}.zip").unlink()
            if len(calls) < fail_at:
                break
        assert fail_at > 6


class TestRecovery:
    def test_a_journal_in_progress_is_found_with_its_part_and_manifest(self, temp: Path) -> None:
        path = record(temp, number=4)
        (left,) = recover(temp).services[UUID]
        assert (left.path, left.part, left.manifest, left.end) == (path, Part(4, NOON, NOON + 24), MANIFEST, None)
        assert (left.length, left.stopped) == (path.stat().st_size, None)

    def test_why_one_ended_is_remembered(self, temp: Path) -> None:
        record(temp, end=End.RENAMED)
        assert recover(temp).services[UUID][0].end is End.RENAMED

    def test_the_parts_of_a_service_come_in_their_order(self, temp: Path) -> None:
        for number in (10, 9, 11):
            record(temp, number=number)
        assert [left.part.number for left in recover(temp).services[UUID]] == [9, 10, 11]

    def test_a_torn_record_costs_what_was_not_acknowledged_and_is_told(self, temp: Path) -> None:
        path = record(temp)
        whole = path.stat().st_size
        with path.open("ab") as file:
            file.write(b"torn")
        (left,) = recover(temp).services[UUID]
        assert (left.length, left.part.last) == (whole, NOON + 24)
        assert f"stops at byte {whole}" in (left.stopped or "")

    def test_a_recording_goes_on_with_a_keyframe_and_may_replace_its_newest_frame(self, temp: Path, done: Path) -> None:
        record(temp, 3)
        (left,) = recover(temp).services[UUID]
        recorder = Recorder(Journal(left.path, left.length), left.part.last)
        for second, number in [(2, 20), (3, 30), (4, 40)]:
            recorder.record(NOON + second, lap(number))
        recorder.journal.flush()
        recorder.journal.close()
        finalise(left.path, done)
        assert states(done / f"{UUID}.zip") == [
            (NOON + second, lap(number)) for second, number in [(0, 0), (1, 1), (2, 20), (3, 30), (4, 40)]
        ]
        with Recording(done / f"{UUID}.zip") as recording:
            assert recording.frame(NOON + 2).kind is Kind.KEY

    def test_one_that_was_being_finalised_is_finalised(self, temp: Path) -> None:
        path = record(temp).rename(temp / f"{UUID}.0.as0.journal")
        found = recover(temp)
        assert (found.to_finalise, found.services) == ([path], {})

    def test_one_without_frames_is_deleted(self, temp: Path) -> None:
        record(temp, 0)
        (temp / f"{UUID}.1.journal").write_bytes(b"")
        (temp / f"{UUID}.2.journal").write_bytes(MAGIC)
        found = recover(temp)
        assert (len(found.empty), found.services, list(temp.iterdir())) == (3, {}, [])

    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            (f"{UUID}.0.journal", b"something else entirely", "does not begin as a journal"),
            ("notes.journal", b"", "its name"),
        ],
    )
    def test_what_is_no_journal_is_set_aside_with_the_reason(
        self, temp: Path, name: str, content: bytes, why: str
    ) -> None:
        (temp / name).write_bytes(content)
        ((path, reason),) = recover(temp).aside
        assert path.read_bytes() == content
        assert path.name == f"{name}.aside"
        assert why in reason

    def test_a_journal_under_another_service_s_name_is_set_aside(self, temp: Path) -> None:
        record(temp).rename(temp / f"{OTHER}.0.journal")
        found = recover(temp)
        assert found.services == {}
        assert "another service" in found.aside[0][1]

    def test_one_bad_journal_does_not_hide_the_others(self, temp: Path) -> None:
        record(temp)
        (temp / f"{OTHER}.0.journal").write_bytes(b"something else entirely")
        assert list(recover(temp).services) == [UUID]


def test_a_journal_s_name_is_read_as_it_is_written() -> None:
    for name in (JournalName(UUID, 0), JournalName(UUID, 12, 0), JournalName(UUID, 3, 7)):
        assert JournalName.parse(str(name)) == name
