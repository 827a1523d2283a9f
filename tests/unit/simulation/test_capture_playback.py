"""Captures: their own timing, and what a late client gets."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.state import Options, race_state
from livetiming.simulation.capture import LOOP_PAUSE, Capture, EmptyCapture, Playback, read_capture

unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

BEAT = '$F,9999,"00:00:00","14:00:00","00:10:00","Green "'


def capture(*lines: str) -> Capture:
    return read_capture("\r\n".join(lines).encode())


def test_without_markers_a_heartbeat_is_a_second() -> None:
    timed = capture("$B,1,x", BEAT, "$C,1,GT", BEAT, "$I")
    assert [at for at, _ in timed.lines] == [0, 0, 1, 1, 2]


def test_markers_are_the_clock_where_there_are_some() -> None:
    timed = capture("##2025-03-01 22:43:02.295", "$B,1,x", "##2025-03-01 22:43:04.000", BEAT, "$I")
    assert timed.lines == ((0.0, "$B,1,x"), (1.705, BEAT), (1.705, "$I"))


def test_a_marker_that_goes_back_does_not_turn_time_back() -> None:
    timed = capture(
        "##2025-03-01 12:00:05.000", BEAT, "##2025-03-01 12:00:01.000", BEAT, "##2025-03-01 12:00:06.000", BEAT
    )
    assert [at for at, _ in timed.lines] == [0, 0, 1]


def test_a_cut_in_the_recording_is_not_waited_for() -> None:
    timed = capture(
        "##2025-03-01 22:43:04.682", BEAT, "##2025-03-02 21:55:57.037", BEAT, "##2025-03-02 21:55:58.037", BEAT
    )
    assert [at for at, _ in timed.lines] == [0, 1, 2]


def test_what_is_no_marker_and_no_record_is_left_out() -> None:
    assert [line for _, line in capture("## here it begins", "hello", "##x", BEAT).lines] == [BEAT]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"MIT License\n"])
def test_a_file_without_records_is_refused(data: bytes) -> None:
    with pytest.raises(EmptyCapture, match=r"notes\.txt holds no RMonitor record"):
        read_capture(data, "notes.txt")


def test_lines_come_when_their_time_has_come() -> None:
    playback = Playback(capture("$B,1,x", BEAT, "$C,1,GT", BEAT))
    assert playback.advance(0) == ["$B,1,x", BEAT]
    assert playback.advance(0.9) == []
    assert playback.advance(5) == ["$C,1,GT", BEAT]
    assert playback.advance(500) == []


def test_a_late_client_gets_the_latest_of_everything_that_servers_repeat() -> None:
    first = ['$A,"7",1', '$G,1,"7",1,"00:01:00.000"', '$J,"7","00:01:00.000","00:01:00.000"', '$B,1,"Race"', BEAT]
    second = ['$G,2,"7",2,"00:02:00.000"', '$G,1,"8",2,"00:01:59.000"', '$C,1,"GT"', BEAT]
    playback = Playback(capture(*first, *second))
    playback.advance(10)
    assert playback.snapshot() == [
        '$B,1,"Race"',
        '$C,1,"GT"',
        '$A,"7",1',
        '$G,2,"7",2,"00:02:00.000"',
        '$G,1,"8",2,"00:01:59.000"',
        BEAT,
    ]


def test_a_clear_clears_what_a_late_client_gets() -> None:
    playback = Playback(capture('$A,"7",1', "$I", '$A,"8",1', BEAT))
    playback.advance(10)
    assert playback.snapshot() == ['$A,"8",1', BEAT]


def test_a_loop_begins_again_by_clearing_the_scoreboard() -> None:
    playback = Playback(capture('$A,"7",1', BEAT, BEAT), loop=True)
    assert playback.advance(1) == ['$A,"7",1', BEAT, BEAT]
    assert playback.advance(1 + LOOP_PAUSE) == ['$I,"00:00:00","0/0/0000"', '$A,"7",1', BEAT]


def test_a_playback_of_a_real_capture_gives_every_line(data: Path) -> None:
    for name in ("Orbits_Mock_Session.txt", "TestResetRetainLapTime.txt", "event-finish-with-stopped.log"):
        timed = read_capture((data / "rmonitor" / name).read_bytes())
        assert Playback(timed).advance(timed.duration) == [line for _, line in timed.lines]
        assert 80 < timed.duration < 400


@unhurried
@given(at=st.floats(0, 400))
def test_a_late_client_of_a_real_capture_sees_the_same_cars_and_laps(at: float, data: Path) -> None:
    playback = Playback(read_capture((data / "rmonitor" / "Orbits_Mock_Session.txt").read_bytes()))
    early, late = Feed(), Feed()
    early.receive("".join(f"{line}\n" for line in playback.advance(at)).encode())
    late.receive("".join(f"{line}\n" for line in playback.snapshot()).encode())

    def known(feed: Feed) -> list[object]:
        return [(row[0], row[2], row[4], row[6]) for row in race_state(feed.board, Options())["cars"]]

    assert known(late) == known(early)


@unhurried
@given(st.binary())
def test_no_file_raises_anything_else(data: bytes) -> None:
    try:
        timed = read_capture(data)
    except EmptyCapture:
        return
    times = [at for at, _ in timed.lines]
    assert times == sorted(times)
    Playback(timed).advance(timed.duration)
