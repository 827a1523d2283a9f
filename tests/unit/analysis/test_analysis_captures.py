"""Whole sessions: captures of real events, through our RMonitor feed, and races of the generator (fixture `data`)."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from livetiming.analysis import Analysis, Columns, advance, documents
from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.framing import split_lines
from livetiming.rmonitor.state import Options, columns, race_state
from livetiming.state import empty_state

OPTIONS = Options()
COLUMN_SPEC = [stat.column() for stat in columns(OPTIONS)]
HEADINGS = [column[0] for column in COLUMN_SPEC]
SEBRING, ORBITS, FINISH = "2009_Sebring_ALMS_Session_4.txt", "Orbits_Mock_Session.txt", "event-finish-with-stopped.log"


@dataclass
class Watched:
    """What becomes of a capture, with one frame for each heartbeat."""

    document: dict[str, Any]
    cars: list[dict[str, Any]]  # the last state's, by heading
    first_laps: dict[str, int]  # Laps when the car was seen first


def watch(capture: Path, until: str | None = None) -> Watched:
    """The capture, up to the line `until`."""
    feed, analysis, spec = Feed(), Analysis.EMPTY, Columns.of(COLUMN_SPEC)
    state, now, first = empty_state(), 0.0, dict[str, int]()
    for line in split_lines(capture.read_bytes()):
        if line == until:
            break
        feed.receive(f"{line}\n".encode())
        if line.startswith("$F"):
            state, now = {**empty_state(), **race_state(feed.board, OPTIONS)}, now + 1
            analysis = advance(analysis, spec, state, now)
            for row in state["cars"]:
                first.setdefault(row[0], row[HEADINGS.index("Laps")])
    return Watched(documents(analysis), [dict(zip(HEADINGS, row, strict=True)) for row in state["cars"]], first)


def stints(document: dict[str, Any], number: str) -> list[Any]:
    """All stints of a car, as readers put them together."""
    current = document["lap"][number][0]
    return [*document["stint"][number], *([current] if current else [])]


@pytest.fixture(scope="module")
def sebring(data: Path) -> Watched:
    return watch(data / "rmonitor" / SEBRING, until='$B,95,"Test Session 4"')


def test_sebring_has_every_lap_of_every_car(sebring: Watched) -> None:
    for car in sebring.cars:
        counted = sum(len(stint[9]) for stint in stints(sebring.document, car["Num"]))
        assert counted == car["Laps"] - sebring.first_laps[car["Num"]]
    assert sum(car["Laps"] for car in sebring.cars) > 200


def test_sebring_stints_follow_each_other(sebring: Watched) -> None:
    for car in sebring.cars:
        each = stints(sebring.document, car["Num"])
        ends = [sebring.first_laps[car["Num"]], *(stint[2] for stint in each)]
        assert [stint[0] for stint in each] == [end + 1 for end in ends[:-1]]
        assert all(stint[2] - stint[0] + 1 == len(stint[9]) for stint in each)
    assert len(sebring.document["stint"]["21"]) > 5


def test_sebring_best_laps_are_those_of_the_feed(sebring: Watched) -> None:
    """Of car 44 too, whose timekeeper took a lap of 3.054 s back: its best one was before we came."""
    for car in sebring.cars:
        bests = [stint[6] for stint in stints(sebring.document, car["Num"]) if stint[6]]
        assert min(bests, default=0.0) == car["Best"][0] or sebring.first_laps[car["Num"]]
        assert min(bests, default=100.0) > 99
    assert {number for number, laps in sebring.first_laps.items() if laps} == {"44", "45", "46"}


def test_sebring_flags_are_the_sessions(sebring: Watched) -> None:
    session = sebring.document["session"]
    assert [period[0] for period in session["flagStats"]] == [0, 1, 3, 10, 1, 10, 3, 0]
    assert session["leaderLap"] == max(car["Laps"] for car in sebring.cars)


def test_orbits_has_every_lap_of_every_car(data: Path) -> None:
    orbits = watch(data / "rmonitor" / ORBITS)
    for car in orbits.cars:
        (stint,) = stints(orbits.document, car["Num"])
        assert (stint[0], stint[2], len(stint[9])) == (1, car["Laps"], car["Laps"])


def test_a_feed_that_is_joined_late_has_every_lap_from_then_on(data: Path) -> None:
    """Its first heartbeats still have other numbers of laps: 239 of the winner, who did 221."""
    finish = watch(data / "rmonitor" / FINISH)
    for car in finish.cars:
        for stint in stints(finish.document, car["Num"]):
            assert stint[2] == car["Laps"]
            # The first lap of car 68 that we see is its second since what the feed said before.
            assert stint[2] - stint[0] + 1 == len(stint[9]) + (car["Num"] == "68")
    assert sum(len(stints(finish.document, car["Num"])) for car in finish.cars) > 40


def test_a_generated_race_has_every_lap_of_every_car(data: Path) -> None:
    spec = importlib.util.spec_from_file_location("racegen", data / "racegen.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    race = module.RaceGenerator(cars=12, seconds=2 * 3600, seed=3)
    manifest, analysis, state = race.manifest(), Analysis.EMPTY, empty_state()
    spec_of_columns = Columns.of(manifest["colSpec"])
    for now, state in race.states():
        analysis = advance(analysis, spec_of_columns, state, now)
    headings = [column[0] for column in manifest["colSpec"]]
    document = documents(analysis)
    assert len(document["static"]) == 12
    for row in state["cars"]:
        car = dict(zip(headings, row, strict=True))
        each = stints(document, car["Num"])
        assert sum(len(stint[9]) for stint in each) == car["Laps"]
        assert [stint[0] for stint in each] == [1, *(stint[2] + 1 for stint in each[:-1])]
        assert len(each) in (car["Pits"], car["Pits"] + 1)
