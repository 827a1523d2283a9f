"""Which frame of a recording is due when, and which of its messages are still to be told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.playback import NEVER, ROUND_PAUSE, Playback, RecordedMessages, StartAt, shifted, untold, usable
from livetiming.racing import Stat
from livetiming.state import RaceMessage, empty_state

NOON = 1_700_000_000
SECONDS = (NOON, NOON + 1, NOON + 2, NOON + 32, NOON + 33)  # nothing changed for half a minute
LAST = NOON + 33

recordings = st.lists(st.integers(0, 100_000), min_size=1, max_size=50, unique=True).map(
    lambda offsets: tuple(NOON + offset for offset in sorted(offsets))
)
speeds = st.floats(0.1, 100)
elapsed_times = st.floats(0, 1e6)

PIT: RaceMessage = [NOON, "LMGT3", "#7 (Conway) has entered the pits", "pit", "7"]
OUT: RaceMessage = [NOON + 30, "LMGT3", "#7 (Conway) has left the pits", "out", "7"]
RACE_CONTROL: RaceMessage = [NOON + 5, "Race Control", "CAR 7 UNDER INVESTIGATION", "raceControl", "7"]


def play(speed: float = 1.0, begin: float = NOON, *, loop: bool = False) -> Playback:
    return Playback(SECONDS, begin, speed, loop)


class TestWhatIsDue:
    @pytest.mark.parametrize(
        ("elapsed", "frame"), [(0, NOON), (0.9, NOON), (1, NOON + 1), (20, NOON + 2), (32, NOON + 32), (1e9, LAST)]
    )
    def test_it_is_the_last_frame_that_is_not_after_this_moment(self, elapsed: float, frame: int) -> None:
        assert SECONDS[play().at(elapsed).index] == frame

    @pytest.mark.parametrize(("elapsed", "pause"), [(0, 1), (0.75, 0.25), (2, 30), (12, 20)])
    def test_the_next_one_is_due_when_its_second_comes(self, elapsed: float, pause: float) -> None:
        assert play().at(elapsed).next_in == pause

    def test_faster_and_slower_the_same_frames_come_sooner_and_later(self) -> None:
        assert SECONDS[play(speed=4).at(8).index] == NOON + 32
        assert play(speed=4).at(0.5).next_in == 7.5
        assert SECONDS[play(speed=0.1).at(9).index] == NOON
        assert play(speed=0.1).at(9).next_in == pytest.approx(1)

    def test_it_may_begin_anywhere(self) -> None:
        assert SECONDS[play(begin=NOON + 32.5).at(0).index] == NOON + 32
        assert play(begin=NOON + 32.5).at(0).next_in == 0.5

    def test_after_the_last_frame_it_stays_there(self) -> None:
        due = play().at(33)
        assert (SECONDS[due.index], due.over, due.next_in, due.round) == (LAST, True, NEVER, 0)
        assert not play().at(32.9).over

    def test_a_loop_stays_at_the_end_for_a_moment_and_begins_again_at_the_first_frame(self) -> None:
        looping = play(begin=NOON + 30, loop=True)
        assert looping.at(4).next_in == ROUND_PAUSE - 1
        again = looping.at(3 + ROUND_PAUSE)
        assert (SECONDS[again.index], again.round, again.over) == (NOON, 1, False)
        assert looping.at(3 + ROUND_PAUSE + 10 * (33 + ROUND_PAUSE) + 2).round == 11

    def test_a_recording_of_one_frame_can_be_looped(self) -> None:
        assert Playback((NOON,), NOON, 1, loop=True).at(ROUND_PAUSE * 3).round == 3

    @given(recordings, speeds, st.booleans(), elapsed_times)
    def test_there_is_always_a_frame_and_it_is_not_from_the_future(
        self, seconds: tuple[int, ...], speed: float, loop: bool, elapsed: float
    ) -> None:
        due = Playback(seconds, seconds[0], speed, loop).at(elapsed)
        assert seconds[due.index] <= due.position <= seconds[-1]
        assert due.index == len(seconds) - 1 or due.position < seconds[due.index + 1]
        assert due.next_in > 0

    @given(recordings, speeds, st.lists(elapsed_times, min_size=2, max_size=10))
    def test_it_never_goes_back_without_a_new_round(
        self, seconds: tuple[int, ...], speed: float, moments: list[float]
    ) -> None:
        playback = Playback(seconds, seconds[0], speed, loop=True)
        shown = [(due.round, due.index) for due in map(playback.at, sorted(moments))]
        assert shown == sorted(shown)

    @given(recordings, speeds)
    def test_who_looks_whenever_something_is_due_sees_every_frame(self, seconds: tuple[int, ...], speed: float) -> None:
        playback = Playback(seconds, seconds[0], speed)
        elapsed, shown = 0.0, [0]
        while (pause := playback.at(elapsed).next_in) != NEVER:
            elapsed += pause + 1e-6  # a timer is never early
            shown.append(playback.at(elapsed).index)
        assert list(dict.fromkeys(shown)) == list(range(len(seconds)))


class TestWhereItBegins:
    @pytest.mark.parametrize(
        ("text", "second"), [("1:30:00", NOON + 5400), ("90", NOON + 90), ("@1700000007", NOON + 7)]
    )
    def test_it_is_told_from_the_beginning_or_as_a_unix_second(self, text: str, second: int) -> None:
        assert StartAt.parse(text).second(NOON) == second

    @pytest.mark.parametrize("text", ["", "@", "noon", "1:99:00", "-5", "@nan", "@-1", "@inf"])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"h:mm:ss|could not convert"):
            StartAt.parse(text)


class TestMessages:
    def test_a_message_is_as_long_ago_as_it_was_then(self) -> None:
        assert shifted(PIT, NOON + 30, 1, 2e9) == [2_000_000_000 - 30, *PIT[1:]]

    def test_at_four_times_the_speed_it_is_a_quarter_as_long_ago(self) -> None:
        assert shifted(PIT, NOON + 32, 4, 2e9)[0] == 2_000_000_000 - 8

    def test_none_is_told_before_it_happens(self) -> None:
        assert shifted(OUT, NOON, 1, 2e9)[0] == 2_000_000_000

    @pytest.mark.parametrize(
        "broken",
        [None, "text", [], [NOON, "Track"], ["noon", "Track", "Red", "red"], [NOON, 1, "Red", "red"],
         [NOON, "Track", 1, ""], [NOON, "Track", "Red", []], [NOON, "Track", "Red", "red", 7],
         [float("nan"), "Track", "Red", "red"]],
    )  # fmt: skip
    def test_what_is_no_message_is_left_out(self, broken: Any) -> None:
        assert usable([broken, PIT]) == [PIT]

    def test_what_the_host_tells_itself_is_not_told_twice(self) -> None:
        assert untold([OUT, RACE_CONTROL, PIT], [[0, *OUT[1:]], [0, *PIT[1:]]]) == [RACE_CONTROL]

    def test_another_hosts_wording_is_the_same_message(self) -> None:
        assert untold([PIT], [[0, "LMGT3", "7 (Conway) pits", "pit", "7"]]) == []

    def test_of_two_alike_that_were_passed_over_one_is_still_to_be_told(self) -> None:
        again = [NOON + 60, *PIT[1:]]
        assert untold([again, OUT, PIT], [[0, *PIT[1:]]]) == [OUT, PIT]

    def test_the_same_text_goes_before_the_same_kind(self) -> None:
        slower = [NOON, "LMP2", "#7 - new personal best: 1:33.100", "pb", "7"]
        faster = [NOON + 90, "LMP2", "#7 - new personal best: 1:32.900", "pb", "7"]
        assert untold([faster, slower], [[0, *slower[1:]]]) == [faster]


class TestTheGenerator:
    COLUMNS = (Stat.NUM, Stat.STATE, Stat.CLASS)

    def step(self, *taken: RaceMessage, old: str = "RUN", new: str = "RUN") -> list[RaceMessage]:
        """What is told, newest taken first, while car 7 goes from state `old` to `new`."""
        generator = RecordedMessages(self.COLUMNS)
        generator.take(taken)
        before, after = ({**empty_state(), "cars": [["7", state, "LMGT3"]]} for state in (old, new))
        return generator.process(before, after)

    def test_it_tells_what_the_standard_generators_cannot(self) -> None:
        assert self.step(RACE_CONTROL, PIT, new="PIT") == [RACE_CONTROL]

    def test_it_tells_what_happened_between_two_frames(self) -> None:
        assert self.step(OUT, PIT) == [PIT, OUT]

    def test_it_tells_each_once(self) -> None:
        generator = RecordedMessages(self.COLUMNS)
        generator.take([RACE_CONTROL])
        assert generator.process(empty_state(), empty_state()) == [RACE_CONTROL]
        assert generator.process(empty_state(), empty_state()) == []

    def test_what_waits_for_a_frame_is_bounded(self) -> None:
        generator = RecordedMessages(self.COLUMNS)
        for second in range(1000):
            generator.take([[second, "Race Control", str(second), "raceControl"]])
        told = generator.process(empty_state(), empty_state())
        assert [message[0] for message in told] == list(range(900, 1000))
