"""Whole captures of real events, and what is known of them. Data: see the fixture `data`."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.racing import FlagStatus, Stat
from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.framing import split_lines
from livetiming.rmonitor.records import BestPosition, Competitor, Malformed, RacePosition, Record, Run, parse_line
from livetiming.rmonitor.scoreboard import Scoreboard
from livetiming.rmonitor.state import Options, TextFrom, columns, race_state

unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

SEBRING = "2009_Sebring_ALMS_Session_4.txt"
ORBITS = "Orbits_Mock_Session.txt"
FINISH = "event-finish-with-stopped.log"
RESET = "TestResetRetainLapTime.txt"
CAPTURES = [SEBRING, ORBITS, FINISH, RESET]


def records(data: Path, name: str) -> list[Record]:
    parsed = (parse_line(line) for line in split_lines((data / "rmonitor" / name).read_bytes()))
    return [record for record in parsed if record is not None and not isinstance(record, Malformed)]


def until_closed(data: Path) -> list[Record]:
    """Sebring's session 4 up to its first $B,95."""
    session = records(data, SEBRING)
    return session[: session.index(Run(95, "Test Session 4"))]


def play(session: list[Record]) -> Scoreboard:
    board = Scoreboard()
    for record in session:
        board.apply(record)
    return board


@pytest.fixture(scope="module")
def sebring(data: Path) -> list[Record]:
    return until_closed(data)


@pytest.mark.parametrize(
    ("name", "malformed"),
    [(SEBRING, 0), (ORBITS, 0), (FINISH, 1), (RESET, 0)],
    ids=["sebring", "orbits", "finish", "reset"],
)
def test_every_line_of_a_capture_is_understood(data: Path, name: str, malformed: int) -> None:
    lines = [line for line in split_lines((data / "rmonitor" / name).read_bytes()) if line.startswith("$")]
    parsed = [parse_line(line) for line in lines]
    assert None not in parsed
    bad = [record.line for record in parsed if isinstance(record, Malformed)]
    assert bad == ['$G,58,"168",-2,"07:41:27.174"'][:malformed]


# Sebring, test session 4


def test_sebring_has_eleven_entries_in_the_session_and_24_with_the_next(data: Path, sebring: list[Record]) -> None:
    def registrations(session: list[Record]) -> set[str]:
        return {record.registration for record in session if isinstance(record, Competitor)}

    assert len(registrations(sebring)) == 11
    assert len(registrations(records(data, SEBRING))) == 24
    assert {entry.key for entry in play(sebring).entries()} == registrations(sebring)


def test_sebring_is_one_session_which_then_closes(data: Path, sebring: list[Record]) -> None:
    board = play(sebring)
    assert (board.session.run, board.session.closed) == (Run(32, "Test Session 4"), False)
    board.apply(Run(95, "Test Session 4"))
    assert (board.session.run, board.session.closed) == (Run(32, "Test Session 4"), True)


def test_sebring_shows_eight_flags(sebring: list[Record]) -> None:
    board, flags = Scoreboard(), [FlagStatus.NONE]
    for record in sebring:
        board.apply(record)
        if board.session.flag is not flags[-1]:
            flags.append(board.session.flag)
    assert " ".join(flag.text for flag in flags) == "none green chequered red green red chequered none"


def test_sebring_laps_are_those_of_the_last_position(sebring: list[Record]) -> None:
    last = {record.registration: record.laps for record in sebring if isinstance(record, RacePosition)}
    assert {entry.key: entry.laps for entry in play(sebring).entries()} == last


def test_sebring_best_laps_are_those_of_the_last_best_position(sebring: list[Record]) -> None:
    last = {record.registration: record.best for record in sebring if isinstance(record, BestPosition)}
    assert {entry.key: entry.best for entry in play(sebring).entries()} == last
    assert last["44"] == 122.72  # not the 3.054 s that its timekeeper took back


