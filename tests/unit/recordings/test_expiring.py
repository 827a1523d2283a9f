"""Retention as the daemon runs it, in the reactor, with its words in the log."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from orchestrator.dvr.lane import Lane
from orchestrator.recordings import expiring, retention
from orchestrator.recordings.expiring import Expirer
from orchestrator.recordings.expiry import Expiry, limits_of
from orchestrator.recordings.shelf import Shelf
from tests.support.client import in_reactor
from tests.support.waiting import eventually
from tests.unit.recordings.files import NOON, write


class Retained:
    """A folder of an old recording and a new one, and what is logged."""

    def __init__(self, place: Path) -> None:
        self.folder, self.list = place / "recordings", place / "expiring.json"
        self.folder.mkdir()
        write(self.folder, "old.zip", NOON)
        write(self.folder, "new.zip", int(time.time()))
        self.log: list[str] = []
        self.expirer: Expirer | None = None

    def observe(self, event: LogEvent) -> None:
        self.log.append(formatEvent(event))

    def start(self, days: float) -> None:
        in_reactor(self._start, days)

    def _start(self, days: float) -> None:
        self.lane, self.shelf = Lane("catalogue"), Shelf(self.folder, self.folder.parent / "cache")
        self.lane.do(self.shelf.look)
        limits = limits_of(days, 0)
        self.expirer = Expirer(
            self.lane, self.shelf, Expiry(self.folder, self.folder.parent / "temp", self.list, limits)
        )
        self.expirer.start()

    async def end(self) -> None:
        if self.expirer is not None:
            self.expirer.stop()
            await self.lane.do(self.shelf.close)

    def said(self, what: str) -> int:
        return sum(what in line for line in self.log)


@pytest.fixture
def retained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Retained]:
    """Such a folder, whose reviews come quickly."""
    monkeypatch.setattr(expiring, "INTERVAL", 0.1)
    made = Retained(tmp_path)
    in_reactor(globalLogPublisher.addObserver, made.observe)
    yield made
    in_reactor(made.end)
    in_reactor(globalLogPublisher.removeObserver, made.observe)


def test_what_is_to_go_is_told_once_and_written_down_and_stays(retained: Retained) -> None:
    retained.start(30)
    eventually(lambda: retained.said("to be deleted: old.zip: for its age"), what="it is told")
    written = retained.list.read_bytes()
    retained.list.write_bytes(written + b" ")
    eventually(lambda: retained.list.read_bytes() == written, what="a later review has put the list right")
    assert retained.said("to be deleted") == 1
    assert b"old.zip" in written
    assert (retained.folder / "old.zip").exists()


def test_what_has_been_listed_for_long_enough_goes_and_that_is_told(
    retained: Retained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AGE_NOTICE", 0.3)
    retained.start(30)
    eventually(lambda: retained.said("deleted: old.zip: for its age"), what="it is told")
    eventually(lambda: not (retained.folder / "old.zip").exists(), what="it is gone")
    assert (retained.folder / "new.zip").exists()


def test_without_limits_a_list_of_an_earlier_life_goes_and_nothing_else(retained: Retained) -> None:
    retained.list.write_text("{}")
    retained.start(0)
    assert not retained.list.exists()
    assert (retained.folder / "old.zip").exists()


def test_a_trouble_is_told_once(retained: Retained) -> None:
    retained.list.mkdir()
    retained.start(30)
    eventually(lambda: retained.said("old recordings: "), what="it is told")
    retained.list.rmdir()
    eventually(lambda: retained.said("to be deleted"), what="it is tried again")
    assert retained.said("old recordings: ") == 1
