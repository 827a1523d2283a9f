"""The catalogue of a directory: what is listed of it, and how it keeps in step."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from orchestrator.recordings import catalogue as module
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.catalogue import Catalogue
from orchestrator.recordings.entry import Entry, Stamp, uuid_of
from orchestrator.recordings.query import wanted
from tests.unit.recordings.files import COLUMNS, NOON, UUID, age, answers, listed, write


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """A catalogue of `tmp_path`, in memory."""
    return Catalogue(tmp_path, None)


def names(catalogue: Catalogue) -> list[str]:
    return [each["filename"] for each in Answers(catalogue.database).every()]


def problems(catalogue: Catalogue) -> dict[str, str]:
    return {each.filename: each.why for each in Answers(catalogue.database).problems()}


def never(path: Path, stamp: Stamp) -> Entry:
    raise AssertionError(f"{path} was read")


class TestListing:
    def test_a_recording_is_listed_with_its_manifest_and_what_the_file_tells(self, tmp_path: Path) -> None:
        path = write(tmp_path, f"{UUID}.zip", serviceClass="wec")
        assert listed(tmp_path) == [
            {
                "uuid": UUID,
                "name": "FIA WEC",
                "description": "Race",
                "serviceClass": "wec",
                "version": 1,
                "hidden": False,
                "startTime": NOON,
                "duration": 61,
                "filename": path.name,
                "size": path.stat().st_size,
                "hasAnalysis": False,
            }
        ]

    def test_a_later_recording_of_a_uuid_has_its_number_behind_a_colon(self) -> None:
        assert [uuid_of(name) for name in (f"{UUID}.zip", f"{UUID}_1.zip", f"{UUID}_12.zip")] == [
            UUID,
            f"{UUID}:1",
            f"{UUID}:12",
        ]

    def test_recordings_come_newest_first(self, tmp_path: Path) -> None:
        for name, start in [("a.zip", 5), ("b.zip", 9), ("c.zip", 7)]:
            write(tmp_path, name, NOON + start)
        assert [each["filename"] for each in listed(tmp_path)] == ["b.zip", "c.zip", "a.zip"]

    def test_recordings_that_start_in_the_same_second_are_all_listed(self, tmp_path: Path) -> None:
        for number in range(20):
            write(tmp_path, f"{number}.zip")
        assert {each["filename"] for each in listed(tmp_path)} == {f"{number}.zip" for number in range(20)}

    def test_the_start_is_that_of_the_frames_whatever_the_manifest_says(self, tmp_path: Path) -> None:
        write(tmp_path, "a.zip", startTime="yesterday", duration=5)
        assert (listed(tmp_path)[0]["startTime"], listed(tmp_path)[0]["duration"]) == (NOON, 5)

    def test_a_name_that_is_no_text_is_none(self, tmp_path: Path) -> None:
        write(tmp_path, "a.zip", name=7, description=["x"], hidden="yes")
        (found,) = listed(tmp_path)
        assert (found["name"], found["description"], found["hidden"]) == ("", "", True)

    def test_other_files_are_not_looked_at(self, tmp_path: Path, catalogue: Catalogue) -> None:
        for name in ("index.json", f"{UUID}.zip.part", ".hidden.zip", "notes.txt"):
            (tmp_path / name).write_text("x")
        assert catalogue.look() == set()
        assert problems(catalogue) == {}


class TestAnalyses:
    def test_the_analysis_is_the_json_file_beside_it(self, tmp_path: Path, catalogue: Catalogue) -> None:
        write(tmp_path, "a.zip")
        catalogue.look()
        (tmp_path / "a.json").write_text("{}")
        assert catalogue.look() == {"a.zip"}
        assert [each["hasAnalysis"] for each in Answers(catalogue.database).every()] == [True]
        (tmp_path / "a.json").unlink()
        catalogue.look()
        assert [each["hasAnalysis"] for each in Answers(catalogue.database).every()] == [False]

    def test_the_recording_is_not_read_again_for_it(
        self, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "a.zip")
        catalogue.look()
        (tmp_path / "a.json").write_text("{}")
        monkeypatch.setattr(module, "read", never)
        assert catalogue.look() == {"a.zip"}


class TestKeepingInStep:
    def test_what_has_not_changed_is_not_read_again(
        self, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "a.zip")
        (tmp_path / "b.zip").write_text("no ZIP")
        age(tmp_path / "b.zip")
        assert catalogue.look() == {"a.zip", "b.zip"}
        monkeypatch.setattr(module, "read", never)
        assert catalogue.look() == set()

    def test_a_file_that_changed_is_read_again(self, tmp_path: Path, catalogue: Catalogue) -> None:
        write(tmp_path, "a.zip")
        catalogue.look()
        write(tmp_path, "a.zip", NOON + 7, changed=NOON, description="6h of Spa - Race")
        assert catalogue.look() == {"a.zip"}
        assert [each["description"] for each in Answers(catalogue.database).every()] == ["6h of Spa - Race"]

    def test_a_file_that_has_just_changed_is_read_again_for_it_may_change_within_one_tick_of_its_clock(
        self, tmp_path: Path, catalogue: Catalogue
    ) -> None:
        path = write(tmp_path, "a.zip", description="Race 1")
        os.utime(path)
        now = path.stat().st_mtime_ns
        catalogue.look()
        write(tmp_path, "a.zip", description="Race 2")
        os.utime(path, ns=(now, now))
        assert catalogue.look() == {"a.zip"}
        assert [each["description"] for each in Answers(catalogue.database).every()] == ["Race 2"]

    def test_a_file_that_went_away_is_not_listed_any_more(self, tmp_path: Path, catalogue: Catalogue) -> None:
        path = write(tmp_path, "a.zip")
        catalogue.look()
        path.unlink()
        assert catalogue.look() == {"a.zip"}
        assert names(catalogue) == []

    def test_only_the_named_files_are_looked_at_where_names_are_given(
        self, tmp_path: Path, catalogue: Catalogue
    ) -> None:
        write(tmp_path, "a.zip")
        write(tmp_path, "b.zip")
        assert catalogue.look(["b.zip", "gone.zip", "notes.txt"]) == {"b.zip"}
        assert names(catalogue) == ["b.zip"]
        (tmp_path / "b.zip").unlink()
        assert catalogue.look(["b.zip"]) == {"b.zip"}

    def test_the_name_of_an_analysis_stands_for_its_recording(self, tmp_path: Path, catalogue: Catalogue) -> None:
        write(tmp_path, "a.zip")
        catalogue.look()
        (tmp_path / "a.json").write_text("{}")
        assert catalogue.look(["a.json"]) == {"a.zip"}

    def test_a_folder_that_cannot_be_listed_is_an_error_and_what_was_known_stays(
        self, tmp_path: Path, catalogue: Catalogue
    ) -> None:
        write(tmp_path, "a.zip")
        catalogue.look()
        away = tmp_path.rename(tmp_path.with_name("away"))
        with pytest.raises(FileNotFoundError):
            catalogue.look()
        assert names(catalogue) == ["a.zip"]
        away.rename(tmp_path)

    def test_it_stops_when_it_is_told_and_goes_on_at_the_next_look(
        self, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "BATCH", 1)
        for name in ("a.zip", "b.zip", "c.zip"):
            write(tmp_path, name)
        assert len(catalogue.look(stop=iter([False, True]).__next__)) == 1
        assert len(catalogue.look()) == 2


class TestProblems:
    def test_corrupt_and_foreign_files_are_problems_and_do_not_hide_the_others(
        self, tmp_path: Path, catalogue: Catalogue
    ) -> None:
        write(tmp_path, "a.zip")
        (tmp_path / "b.zip").write_text("no ZIP")
        shutil.make_archive(str(tmp_path / "c"), "zip", root_dir=tmp_path, base_dir="b.zip")
        (tmp_path / "d.zip").mkdir()
        write(tmp_path, "e.zip", colSpec=[["Num", "text", "x" * 70_000]])
        catalogue.look()
        assert names(catalogue) == ["a.zip"]
        assert {name: str(tmp_path / name) in why for name, why in problems(catalogue).items()} == {
            "b.zip": True,
            "c.zip": True,
            "d.zip": True,
            "e.zip": True,
        }

    def test_a_half_copied_file_is_listed_once_it_is_whole(self, tmp_path: Path, catalogue: Catalogue) -> None:
        whole = write(tmp_path, "a.zip").read_bytes()
        (tmp_path / "a.zip").write_bytes(whole[:-30])
        catalogue.look()
        assert list(problems(catalogue)) == ["a.zip"]
        (tmp_path / "a.zip").write_bytes(whole)
        assert catalogue.look() == {"a.zip"}
        assert (names(catalogue), problems(catalogue)) == (["a.zip"], {})

    def test_a_recording_that_breaks_is_listed_no_more(self, tmp_path: Path, catalogue: Catalogue) -> None:
        write(tmp_path, "a.zip")
        catalogue.look()
        (tmp_path / "a.zip").write_text("no ZIP")
        catalogue.look()
        assert (names(catalogue), list(problems(catalogue))) == ([], ["a.zip"])

    def test_a_problem_that_went_away_is_one_no_more(self, tmp_path: Path, catalogue: Catalogue) -> None:
        (tmp_path / "a.zip").write_text("no ZIP")
        catalogue.look()
        (tmp_path / "a.zip").unlink()
        assert catalogue.look() == {"a.zip"}
        assert problems(catalogue) == {}

    def test_a_file_that_the_system_keeps_from_us_is_tried_again(
        self, tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "a.zip")

        def denied(path: Path, stamp: Stamp) -> Entry:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(module, "read", denied)
            catalogue.look()
        assert list(problems(catalogue)) == ["a.zip"]
        catalogue.look()
        assert names(catalogue) == ["a.zip"]

    def test_a_name_that_is_no_utf_8_is_a_problem(self, tmp_path: Path, catalogue: Catalogue) -> None:
        path = write(tmp_path, "a.zip")
        path.rename(tmp_path / os.fsdecode(b"caf\xe9.zip"))
        assert catalogue.look() == {"caf\\xe9.zip"}
        assert catalogue.look() == set()
        assert "UTF-8" in problems(catalogue)["caf\\xe9.zip"]


def test_the_words_of_a_recording_are_those_of_its_manifest_and_its_cars(tmp_path: Path) -> None:
    cars = [["7", "HYPERCAR", "Toyota Gazoo Racing", ["Mike Conway", "platinum"]]]
    write(tmp_path, "a.zip", cars=cars, colSpec=COLUMNS, description="6h of Spa")
    found = answers(tmp_path)
    for text in ("spa", "hypercar", "gazoo conw", "WEC 6h"):
        assert found.search(wanted(text, {}, trusted=False), 1)["total"] == 1, text
    assert found.search(wanted("porsche", {}, trusted=False), 1)["total"] == 0
