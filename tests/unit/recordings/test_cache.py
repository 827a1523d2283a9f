"""The catalogue's file is only a cache: whatever befalls it, the directory is the truth."""

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from orchestrator.recordings import catalogue as catalogue_module
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.catalogue import Catalogue
from orchestrator.recordings.database import first_id, id_range, start_of
from orchestrator.recordings.entry import Entry, Stamp, read
from orchestrator.recordings.query import wanted
from orchestrator.recordings.shelf import Shelf
from tests.support.system import new_home, remove_home
from tests.unit.recordings.files import LONG_AGO, NOON, write

NAMES = ("a.zip", "a_1.zip", "b.zip", "c.zip")


def told(database: sqlite3.Connection) -> object:
    """All that a catalogue tells, in whatever way it may be asked."""
    answers = Answers(database)
    every = list(answers.every())
    words = {word for each in every for word in str(each["description"]).split()}
    return (
        every,
        [(problem.filename, problem.why) for problem in answers.problems()],
        [(answers.page(1, hidden=hidden), answers.names(hidden=hidden)) for hidden in (False, True)],
        [answers.page(1, name) for name in answers.names(hidden=True)],
        [(word, answers.search(wanted(word, {"includeHidden": True}, trusted=True), 1)) for word in sorted(words)],
        [answers.search(wanted("", {"hasAnalysis": has}, trusted=False), 1) for has in (False, True)],
    )


class Directory(RuleBasedStateMachine):
    """Files come, change, break and go, and now and then the catalogue looks."""

    def __init__(self) -> None:
        super().__init__()
        self.home = new_home()
        self.folder = self.home / "recordings"
        self.folder.mkdir()
        self.cache = self.home / "state" / "cache.sqlite3"
        self.catalogue = Catalogue(self.folder, self.cache)
        self.clock = LONG_AGO  # every change has a time of its own
        self.in_step = True

    def teardown(self) -> None:
        self.catalogue.close()
        remove_home(self.home)

    def tick(self) -> int:
        self.clock += 1
        self.in_step = False
        return self.clock

    @rule(
        name=st.sampled_from(NAMES),
        start=st.integers(NOON, NOON + 3),
        hidden=st.booleans(),
        service=st.sampled_from(["WEC", "ELMS"]),
        description=st.sampled_from(["Race", "6h of Spa", "Qualifying Spa"]),
    )
    def record(self, name: str, start: int, hidden: bool, service: str, description: str) -> None:
        write(self.folder, name, start, changed=self.tick(), hidden=hidden, name=service, description=description)

    @rule(name=st.sampled_from(NAMES), content=st.sampled_from([b"", b"no ZIP", b"PK\5\6" + bytes(18)]))
    def spoil(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)
        os.utime(self.folder / name, (self.tick(), self.clock))

    @rule(name=st.sampled_from(NAMES))
    def cut(self, name: str) -> None:
        path = self.folder / name
        if path.exists():
            path.write_bytes(path.read_bytes()[:-10])
            os.utime(path, (self.tick(), self.clock))

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def rename(self, name: str, other: str) -> None:
        if (self.folder / name).exists():
            (self.folder / name).replace(self.folder / other)
            self.in_step = False

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        self.in_step = False

    @rule(name=st.sampled_from(NAMES))
    def analyse(self, name: str) -> None:
        (self.folder / name).with_suffix(".json").write_text("{}")
        self.in_step = False

    @rule(name=st.sampled_from(NAMES))
    def forget_analysis(self, name: str) -> None:
        (self.folder / name).with_suffix(".json").unlink(missing_ok=True)
        self.in_step = False

    @rule()
    def look(self) -> None:
        self.catalogue.look()
        self.in_step = True

    @rule()
    def look_at_each(self) -> None:
        self.catalogue.look(NAMES)
        self.in_step = True

    @rule()
    def start_again(self) -> None:
        self.catalogue.close()
        self.catalogue = Catalogue(self.folder, self.cache)

    @precondition(lambda self: self.in_step)
    @invariant()
    def it_equals_a_fresh_one(self) -> None:
        fresh = Catalogue(self.folder, None)
        fresh.look()
        assert told(self.catalogue.database) == told(fresh.database)
        assert self.catalogue.look() == set()
        fresh.close()


