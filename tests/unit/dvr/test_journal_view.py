"""A journal that another process is writing, as its reader sees it."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.recording.format import BadEntry, Kind
from livetiming.recording.reader import Recording
from orchestrator.dvr.finalise import finalise
from orchestrator.dvr.journal import MAGIC, BadRecord, Record, RecordKind, encode
from orchestrator.dvr.journal_view import JournalView
from tests.support.recorded import MANIFEST, NOON, UUID, Recorded, lap, laps

NAME = f"{UUID}.0.journal"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Recorded]:
    made = Recorded(tmp_path / NAME)
    yield made
    made.close()


class TestGrowing:
    def test_what_is_appended_is_there_after_a_refresh(self, journal: Recorded) -> None:
        with JournalView(journal.path) as view:
            assert (len(view), view.ended) == (0, False)
            for count in range(1, 25):
                journal.record([(NOON + count, lap(count))])
                assert len(view) == count - 1
                assert view.refresh()
                assert (len(view), view.start, view.end) == (count, NOON + 1, NOON + count)
                assert view.state_at(NOON + count) == lap(count)

    def test_without_anything_new_there_is_nothing_to_refresh(self, journal: Recorded) -> None:
        journal.record(laps(3))
        with JournalView(journal.path) as view:
            assert not view.refresh()

    def test_of_one_second_the_newest_frame_counts(self, journal: Recorded) -> None:
        journal.record(laps(3))
        with JournalView(journal.path) as view:
            assert view.state_at(NOON + 2) == lap(2)
            journal.record([(NOON + 2, lap(7)), (NOON + 1, lap(8))])
            view.refresh()
            assert list(view.seconds) == [NOON, NOON + 1, NOON + 2]
            assert view.state_at(NOON + 2) == lap(8)
            journal.record([(NOON + 3, lap(9))])
            view.refresh()
            assert [state for _, state in view.states()] == [lap(0), lap(1), lap(8), lap(9)]

    def test_the_newest_manifest_counts(self, journal: Recorded) -> None:
        journal.record(laps(2))
        with JournalView(journal.path) as view:
            assert view.manifest == {**MANIFEST, "version": 1, "startTime": NOON}
            journal.describe({**MANIFEST, "name": "ELMS"})
            view.refresh()
            assert view.manifest["name"] == "ELMS"

    def test_a_service_that_sent_no_manifest_is_unknown(self, tmp_path: Path) -> None:
        with closing(Recorded(tmp_path / NAME, manifest=None)) as journal:
            journal.record(laps(1))
        with JournalView(tmp_path / NAME) as view:
            assert (view.manifest["uuid"], view.manifest["hidden"]) == (UUID, True)

    def test_it_ends_when_the_journal_says_so(self, journal: Recorded) -> None:
        with JournalView(journal.path) as view:
            journal.record(laps(2))
            journal.end()
            view.refresh()
            assert view.ended
            assert len(view) == 2

    def test_a_writer_that_was_killed_and_goes_on_is_followed(self, journal: Recorded) -> None:
        journal.record(laps(12))
        good = journal.path.stat().st_size
        with journal.path.open("ab") as file:
            file.write(encode(Record(RecordKind.KEY, NOON + 12, b"x" * 100))[:50])
        with JournalView(journal.path) as view:
            os.truncate(journal.path, good)
            journal.record([(NOON + 13, lap(13))])
            view.refresh()
            assert view.state_at(NOON + 13) == lap(13)
            assert view.stopped is None

    def test_written_anew_it_is_read_anew(self, journal: Recorded, tmp_path: Path) -> None:
        journal.record(laps(30))
        with JournalView(journal.path) as view:
            assert view.state_at(NOON + 29) == lap(29)
            with closing(Recorded(tmp_path / "other")) as other:
                other.record(laps(20, step=3))
            journal.path.write_bytes(other.path.read_bytes())
            view.refresh()
            assert list(view.states()) == laps(20, step=3)


class TestTornAndGarbled:
    def test_cut_at_every_byte_it_is_what_was_whole_and_goes_on_when_the_rest_comes(self, tmp_path: Path) -> None:
        ends = []
        with closing(Recorded(tmp_path / "whole")) as whole:
            for second, state in laps(4):
                whole.record([(second, state)])
                ends.append(whole.path.stat().st_size)
        data = whole.path.read_bytes()
        part = tmp_path / NAME
        for length in range(len(data) + 1):
            part.write_bytes(data[:length])
            with JournalView(part) as view:
                assert list(view.states()) == laps(sum(end <= length for end in ends))
                with part.open("ab") as file:
                    file.write(data[length:])
                view.refresh()
                assert list(view.states()) == laps(4)
                assert view.stopped is None

    @given(position=st.integers(0, 3000), flipped=st.integers(1, 255))
    def test_garbled_anywhere_it_is_a_prefix_or_no_journal(
        self, position: int, flipped: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("garbled")
        with closing(Recorded(folder / NAME)) as journal:
            journal.record(laps(12))
        data = bytearray(journal.path.read_bytes())
        position %= len(data)
        data[position] ^= flipped
        journal.path.write_bytes(data)
        if position < len(MAGIC):
            with pytest.raises(BadRecord):
                JournalView(journal.path)
            return
        with JournalView(journal.path) as view:
            assert list(view.states()) == laps(len(view))
            assert view.stopped

    def test_a_record_that_is_garbled_later_is_told_with_its_frame(self, journal: Recorded) -> None:
        journal.record(laps(25))
        with JournalView(journal.path) as view:
            offset = journal.path.read_bytes().index(b'"timeElapsed",[13,14]')
            with journal.path.open("r+b") as file:
                file.seek(offset)
                file.write(b"?")
            told: list[BadEntry] = []
            found = dict(view.states(told.append))
            assert [error.entry for error in told] == [f"0{NOON + 14}i.json"]
            assert list(found) == [NOON + each for each in (*range(14), *range(20, 25))]
            with pytest.raises(BadEntry):
                view.state_at(NOON + 15)
            assert view.state_at(NOON + 13) == lap(13)

    @pytest.mark.parametrize("manifest", [b"no JSON", b"7", b"[]x"])
    def test_reading_stops_at_a_manifest_that_is_none(self, journal: Recorded, manifest: bytes) -> None:
        journal.record(laps(2))
        with journal.path.open("ab") as file:
            file.write(encode(Record(RecordKind.MANIFEST, NOON, manifest)))
        with JournalView(journal.path) as view:
            assert len(view) == 2
            assert "manifest" in (view.stopped or "")

    def test_what_belongs_to_another_service_is_not_read(self, tmp_path: Path) -> None:
        with closing(Recorded(tmp_path / NAME, uuid="f" * 32)) as journal:
            journal.record(laps(3))
        with JournalView(tmp_path / NAME) as view:
            assert len(view) == 0
            assert "another service" in (view.stopped or "")

    def test_it_does_not_begin_as_a_journal_does(self, tmp_path: Path) -> None:
        (tmp_path / NAME).write_bytes(b"PK\3\4 something else")
        with pytest.raises(BadRecord, match="does not begin"):
            JournalView(tmp_path / NAME)


class TestMovedAway:
    def test_renamed_or_deleted_it_stays_readable_and_says_so(self, journal: Recorded, tmp_path: Path) -> None:
        journal.record(laps(5))
        with JournalView(journal.path) as view:
            gone = [view.gone]
            renamed = journal.path.rename(tmp_path / f"{UUID}.0.as0.journal")
            gone.append(view.gone)
            journal.record([(NOON + 5, lap(5))])
            renamed.unlink()
            view.refresh()
            assert list(view.states()) == laps(6)
            assert [*gone, view.gone] == [False, True, True]

    def test_a_file_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            JournalView(tmp_path / NAME)


STATES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30), st.booleans()).map(lambda each: each), min_size=1, max_size=40
)


@given(steps=STATES, asked=st.lists(st.integers(-2, 90), max_size=8))
def test_it_gives_what_the_finished_file_gives(
    steps: list[tuple[int, int, bool]], asked: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("same")
    second = NOON
    with closing(Recorded(folder / NAME)) as journal, JournalView(journal.path) as view:
        for step, number, refreshed in steps:
            second += step
            state: dict[str, Any] = {**lap(number), "cars": lap(number)["cars"] * (number % 3)}
            journal.record([(second, state)])
            if refreshed:
                view.refresh()
                assert view.state_at(second) == state
        journal.end()
        view.refresh()
        finished = finalise(journal.path, folder)
        assert finished is not None
        with Recording(finished.path) as recording:
            assert list(view.seconds) == list(recording.seconds)
            assert list(view.states()) == list(recording.states())
            assert [view.frame(each) for each in view.seconds] == list(recording.frames())
            assert view.manifest == recording.manifest
            assert (view.start, view.end, len(view)) == (recording.start, recording.end, len(recording))
            for each in asked:
                assert view.state_at(NOON + each) == recording.state_at(NOON + each)
                later = [item for item in recording.states() if item[0] >= NOON + each]
                assert list(view.states(begin=NOON + each)) == later


def test_the_frames_stand_as_the_dvr_made_them(journal: Recorded) -> None:
    journal.record(laps(12))
    with JournalView(journal.path) as view:
        kinds = [view.frame(second).kind for second in view.seconds]
    assert kinds == [Kind.KEY, *[Kind.INTRA] * 9, Kind.KEY, Kind.INTRA]
