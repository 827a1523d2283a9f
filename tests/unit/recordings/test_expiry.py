"""Deleting old recordings from a real directory, by an injected clock."""

import os
from pathlib import Path

import orjson
import pytest

from orchestrator.recordings.answers import Answers
from orchestrator.recordings.catalogue import Catalogue
from orchestrator.recordings.expiry import GB, Disk, Expiry, Outcome, limits_of, read_list, usable
from orchestrator.recordings.retention import Limits, Why
from tests.unit.recordings.files import NOON, write

DAY = 86_400
OLD, NEW = "0" * 32, "f" * 32
PLENTY = Disk(10**12, 10**13)


class House:
    """A folder of one old recording with its analysis, and a new one; and the reviews of it."""

    def __init__(self, place: Path, limits: Limits) -> None:
        self.folder, self.temp, self.list = place / "recordings", place / "temp", place / "state" / "expiring.json"
        self.folder.mkdir()
        self.temp.mkdir()
        write(self.folder, f"{OLD}.zip", NOON)
        (self.folder / f"{OLD}.json").write_text("{}")
        write(self.folder, f"{NEW}.zip", NOON + 100 * DAY)
        self.disk = PLENTY
        self.limits = limits
        self.catalogue = Catalogue(self.folder, None)
        self.catalogue.look()

    def review(self, now: float) -> Outcome:
        expiry = Expiry(self.folder, self.temp, self.list, self.limits, lambda _folder: self.disk)
        return expiry.review(Answers(self.catalogue.database), now)

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A house in which recordings are kept for 30 days."""
    return House(tmp_path, limits_of(30, 0))


DUE = NOON + 61 + 30 * DAY


def test_what_is_to_go_is_written_down_a_day_before(house: House) -> None:
    outcome = house.review(DUE - DAY)
    assert [each.filename for each in outcome.listed] == [f"{OLD}.zip"]
    (entry,) = orjson.loads(house.list.read_bytes())["expiring"]
    assert (entry["filename"], entry["why"], entry["due"], entry["description"]) == (f"{OLD}.zip", "age", DUE, "Race")


def test_the_recording_and_its_analysis_go_together_when_it_is_due(house: House) -> None:
    house.review(DUE - DAY)
    assert house.review(DUE - 1).deleted == ()
    outcome = house.review(DUE)
    assert [each.filename for each in outcome.deleted] == [f"{OLD}.zip"]
    assert house.files() == {f"{NEW}.zip"}


def test_it_is_told_once(house: House) -> None:
    assert len(house.review(DUE - DAY).listed) == 1
    assert house.review(DUE - DAY + 60).listed == ()


def test_after_a_lost_list_it_is_listed_for_a_day_again(house: House) -> None:
    house.review(DUE - DAY)
    house.list.write_text("garbage")
    assert house.review(DUE).deleted == ()
    assert house.review(DUE + DAY).deleted != ()


def test_nothing_is_deleted_where_the_list_cannot_be_written(house: House) -> None:
    house.review(DUE - 2 * DAY)
    house.list.unlink()
    house.list.mkdir()
    with pytest.raises(OSError, match="directory"):
        house.review(DUE + 5 * DAY)
    assert f"{OLD}.zip" in house.files()


@pytest.mark.parametrize("journal", [f"{OLD}.1.journal", f"{OLD}.1.as1.journal"])
def test_a_recording_whose_service_has_a_journal_stays(house: House, journal: str) -> None:
    house.review(DUE - DAY)
    (house.temp / journal).write_bytes(b"")
    assert house.review(DUE).deleted == ()
    assert f"{OLD}.zip" in house.files()


def test_a_later_part_of_a_service_being_recorded_stays_too(house: House) -> None:
    write(house.folder, f"{OLD}_1.zip", NOON + 100)
    house.catalogue.look()
    (house.temp / f"{OLD}.2.journal").write_bytes(b"")
    house.review(DUE)
    assert house.review(DUE + 9 * DAY).deleted == ()


def test_files_that_are_no_recordings_are_never_deleted(house: House) -> None:
    foreign = {"notes.txt", "backup.zip", f"{OLD}.zip.part", "other.json"}
    for name in foreign:
        (house.folder / name).write_text("not ours")
        os.utime(house.folder / name, (1, 1))
    house.catalogue.look()
    house.review(DUE - DAY)
    house.review(DUE)
    assert house.files() == {f"{NEW}.zip", *foreign}


def test_a_file_that_has_changed_since_the_catalogue_read_it_stays(house: House) -> None:
    house.review(DUE - DAY)
    write(house.folder, f"{OLD}.zip", NOON, changed=NOON)
    assert house.review(DUE).deleted == ()
    assert f"{OLD}.zip" in house.files()


def test_a_link_stays(house: House) -> None:
    path = house.folder / f"{OLD}.zip"
    elsewhere = path.rename(house.folder.parent / "elsewhere.zip")
    path.symlink_to(elsewhere)
    house.catalogue.look()
    house.review(DUE - DAY)
    assert house.review(DUE).deleted == ()
    assert elsewhere.exists()


def test_one_that_cannot_be_deleted_is_told_and_keeps_no_other(house: House) -> None:
    write(house.folder, f"{'1' * 32}.zip", NOON)
    (house.folder / f"{OLD}.json").unlink()
    (house.folder / f"{OLD}.json").mkdir()  # unlink fails, whoever asks
    house.catalogue.look()
    house.review(DUE - DAY)
    outcome = house.review(DUE)
    assert [each.filename for each in outcome.deleted] == [f"{'1' * 32}.zip"]
    assert any(f"{OLD}.zip cannot be deleted" in trouble for trouble in outcome.troubles)


class TestSpace:
    @pytest.fixture
    def house(self, tmp_path: Path) -> House:
        """A house in which 2 GB are kept free."""
        return House(tmp_path, limits_of(0, 2))

    def test_the_oldest_is_listed_early_and_goes_when_the_space_is_needed(self, house: House) -> None:
        house.disk = Disk(int(2.5 * GB), 100 * GB)
        assert [(each.why, each.due) for each in house.review(NOON).listed] == [(Why.SPACE, None)]
        house.disk = Disk(int(1.9 * GB), 100 * GB)
        assert house.review(NOON + 599).deleted == ()
        assert [each.filename for each in house.review(NOON + 600).deleted] == [f"{OLD}.zip"]
        assert house.files() == {f"{NEW}.zip"}

    def test_a_link_counts_as_no_space_and_the_next_one_goes(self, house: House) -> None:
        elsewhere = write(house.folder.parent, "elsewhere.zip", NOON - DAY)
        (house.folder / f"{'1' * 32}.zip").symlink_to(elsewhere)
        house.catalogue.look()
        house.disk = Disk(2 * GB - elsewhere.stat().st_size, 100 * GB)
        house.review(NOON)
        assert [each.filename for each in house.review(NOON + 600).deleted] == [f"{OLD}.zip"]
        assert elsewhere.exists()

    def test_the_last_one_stays_whatever_is_free(self, house: House) -> None:
        house.disk = Disk(0, 100 * GB)
        for minutes in range(0, 60, 10):
            house.review(NOON + minutes * 60)
            house.catalogue.look()
        assert house.files() == {f"{NEW}.zip"}

    def test_a_limit_larger_than_the_disk_deletes_nothing_and_is_told(self, house: House) -> None:
        house.disk = Disk(0, 2 * GB)
        house.review(NOON)
        outcome = house.review(NOON + DAY)
        assert outcome.deleted == ()
        assert "LIVETIMING_RECORDINGS_KEEP_FREE_GB" in outcome.troubles[0]


def test_without_limits_nothing_is_usable() -> None:
    limits, trouble = usable(limits_of(0, 0), PLENTY)
    assert limits.none
    assert trouble is None


@pytest.mark.parametrize(
    "content", ["", "[]", '{"expiring": 7}', '{"expiring": [7, {}, {"filename": "a", "why": "x"}]}']
)
def test_a_list_that_makes_no_sense_lists_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "list").write_text(content)
    assert read_list(tmp_path / "list") == {}
