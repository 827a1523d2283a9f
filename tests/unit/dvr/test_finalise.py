"""From states to a finished recording: recorder, journal, finalising, and what a restart finds."""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
import pytest

from livetiming.recording.analysed import analyse, write_analysis
from livetiming.recording.format import Kind, UnusableState
from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.dvr.finalise import Finished, JournalName, claim, finalise
from orchestrator.dvr.journal import MAGIC, Journal, read
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


@contextmanager
def too_small(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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
        names = [f"{UUID}.zip", f"{UUID}_1.zip", f"{UUID}_2.zip"]
        assert sorted(path.name for path in done.glob("*.zip")) == names

    def test_of_a_damaged_journal_what_stands_before_the_damage_is_kept(self, temp: Path, done: Path) -> None:
        path = record(temp)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 1)
        finished = finalise(path, done)
        assert finished is not None
        assert finished.damage is not None
        assert states(finished.path) == LAPS[:24]

    def test_one_that_fails_leaves_the_journal_and_no_file(self, temp: Path, done: Path) -> None:
        journal = record(temp)
        with too_small(100), pytest.raises(OSError, match="File too large"):
            finalise(journal, done)
        assert list(done.iterdir()) == []
        (journal,) = temp.iterdir()
        finalise(journal, done)
        assert states(done / f"{UUID}.zip") == LAPS

    def test_one_that_failed_keeps_its_claim_on_the_name(self, temp: Path, done: Path) -> None:
        first = record(temp, 25, number=0)
        with too_small(100), suppress(OSError):
            finalise(first, done)
        finalise(record(temp, 10, number=1), done)
        (journal,) = temp.iterdir()
        finalise(journal, done)
        assert states(done / f"{UUID}.zip") == LAPS
        assert states(done / f"{UUID}_1.zip") == LAPS[:10]

    def test_a_file_that_somebody_puts_under_the_claimed_name_is_not_taken_for_the_recording(
        self, temp: Path, done: Path
    ) -> None:
        other = finalise(record(temp, 5), done)
        journal = record(temp, 25).rename(temp / f"{UUID}.0.as0.journal")
        assert other is not None
        assert finalise(journal, done) == Finished(done / f"{UUID}_1.zip", 25, 24)
        assert (states(other.path), states(done / f"{UUID}_1.zip")) == (LAPS[:5], LAPS)

    def test_a_file_that_was_made_before_is_not_made_again(self, temp: Path, done: Path) -> None:
        finalise(record(temp), done)
        made = (done / f"{UUID}.zip").stat()
        journal = record(temp).rename(temp / f"{UUID}.0.as0.journal")
        assert finalise(journal, done) == Finished(done / f"{UUID}.zip", 25, 24)
        assert (done / f"{UUID}.zip").stat() == made
        assert list(temp.iterdir()) == []

    def test_one_that_an_earlier_attempt_has_finished_is_not_there(self, temp: Path, done: Path) -> None:
        journal = claim(record(temp), done)
        finalise(journal, done)
        with pytest.raises(FileNotFoundError):
            finalise(journal, done)
        assert [path.name for path in done.glob("*.zip")] == [f"{UUID}.zip"]

    def test_what_a_killed_attempt_left_half_written_is_overwritten(self, temp: Path, done: Path) -> None:
        (done / f"{UUID}.zip.part").write_bytes(b"half" * 10_000)
        finalise(record(temp), done)
        assert sorted(path.name for path in done.iterdir()) == [f"{UUID}.json", f"{UUID}.zip"]
        assert states(done / f"{UUID}.zip") == LAPS


