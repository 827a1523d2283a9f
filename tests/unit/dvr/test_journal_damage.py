"""The journal cut, garbled, and with garbage behind it, at every byte of its last three records.

Each time: reading gives a prefix, recovery says how much is good, and a journal continued there is good again.
"""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livetiming.recording.reader import Recording
from orchestrator.dvr.finalise import JournalName, finalise
from orchestrator.dvr.journal import MAGIC, BadRecord, Journal, Record, RecordKind, encode, read
from orchestrator.dvr.recover import examine
from orchestrator.dvr.rules import End
from tests.support.recorded import MANIFEST, NOON, UUID, Recorded, lap, laps

FRAMES = 12  # the tenth after the first is a keyframe again
NEXT = Record(RecordKind.KEY, NOON + 999, b'{"cars": [], "session": {}, "messages": [], "highlight": []}')

Damage = Callable[[bytes, int], bytes]  # what becomes of a journal where byte number … is damaged


def recorded(path: Path, *, ended: bool) -> list[Record]:
    """A journal as the DVR writes it, with its records."""
    made = Recorded(path, UUID, MANIFEST)
    made.record(laps(FRAMES))
    made.recorder.end(End.SILENT, NOON) if ended else made.recorder.record(NOON + FRAMES, lap(FRAMES))
    made.recorder.journal.flush()
    made.recorder.journal.close()
    return [record for record, _behind in read(path)]


def set_to(value: int) -> Damage:
    return lambda whole, at: whole[:at] + bytes([value]) + whole[at + 1 :]


def flipped(bits: int) -> Damage:
    return lambda whole, at: whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :]


def cut(whole: bytes, at: int) -> bytes:
    return whole[:at]


def zeroed_from(whole: bytes, at: int) -> bytes:
    """What a file system leaves whose machine lost power after it had made the file longer."""
    return whole[:at] + bytes(len(whole) - at)


def garbled_from(whole: bytes, at: int) -> bytes:
    return whole[:at] + random.Random(at).randbytes(len(whole) - at)


def cut_and_garbage(whole: bytes, at: int) -> bytes:
    return whole[:at] + random.Random(at).randbytes(at % 100)


DAMAGES = {
    "cut": cut,
    "zero": set_to(0),
    "255": set_to(255),
    "lowest bit": flipped(0x01),
    "highest bit": flipped(0x80),
    "zeros from there": zeroed_from,
    "garbage from there": garbled_from,
    "cut, and garbage": cut_and_garbage,
}


def cases(whole: bytes, records: list[Record], damage: Damage) -> Iterator[tuple[bytes, int]]:
    """Every journal that differs, damaged in its last three records, with the number of records before the damage."""
    ends = [len(MAGIC)]
    for record in records:
        ends.append(ends[-1] + len(encode(record)))
    for at in range(ends[-4], ends[-1]):
        damaged = damage(whole, at)
        if damaged != whole:
            yield damaged, sum(end <= at for end in ends) - 1


def prefix(path: Path) -> tuple[list[Record], int]:
    """What can be read, and where that ends."""
    records, good = [], len(MAGIC)
    try:
        for record, behind in read(path):
            records.append(record)
            good = behind
    except BadRecord as error:
        assert error.offset == good
    return records, good


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("name", DAMAGES)
def test_whatever_happened_to_its_end_the_rest_is_read_and_continued(
    tmp_path: Path, name: str, ended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # the bytes are looked at; a sync takes 10 ms
    path = tmp_path / str(JournalName(UUID, 0))
    records = recorded(path, ended=ended)
    whole = path.read_bytes()
    tried = 0
    for damaged, intact in cases(whole, records, DAMAGES[name]):
        path.write_bytes(damaged)
        found, good = prefix(path)
        assert found == records[: len(found)]
        assert len(found) == intact
        left = examine(JournalName(UUID, 0), path)
        assert left is not None
        assert (left.length, left.part.first, left.manifest) == (good, NOON, MANIFEST)
        assert left.part.last == max(record.second for record in found if record.kind is not RecordKind.END)
        assert left.end is None
        assert (left.stopped is None) == (good == len(damaged))
        continued = Journal(path, left.length)
        continued.append(NEXT)
        continued.flush()
        continued.close()
        assert prefix(path) == ([*found, NEXT], path.stat().st_size)
        tried += 1
    assert tried > 100


def test_garbage_behind_the_end_leaves_the_end(tmp_path: Path) -> None:
    path = tmp_path / str(JournalName(UUID, 0))
    records = recorded(path, ended=True)
    whole = path.read_bytes()
    for seed in range(100):
        path.write_bytes(whole + random.Random(seed).randbytes(seed + 1))
        assert prefix(path) == (records, len(whole))
        left = examine(JournalName(UUID, 0), path)
        assert left is not None
        assert (left.end, left.length) == (End.SILENT, len(whole))
        assert left.stopped is not None


def test_the_recording_made_of_a_damaged_journal_holds_the_prefix(tmp_path: Path) -> None:
    path = tmp_path / str(JournalName(UUID, 0))
    records = recorded(path, ended=False)
    whole = path.read_bytes()
    for damaged, intact in list(cases(whole, records, cut))[::20]:
        path.write_bytes(damaged)
        made = finalise(path, tmp_path)
        assert made is not None
        with Recording(made.path) as recording:
            frames = [record for record in records[:intact] if record.kind in (RecordKind.KEY, RecordKind.INTRA)]
            assert list(recording.seconds) == [record.second for record in frames]
            assert [state for _second, state in recording.states()] == [lap(number) for number in range(len(frames))]
        made.path.unlink()
        assert not list(tmp_path.glob("*.journal"))
