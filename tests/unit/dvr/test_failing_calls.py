"""The n-th call of the system fails, for n = 1, 2, 3 … until none fails: from the first frame to the finished file."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.dvr import journal as journal_module
from orchestrator.dvr.disk import Disk
from orchestrator.dvr.finalise import finalise
from orchestrator.dvr.journal import BadRecord, Journal, Record, RecordKind, encode, read
from orchestrator.dvr.recover import recover
from orchestrator.dvr.rules import Close, End, Keep, Open
from orchestrator.dvr.rules import Record as RecordFrame
from tests.unit.dvr.test_finalise import too_small

UUID = "0123456789abcdef0123456789abcdef"
NOON = 1_700_000_000
FRAMES = 25
MANIFEST = {"uuid": UUID, "name": "FIA WEC", "description": "6h of Spa - Race"}
CALLS = ("open", "write", "pwrite", "ftruncate", "fsync", "fchmod", "rename", "replace", "unlink")


def lap(number: int) -> State:
    return {"cars": [["7", "RUN", number]], "session": {"timeElapsed": number}, "messages": [], "highlight": []}


LAPS = [(NOON + index, lap(index)) for index in range(FRAMES)]


def states(path: Path) -> list[tuple[int, State]]:
    with Recording(path) as recording:
        return list(recording.states())


class Place:
    """A journal's folder and the finished files' folder, and what must be true of them at any moment."""

    def __init__(self, folder: Path) -> None:
        self.temp, self.done = folder / "temp", folder / "done"
        self.acknowledged = 0  # frames
        for each in (self.temp, self.done):
            each.mkdir(parents=True, exist_ok=True)

    def must_be_sound(self) -> None:
        """What has a final name is whole, and no acknowledged frame is in neither the journal nor the file."""
        finished = list(self.done.glob("*.zip"))
        for path in finished:
            assert states(path) == LAPS
        for path in self.done.glob("*.json"):
            orjson.loads(path.read_bytes())
        assert len(finished) <= 1
        if not finished:
            assert self.in_the_journal() >= self.acknowledged

    def in_the_journal(self) -> int:
        count = 0
        for path in self.temp.glob("*.journal"):
            with suppress(BadRecord):
                for record, _behind in read(path):
                    count += record.kind in (RecordKind.KEY, RecordKind.INTRA)
        return count


def failing(patch: pytest.MonkeyPatch, numbers: range, code: int, look: Callable[[], None] = lambda: None) -> list[str]:
    """Have the calls of `os` with these numbers (from 1) fail; `look` before each. The list tells which were made."""
    calls: list[str] = []
    looking = False

    def wrapped(name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal looking
            if looking:
                return real(*args, **kwargs)
            looking = True
            look()
            looking = False
            calls.append(name)
            if len(calls) in numbers:
                raise OSError(code, os.strerror(code))
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        patch.setattr(os, name, wrapped(name, getattr(os, name)))
    return calls


def record_a_race(place: Place) -> None:
    """Frames, several flushes, the end, the finished file: each step is tried until it succeeds."""
    disk = Disk(place.temp)
    disk.apply(UUID, Open(0, MANIFEST), NOON)
    for index in range(FRAMES):
        disk.apply(UUID, RecordFrame(0, NOON + index), NOON, lap(index))
        if index % 5 == 0 and not disk.flush().failed:
            place.acknowledged = index + 1
    disk.apply(UUID, Close(0, End.LEFT), NOON)
    disk.apply(UUID, Keep(0), NOON)
    ready = next(result.ready for result in iter(disk.flush, None) if result.ready)
    place.acknowledged = FRAMES
    finish(place, ready)


def finish(place: Place, journals: list[Path]) -> None:
    for _attempt in range(20):
        for journal in journals:
            with suppress(OSError):
                finalise(journal, place.done)
        journals = list(place.temp.glob("*.journal"))
        if not journals:
            return
    raise AssertionError(f"never finished: {journals}")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("burst", [1, 3])
def test_whichever_call_fails_nothing_acknowledged_is_lost_and_nothing_half_written_has_a_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, burst: int
) -> None:
    for number in range(1, 1000):
        place = Place(tmp_path / str(number))
        with monkeypatch.context() as patch:
            calls = failing(patch, range(number, number + burst), code, place.must_be_sound)
            record_a_race(place)
        assert [path.name for path in place.done.glob("*.zip")] == [f"{UUID}.zip"]
        assert states(place.done / f"{UUID}.zip") == LAPS
        assert list(place.temp.iterdir()) == []
        assert not list(place.done.glob("*.part"))
        if len(calls) < number:
            break
    assert {"open", "pwrite", "ftruncate", "fsync", "rename", "unlink"} <= set(calls)
    assert number > len(calls) > 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_whichever_call_fails_a_dvr_that_is_killed_then_loses_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    for number in range(1, 1000):
        place = Place(tmp_path / str(number))
        with monkeypatch.context() as patch:
            calls = failing(patch, range(number, 10_000), code)
            disk = Disk(place.temp)
            disk.apply(UUID, Open(0, MANIFEST), NOON)
            for index in range(FRAMES):
                disk.apply(UUID, RecordFrame(0, NOON + index), NOON, lap(index))
                if index % 5 == 0 and not disk.flush().failed:
                    place.acknowledged = index + 1
            disk.close()
        place.must_be_sound()
        finish(place, [left.path for parts in recover(place.temp).services.values() for left in parts])
        if place.acknowledged:
            assert states(place.done / f"{UUID}.zip")[: place.acknowledged] == LAPS[: place.acknowledged]
        if len(calls) < number:
            break
    assert place.acknowledged == FRAMES - 4
    assert number > 7


def test_however_large_a_file_may_grow_it_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    place = Place(tmp_path)
    record_a_race(place)
    finished = (place.done / f"{UUID}.zip").stat().st_size
    for size in range(0, finished + 1, finished // 40):
        place = Place(tmp_path / str(size))
        disk = Disk(place.temp)
        disk.apply(UUID, Open(0, MANIFEST), NOON)
        for index in range(FRAMES):
            disk.apply(UUID, RecordFrame(0, NOON + index), NOON, lap(index))
        disk.apply(UUID, Close(0, End.LEFT), NOON)
        disk.apply(UUID, Keep(0), NOON)
        (journal,) = disk.flush().ready
        with too_small(size), suppress(OSError):
            finalise(journal, place.done)
        place.must_be_sound()
        finish(place, list(place.temp.iterdir()))
        assert states(place.done / f"{UUID}.zip") == LAPS


# -- the journal alone


RECORDS = [Record(RecordKind.KEY, NOON + index, b"x" * 50 + b"%d" % index) for index in range(12)]


def contents(path: Path) -> list[Record]:
    found = []
    with suppress(BadRecord, FileNotFoundError):
        for record, _behind in read(path):
            found.append(record)
    return found


@given(st.lists(st.booleans(), min_size=1, max_size=len(RECORDS)), st.data())
def test_what_a_failed_sync_was_to_save_is_written_again(
    tmp_path_factory: pytest.TempPathFactory, syncs: list[bool], data: st.DataObject
) -> None:
    """A kernel may forget what it could not write, and say at the next sync that all is well."""
    path = tmp_path_factory.mktemp("journal") / "a"
    made = Journal(path)
    kept = 0  # bytes that are safe
    acknowledged = 0
    for index, good in enumerate(syncs):
        made.append(RECORDS[index])
        with pytest.MonkeyPatch.context() as patch:
            if not good:
                patch.setattr(os, "fsync", _broken)
            with suppress(OSError):
                made.flush()
                acknowledged = index + 1
        size = path.stat().st_size
        if good:
            kept = size
        else:
            with path.open("r+b") as file:
                lost = data.draw(st.integers(kept, size))
                file.seek(lost)
                file.write(bytes(size - lost))
        assert contents(path)[:acknowledged] == RECORDS[:acknowledged]
    made.close()
    assert len(contents(path)) >= acknowledged


def _broken(_descriptor: int) -> None:
    raise OSError(errno.EIO, "Input/output error")


@given(st.lists(st.integers(1, 40), min_size=1))
def test_a_disk_that_takes_a_part_at_a_time_gets_all_of_it(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "a"
    pwrite = os.pwrite
    turn = _turns(sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pwrite", lambda descriptor, view, at: pwrite(descriptor, view[: next(turn)], at))
        made = Journal(path)
        for record in RECORDS:
            made.append(record)
        made.flush()
        made.close()
    assert contents(path) == RECORDS


def _turns(sizes: list[int]) -> Iterator[int]:
    while True:
        yield from sizes


def test_what_the_disk_took_before_it_was_full_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_BATCH_BYTES", 100)
    made = Journal(tmp_path / "a")
    for record in RECORDS:
        made.append(record)
    total = made.waiting
    with too_small(300), pytest.raises(OSError, match="File too large"):
        made.flush()
    taken = len(contents(tmp_path / "a"))
    assert 0 < taken < len(RECORDS)
    assert made.waiting <= total - taken * len(encode(RECORDS[0]))
    made.flush()
    made.close()
    assert contents(tmp_path / "a") == RECORDS


def test_torn_bytes_of_an_earlier_life_are_cut_off_even_if_cutting_fails_the_first_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    first = Journal(path)
    first.append(RECORDS[0])
    first.flush()
    first.close()
    length = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"torn" * 1000)
    made = Journal(path, length)
    made.append(RECORDS[1])
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", lambda _descriptor, _length: _broken(0))
        with pytest.raises(OSError, match="Input/output"):
            made.flush()
    made.flush()
    made.close()
    assert [record for record, _behind in read(path)] == RECORDS[:2]
