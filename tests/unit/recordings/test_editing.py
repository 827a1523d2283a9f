"""Changing the manifest of a finished recording."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.recording.format import NotARecording
from livetiming.recording.reader import Recording
from orchestrator.recordings.editing import OF_THE_LISTING, BadChange, edited
from orchestrator.recordings.rewriting import Rewritten, change_manifest
from orchestrator.recordings.shelf import Shelf, Unknown
from tests.unit.recordings.files import LONG_AGO, NOON, UUID, write

MANIFEST = {
    "uuid": UUID,
    "name": "WEC",
    "description": "Race",
    "colSpec": [["Num", "text"]],
    "event": "e1",
    "version": 1,
}


class TestWhatMayChange:
    @pytest.mark.parametrize(
        "change",
        [
            {"name": "ELMS"},
            {"description": ""},
            {"serviceClass": "elms"},
            {"hidden": True},
            {"event": "e2"},
            {"source": ["Al Kamel", "https://example.org"]},
            {"external": {"name": "Club", "url": "http://example.org"}},
            {"external": {}},
        ],
    )
    def test_these_keys_may(self, change: dict[str, Any]) -> None:
        assert edited(MANIFEST, change) == {**MANIFEST, **change}

    def test_null_removes_what_need_not_be_there(self) -> None:
        without = {key: value for key, value in MANIFEST.items() if key != "event"}
        assert edited(MANIFEST, {"event": None, "source": None}) == without

    def test_what_a_listing_adds_is_ignored(self) -> None:
        assert edited(MANIFEST, dict.fromkeys(OF_THE_LISTING, "x")) == MANIFEST

    def test_a_listing_may_be_changed_and_sent_back(self) -> None:
        listed = {**MANIFEST, "duration": 61, "filename": "a.zip", "size": 7, "hasAnalysis": True, "startTime": NOON}
        assert edited(MANIFEST, {**listed, "name": "ELMS"}) == {**MANIFEST, "name": "ELMS"}

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"colSpec": []}, "'colSpec' cannot be changed; what can: name, description"),
            ({"pollInterval": 7}, "'pollInterval' cannot be changed"),
            ({"name": None}, "name is a text"),
            ({"name": "x" * 1001}, "name is a text of at most 1000"),
            ({"description": 7}, "description is a text"),
            ({"name": "\ud800"}, "name is a text"),
            ({"hidden": "no"}, "hidden is true or false"),
            ({"event": 7}, "event is a text"),
            ({"source": ["x"]}, "source is"),
            ({"source": ["x", "javascript:alert(1)"]}, "source is .*http"),
            ({"external": {"name": "x", "more": 1}}, "external is"),
            ({"external": {"url": "file:///etc"}}, "external is"),
            ({7: 7}, "'7' cannot be changed"),
        ],
    )
    def test_anything_else_is_refused_with_what_is_possible(self, change: Any, told: str) -> None:
        with pytest.raises(BadChange, match=told):
            edited(MANIFEST, change)

    @given(
        st.dictionaries(
            st.sampled_from(["name", "hidden", "source", "external", "event", "x"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            ),
        )
    )
    def test_whatever_is_sent_what_describes_the_frames_stays(self, change: dict[str, Any]) -> None:
        try:
            new = edited(MANIFEST, change)
        except BadChange:
            return
        assert {key: new.get(key) for key in ("uuid", "version", "colSpec")} == {
            key: MANIFEST[key] for key in ("uuid", "version", "colSpec")
        }
        orjson.dumps(new)


def change(path: Path, **changes: Any) -> Rewritten | None:
    return change_manifest(path, lambda manifest: edited(manifest, changes))


class TestTheFile:
    def test_the_frames_stay_as_they_are(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.zip")
        with Recording(path) as recording:
            before = list(recording.frames())
        assert change(path, description="6h of Spa") == Rewritten()
        with Recording(path) as recording:
            assert list(recording.frames()) == before
            assert recording.manifest["description"] == "6h of Spa"
            assert recording.manifest["startTime"] == NOON
        assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]

    def test_the_analysis_gets_the_manifest_too(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.zip")
        (tmp_path / "a.json").write_bytes(orjson.dumps({"service": {"name": "x"}, "state": {"cars": []}}))
        change(path, description="6h of Spa")
        document = orjson.loads((tmp_path / "a.json").read_bytes())
        with Recording(path) as recording:
            assert document == {"service": recording.manifest, "state": {"cars": []}}
        assert (tmp_path / "a.json").stat().st_mtime_ns >= path.stat().st_mtime_ns

    def test_an_analysis_of_an_older_recording_stays_older(self, tmp_path: Path) -> None:
        path, analysis = write(tmp_path, "a.zip"), tmp_path / "a.json"
        analysis.write_bytes(b'{"service": {}}')
        os.utime(analysis, (LONG_AGO - 9, LONG_AGO - 9))
        assert change(path, description="6h of Spa") == Rewritten()
        assert analysis.read_bytes() == b'{"service": {}}'
        assert analysis.stat().st_mtime_ns < path.stat().st_mtime_ns

    @pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b"7"])
    def test_an_analysis_that_is_none_is_told_and_is_older_than_its_recording(
        self, tmp_path: Path, content: bytes
    ) -> None:
        path, analysis = write(tmp_path, "a.zip"), tmp_path / "a.json"
        analysis.write_bytes(content)
        rewritten = change(path, description="6h of Spa")
        assert rewritten is not None
        assert str(analysis) in str(rewritten.left_behind)
        assert analysis.read_bytes() == content
        assert analysis.stat().st_mtime_ns <= path.stat().st_mtime_ns

    def test_an_analysis_that_cannot_be_read_is_told_and_the_recording_is_changed(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.zip")
        (tmp_path / "a.json").mkdir()
        rewritten = change(path, description="6h of Spa")
        assert rewritten is not None
        assert "Is a directory" in str(rewritten.left_behind)
        with Recording(path) as recording:
            assert recording.manifest["description"] == "6h of Spa"

    def test_of_changes_at_one_time_none_is_lost(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.zip")
        keys = [f"key {number}" for number in range(8)]
        begin = threading.Barrier(len(keys), timeout=20)

        def set_one(key: str) -> None:
            begin.wait()
            change_manifest(path, lambda manifest: {**manifest, key: True})

        with ThreadPoolExecutor(len(keys)) as pool:
            list(pool.map(set_one, keys))
        with Recording(path) as recording:
            assert set(keys) <= recording.manifest.keys()

    def test_a_symbolic_link_stays_one(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        path = write(tmp_path / "elsewhere", "a.zip")
        (tmp_path / "b.zip").symlink_to(path)
        change(tmp_path / "b.zip", description="6h of Spa")
        assert (tmp_path / "b.zip").is_symlink()
        with Recording(path) as recording:
            assert recording.manifest["description"] == "6h of Spa"

    def test_nothing_is_written_where_nothing_changes(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.zip")
        before = path.stat()
        assert change(path, description="Race") is None
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_a_change_that_is_refused_leaves_the_file(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.zip")
        content = path.read_bytes()
        with pytest.raises(BadChange):
            change(path, colSpec=[])
        assert path.read_bytes() == content
        assert [each.name for each in tmp_path.iterdir()] == ["a.zip"]

    def test_what_is_no_recording_is_left(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_text("no ZIP")
        with pytest.raises(NotARecording):
            change(tmp_path / "a.zip", name="x")
        assert (tmp_path / "a.zip").read_text() == "no ZIP"


class TestTheCatalogue:
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Shelf:
        """A shelf of two recordings of one uuid."""
        folder = tmp_path / "recordings"
        folder.mkdir()
        write(folder, f"{UUID}.zip")
        write(folder, f"{UUID}_1.zip", NOON + 100)
        shelf = Shelf(folder, tmp_path / "cache")
        shelf.look()
        return shelf

    def test_it_lists_the_change_at_once(self, shelf: Shelf) -> None:
        listed, _rewritten = shelf.change(f"{UUID}:1", {"uuid": f"{UUID}:1", "description": "Race 2"})
        assert (listed["uuid"], listed["description"]) == (f"{UUID}:1", "Race 2")
        assert [each["description"] for each in shelf.ask(lambda answers: list(answers.every()))] == ["Race 2", "Race"]
        shelf.close()

    @pytest.mark.parametrize("uuid", [None, 7, "else", f"../{UUID}", f"{UUID}.zip"])
    def test_a_uuid_that_is_not_listed_is_unknown(self, shelf: Shelf, uuid: Any) -> None:
        with pytest.raises(Unknown):
            shelf.change(uuid, {"name": "x"})
        shelf.close()
