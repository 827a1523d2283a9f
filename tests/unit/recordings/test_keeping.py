"""Keeping the catalogue in step: told by the system, and by looking where it does not tell."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from livetiming.reactor import reactor
from orchestrator.dvr.lane import Lane
from orchestrator.recordings import keeping
from orchestrator.recordings.keeping import Keeper
from orchestrator.recordings.shelf import Look, Shelf
from orchestrator.recordings.watching import NoWatch, Told
from tests.support.client import in_reactor
from tests.support.waiting import eventually
from tests.unit.recordings.files import write

NEVER = 3600.0  # seconds between looks: only what the system tells can be the reason for one


class Kept:
    """A directory whose catalogue is kept."""

    def __init__(self, place: Path) -> None:
        self.folder, self.cache = place / "recordings", place / "cache"
        self.folder.mkdir()
        self.looks: list[Look] = []
        self.log: list[str] = []
        self.keeper: Keeper | None = None

    def observe(self, event: LogEvent) -> None:
        self.log.append(formatEvent(event))

    def start(self, interval: float = NEVER) -> None:
        in_reactor(self._start, interval)
        eventually(lambda: self.looks or self.log, what="the first look")

    def _start(self, interval: float) -> None:
        self.shelf = Shelf(self.folder, self.cache)
        self.lane = Lane("catalogue")
        self.keeper = Keeper(self.folder, self.lane, self.shelf, interval, self.looks.append)
        self.keeper.start()

    async def end(self) -> None:
        if self.keeper is not None:
            await self.keeper.end()
            await self.lane.do(self.shelf.close)

    def listed(self) -> list[str]:
        return sorted(each["filename"] for each in self.looks[-1].newest) if self.looks else []

    def said(self, what: str) -> int:
        return sum(what in line for line in self.log)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """A directory whose catalogue is not kept yet."""
    made = Kept(tmp_path)
    in_reactor(globalLogPublisher.addObserver, made.observe)
    yield made
    in_reactor(made.end)
    in_reactor(globalLogPublisher.removeObserver, made.observe)


class TestTold:
    """Every look but the first is one that the system was the reason for."""

    def test_a_file_that_is_written_is_listed(self, kept: Kept) -> None:
        kept.start()
        write(kept.folder, "a.zip")
        eventually(lambda: kept.listed() == ["a.zip"], what="it is listed")

    def test_a_file_that_is_moved_in_or_deleted_is_seen(self, kept: Kept, tmp_path: Path) -> None:
        kept.start()
        write(tmp_path, "a.zip").rename(kept.folder / "b.zip")
        eventually(lambda: kept.listed() == ["b.zip"], what="it is listed")
        (kept.folder / "b.zip").unlink()
        eventually(lambda: kept.listed() == [], what="it is listed no more")

    def test_an_analysis_is_seen(self, kept: Kept) -> None:
        write(kept.folder, "a.zip")
        kept.start()
        (kept.folder / "a.json").write_text("{}")
        eventually(lambda: kept.looks[-1].newest[0]["hasAnalysis"], what="it has an analysis")

    def test_a_file_that_is_copied_in_slowly_is_listed_when_it_is_whole_and_no_word_is_said(
        self, kept: Kept, tmp_path: Path
    ) -> None:
        whole = write(tmp_path, "a.zip").read_bytes()
        kept.start()
        with (kept.folder / "a.zip").open("wb") as file:
            file.write(whole[:100])
            file.flush()
            write(kept.folder, "b.zip")
            eventually(lambda: kept.listed() == ["b.zip"], what="the other file is listed")
            file.write(whole[100:])
        eventually(lambda: kept.listed() == ["a.zip", "b.zip"], what="it is listed")
        assert kept.said("not listed") == 0

    def test_a_folder_that_goes_away_and_comes_back_is_looked_at_again(self, kept: Kept, tmp_path: Path) -> None:
        write(kept.folder, "a.zip")
        kept.start(0.2)
        away = kept.folder.rename(tmp_path / "away")
        eventually(lambda: kept.said("cannot be kept"), what="that is told")
        assert kept.listed() == ["a.zip"]
        away.rename(kept.folder)
        eventually(lambda: kept.said("can be kept again"), what="that is told")
        write(kept.folder, "b.zip")
        eventually(lambda: kept.listed() == ["a.zip", "b.zip"], what="it is listed")
        assert kept.said("cannot be kept") == 1


def silent(folder: Path, told: Told, lost: Callable[[], None]) -> "Silent":
    return Silent()


class Silent:
    """A watch of a directory whose changes others make, on another machine."""

    def stop(self) -> None:
        """Listen no more."""


class TestNotTold:
    def test_where_the_system_cannot_tell_it_looks_every_interval(
        self, kept: Kept, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none(folder: Path, told: Told, lost: Callable[[], None]) -> None:
            raise NoWatch(folder, "there is none")

        monkeypatch.setattr(keeping, "Watch", none)
        kept.start(0.2)
        write(kept.folder, "a.zip")
        eventually(lambda: kept.listed() == ["a.zip"], what="it is listed")
        assert kept.said("looking every 0.2 s") == 1

    def test_where_the_system_does_not_tell_it_goes_back_to_looking(
        self, kept: Kept, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keeping, "Watch", silent)
        monkeypatch.setattr(keeping, "WATCHED_INTERVAL", 0.5)
        monkeypatch.setattr(keeping, "LATE_SECONDS", 0.2)
        kept.start(0.2)
        write(kept.folder, "a.zip")
        eventually(lambda: kept.said("did not tell that a.zip changed"), what="that is told")
        write(kept.folder, "b.zip")
        eventually(lambda: kept.listed() == ["a.zip", "b.zip"], what="it is listed")

    def test_where_it_tells_it_is_believed(self, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keeping, "WATCHED_INTERVAL", 0.1)
        monkeypatch.setattr(keeping, "LATE_SECONDS", 0.5)
        kept.start(NEVER)
        for name in ("a.zip", "b.zip", "c.zip"):
            write(kept.folder, name)
            eventually(lambda: name in kept.listed(), what="it is listed")  # noqa: B023 - asked at once
        seen = len(kept.looks)
        eventually(lambda: len(kept.looks) > seen + 6, what="some more looks")
        assert kept.said("did not tell") == 0


class TestProblems:
    def test_a_problem_is_told_once(self, kept: Kept) -> None:
        (kept.folder / "a.zip").write_text("no ZIP")
        os.utime(kept.folder / "a.zip", (1, 1))
        kept.start()
        eventually(lambda: kept.said("not listed: "), what="it is told")
        for number in range(3):
            write(kept.folder, f"{number}.zip")
            eventually(lambda: f"{number}.zip" in kept.listed(), what="it is listed")  # noqa: B023 - asked at once
        assert kept.said("not listed: ") == 1

    def test_of_very_many_only_some_are_told(self, kept: Kept) -> None:
        for number in range(30):
            (kept.folder / f"{number}.zip").write_text("no ZIP")
            os.utime(kept.folder / f"{number}.zip", (1, 1))
        kept.start()
        eventually(lambda: kept.said("10 more; livetiming-recordings-index --problems"), what="they are told")
        assert kept.said("not listed: ") == 21

    def test_a_file_that_may_still_be_copied_is_not_told_yet(self, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keeping, "WATCHED_INTERVAL", 0.1)
        monkeypatch.setattr(keeping, "COPYING_SECONDS", 1.0)
        (kept.folder / "a.zip").write_text("no ZIP")
        kept.start()
        assert kept.said("not listed: ") == 0
        eventually(lambda: kept.said("not listed: "), what="it is told when it has not changed for a while")


class TestTheCache:
    def test_damage_that_somebody_else_found_is_made_good(self, kept: Kept) -> None:
        write(kept.folder, "a.zip")
        kept.start()
        assert kept.keeper is not None
        in_reactor(kept.keeper.make_anew, "a page is torn")
        eventually(lambda: kept.said("made anew: a page is torn"), what="that is told")
        assert kept.listed() == ["a.zip"]

    def test_a_cache_that_cannot_be_made_is_told_and_tried_again(self, kept: Kept) -> None:
        kept.cache.mkdir()
        write(kept.folder, "a.zip")
        kept.start(0.2)
        eventually(lambda: kept.said("cannot be kept"), what="that is told")
        kept.cache.rmdir()
        eventually(lambda: kept.listed() == ["a.zip"], what="it is listed")

    def test_a_cache_that_is_locked_for_long_is_told_and_tried_again(
        self, kept: Kept, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orchestrator.recordings.database.BUSY_SECONDS", 0.1)
        kept.start(0.2)
        eventually(lambda: kept.looks, what="the cache is made")
        other = sqlite3.connect(kept.cache, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        write(kept.folder, "a.zip")
        eventually(lambda: kept.said("locked"), what="that is told")
        other.execute("ROLLBACK")
        other.close()
        eventually(lambda: kept.listed() == ["a.zip"], what="it is listed")
        assert kept.said("made anew") == 0


def test_it_ends_while_it_waits(kept: Kept) -> None:
    kept.start()
    in_reactor(kept.end)
    assert reactor.running