def test_sebring_lap_times_add_up(sebring: list[Record]) -> None:
    """A lap's time is the difference of its total and the one before, wherever both are known."""
    board, checked = Scoreboard(), 0
    for record in sebring:
        board.apply(record)
        if not isinstance(record, RacePosition) or not record.laps:
            continue
        entry = next((entry for entry in board.entries() if entry.key == record.registration), None)
        if entry is None:
            continue
        before, now = entry.crossings.get(record.laps - 1), entry.crossings[record.laps]
        if before is not None and before.total is not None and now.total is not None and now.lap_time is not None:
            assert now.lap_time == pytest.approx(now.total - before.total, abs=0.002)
            checked += 1
    assert checked > 300


def test_sebring_names_change_with_the_driver(sebring: list[Record]) -> None:
    board, names = Scoreboard(), []
    for record in sebring:
        board.apply(record)
        names += [entry.name for entry in board.entries() if entry.key == "21"]
    assert list(dict.fromkeys(names)) == ["Farnbacher / James", "Dominik Farnbacher", "Ian James"]


def test_sebring_is_a_practice_by_best_lap(sebring: list[Record]) -> None:
    options = Options(car=TextFrom.NATIONALITY)
    cars = race_state(play(sebring), options)["cars"]
    titles = [stat.title for stat in columns(options)]
    best = [row[titles.index("Best")][0] for row in cars]
    assert best == sorted(best)
    assert cars[0][:3] == ["66", "PIT", "LMP1"]


def test_sebring_next_session_begins_with_other_entries(data: Path) -> None:
    board = play(records(data, SEBRING))
    entries = {entry.key: entry for entry in board.entries()}
    assert len(entries) == 15
    assert (entries["21"].name, entries["21"].laps, entries["21"].last) == ("Charlie Shears", 0, None)


# The others


def test_orbits_mock_session_runs_from_green_to_its_end(data: Path) -> None:
    board, flags, closed = Scoreboard(), [], []
    for record in records(data, ORBITS):
        board.apply(record)
        flags.append(board.session.flag.text)
        closed.append(board.session.closed)
    assert list(dict.fromkeys(flags)) == ["none", "green", "yellow", "chequered"]
    assert [state for at, state in enumerate(closed) if at == 0 or closed[at - 1] is not state] == [
        False,
        True,
        False,
        True,
    ]
    numbers = [row[0] for row in race_state(board, Options())["cars"]]
    assert numbers == ["3", "4", "1", "5", "6", "2"]


def test_the_finish_marks_who_has_crossed_the_line_since(data: Path) -> None:
    board = play(records(data, FINISH))
    states = {row[0]: row[1] for row in race_state(board, Options())["cars"]}
    assert len(states) == 59
    assert {number for number, state in states.items() if state == "FIN"} == {"58"}
    winner = next(entry for entry in board.entries() if entry.key == "58")
    assert (winner.laps, winner.last) == (221, 94.994)  # timed again: 94.995 at first


def test_a_clear_in_mid_race_keeps_every_car_and_its_last_lap(data: Path) -> None:
    session = records(data, RESET)
    at = max(index for index, record in enumerate(session) if type(record).__name__ == "Init")
    before, after = play(session[:at]), play(session)
    lasts = {entry.key: entry.last for entry in before.entries()}
    assert len(lasts) == 52
    assert sum(last is not None for last in lasts.values()) > 30
    assert {entry.key: entry.last for entry in after.entries()} == lasts


def test_nothing_of_a_clear_in_mid_race_is_seen(data: Path) -> None:
    """At no record of the refresh do laps fall or cars go."""
    session = records(data, RESET)
    at = max(index for index, record in enumerate(session) if type(record).__name__ == "Init")
    board = play(session[:at])
    laps = {entry.key: entry.laps or 0 for entry in board.entries()}
    for record in session[at:]:
        board.apply(record)
        assert all((entry.laps or 0) >= laps[entry.key] for entry in board.entries())
        assert len(board.entries()) == 52


# Properties


def refresh(session: list[Record]) -> list[Record]:
    """The records between the last two heartbeats that have a $B between them."""
    blocks: list[list[Record]] = [[]]
    for record in session:
        if type(record).__name__ == "Heartbeat":
            blocks.append([])
        else:
            blocks[-1].append(record)
    return next(block for block in reversed(blocks) if any(isinstance(record, Run) for record in block))


