"""Whole real races: what is shown at their end against what their files say. Data: see the fixture `data`."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.chrono.board import Board
from livetiming.chrono.formats.alkamel import read
from livetiming.chrono.model import Chrono, Entry
from livetiming.chrono.start import race_start
from livetiming.chrono.timeline import What
from livetiming.times import parse_duration
from tests.unit.chrono.cards import rows

WEC = "wec-2025-cota_6h.csv"
IMSA = "202307221210-race-laps.csv"
IMSA_RESULTS = "202307221210-race-results.csv"
IMSA_WEATHER = "202307221210-race-weather.csv"

Line = dict[str, str]


def lines(file: Path) -> list[Line]:
    """The file as a reader that knows nothing of ours sees it."""
    text = file.read_bytes().decode("utf-8-sig")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    table = list(csv.reader(text.splitlines(), delimiter=delimiter))
    headings = [heading.strip() for heading in table[0]]
    return [dict(zip(headings, row, strict=False)) for row in table[1:]]


def seconds(text: str) -> float:
    value = parse_duration(text)
    assert value is not None, text
    return value


@dataclass(frozen=True)
class Race:
    """A file by itself, what we read of it, and what we show at the end."""

    by_car: dict[str, list[Line]]
    chrono: Chrono
    final: dict[str, dict[str, Any]]
    flag: str

    def entry(self, number: str) -> Entry:
        (entry,) = (entry for entry in self.chrono.entries if entry.number == number)
        return entry


def shown(file: Path, **further: bytes) -> Race:
    by_car: dict[str, list[Line]] = {}
    for line in lines(file):
        by_car.setdefault(line["NUMBER"], []).append(line)
    chrono = read(file.read_bytes(), further)
    board = Board(chrono, 0)
    final = rows(board, board.ends)
    return Race(by_car, chrono, final, board.session()["flagState"])


@pytest.fixture(scope="module", params=[WEC, IMSA], ids=["wec", "imsa"])
def race(data: Path, request: pytest.FixtureRequest) -> Race:
    return shown(data / "alkamel" / request.param)


@pytest.fixture(scope="module")
def wec(data: Path) -> bytes:
    return (data / "alkamel" / WEC).read_bytes()


@pytest.fixture(scope="module")
def imsa(data: Path) -> Chrono:
    folder = data / "alkamel"
    files = {"results": (folder / IMSA_RESULTS).read_bytes(), "weather": (folder / IMSA_WEATHER).read_bytes()}
    return read((folder / IMSA).read_bytes(), files)


@pytest.fixture(scope="module")
def results(data: Path) -> list[Line]:
    return lines(data / "alkamel" / IMSA_RESULTS)


@pytest.fixture(scope="module")
def final(imsa: Chrono) -> dict[str, dict[str, Any]]:
    board = Board(imsa, 0)
    return rows(board, board.ends)


class TestWhatIsRead:
    def test_every_line_is_understood(self, race: Race) -> None:
        assert race.chrono.skipped == ()
        assert {entry.number: len(entry.laps) for entry in race.chrono.entries} == {
            number: len(told) for number, told in race.by_car.items()
        }

    def test_lap_times_of_a_car_sum_to_its_elapsed(self, race: Race) -> None:
        for entry in race.chrono.entries:
            total = 0.0
            for lap in entry.laps:
                assert lap.time is not None
                total += lap.time
                assert total == pytest.approx(lap.ends, abs=0.0015), (entry.number, lap.number)

    def test_sectors_sum_to_the_lap(self, race: Race) -> None:
        for entry in race.chrono.entries:
            for lap in entry.laps:
                known = [sector for sector in lap.sectors if sector is not None]
                if len(known) == 3:
                    assert sum(known) == pytest.approx(lap.time, abs=0.0015), (entry.number, lap.number)

    def test_a_pit_time_follows_a_lap_that_ended_in_the_pits(self, race: Race) -> None:
        for entry in race.chrono.entries:
            before = None
            for lap in entry.laps:
                assert lap.pit_time is None or (before is not None and before.in_pit), (entry.number, lap.number)
                before = lap

    def test_the_start_is_the_same_by_every_line(self, race: Race) -> None:
        starts = {
            round(seconds(line["HOUR"]) - seconds(line["ELAPSED"]), 3) for told in race.by_car.values() for line in told
        }
        assert starts == {race.chrono.clock_at_start}


class TestTheEnd:
    def test_the_order_is_by_laps_and_then_by_elapsed(self, race: Race) -> None:
        last = {number: told[-1] for number, told in race.by_car.items()}
        order = sorted(last, key=lambda number: (-int(last[number]["LAP_NUMBER"]), seconds(last[number]["ELAPSED"])))
        assert list(race.final) == order

    def test_laps_are_those_of_the_file(self, race: Race) -> None:
        assert {number: cells["Laps"] for number, cells in race.final.items()} == {
            number: len(told) for number, told in race.by_car.items()
        }

    def test_best_laps_are_those_that_the_file_marks(self, race: Race) -> None:
        """Each car has one, though two cars have faster laps that were taken back."""
        marked = {
            number: seconds(line["LAP_TIME"])
            for number, told in race.by_car.items()
            for line in told
            if line["LAP_IMPROVEMENT"] in ("2", "3")
        }
        assert {number: cells["Best"][0] for number, cells in race.final.items()} == marked

    @pytest.mark.parametrize("sector", [1, 2, 3])
    def test_best_sectors_are_those_that_the_file_marks(self, race: Race, sector: int) -> None:
        marked = {
            number: seconds(line[f"S{sector}"])
            for number, told in race.by_car.items()
            for line in told
            if line[f"S{sector}_IMPROVEMENT"] in ("2", "3")
        }
        assert len(marked) >= len(race.by_car) - 1
        assert {number: race.final[number][f"BS{sector}"][0] for number in marked} == marked

    @pytest.mark.parametrize(
        ("heading", "code"),
        [("Best", "LAP_IMPROVEMENT")] + [(f"BS{sector}", f"S{sector}_IMPROVEMENT") for sector in (1, 2, 3)],
    )
    def test_the_one_best_of_all_is_the_one_that_the_file_marks(self, race: Race, heading: str, code: str) -> None:
        marked = [number for number, told in race.by_car.items() for line in told if line[code] == "3"]
        assert [number for number, cells in race.final.items() if cells[heading][1] == "sb"] == marked
        assert len(marked) == 1

    def test_pit_stops_are_the_laps_that_ended_in_the_pits(self, race: Race) -> None:
        assert {number: cells["Pits"] for number, cells in race.final.items()} == {
            number: sum(line["CROSSING_FINISH_LINE_IN_PIT"] == "B" for line in told)
            for number, told in race.by_car.items()
        }

    def test_who_saw_the_flag_has_finished_and_the_others_have_retired(self, race: Race) -> None:
        assert race.flag == "chequered"
        assert {number: cells["State"] for number, cells in race.final.items()} == {
            number: "FIN" if told[-1]["FLAG_AT_FL"] == "FF" else "RET" for number, told in race.by_car.items()
        }

    def test_gaps_of_who_is_on_the_lead_lap_are_differences_of_elapsed(self, race: Race) -> None:
        elapsed = {number: seconds(told[-1]["ELAPSED"]) for number, told in race.by_car.items()}
        (leader, first), *others = race.final.items()
        for number, cells in others:
            if cells["Laps"] == first["Laps"]:
                assert cells["Gap"] == pytest.approx(elapsed[number] - elapsed[leader])
            else:
                down = first["Laps"] - cells["Laps"]
                assert cells["Gap"] == ("1 lap" if down == 1 else f"{down} laps")


class TestAgainstTheClassification:
    def test_it_is_the_order_with_it_and_without_it(
        self, final: dict[str, dict[str, Any]], results: list[Line], data: Path
    ) -> None:
        official = [line["NUMBER"] for line in results]
        assert list(final) == official
        assert list(shown(data / "alkamel" / IMSA).final) == official

    def test_laps_best_laps_and_gaps_are_the_same(self, final: dict[str, dict[str, Any]], results: list[Line]) -> None:
        for line, cells in zip(results, final.values(), strict=True):
            gap = cells["Gap"]
            assert cells["Laps"] == int(line["LAPS"])
            assert cells["Best"][0] == seconds(line["FL_TIME"])
            told = f"+{gap:.3f}" if isinstance(gap, float) else gap or "-"
            assert told == line["GAP_FIRST"].casefold()

    def test_places_in_class_are_counted_through_it(
        self, final: dict[str, dict[str, Any]], results: list[Line]
    ) -> None:
        counts: Counter[str] = Counter()
        for line in results:
            counts[line["CLASS"]] += 1
            assert final[line["NUMBER"]]["PIC"] == counts[line["CLASS"]]

    def test_cars_and_drivers_are_those_of_the_classification(
        self, final: dict[str, dict[str, Any]], results: list[Line]
    ) -> None:
        for line in results:
            cells = final[line["NUMBER"]]
            ranks = {
                f"{line[f'DRIVER{n}_FIRSTNAME']} {line[f'DRIVER{n}_SECONDNAME']}": line[f"DRIVER{n}_LICENSE"].lower()
                for n in (1, 2)
            }
            assert cells["Car"] == line["VEHICLE"]
            assert cells["Driver"] == [cells["Driver"][0], ranks[cells["Driver"][0]]]

    def test_the_weather_says_when_and_where_it_was(self, imsa: Chrono) -> None:
        start = race_start(imsa, None, None)
        assert start == pytest.approx(1690042236.712)  # 22 July 2023, 12:10:36 in Connecticut
        board = Board(imsa, start)
        board.advance(30)
        assert dict(zip(imsa.headings, board.session()["trackData"], strict=True)) == {
            "Air": "75.4°F",
            "Track": "109.0°F",
            "Humidity": "61%",
            "Pressure": "29.83 inHg",
            "Wind": "0.6",
            "Wind from": "117°",
        }


class TestDuringTheRace:
    def test_the_flags_of_six_hours(self, wec: bytes) -> None:
        board, flags = Board(read(wec, {}), 0), ["none"]
        for at in range(-5, int(board.ends), 5):
            board.advance(at)
            flag = board.session()["flagState"]
            if flag != flags[-1]:
                flags.append(flag)
        assert " ".join(flags) == (
            "none sc red sc green sc green sc green sc green sc green fcy green fcy green chequered"
        )

    def test_the_red_flag_stops_no_car_for_good(self, wec: bytes) -> None:
        board = Board(read(wec, {}), 0)
        table = rows(board, 5000)
        assert board.session()["flagState"] == "red"
        assert Counter(cells["State"] for cells in table.values()) == {"RUN": 34, "PIT": 1, "RET": 1}
        assert table["20"]["State"] == "RET"

    def test_every_car_that_enters_the_pits_leaves_them_but_for_those_that_retire_there(self, race: Race) -> None:
        events = Board(race.chrono, 0).race.timeline.events
        for index, entry in enumerate(race.chrono.entries):
            ins = [event.at for event in events if event.car == index and event.what is What.PIT_IN]
            outs = [event.at for event in events if event.car == index and event.what is What.PIT_OUT]
            assert len(ins) - len(outs) == (1 if entry.laps[-1].in_pit else 0)
            assert all(came <= left for came, left in zip(ins, outs, strict=False))
            assert all(left < came for left, came in zip(outs, ins[1:], strict=False))

    def test_stops_last_as_long_as_the_file_says(self, race: Race) -> None:
        events = Board(race.chrono, 0).race.timeline.events
        lengths: list[float] = []
        told: list[float] = []
        for index, entry in enumerate(race.chrono.entries):
            ins = [event.at for event in events if event.car == index and event.what is What.PIT_IN]
            outs = [event.at for event in events if event.car == index and event.what is What.PIT_OUT]
            lengths += [left - came for came, left in zip(ins, outs, strict=False)]
            told += [lap.pit_time for lap in entry.laps if lap.pit_time is not None]
        close = [abs(ours - theirs) < 0.01 for ours, theirs in zip(lengths, told, strict=True)]
        assert sum(close) >= 0.9 * len(close)  # the others would leave after they were seen on the track

    def test_messages_tell_of_every_stop(self, race: Race) -> None:
        told = Counter(_texts(race.chrono))
        stops = sum(cells["Pits"] for cells in race.final.values())
        assert told["has entered the pits"] == stops


def _texts(chrono: Chrono) -> Iterator[str]:
    """All messages of a race, without the cars that they name."""
    from livetiming.chrono.states import states

    newest: list[Any] | None = None
    for _, state in states(Board(chrono, 0)):
        for message in state["messages"]:
            if message is newest:
                break
            yield message[2].partition(") ")[2]
        newest = state["messages"][0] if state["messages"] else None


class TestDamage:
    @settings(max_examples=25)
    @given(part=st.floats(0, 1))
    def test_cut_off_anywhere_it_plays_what_is_readable(self, wec: bytes, part: float) -> None:
        cut = wec[: int(len(wec) * part)]
        chrono = read(cut, {"results": cut, "weather": cut})
        whole_lines = max(0, cut.count(b"\n") - 1)
        assert sum(len(entry.laps) for entry in chrono.entries) - whole_lines in (0, 1)
        board = Board(chrono, 0)
        table = rows(board, board.ends) if chrono.entries else {}
        assert {number: cells["Laps"] for number, cells in table.items()} == {
            entry.number: len(entry.laps) for entry in chrono.entries
        }

    @settings(max_examples=25)
    @given(st.lists(st.tuples(st.floats(0.01, 1), st.binary(min_size=1, max_size=3)), min_size=1, max_size=20))
    def test_garbled_anywhere_the_rest_is_as_it_was(self, wec: bytes, damage: list[tuple[float, bytes]]) -> None:
        content = bytearray(wec)
        for part, garbage in damage:
            place = int(part * (len(content) - 4))
            content[place : place + len(garbage)] = garbage
        chrono = read(bytes(content), {})
        whole = sum(len(entry.laps) for entry in chrono.entries)
        assert whole >= wec.count(b"\n") - 1 - 2 * len(damage)
