"""The journal: what was flushed is read back, whatever became of the bytes behind it."""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.dvr import journal as module
from orchestrator.dvr.journal import MAGIC, BadRecord, Journal, JournalFull, Record, RecordKind, encode, read

RECORDS = [
    Record(RecordKind.UUID, 1_700_000_000, b"0123456789abcdef0123456789abcdef"),
    Record(RecordKind.MANIFEST, 1_700_000_000, b'{"name": "FIA WEC"}'),
    Record(RecordKind.KEY, 1_700_000_001, b'{"cars": []}'),
    Record(RecordKind.INTRA, 1_700_000_002, b'{"cars": [["add", "", [[0, ["7"]]]]]}'),
    Record(RecordKind.END, 1_700_000_002, b"left"),
]


def contents(path: Path) -> list[Record]:
    """What can be read, as a prefix of what was written."""
    records = []
    with suppress(BadRecord):
        for record, _behind in read(path):
            records.append(record)
    return records


def journal(path: Path, records: list[Record]) -> Journal:
    made = Journal(path)
    for record in records:
        made.append(record)
    return made


def test_what_was_flushed_is_read_back(tmp_path: Path) -> None:
    made = journal(tmp_path / "a", RECORDS)
    made.flush()
    made.close()
    assert [record for record, _behind in read(tmp_path / "a")] == RECORDS


def test_appending_does_not_touch_the_disk(tmp_path: Path) -> None:
    made = journal(tmp_path / "a", RECORDS)
    assert made.pending
    assert not (tmp_path / "a").exists()


def test_many_records_share_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(module, "sync_directory", lambda _folder: None)
    made = journal(tmp_path / "a", RECORDS)
    made.flush()
    made.flush()
    assert len(synced) == 1
    made.close()


def test_a_journal_is_continued_behind_its_good_part(tmp_path: Path) -> None:
    path = tmp_path / "a"
    good = MAGIC + b"".join(encode(record) for record in RECORDS[:3])
    path.write_bytes(good + b"half a record")
    made = Journal(path, len(good))
    made.append(RECORDS[3])
    made.flush()
    made.close()
    assert [record for record, _behind in read(path)] == RECORDS[:4]


def test_it_is_not_altered_before_there_is_something_to_add(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(MAGIC + b"half a record")
    Journal(path, len(MAGIC)).flush()
    assert path.read_bytes() == MAGIC + b"half a record"


def test_a_journal_of_that_name_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"another's")
    with pytest.raises(FileExistsError):
        journal(tmp_path / "a", RECORDS).flush()
    assert (tmp_path / "a").read_bytes() == b"another's"


def test_what_the_disk_did_not_take_is_written_by_the_next_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = journal(tmp_path / "a", RECORDS[:2])
    made.flush()
    made.append(RECORDS[2])
    with monkeypatch.context() as patch:
        write = os.pwrite

        def full(descriptor: int, data: bytes, position: int) -> int:
            if len(data) <= 8:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, data[:8], position)

        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left"):
            made.flush()
    assert contents(tmp_path / "a") == RECORDS[:2]
    made.append(RECORDS[3])
    made.flush()
    made.close()
    assert contents(tmp_path / "a") == RECORDS[:4]


def test_a_sync_that_fails_acknowledges_nothing_and_is_repeated_with_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = journal(tmp_path / "a", RECORDS)

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="Input/output"):
            made.flush()
    assert made.pending
    made.flush()
    made.close()
    assert contents(tmp_path / "a") == RECORDS


def test_memory_is_bounded_when_the_disk_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PENDING_LIMIT", 200)
    made = journal(tmp_path / "a", RECORDS[:3])
    with pytest.raises(JournalFull):
        made.append(Record(RecordKind.KEY, 1, b"x" * 200))
    made.flush()
    made.append(RECORDS[3])
    made.flush()
    made.close()
    assert contents(tmp_path / "a") == RECORDS[:4]


def test_cut_at_every_byte_it_reads_as_a_prefix(tmp_path: Path) -> None:
    whole = MAGIC + b"".join(encode(record) for record in RECORDS)
    ends = [len(MAGIC + b"".join(encode(record) for record in RECORDS[:count])) for count in range(len(RECORDS) + 1)]
    for length in range(len(whole)):
        (tmp_path / "a").write_bytes(whole[:length])
        complete = sum(end <= length for end in ends) - 1
        assert contents(tmp_path / "a") == RECORDS[: max(0, complete)]


def test_garbled_at_every_byte_it_reads_as_a_prefix_and_says_where_it_stops(tmp_path: Path) -> None:
    whole = MAGIC + b"".join(encode(record) for record in RECORDS)
    for position in range(len(whole)):
        for flipped in (0x01, 0x80, 0xFF):
            garbled = bytearray(whole)
            garbled[position] ^= flipped
            (tmp_path / "a").write_bytes(garbled)
            found = contents(tmp_path / "a")
            assert found == RECORDS[: len(found)]
            with pytest.raises(BadRecord) as caught:
                list(read(tmp_path / "a"))
            assert caught.value.offset <= position


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_good_part_end_the_reading_without_harm(garbage: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(MAGIC + b"".join(encode(record) for record in RECORDS) + garbage)
        file.flush()
        assert contents(Path(file.name))[: len(RECORDS)] == RECORDS