def test_after_any_sequence_of_changes_the_catalogue_equals_a_fresh_one() -> None:
    run_state_machine_as_test(Directory, settings=settings(max_examples=40, stateful_step_count=20, deadline=None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory of two recordings."""
    made = tmp_path / "recordings"
    made.mkdir()
    write(made, "a.zip")
    write(made, "b.zip", description="6h of Spa")
    return made


def looked(folder: Path, cache: Path) -> tuple[int, str | None]:
    """How many recordings a shelf of this cache has, and why the cache was made anew."""
    shelf = Shelf(folder, cache)
    look = shelf.look()
    shelf.close()
    return look.total, look.rebuilt


class TestDamage:
    def test_a_cache_that_is_sound_is_used_again(self, folder: Path, tmp_path: Path) -> None:
        assert looked(folder, tmp_path / "cache") == (2, None)
        shelf = Shelf(folder, tmp_path / "cache")
        assert shelf.look().changed == set()
        shelf.close()

    @pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(4080), b"x" * 9000])
    def test_a_file_that_is_no_cache_is_thrown_away_and_that_is_told(
        self, folder: Path, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "cache").write_bytes(content)
        total, why = looked(folder, tmp_path / "cache")
        assert total == 2
        assert why is not None

    def test_one_of_another_version_is_made_anew(self, folder: Path, tmp_path: Path) -> None:
        looked(folder, tmp_path / "cache")
        with sqlite3.connect(tmp_path / "cache") as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
        assert looked(folder, tmp_path / "cache") == (2, "it is of version 99, not 1")

    def test_one_of_another_directory_is_made_anew(self, folder: Path, tmp_path: Path) -> None:
        looked(folder, tmp_path / "cache")
        other = tmp_path / "other"
        other.mkdir()
        write(other, "c.zip")
        assert looked(other, tmp_path / "cache") == (1, "it is of another directory")

    def test_one_that_lacks_a_table_is_made_anew(self, folder: Path, tmp_path: Path) -> None:
        looked(folder, tmp_path / "cache")
        with sqlite3.connect(tmp_path / "cache") as database:
            database.execute("DROP TABLE problems")
        database.close()
        total, why = looked(folder, tmp_path / "cache")
        assert (total, why) == (2, "no such table: problems")

    def test_one_that_is_deleted_while_it_is_used_is_made_anew(self, folder: Path, tmp_path: Path) -> None:
        shelf = Shelf(folder, tmp_path / "cache")
        shelf.look()
        (tmp_path / "cache").unlink()
        look = shelf.look(["a.zip"])
        assert (look.total, look.rebuilt) == (2, "it was deleted")
        assert (tmp_path / "cache").exists()
        shelf.close()

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(where=st.floats(0, 1, exclude_max=True), length=st.integers(1, 5000), byte=st.integers(0, 255))
    def test_garbled_anywhere_it_never_keeps_the_catalogue_from_being_kept(
        self, folder: Path, tmp_path: Path, where: float, length: int, byte: int
    ) -> None:
        cache = tmp_path / "cache"
        for suffix in ("", "-wal", "-shm"):
            cache.with_name(cache.name + suffix).unlink(missing_ok=True)
        looked(folder, cache)
        content = bytearray(cache.read_bytes())
        at = int(where * len(content))
        content[at : at + length] = bytes([byte]) * min(length, len(content) - at)
        cache.write_bytes(content)
        shelf = Shelf(folder, cache)
        shelf.look()
        write(folder, "a.zip", description=f"{where} {length} {byte}", changed=LONG_AGO + length)
        shelf.look()
        shelf.make_anew("it is damaged")
        assert shelf.ask(lambda answers: answers.total()) == 2
        shelf.close()

    def test_a_cache_that_cannot_be_written_is_an_error(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "cache").mkdir()
        shelf = Shelf(folder, tmp_path / "cache")
        with pytest.raises((OSError, sqlite3.Error)):
            shelf.look()


class TestStrangeFiles:
    """Whatever lies in the directory, the recordings beside it are listed."""

    def problems(self, folder: Path) -> dict[str, str]:
        catalogue = Catalogue(folder, None)
        catalogue.look()
        answers = Answers(catalogue.database)
        assert answers.total() == 2
        found = {problem.filename: problem.why for problem in answers.problems()}
        catalogue.close()
        return found

    def test_links_that_lead_nowhere(self, folder: Path) -> None:
        (folder / "circle.zip").symlink_to("circle.zip")
        (folder / "through.zip").symlink_to(folder / "a.zip" / "x")
        (folder / "gone.zip").symlink_to(folder / "nothing")
        found = self.problems(folder)
        assert found.keys() == {"circle.zip", "through.zip"}
        assert "Too many levels of symbolic links" in found["circle.zip"]

    def test_pipes_and_folders(self, folder: Path) -> None:
        os.mkfifo(folder / "pipe.zip")
        (folder / "folder.zip").mkdir()
        found = self.problems(folder)
        assert found.keys() == {"pipe.zip", "folder.zip"}
        assert "it is no file" in found["pipe.zip"]

    def test_one_that_we_fail_to_read_in_a_way_that_we_did_not_think_of(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, "c.zip")

        def failing(path: Path, stamp: Stamp) -> Entry:
            if path.name == "c.zip":
                raise OverflowError("too large")
            return read(path, stamp)

        monkeypatch.setattr(catalogue_module, "read", failing)
        found = self.problems(folder)
        assert found == {"c.zip": f"{folder / 'c.zip'}: it cannot be read (OverflowError: too large)"}


class TestIds:
    @given(st.integers(0, 99_999_999_999), st.integers(0, 99_999_999_999))
    def test_who_starts_later_has_the_higher_id(self, one: int, other: int) -> None:
        if one < other:
            assert first_id(one, "a.zip") < first_id(other, "b.zip")

    @given(st.integers(0, 99_999_999_999), st.text(alphabet="abcdef0123456789", max_size=40))
    def test_an_id_tells_the_start(self, start: int, name: str) -> None:
        assert start_of(first_id(start, name)) == start

    @given(
        st.integers(0, 99_999_999_999),
        st.none() | st.floats(-1e15, 1e15),
        st.none() | st.floats(-1e15, 1e15),
    )
    def test_a_range_holds_the_ids_of_its_starts_and_no_other(
        self, start: int, begin: float | None, end: float | None
    ) -> None:
        low, high = id_range(begin, end)
        within = (begin is None or begin <= start) and (end is None or start <= end)
        assert (low <= first_id(start, "a.zip") <= high) is within
