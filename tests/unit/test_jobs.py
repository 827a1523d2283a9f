"""Job files and locks."""

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from livetiming.jobs import Job, MalformedJob
from livetiming.lock import AlreadyRunning, Lock, last_sign_of_life, lock_path

JOB = Job("f1", ("--a", "b c"), "a" * 32, "Race", "instance", "scheduler", "it is due")


def test_a_job_comes_back_as_it_was_written(tmp_path: Path) -> None:
    JOB.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == JOB


def test_a_job_is_for_its_owner_only(tmp_path: Path) -> None:
    JOB.write(tmp_path / "job.json")
    assert stat.S_IMODE((tmp_path / "job.json").stat().st_mode) == 0o600


def test_what_a_newer_version_wrote_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text('{"class": "f1", "uuid": "%s", "new": 1}' % ("a" * 32))
    Job.read(path).write(path)
    assert '"new": 1' in path.read_text()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.sampled_from([b"{}", b'{"class": "../x"}', b'{"class": 5}', b"[1]", b'{"options": "x"}']))
def test_no_content_raises_anything_but_malformed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "job.json"
    path.write_bytes(content)
    with pytest.raises(MalformedJob, match="cannot be used"):
        Job.read(path)


def test_a_second_copy_is_told_that_the_first_is_running(tmp_path: Path) -> None:
    first = Lock("dvr", lock_path(tmp_path, "dvr"))
    with pytest.raises(AlreadyRunning, match="dvr is running already"):
        Lock("dvr", lock_path(tmp_path, "dvr"))
    first.close()
    Lock("dvr", lock_path(tmp_path, "dvr")).close()


def test_a_lock_tells_the_last_sign_of_life(tmp_path: Path) -> None:
    path = lock_path(tmp_path, "dvr")
    assert last_sign_of_life(path) is None
    lock = Lock("dvr", path)
    assert last_sign_of_life(path) is None
    lock.alive()
    assert last_sign_of_life(path)
    lock.close()
