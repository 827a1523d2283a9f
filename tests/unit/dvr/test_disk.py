"""What the rules say, done: effects in their order make journals."""

import errno
import os
from pathlib import Path

import pytest

from livetiming.recording.format import UnusableState
from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.dvr import disk as module
from orchestrator.dvr import journal as journal_module
from orchestrator.dvr.disk import Disk
from orchestrator.dvr.finalise import finalise
from orchestrator.dvr.journal import Dropped, Journal
from orchestrator.dvr.recover import recover
from orchestrator.dvr.rules import Close, Describe, Discard, End, Keep, Open, Part, Record

UUID = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
NOON = 1_700_000_000
MANIFEST = {"uuid": UUID, "name": "FIA WEC", "description": "6h of Spa - Race"}


def lap(number: int) -> State:
    return {"cars": [["7", "RUN", number]], "session": {}, "messages": [], "highlight": []}


def record(disk: Disk, uuid: str = UUID, number: int = 0, laps: int = 3) -> None:
    disk.apply(uuid, Open(number, MANIFEST), NOON)
    for index in range(laps):
        disk.apply(uuid, Record(number, NOON + index), NOON, lap(index))


def keep(disk: Disk, uuid: str = UUID, number: int = 0) -> None:
    disk.apply(uuid, Close(number, End.LEFT), NOON)
    disk.apply(uuid, Keep(number), NOON)


def states(path: Path) -> list[State]:
    with Recording(path) as recording:
        return [state for _second, state in recording.states()]