@unhurried
@given(seed=st.integers())
def test_the_order_of_a_refresh_does_not_matter(seed: int, sebring: list[Record]) -> None:
    told = refresh(sebring)
    shuffled = list(told)
    random.Random(seed).shuffle(shuffled)
    assert len(told) > 40
    assert race_state(play(shuffled), Options()) == race_state(play(told), Options())


def chunks(raw: bytes, cuts: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    yield from (raw[start:end] for start, end in pairwise(edges))


@unhurried
@given(cuts=st.lists(st.integers(min_value=0), max_size=30))
def test_a_capture_gives_the_same_board_in_any_chunks(cuts: list[int], data: Path) -> None:
    raw = (data / "rmonitor" / ORBITS).read_bytes()
    whole, cut = Feed(), Feed()
    whole.receive(raw)
    for chunk in chunks(raw, cuts):
        cut.receive(chunk)
    assert race_state(cut.board, Options()) == race_state(whole.board, Options())


@unhurried
@given(name=st.sampled_from(CAPTURES[1:]), start=st.integers(min_value=0), length=st.integers(0, 20_000))
def test_no_part_of_a_capture_raises(name: str, start: int, length: int, data: Path) -> None:
    raw = (data / "rmonitor" / name).read_bytes()
    feed = Feed()
    feed.receive(raw[start % len(raw) :][:length])
    race_state(feed.board, Options(track_km=2.0))


@unhurried
@given(noise=st.lists(st.tuples(st.integers(min_value=0), st.binary(min_size=1, max_size=8)), max_size=40))
def test_a_capture_full_of_noise_does_not_raise(noise: list[tuple[int, bytes]], data: Path) -> None:
    raw = bytearray((data / "rmonitor" / ORBITS).read_bytes())
    for at, replacement in noise:
        at %= len(raw)
        raw[at : at + len(replacement)] = replacement
    feed = Feed()
    feed.receive(bytes(raw))
    state = race_state(feed.board, Options())
    assert all(len(row) == len(columns(Options())) for row in state["cars"])


@unhurried
@given(st.binary())
def test_arbitrary_bytes_do_not_raise(raw: bytes) -> None:
    feed = Feed()
    feed.receive(raw)
    feed.complaint()
    assert isinstance(race_state(feed.board, Options())["cars"], list)


NAMES, TIMES = st.sampled_from(["7", "8", "9"]), st.sampled_from(["", "00:00:00.000", "00:01:33.000", "00:03:06.000"])
LINES = st.one_of(
    st.builds('$A,"{}","{}",{},"A","{}","",1'.format, NAMES, NAMES, st.integers(1, 3), st.sampled_from("XYZ")),
    st.builds('$COMP,"{}","{}",1,"A","{}","","T"'.format, NAMES, NAMES, st.sampled_from("XYZ")),
    st.builds('$G,{},"{}",{},"{}"'.format, st.integers(1, 3), NAMES, st.sampled_from(["", 0, 1, 2, 50]), TIMES),
    st.builds('$H,{},"{}",{},"{}"'.format, st.integers(1, 3), NAMES, st.integers(0, 3), TIMES),
    st.builds('$J,"{}","{}","{}"'.format, NAMES, TIMES, TIMES),
    st.builds('$COR,"{}","7",{},"{}","-00:00:01.000"'.format, NAMES, st.integers(0, 2), TIMES),
    st.builds('$L,"{}","P1","{}","",""'.format, NAMES, st.sampled_from(["SFT", "SFP", "POT", "POP", "PIT", "PIP"])),
    st.builds('$B,{},"Race"'.format, st.sampled_from([1, 2, 95])),
    st.sampled_from(["$I", '$C,1,"GT"']),
    st.builds('$F,9999,"00:00:00","14:00:00","{}","{}"'.format, TIMES, st.sampled_from(["Green", "Red", "Finish", ""])),
)


@unhurried
@given(st.lists(LINES, max_size=120))
def test_any_sequence_of_records_gives_a_whole_state(lines: list[str]) -> None:
    feed = Feed()
    feed.receive("\n".join([*lines, ""]).encode())
    state = race_state(feed.board, Options())
    numbers = [row[columns(Options()).index(Stat.NUM)] for row in state["cars"]]
    assert len(set(numbers)) == len(numbers)
    assert feed.malformed == 0
