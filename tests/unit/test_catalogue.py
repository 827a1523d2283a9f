"""The catalogue of a directory, and the questions asked of it."""

import errno
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from livetiming.recording.format import Frame, Kind
from livetiming.recording.writer import RecordingWriter
from orchestrator.recordings import catalogue as module
from orchestrator.recordings import query
from orchestrator.recordings.catalogue import Catalogue, Listed, scan, uuid_of

UUID = "0123456789abcdef0123456789abcdef"
NOON = 1_700_000_000


def write(folder: Path, name: str, start: int = NOON, **manifest: Any) -> Path:
    """A recording of 61 seconds."""
    with RecordingWriter(folder / name) as writer:
        writer.add(Frame(start, Kind.KEY, orjson.dumps({"cars": []})))
        writer.add(Frame(start + 61, Kind.KEY, orjson.dumps({"cars": []})))
        writer.finish({"uuid": UUID, "name": "FIA WEC", "description": "Race", **manifest})
    return folder / name


def listed(folder: Path) -> list[Listed]:
    return list(scan(folder, Catalogue()).newest_first)


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

    def test_the_analysis_is_the_json_file_beside_it(self, tmp_path: Path) -> None:
        write(tmp_path, f"{UUID}.zip")
        known = scan(tmp_path, Catalogue())
        (tmp_path / f"{UUID}.json").write_text("{}")
        assert scan(tmp_path, known).newest_first[0]["hasAnalysis"] is True

    def test_recordings_come_newest_first(self, tmp_path: Path) -> None:
        for name, start in [("a.zip", 5), ("b.zip", 9), ("c.zip", 7)]:
            write(tmp_path, name, NOON + start)
        assert [each["filename"] for each in listed(tmp_path)] == ["b.zip", "c.zip", "a.zip"]

    def test_the_start_is_that_of_the_frames_whatever_the_manifest_says(self, tmp_path: Path) -> None:
        write(tmp_path, "a.zip", startTime="yesterday")
        assert listed(tmp_path)[0]["startTime"] == NOON

    def test_other_files_are_not_looked_at(self, tmp_path: Path) -> None:
        for name in ("index.json", f"{UUID}.zip.part", ".hidden.zip", "notes.txt"):
            (tmp_path / name).write_text("x")
        assert scan(tmp_path, Catalogue()) == Catalogue()


class TestScanning:
    def test_what_has_not_changed_is_not_read_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path, "a.zip")
        (tmp_path / "b.zip").write_text("no ZIP")
        known = scan(tmp_path, Catalogue())
        monkeypatch.setattr(module, "Recording", None)
        assert scan(tmp_path, known) is known

    def test_a_file_that_changed_is_read_again(self, tmp_path: Path) -> None:
        write(tmp_path, "a.zip")
        known = scan(tmp_path, Catalogue())
        write(tmp_path, "a.zip", description="6h of Spa - Race")
        assert scan(tmp_path, known).newest_first[0]["description"] == "6h of Spa - Race"

    def test_a_file_that_went_away_is_not_listed_any_more(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.zip")
        known = scan(tmp_path, Catalogue())
        path.unlink()
        assert scan(tmp_path, known).newest_first == ()

    def test_a_folder_that_cannot_be_listed_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            scan(tmp_path / "nowhere", Catalogue())


class TestProblems:
    def test_corrupt_and_foreign_files_are_problems_and_do_not_hide_the_others(self, tmp_path: Path) -> None:
        write(tmp_path, "a.zip")
        (tmp_path / "b.zip").write_text("no ZIP")
        shutil.make_archive(str(tmp_path / "c"), "zip", root_dir=tmp_path, base_dir="b.zip")
        (tmp_path / "d.zip").mkdir()
        found = scan(tmp_path, Catalogue())
        assert list(found.entries) == ["a.zip"]
        assert {name: str(tmp_path / name) in problem.why for name, problem in found.problems.items()} == {
            "b.zip": True,
            "c.zip": True,
            "d.zip": True,
        }

    def test_a_half_copied_file_is_listed_once_it_is_whole(self, tmp_path: Path) -> None:
        whole = write(tmp_path, "a.zip").read_bytes()
        (tmp_path / "a.zip").write_bytes(whole[:-30])
        known = scan(tmp_path, Catalogue())
        assert list(known.problems) == ["a.zip"]
        (tmp_path / "a.zip").write_bytes(whole)
        assert list(scan(tmp_path, known).entries) == ["a.zip"]

    def test_a_file_that_the_system_keeps_from_us_is_tried_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "a.zip")

        def denied(path: Path) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(module, "Recording", denied)
            known = scan(tmp_path, Catalogue())
        assert list(known.problems) == ["a.zip"]
        assert list(scan(tmp_path, known).entries) == ["a.zip"]


def recordings(count: int, **common: Any) -> list[Listed]:
    """`count` recordings, newest first."""
    return [
        {"uuid": f"{number:032x}", "name": "FIA WEC", "hidden": False, "startTime": NOON - number, **common}
        for number in range(count)
    ]


class TestPages:
    def test_a_page_holds_fifty(self) -> None:
        found = query.page(recordings(120), 2, None, include_hidden=False)
        assert (len(found["recordings"]), found["pages"], found["total"]) == (50, 3, 120)
        assert found["recordings"][0]["startTime"] == NOON - 50

    def test_the_last_page_holds_the_rest_and_behind_it_is_nothing(self) -> None:
        assert len(query.page(recordings(120), 3, None, include_hidden=False)["recordings"]) == 20
        assert query.page(recordings(120), 4, None, include_hidden=False)["recordings"] == []

    def test_no_recordings_make_no_pages(self) -> None:
        assert query.page([], 1, None, include_hidden=False) == {"recordings": [], "pages": 0, "total": 0}

    def test_only_those_of_one_name_are_asked_for(self) -> None:
        every = recordings(3) + recordings(2, name="ELMS")
        assert query.page(every, 1, "ELMS", include_hidden=False)["total"] == 2

    def test_hidden_ones_are_shown_to_who_may_see_them(self) -> None:
        every = recordings(3) + recordings(2, hidden=True)
        assert query.page(every, 1, None, include_hidden=False)["total"] == 3
        assert query.page(every, 1, None, include_hidden=True)["total"] == 5

    @pytest.mark.parametrize("number", [0, -1, None, "2", 1.5, [], True])
    def test_a_page_number_that_is_none_means_the_first(self, number: Any) -> None:
        assert query.page(recordings(60), number, None, include_hidden=False)["recordings"][0]["startTime"] == NOON


def test_names_are_distinct_and_in_alphabetical_order() -> None:
    every = recordings(2) + recordings(1, name="elms") + recordings(1, name="Secret", hidden=True)
    assert query.names(every, include_hidden=False) == ["elms", "FIA WEC"]
    assert query.names(every, include_hidden=True) == ["elms", "FIA WEC", "Secret"]


def test_who_knows_the_uuid_of_a_hidden_recording_may_see_it() -> None:
    (hidden,) = recordings(1, hidden=True)
    assert query.by_uuid([hidden], hidden["uuid"]) is hidden
    assert query.by_uuid([hidden], "else") is None


def test_the_retained_listing_holds_the_newest_fifty_that_are_not_hidden() -> None:
    every = recordings(2, hidden=True) + recordings(60)
    found = query.newest(every)
    assert len(found) == 50
    assert not any(listed["hidden"] for listed in found)