def test_a_recording_is_on_the_disk_after_a_flush(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    record(disk)
    assert list(tmp_path.iterdir()) == []
    assert disk.flush().ready == []
    disk.close()
    (left,) = recover(tmp_path).services[UUID]
    assert (left.part, left.manifest) == (Part(0, NOON, NOON + 2), MANIFEST)


def test_one_that_is_kept_is_ready_after_the_next_flush(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    record(disk)
    keep(disk)
    (ready,) = disk.flush().ready
    finished = finalise(ready, tmp_path)
    assert finished is not None
    assert states(finished.path) == [lap(0), lap(1), lap(2)]
    assert disk.flush().ready == []


def test_one_that_is_thrown_away_leaves_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    record(disk)
    disk.flush()
    disk.apply(UUID, Close(0, End.LEFT), NOON)
    disk.apply(UUID, Discard(0, "too short"), NOON)
    disk.flush()
    assert list(tmp_path.iterdir()) == []


def test_a_newer_manifest_stands_in_the_journal(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    record(disk)
    disk.apply(UUID, Describe(0, {**MANIFEST, "hidden": True}), NOON)
    disk.flush()
    disk.close()
    assert recover(tmp_path).services[UUID][0].manifest == {**MANIFEST, "hidden": True}


def test_two_recordings_never_mix(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    for uuid, number in [(UUID, 0), (UUID, 1), (OTHER, 0)]:
        disk.apply(uuid, Open(number, {**MANIFEST, "uuid": uuid}), NOON)
    for index in range(20):
        disk.apply(UUID, Record(0, NOON + index), NOON, lap(index))
        disk.apply(OTHER, Record(0, NOON + index), NOON, lap(1000 + index))
        disk.apply(UUID, Record(1, NOON + index), NOON, lap(2000 + index))
    for uuid, number in [(UUID, 0), (UUID, 1), (OTHER, 0)]:
        keep(disk, uuid, number)
    paths = {journal.name[:34]: finalise(journal, tmp_path) for journal in disk.flush().ready}
    made = {name: states(finished.path)[-1]["cars"][0][2] for name, finished in paths.items() if finished}
    assert made == {f"{UUID}.0": 19, f"{UUID}.1": 2019, f"{OTHER}.0": 1019}


def test_what_an_earlier_life_recorded_is_continued(tmp_path: Path) -> None:
    first = Disk(tmp_path)
    record(first)
    first.flush()
    first.close()
    second = Disk(tmp_path)
    second.resume(recover(tmp_path).services[UUID][0])
    second.apply(UUID, Record(0, NOON + 3), NOON, lap(3))
    keep(second)
    finished = finalise(second.flush().ready[0], tmp_path)
    assert finished is not None
    assert states(finished.path) == [lap(0), lap(1), lap(2), lap(3)]


def test_one_that_cannot_be_written_does_not_hold_up_the_others_and_is_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path)
    record(disk)
    keep(disk)
    record(disk, OTHER)
    keep(disk, OTHER)
    flush = Journal.flush

    def full(journal: Journal) -> None:
        if journal.path.name.startswith(UUID):
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(journal)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "flush", full)
        result = disk.flush()
    assert [path.name for path in result.ready] == [f"{OTHER}.0.journal"]
    assert [path.name for path in result.failed] == [f"{UUID}.0.journal"]
    assert [path.name for path in disk.flush().ready] == [f"{UUID}.0.journal"]


def test_a_state_that_cannot_be_recorded_is_refused_and_the_recording_goes_on(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    record(disk)
    with pytest.raises(UnusableState):
        disk.apply(UUID, Record(0, NOON + 3), NOON, {"cars": 7})
    disk.apply(UUID, Record(0, NOON + 4), NOON, lap(4))
    disk.flush()
    disk.close()
    assert recover(tmp_path).services[UUID][0].part.last == NOON + 4


def full(patch: pytest.MonkeyPatch) -> None:
    """The disk takes nothing."""

    def refused(*_args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(os, "pwrite", refused)


def frames(disk: Disk, seconds: range, uuid: str = UUID) -> list[int]:
    """Record a frame for each of these seconds; which were dropped."""
    dropped = []
    for second in seconds:
        try:
            disk.apply(uuid, Record(0, NOON + second), NOON, lap(second))
        except Dropped:
            dropped.append(second)
    return dropped


def finished(disk: Disk, folder: Path, uuid: str = UUID) -> Recording:
    keep(disk, uuid)
    (ready,) = disk.flush().ready
    made = finalise(ready, folder)
    assert made is not None
    return Recording(made.path)


class TestADiskThatTakesNothing:
    def test_what_waits_in_memory_is_on_the_disk_when_there_is_room_again_without_a_gap(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk = Disk(tmp_path)
        record(disk, laps=1)
        disk.flush()
        with monkeypatch.context() as patch:
            full(patch)
            assert frames(disk, range(1, 30)) == []
            result = disk.flush()
        assert (list(result.failed), result.waiting > 0, result.dropped) == ([tmp_path / f"{UUID}.0.journal"], True, 0)
        result = disk.flush()
        assert (result.failed, result.waiting) == ({}, 0)
        with finished(disk, tmp_path) as recording:
            assert [state for _second, state in recording.states()] == [lap(number) for number in range(30)]

    def test_frames_that_were_dropped_are_counted_and_those_after_them_still_apply(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journal_module, "PENDING_LIMIT", 2000)
        disk = Disk(tmp_path)
        record(disk, laps=1)
        with monkeypatch.context() as patch:
            full(patch)
            dropped = frames(disk, range(1, 100))
            assert 0 < len(dropped) < 99
            assert disk.flush().dropped == len(dropped)
        disk.flush()
        assert frames(disk, range(100, 112)) == []
        with finished(disk, tmp_path) as recording:
            states = dict(recording.states())
        assert states == {NOON + number: lap(number) for number in range(112) if number not in dropped}

    def test_all_recordings_together_have_a_limit_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "WAITING_LIMIT", 2000)
        disk = Disk(tmp_path)
        record(disk, laps=1)
        record(disk, OTHER, laps=1)
        with monkeypatch.context() as patch:
            full(patch)
            assert frames(disk, range(1, 100)) != []
            assert frames(disk, range(1, 100), OTHER) == [*range(1, 100)]
            assert 2000 <= disk.flush().waiting < 3000
        assert disk.flush().waiting == 0
        assert frames(disk, range(100, 105), OTHER) == []

    def test_its_newest_manifest_and_its_end_are_never_dropped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journal_module, "PENDING_LIMIT", 2000)
        disk = Disk(tmp_path)
        record(disk, laps=1)
        with monkeypatch.context() as patch:
            full(patch)
            frames(disk, range(1, 100))
            for number in range(1000):
                disk.apply(UUID, Describe(0, {**MANIFEST, "description": f"Race {number}"}), NOON)
            assert disk.flush().waiting < 3000
            disk.apply(UUID, Close(0, End.LEFT), NOON)
        disk.flush()
        disk.close()
        (left,) = recover(tmp_path).services[UUID]
        assert (left.manifest, left.end) == ({**MANIFEST, "description": "Race 999"}, End.LEFT)

    def test_what_is_thrown_away_goes_when_the_disk_lets_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk = Disk(tmp_path)
        record(disk)
        disk.flush()
        disk.apply(UUID, Discard(0, "too short"), NOON)

        def refused(_path: Path) -> None:
            raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", refused)
            assert list(disk.flush().failed) == [tmp_path / f"{UUID}.0.journal"]
        assert disk.flush().failed == {}
        assert list(tmp_path.iterdir()) == []