class TestTheAnalysis:
    def test_it_is_that_of_the_file(self, temp: Path, done: Path) -> None:
        finalise(record(temp), done)
        analysis = orjson.loads((done / f"{UUID}.json").read_bytes())
        with Recording(done / f"{UUID}.zip") as recording:
            assert analysis == orjson.loads(orjson.dumps(analyse(recording)))

    def test_everybody_may_read_it(self, temp: Path, done: Path) -> None:
        finalise(record(temp), done)
        assert {path.suffix: path.stat().st_mode & 0o777 for path in done.iterdir()} == {".zip": 0o664, ".json": 0o664}

    def test_it_is_made_when_we_were_killed_between_the_file_and_it(self, temp: Path, done: Path) -> None:
        finalise(record(temp), done)
        (done / f"{UUID}.json").unlink()
        finalise(record(temp).rename(temp / f"{UUID}.0.as0.journal"), done)
        assert sorted(path.name for path in done.iterdir()) == [f"{UUID}.json", f"{UUID}.zip"]

    def test_one_that_cannot_be_made_keeps_no_recording_from_being_finished(self, temp: Path, done: Path) -> None:
        def broken(_path: Path) -> None:
            raise ZeroDivisionError("no laps")

        assert finalise(record(temp), done, broken) == Finished(done / f"{UUID}.zip", 25, 24, unanalysed="no laps")
        assert (list(temp.iterdir()), [path.name for path in done.iterdir()]) == ([], [f"{UUID}.zip"])

    def test_on_a_full_disk_it_gets_the_space_of_the_journal(self, temp: Path, done: Path) -> None:
        journals: list[bool] = []

        def full_until_the_journal_is_gone(path: Path) -> None:
            journals.append(any(temp.iterdir()))
            if journals[-1]:
                raise OSError(errno.ENOSPC, "No space left on device")
            write_analysis(path)

        assert finalise(record(temp), done, full_until_the_journal_is_gone) == Finished(done / f"{UUID}.zip", 25, 24)
        assert journals == [True, False]
        assert (done / f"{UUID}.json").exists()


def garbled(path: Path, place: int) -> bytes:
    """Flip a bit of the file; what it holds then."""
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    return bytes(content)


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

    def test_whichever_bit_of_a_record_in_its_midst_is_flipped_nothing_is_cut_for_good(self, temp: Path) -> None:
        path = record(temp, 5)
        whole, ends = path.read_bytes(), [behind for _record, behind in read(path)]
        for place in range(ends[-3], ends[-2]):
            content = garbled(path, place)
            ((aside, _why),) = recover(temp).aside
            assert aside.read_bytes() == content
            aside.unlink()
            path.write_bytes(whole)

    @pytest.mark.parametrize("place", [3, 12, 60])
    def test_one_whose_damage_hides_all_its_frames_is_set_aside_whole(self, temp: Path, place: int) -> None:
        path = record(temp)
        content = garbled(path, place)
        found = recover(temp)
        ((aside, _why),) = found.aside
        assert (found.empty, found.services, list(temp.iterdir())) == ([], {}, [aside])
        assert aside.read_bytes() == content

    def test_one_that_is_damaged_in_its_midst_goes_on_there_and_a_copy_of_all_of_it_is_set_aside(
        self, temp: Path
    ) -> None:
        path = record(temp)
        content = garbled(path, path.stat().st_size // 2)
        found = recover(temp)
        (left,) = found.services[UUID]
        assert NOON <= left.part.last < NOON + 24
        ((aside, why),) = found.aside
        assert aside.read_bytes() == path.read_bytes() == content
        assert "the checksum is wrong" in why

    @pytest.mark.parametrize("end", [b"", bytes(5000), b"torn", b"\0\0\0\0\1" * 9])
    def test_a_torn_end_is_no_damage(self, temp: Path, end: bytes) -> None:
        path = record(temp)
        path.write_bytes(path.read_bytes()[:-3] + end)
        assert recover(temp).aside == []
        assert [each.name for each in temp.iterdir()] == [path.name]

    def test_finished_from_a_damaged_one_the_journal_stays_aside(self, temp: Path, done: Path) -> None:
        path = record(temp)
        content = garbled(path, path.stat().st_size // 2)
        finished = finalise(path, done)
        assert finished is not None
        assert 0 < finished.frames < 25
        (aside,) = temp.iterdir()
        assert (aside.name, aside.read_bytes()) == (f"{UUID}.0.as0.journal.aside", content)

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
