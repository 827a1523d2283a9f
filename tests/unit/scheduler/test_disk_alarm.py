"""What the DVR says of a full disk reaches the operators once for each outage."""

import time
from pathlib import Path

import pytest

from orchestrator.dvr.alarm_file import AlarmFile, Said
from orchestrator.scheduler import disk_alarm
from orchestrator.scheduler.disk_alarm import DISK, DiskAlarm
from tests.support.client import in_reactor
from tests.support.waiting import eventually


class Operators:
    """Remembers what they are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def notice(self, key: str, text: str) -> None:
        self.told.append((key, text))

    def clear(self, key: str) -> None:
        self.told.append((key, ""))


def test_an_outage_is_a_notice_and_its_end_clears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_alarm, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(disk_alarm, "CLEAR_SECONDS", 0.05)
    operators, file = Operators(), AlarmFile(tmp_path / "dvr.status")
    file.prepare(time.time())
    file.write(Said(time.time(), "recording is paused"), time.time())
    alarm = DiskAlarm(tmp_path / "dvr.status", operators)
    in_reactor(alarm.start)
    try:
        eventually(lambda: operators.told, what="the notice")
        assert set(operators.told) == {(DISK, "The disk does not take recordings: recording is paused.")}
        file.write(None, time.time())
        eventually(lambda: operators.told[-1] == (DISK, ""), what="its end")
    finally:
        in_reactor(alarm.stop)


def test_a_dvr_that_restarts_ends_no_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_alarm, "LOOK_SECONDS", 0.01)
    operators, file = Operators(), AlarmFile(tmp_path / "dvr.status")
    file.prepare(time.time())
    file.write(Said(time.time(), "one"), time.time())
    alarm = DiskAlarm(tmp_path / "dvr.status", operators)
    in_reactor(alarm.start)
    try:
        eventually(lambda: operators.told, what="the notice")
        file.prepare(time.time())
        file.write(Said(time.time(), "two"), time.time())
        eventually(lambda: "two" in operators.told[-1][1], what="it goes on")
        assert (DISK, "") not in operators.told
    finally:
        in_reactor(alarm.stop)
