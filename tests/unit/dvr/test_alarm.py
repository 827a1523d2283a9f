"""The disk does not take recordings: when that is an outage, what is said of it, and what others can read."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.dvr.alarm import CALM_SECONDS, Alarm, Amounts
from orchestrator.dvr.alarm_file import SIZE, STALE_SECONDS, AlarmFile, Said, read_alarm
from tests.unit.dvr.test_finalise import too_small

JOURNAL = Path("/var/recordings-temp/0123.0.journal")
FULL = OSError(errno.ENOSPC, "No space left on device")
DATE = 1_700_000_000.0


class TestTheAlarm:
    def test_all_is_well_at_first(self) -> None:
        assert Alarm().look(0.0, DATE, Amounts()) == (Alarm(), None)

    def test_an_outage_is_told_once_with_what_to_do(self) -> None:
        alarm, said = Alarm().flushed({JOURNAL: FULL}).look(0.0, DATE, Amounts(waiting=3 << 20))
        assert said == (
            "recording is paused (3.0 MiB wait in memory, no frame was dropped): No space left on device; "
            "free space on the disk of /var/recordings-temp, and it goes on by itself"
        )
        assert alarm.look(1.0, DATE + 1, Amounts())[1] is None

    def test_its_end_is_told_with_how_long_it_was_and_what_was_lost(self) -> None:
        alarm, _said = Alarm().flushed({JOURNAL: FULL}).look(0.0, DATE, Amounts(dropped=4))
        alarm, _said = alarm.look(90.0, DATE + 90, Amounts(dropped=9))
        alarm, said = alarm.flushed({}).look(90.0 + CALM_SECONDS, DATE + 100, Amounts(dropped=9))
        assert (alarm.outage, said) == (None, "the disk takes recordings again after 0:01:30; 5 frames were dropped")

    def test_a_disk_that_is_full_now_and_then_is_one_outage(self) -> None:
        alarm, told = Alarm(), []
        for second in range(60):
            alarm = alarm.flushed({JOURNAL: FULL} if second % 5 == 0 else {})
            alarm, said = alarm.look(float(second), DATE + second, Amounts())
            told += [said] if said else []
        assert len(told) == 1

    def test_a_recording_that_cannot_be_finished_is_an_outage_until_it_is(self) -> None:
        alarm, said = Alarm().finished(JOURNAL, FULL).look(0.0, DATE, Amounts())
        assert said is not None
        assert said.startswith("1 recording waits to be finished: No space left")
        alarm, said = alarm.flushed({}).look(1000.0, DATE, Amounts())
        assert (said, alarm.outage is not None) == (None, True)
        alarm, said = alarm.finished(JOURNAL, None).look(1000.0 + CALM_SECONDS, DATE, Amounts())
        assert alarm.outage is None

    @pytest.mark.parametrize(
        ("code", "advice"),
        [
            (errno.ENOSPC, "free space"),
            (errno.EDQUOT, "free space"),
            (errno.EFBIG, "free space"),
            (errno.EIO, "look at the disk"),
            (errno.EROFS, "let us write"),
        ],
    )
    def test_the_advice_fits_the_reason(self, code: int, advice: str) -> None:
        _alarm, said = Alarm().flushed({JOURNAL: OSError(code, os.strerror(code))}).look(0.0, DATE, Amounts())
        assert said is not None
        assert advice in said

    @given(st.lists(st.booleans(), max_size=80))
    def test_each_outage_has_one_beginning_and_one_end(self, failing: list[bool]) -> None:
        alarm, told = Alarm(), []
        for second, fails in enumerate([*failing, *[False] * 20]):
            alarm = alarm.flushed({JOURNAL: FULL} if fails else {})
            alarm, said = alarm.look(float(second), DATE, Amounts())
            told += ["end" if alarm.outage is None else "begin"] if said else []
        assert told == ["begin", "end"] * (len(told) // 2)
        assert bool(told) == any(failing)


class TestTheFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        AlarmFile(tmp_path / "state" / "dvr.status").prepare(DATE)
        return tmp_path / "state" / "dvr.status"

    def test_it_has_its_full_size_from_the_beginning_and_says_nothing(self, file: Path) -> None:
        assert (file.stat().st_size, file.stat().st_blocks > 0) == (SIZE, True)
        assert read_alarm(file, DATE) is None

    def test_an_outage_is_read_as_it_was_written(self, file: Path) -> None:
        AlarmFile(file).write(Said(DATE - 60, "full"), DATE)
        assert read_alarm(file, DATE + 1) == Said(DATE - 60, "full")

    def test_its_end_too(self, file: Path) -> None:
        AlarmFile(file).write(Said(DATE - 60, "full"), DATE)
        AlarmFile(file).write(None, DATE + 1)
        assert read_alarm(file, DATE + 1) is None

    def test_it_never_grows(self, file: Path) -> None:
        with too_small(SIZE):
            AlarmFile(file).write(Said(DATE, "\0" * 10_000), DATE)
        assert file.stat().st_size == SIZE
        assert read_alarm(file, DATE) is not None

    def test_what_a_dvr_said_that_runs_no_more_says_nothing(self, file: Path) -> None:
        AlarmFile(file).write(Said(DATE - 60, "full"), DATE)
        assert read_alarm(file, DATE + STALE_SECONDS + 1) is None
        assert read_alarm(file, DATE - STALE_SECONDS - 1) is None

    def test_without_a_file_nothing_is_said(self, tmp_path: Path) -> None:
        assert read_alarm(tmp_path / "dvr.status", DATE) is None

    @given(content=st.one_of(st.binary(), st.sampled_from([b"[]", b"7", b"{}", b'{"text": "x"}', b'{"date": null}'])))
    def test_whatever_stands_in_it_nobody_is_hurt(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes
    ) -> None:
        path = tmp_path_factory.mktemp("state") / "dvr.status"
        path.write_bytes(content)
        assert read_alarm(path, DATE) is None
