"""Time shift: any moment of a recording, finished or in progress."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import capturedLogs, formatEvent

from livetiming.recording.format import Frame, Kind, apply_intra
from livetiming.state import State
from orchestrator.dvr.finalise import finalise
from orchestrator.recordings import open_files, timeshift
from orchestrator.recordings.timeshift import FRAMES_LIMIT, TimeShift
from tests.support.recorded import MANIFEST, NOON, UUID, Recorded, frames, lap, laps, write

OTHER = "f" * 32


class House:
    """The folders of the DVR, and a time shift over them."""

    def __init__(self, folder: Path) -> None:
        self.finished, self.temp = folder / "recordings", folder / "recordings-temp"
        self.finished.mkdir()
        self.temp.mkdir()
        self.shift = TimeShift(self.finished, self.temp)
        self.journals: list[Recorded] = []

    def close(self) -> None:
        """Close everything."""
        self.shift.close()
        for journal in self.journals:
            journal.close()

    def file(self, count: int, start: int = NOON, n: int = 0, uuid: str = UUID) -> Path:
        """A finished recording of `count` laps."""
        return write(self.finished / (f"{uuid}_{n}.zip" if n else f"{uuid}.zip"), frames(laps(count, start)))

    def journal(self, number: int = 0) -> Recorded:
        """A recording in progress."""
        self.journals.append(Recorded(self.temp / f"{UUID}.{number}.journal"))
        return self.journals[-1]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def played(answer: dict[str, Any], known: State | None = None) -> list[tuple[int, State]]:
    """The states of an answer, as a viewer makes them."""
    states: list[tuple[int, State]] = []
    for second, kind, body in answer["frames"]:
        known = apply_intra(known or {}, body) if kind == "i" else {k: v for k, v in body.items() if k != "lastUpdated"}
        states.append((second, known))
    return states


def everything(shift: TimeShift, uuid: str, begin: float, end: float) -> list[tuple[int, State]]:
    """The states of all answers, each begun where the one before said."""
    states: list[tuple[int, State]] = []
    following: float | None = begin
    while following is not None:
        answer = shift.frames(uuid, following, end)
        states += played(answer)
        assert len(answer["frames"]) <= FRAMES_LIMIT
        assert answer["next"] is None or answer["next"] > following
        following = answer["next"]
    return states


NO_UUIDS = [
    *(None, 7, "", "../x", UUID.upper(), UUID[1:], [UUID], {"uuid": UUID}),
    *(f"{UUID}{tail}" for tail in (":", ":0", ":01", ":x", "_1", ":1\n", "\n", ":-1", ":9999999999")),
]


class TestStateAt:
    def test_of_a_finished_recording_it_is_that_of_the_last_frame_not_after_t(self, house: House) -> None:
        write(house.finished / f"{UUID}.zip", frames(laps(20, step=5)))
        assert house.shift.state_at(UUID, NOON + 50) == lap(10)
        assert house.shift.state_at(UUID, NOON + 54.9) == lap(10)
        assert house.shift.state_at(UUID, NOON + 95) == lap(19)

    def test_before_the_beginning_and_behind_the_end_there_is_none(self, house: House) -> None:
        house.file(20)
        assert house.shift.state_at(UUID, NOON - 0.1) is None
        assert house.shift.state_at(UUID, NOON + 19.9) == lap(19)
        assert house.shift.state_at(UUID, NOON + 20) is None

    def test_of_one_in_progress_the_newest_state_is_that_of_now(self, house: House) -> None:
        journal = house.journal()
        journal.record(laps(20))
        assert house.shift.state_at(UUID, NOON + 7) == lap(7)
        assert house.shift.state_at(UUID, NOON + 500) == lap(19)
        journal.record([(NOON + 400, lap(25))])
        assert house.shift.state_at(UUID, NOON + 500) == lap(25)
        assert house.shift.state_at(UUID, NOON + 399) == lap(19)

    def test_one_that_has_ended_has_an_end(self, house: House) -> None:
        journal = house.journal()
        journal.record(laps(20))
        journal.end()
        assert house.shift.state_at(UUID, NOON + 19) == lap(19)
        assert house.shift.state_at(UUID, NOON + 20) is None

    def test_a_uuid_alone_means_its_recording_that_covers_t(self, house: House) -> None:
        house.file(10)
        house.file(10, NOON + 100, n=1)
        house.journal(2).record(laps(10, NOON + 200))
        assert [house.shift.state_at(UUID, NOON + t) for t in (5, 105, 205)] == [lap(5)] * 3

    def test_between_two_recordings_there_is_none(self, house: House) -> None:
        house.file(10)
        house.file(10, NOON + 100, n=1)
        assert house.shift.state_at(UUID, NOON + 50) is None

    def test_where_two_cover_t_it_is_the_one_that_began_later(self, house: House) -> None:
        house.file(10)
        house.file(10, NOON + 5, n=1)
        assert [house.shift.state_at(UUID, NOON + t) for t in (4, 5, 14)] == [lap(4), lap(0), lap(9)]

    def test_with_a_number_only_that_recording_counts(self, house: House) -> None:
        house.file(10)
        house.file(10, NOON + 5, n=1)
        house.file(10, NOON + 50, n=12)
        assert house.shift.state_at(f"{UUID}:1", NOON + 5) == lap(0)
        assert house.shift.state_at(f"{UUID}:1", NOON + 4) is None
        assert house.shift.state_at(f"{UUID}:12", NOON + 50) == lap(0)
        assert house.shift.state_at(f"{UUID}:2", NOON + 50) is None

    @pytest.mark.parametrize("uuid", NO_UUIDS)
    def test_what_is_no_uuid_has_none(self, house: House, uuid: object) -> None:
        house.file(10)
        house.file(10, n=1)
        assert house.shift.state_at(uuid, NOON) is None
        assert house.shift.frames(uuid, NOON, NOON + 9) == {"frames": [], "next": None}

    @pytest.mark.parametrize(
        "t", [None, True, "1700000000", math.nan, math.inf, -math.inf, pytest.param(10**400, id="huge"), -1e300, [NOON]]
    )
    def test_what_is_no_time_has_none(self, house: House, t: object) -> None:
        house.file(10)
        assert house.shift.state_at(UUID, t) is None
        assert house.shift.frames(UUID, t, NOON + 9) == {"frames": [], "next": None}
        assert house.shift.frames(UUID, NOON, t) == {"frames": [], "next": None}

    def test_folders_that_are_not_there_hold_nothing(self, tmp_path: Path) -> None:
        assert TimeShift(tmp_path / "a", tmp_path / "b").state_at(UUID, NOON) is None


class TestFrames:
    def test_they_begin_with_a_keyframe_of_the_state_at_the_beginning(self, house: House) -> None:
        house.file(30)
        answer = house.shift.frames(UUID, NOON + 14, NOON + 22)
        assert answer["frames"][0] == [NOON + 14, "k", {**lap(14), "lastUpdated": (NOON + 14) * 1000}]
        assert played(answer) == laps(30)[14:23]
        assert answer["next"] is None

    def test_a_beginning_between_two_frames_gives_the_one_before(self, house: House) -> None:
        write(house.finished / f"{UUID}.zip", frames(laps(30, step=10)))
        assert played(house.shift.frames(UUID, NOON + 25.5, NOON + 45)) == laps(30, step=10)[2:5]

    def test_a_beginning_before_the_recording_gives_it_from_its_first_frame(self, house: House) -> None:
        house.file(5)
        assert played(house.shift.frames(UUID, 0, NOON + 100)) == laps(5)

    def test_without_a_frame_in_it_a_span_has_none(self, house: House) -> None:
        house.file(5)
        nothing: dict[str, Any] = {"frames": [], "next": None}
        assert house.shift.frames(UUID, NOON - 10, NOON - 1) == nothing
        assert house.shift.frames(UUID, NOON + 5, NOON + 50) == nothing
        assert house.shift.frames(UUID, NOON + 3, NOON + 2) == nothing
        assert house.shift.frames(OTHER, NOON, NOON + 2) == nothing

    def test_what_does_not_fit_is_asked_for_with_next(self, house: House) -> None:
        house.file(FRAMES_LIMIT * 2 + 50)
        answer = house.shift.frames(UUID, NOON, NOON + 10**6)
        assert (len(answer["frames"]), answer["next"]) == (FRAMES_LIMIT, NOON + FRAMES_LIMIT)
        assert everything(house.shift, UUID, NOON, NOON + 10**6) == laps(FRAMES_LIMIT * 2 + 50)

    def test_an_answer_has_a_limit_in_bytes_too(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timeshift, "BYTES_LIMIT", 2000)
        house.file(40)
        answer = house.shift.frames(UUID, NOON, NOON + 39)
        assert 2 <= len(answer["frames"]) < 40
        assert everything(house.shift, UUID, NOON, NOON + 39) == laps(40)

    def test_all_recordings_of_a_uuid_are_one_timeline(self, house: House) -> None:
        house.file(10)
        house.file(10, NOON + 5, n=1)
        house.journal(2).record(laps(10, NOON + 100))
        whole = [*laps(5), *laps(10, NOON + 5), *laps(10, NOON + 100)]
        assert everything(house.shift, UUID, NOON, NOON + 1000) == whole
        assert everything(house.shift, f"{UUID}:1", NOON, NOON + 1000) == laps(10, NOON + 5)
        assert played(house.shift.frames(UUID, NOON + 50, NOON + 1000)) == laps(10, NOON + 100)

    def test_a_viewer_goes_on_from_its_last_frame_as_a_recording_grows(self, house: House) -> None:
        journal = house.journal()
        journal.record(laps(5))
        first = house.shift.frames(UUID, NOON, NOON + 1000)
        assert played(first) == laps(5)
        journal.record(laps(8)[5:])
        assert played(house.shift.frames(UUID, NOON + 4, NOON + 1000)) == laps(8)[4:]

    def test_a_file_with_a_single_keyframe_is_gone_through_as_well(self, house: House) -> None:
        """Others write fewer keyframes than we do."""
        count = FRAMES_LIMIT * 3
        made = []
        for index, (second, state) in enumerate(laps(count)):
            body = frames([(second, {**state, "messages": []})])[0].body
            if index:
                change = ["change", "timeElapsed", [index - 1, index]]
                body = orjson.dumps({"cars": [], "session": [change], "messages": [], "highlight": []})
            made.append(Frame(second, Kind.INTRA if index else Kind.KEY, body))
        write(house.finished / f"{UUID}.zip", made)
        shown = everything(house.shift, UUID, NOON, NOON + count)
        assert [state["session"]["timeElapsed"] for _, state in shown] == list(range(count))


class TestFromJournalToFile:
    def test_the_answers_are_the_same_at_every_moment_of_finishing(self, house: House) -> None:
        journal = house.journal()
        journal.record(laps(40))
        journal.end()
        asked = f"{UUID}"

        def answers() -> Any:
            shift = house.shift
            return [shift.state_at(asked, NOON + t) for t in (-1, 0, 7, 39, 40)], shift.frames(asked, NOON, NOON + 60)

        before = answers()
        assert before[0] == [None, lap(0), lap(7), lap(39), None]
        renamed = journal.path.rename(house.temp / f"{UUID}.0.as0.journal")
        assert answers() == before
        kept = renamed.read_bytes()
        assert finalise(renamed, house.finished) is not None
        assert answers() == before
        renamed.write_bytes(kept)  # the file is there, and the journal not yet deleted
        assert answers() == before
        renamed.unlink()
        assert answers() == before

    def test_a_journal_whose_number_is_decided_has_it(self, house: House) -> None:
        house.file(10)
        journal = house.journal(1)
        journal.record(laps(10, NOON + 50))
        assert house.shift.state_at(f"{UUID}:1", NOON + 55) is None
        journal.path.rename(house.temp / f"{UUID}.1.as1.journal")
        assert house.shift.state_at(f"{UUID}:1", NOON + 55) == lap(5)

    def test_a_journal_that_goes_while_it_is_looked_for_is_found_under_its_new_name(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = house.journal()
        journal.record(laps(10))
        get, calls = house.shift._files.get, list[str]()

        def late(path: Path, now: float) -> Any:
            if not calls:
                finalise(journal.path, house.finished)
            calls.append(path.name)
            return get(path, now)

        monkeypatch.setattr(house.shift._files, "get", late)
        assert house.shift.state_at(UUID, NOON + 5) == lap(5)
        assert calls[0] == journal.path.name
        assert calls[-1] == f"{UUID}.zip"

    def test_a_recording_that_is_deleted_is_gone(self, house: House) -> None:
        path = house.file(10)
        assert house.shift.state_at(UUID, NOON) == lap(0)
        path.unlink()
        assert house.shift.state_at(UUID, NOON) is None

    def test_a_folder_that_has_not_changed_for_a_while_is_not_listed_again(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house.file(10)
        old = time.time() - 60
        for folder in (house.finished, house.temp):
            os.utime(folder, (old, old))
        assert house.shift.state_at(UUID, NOON) == lap(0)

        def refused(_folder: Path) -> list[str]:
            raise AssertionError("listed")

        monkeypatch.setattr(os, "listdir", refused)
        assert house.shift.state_at(UUID, NOON + 1) == lap(1)

    def test_a_recording_that_was_replaced_is_read_anew(self, house: House) -> None:
        house.file(10)
        assert house.shift.state_at(UUID, NOON + 5) == lap(5)
        house.file(10, NOON + 3)
        assert house.shift.state_at(UUID, NOON + 5) == lap(2)
        path = house.finished / f"{UUID}.zip"
        path.write_bytes(write(house.finished / "other.zip", frames(laps(10, NOON + 4))).read_bytes())
        assert house.shift.state_at(UUID, NOON + 5) == lap(1)


class TestDamage:
    def damaged(self, house: House, *bad: int) -> None:
        made = frames(laps(30))
        for index in bad:
            made[index] = Frame(made[index].second, made[index].kind, b"no JSON")
        write(house.finished / f"{UUID}.zip", made)

    def test_the_state_is_that_of_the_last_readable_frame_before(self, house: House) -> None:
        self.damaged(house, 5, 10)
        shown = [house.shift.state_at(UUID, NOON + t) for t in (4, 5, 9, 10, 19, 20)]
        assert shown == [lap(4), lap(4), lap(4), lap(4), lap(4), lap(20)]

    def test_with_nothing_readable_before_there_is_none(self, house: House) -> None:
        self.damaged(house, 0, 10)
        assert house.shift.state_at(UUID, NOON + 15) is None
        assert house.shift.state_at(UUID, NOON + 20) == lap(20)

    def test_frames_that_build_on_a_bad_one_are_left_out(self, house: House) -> None:
        self.damaged(house, 5)
        whole = laps(30)
        assert everything(house.shift, UUID, NOON, NOON + 29) == [*whole[:5], *whole[10:]]
        assert everything(house.shift, UUID, NOON + 7, NOON + 29) == [whole[4], *whole[10:]]

    def test_a_bad_beginning_is_passed_over(self, house: House) -> None:
        self.damaged(house, 0)
        assert everything(house.shift, UUID, NOON, NOON + 29) == laps(30)[10:]

    def test_a_long_damaged_stretch_is_passed_in_several_answers(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timeshift, "LOOKED_AT_LIMIT", 4)
        self.damaged(house, *range(3, 20))
        assert everything(house.shift, UUID, NOON, NOON + 29)[-10:] == laps(30)[20:]

    @pytest.mark.parametrize("body", [b"[]", b"7", b"null", b"{"])
    def test_an_entry_that_is_no_object_is_a_bad_one(self, house: House, body: bytes) -> None:
        made = frames(laps(12))
        made[5] = Frame(made[5].second, made[5].kind, body)
        write(house.finished / f"{UUID}.zip", made)
        assert everything(house.shift, UUID, NOON, NOON + 29) == [*laps(5), *laps(12)[10:]]

    def test_a_file_that_is_none_keeps_nobody_from_the_others(self, house: House) -> None:
        (house.finished / f"{UUID}.zip").write_bytes(b"PK half copied")
        (house.temp / f"{UUID}.3.journal").write_bytes(b"no journal")
        (house.temp / f"{UUID}.4.journal").write_bytes(b"")
        house.file(10, n=1)
        house.journal(5).record(laps(10, NOON + 50))
        assert house.shift.state_at(UUID, NOON + 5) == lap(5)
        assert house.shift.state_at(UUID, NOON + 55) == lap(5)
        assert house.shift.state_at(UUID, NOON + 30) is None

    def test_a_trouble_is_told_once(self, house: House) -> None:
        self.damaged(house, 5)
        (house.finished / f"{UUID}_1.zip").write_bytes(b"PK half copied")
        with capturedLogs() as told:
            for _ in range(3):
                house.shift.state_at(UUID, NOON + 7)
                everything(house.shift, UUID, NOON, NOON + 29)
        lines = [str(formatEvent(event)) for event in told]
        assert len(lines) == 2
        assert any(f"{NOON + 5}i.json" in line for line in lines)


class TestWhatIsKeptOpen:
    def test_it_is_bounded_in_files_and_all_stay_readable(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(open_files, "FILES", 3)
        uuids = [f"{index:032x}" for index in range(8)]
        for uuid in uuids:
            house.file(10, uuid=uuid)
        for uuid in uuids * 2:
            assert house.shift.state_at(uuid, NOON + 5) == lap(5)
            assert len(house.shift._files) <= 3

    def test_it_is_bounded_in_frames_of_which_the_file_in_use_may_have_more(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(open_files, "FRAMES", 25)
        for n, count in enumerate((10, 10, 40, 10, 10)):
            house.file(count, NOON + n * 100, n=n)
        for n in range(5):
            assert house.shift.state_at(UUID, NOON + n * 100 + 5) == lap(5)
            assert len(house.shift._files) <= 2

    def test_what_is_idle_is_closed_and_opened_again(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        house.file(10)
        house.journal(1).record(laps(10, NOON + 50))
        house.shift.state_at(UUID, NOON)
        house.shift.close_idle()
        assert len(house.shift._files) == 2
        now = time.monotonic() + open_files.IDLE_SECONDS
        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: now)
            house.shift.close_idle()
        assert len(house.shift._files) == 0
        assert house.shift.state_at(UUID, NOON + 55) == lap(5)
        house.shift.close()
        assert len(house.shift._files) == 0


@settings(max_examples=30)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 25), st.integers(0, 5)), min_size=1, max_size=4),
    asked=st.lists(st.integers(-3, 120), max_size=10),
    spans=st.lists(st.tuples(st.integers(-3, 120), st.integers(0, 60)), max_size=5),
)
def test_finished_and_in_progress_answer_alike(
    lengths: list[tuple[int, int]],
    asked: list[int],
    spans: list[tuple[int, int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    houses = House(tmp_path_factory.mktemp("files")), House(tmp_path_factory.mktemp("journals"))
    with closing(houses[0]) as files, closing(houses[1]) as journals:
        compare(files, journals, lengths, asked, spans)


def compare(
    files: House,
    journals: House,
    lengths: list[tuple[int, int]],
    asked: list[int],
    spans: list[tuple[int, int]],
) -> None:
    """The same recordings, finished in one house and in progress in the other; the same questions to both."""
    start, known = NOON, dict[int, State]()
    for number, (count, gap) in enumerate(lengths):
        states = laps(count, start)
        known |= states
        write(files.finished / (f"{UUID}_{number}.zip" if number else f"{UUID}.zip"), frames(states), MANIFEST)
        journal = journals.journal(number)
        journal.record(states)
        journal.end()
        start += count + gap
    for each in asked:
        shown = files.shift.state_at(UUID, NOON + each)
        assert shown == known.get(NOON + each)
        assert journals.shift.state_at(UUID, NOON + each) == shown
    for begin, length in spans:
        first, last = NOON + begin, NOON + begin + length
        assert files.shift.frames(UUID, first, last) == journals.shift.frames(UUID, first, last)
        expected = [(second, state) for second, state in known.items() if first <= second <= last]
        assert everything(files.shift, UUID, first, last) == expected
