"""Al Kamel's time cards: what is read of a file, whole or damaged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livetiming.chrono.board import Board
from livetiming.chrono.formats import format_named, names
from livetiming.chrono.formats.alkamel import read
from livetiming.chrono.model import ENTRY_LIMIT, Chrono, Entry, Lap
from livetiming.racing import FlagStatus, Stat
from tests.unit.chrono.cards import NOON, card, cards

TWO_LAPS = [card(HOUR="12:01:30.000"), card(lap=2, elapsed="3:00.000", HOUR="12:03:00.000")]
RESULTS = (
    b"POSITION,NUMBER,STATUS,LAPS,TEAM,CLASS,VEHICLE,DRIVER1_FIRSTNAME,DRIVER1_SECONDNAME,DRIVER1_LICENSE,DRIVER2_LICENSE,\n"
    b"1,8,Classified,2,Team B,LMP2,Oreca 07,Ben,Brandt,Platinum,\n"
    b"2,7,Classified,2,Team A,LMP2,Oreca 07 Gibson,Anna,Almeida,Silver\n"
    b",9,Not started,0,Team C,LMP3,Ligier,,,,\n"
)


def only(chrono: Chrono) -> Entry:
    """The one entry."""
    (entry,) = chrono.entries
    return entry


def lap(**cells: str) -> Lap:
    """The one lap of a file with this line."""
    (read_lap,) = only(read(cards(card() | cells), {})).laps
    return read_lap


def complaint(chrono: Chrono) -> str:
    """What is said of the one kind of line that could not be read."""
    (skipped,) = chrono.skipped
    return str(skipped)


class TestTheFormat:
    def test_it_is_found_by_its_file(self) -> None:
        assert "alkamel" in names()
        assert format_named("alkamel").read is read

    @pytest.mark.parametrize(("delimiter", "end"), [(";", "\r\n"), (",", "\n"), ("\t", "\r")])
    def test_all_dialects_say_the_same(self, delimiter: str, end: str) -> None:
        chrono = read(cards(*TWO_LAPS, delimiter=delimiter, end=end), {})
        assert chrono == read(cards(*TWO_LAPS), {})
        assert len(only(chrono).laps) == 2

    def test_a_line_is_a_lap(self) -> None:
        told = lap(PIT_TIME="0:00:45.500", CROSSING_FINISH_LINE_IN_PIT="B", FLAG_AT_FL="FCY")
        assert told == Lap(
            number=1,
            ends=90.0,
            time=90.0,
            sectors=(30.0, 30.0, 30.0),
            driver="Anna ALMEIDA",
            flag=FlagStatus.FCY,
            in_pit=True,
            pit_time=45.5,
            counts=True,
            sectors_count=(True, True, True),
        )

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("58.853", 58.853), ("1:51.223", 111.223), ("52:42.048", 3162.048), ("3:05:00.5", 11100.5)],
    )
    def test_times_have_the_forms_of_timekeepers(self, text: str, seconds: float) -> None:
        assert lap(ELAPSED=text, LAP_TIME="", S1="", S2="", S3="").ends == seconds

    def test_car_numbers_are_texts(self) -> None:
        chrono = read(cards(card("007"), card("7"), card("07")), {})
        assert [entry.number for entry in chrono.entries] == ["007", "7", "07"]

    def test_an_empty_sector_is_none(self) -> None:
        assert lap(S1="", S2="").sectors == (None, None, 30.0)

    def test_names_need_not_be_ascii(self) -> None:
        assert lap(DRIVER_NAME="Kévin ESTRE").driver == "Kévin ESTRE"
        latin = cards(card(DRIVER_NAME="Kévin ESTRE")).replace("é".encode(), b"\xe9")
        assert only(read(latin, {})).laps[0].driver == "Kévin ESTRE"

    def test_controls_in_a_name_do_not_reach_a_terminal(self) -> None:
        assert lap(DRIVER_NAME="Anna\x1b[2J").driver == "Anna [2J"

    @pytest.mark.parametrize(
        ("code", "flag"),
        [("GF", "green"), ("YF", "yellow"), ("FCY", "fcy"), ("SF", "sc"), ("RF", "red"), ("FF", "chequered")],
    )
    def test_flags_have_codes(self, code: str, flag: str) -> None:
        assert lap(FLAG_AT_FL=code).flag is FlagStatus.from_text(flag)

    def test_a_file_without_flags_or_pits_says_so(self) -> None:
        chrono = read(cards(card(), without=["FLAG_AT_FL", "PIT_TIME", "CROSSING_FINISH_LINE_IN_PIT"]), {})
        assert (chrono.tells_flags, chrono.tells_pits) == (False, False)
        assert Stat.PITS not in Board(chrono, 0).columns


class TestTheClock:
    def test_the_start_is_hour_less_elapsed(self) -> None:
        assert read(cards(*TWO_LAPS), {}).clock_at_start == NOON

    def test_a_race_over_midnight_begins_on_the_day_before(self) -> None:
        night = [card(HOUR="23:59:30.000"), card(lap=2, elapsed="3:00.000", HOUR="00:01:00.000")]
        assert read(cards(*night), {}).clock_at_start == 86400 - 120

    def test_without_hour_it_is_unknown(self) -> None:
        assert read(cards(card()), {}).clock_at_start is None

    def test_clocks_may_be_put_back_during_a_race(self) -> None:
        autumn = [*TWO_LAPS, card(lap=3, elapsed="4:30.000", HOUR="11:04:30.000")]
        assert len(only(read(cards(*autumn), {})).laps) == 3


class TestBestTimes:
    FASTER = (
        card(LAP_TIME="1:29.000", S1="29.000", elapsed="1:29.000"),
        card(lap=2, elapsed="2:59.000", LAP_IMPROVEMENT="2", S1_IMPROVEMENT="2"),
    )

    def test_a_time_that_beats_the_one_marked_as_best_was_taken_back(self) -> None:
        first, second = only(read(cards(*self.FASTER), {})).laps
        assert (first.counts, first.sectors_count) == (False, (False, True, True))
        assert (second.counts, second.sectors_count) == (True, (True, True, True))

    def test_without_marks_all_count(self) -> None:
        unmarked = [{**line, "LAP_IMPROVEMENT": "0", "S1_IMPROVEMENT": ""} for line in self.FASTER]
        assert all(each.counts and all(each.sectors_count) for each in only(read(cards(*unmarked), {})).laps)

    def test_a_drivers_best_is_not_the_cars(self) -> None:
        marked = [self.FASTER[0], {**self.FASTER[1], "LAP_IMPROVEMENT": "1"}]
        assert all(each.counts for each in only(read(cards(*marked), {})).laps)


class TestDamage:
    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (card(NUMBER=""), "no NUMBER"),
            (card(LAP_NUMBER="0"), "LAP_NUMBER '0'"),
            (card(LAP_NUMBER="²"), "LAP_NUMBER '²'"),
            (card(elapsed=""), "no usable ELAPSED"),
            (card(elapsed="soon"), "ELAPSED 'soon' is no time"),
            (card(elapsed="99:00:00"), "no usable ELAPSED"),
            (card(LAP_TIME="1:30:00.000"), "LAP_TIME is longer"),
            (card(lap=2, elapsed="1:30.000"), "not after that of the lap before"),
            (card(), "lap 1 of car 7 was there before"),
            (card(lap=2, elapsed="3:00.000", HOUR="12:04:11.000"), "HOUR and ELAPSED do not fit"),
            (card(lap=72, elapsed="3:00.000"), "LAP_NUMBER does not follow"),
        ],
    )
    def test_a_line_that_is_no_lap_is_skipped_and_told_with_its_number(self, line: dict[str, str], why: str) -> None:
        chrono = read(cards(*TWO_LAPS[:1], line, card("8")), {})
        assert [len(entry.laps) for entry in chrono.entries] == [1, 1]
        assert why in complaint(chrono)
        assert "(3)" in complaint(chrono)

    @pytest.mark.parametrize(
        ("cells", "why", "kept"),
        [
            ({"LAP_TIME": "1:xx"}, "LAP_TIME '1:xx' is no time", Lap(1, 90.0, None, (30.0, 30.0, 30.0))),
            ({"S2": "3O.000"}, "S2 '3O.000' is no time", Lap(1, 90.0, 90.0, (30.0, None, 30.0))),
            ({"S1": "20.000"}, "do not add up", Lap(1, 90.0, 90.0, (None, None, None))),
            ({"FLAG_AT_FL": "QQ"}, "FLAG_AT_FL 'QQ' is not known", Lap(1, 90.0, 90.0, (30.0, 30.0, 30.0))),
        ],
    )
    def test_of_a_line_that_is_damaged_in_a_part_the_rest_is_used(
        self, cells: dict[str, str], why: str, kept: Lap
    ) -> None:
        chrono = read(cards(card() | cells), {})
        (told,) = only(chrono).laps
        assert (told.number, told.ends, told.time, told.sectors) == (kept.number, kept.ends, kept.time, kept.sectors)
        assert why in complaint(chrono)

    def test_many_are_counted_and_one_is_shown(self) -> None:
        chrono = read(cards(card(), *[card(elapsed=f"late {n}") for n in range(9)]), {})
        assert complaint(chrono).startswith("laps: 9 lines could not be read in full (3, 4, 5, 6, 7 …), e.g. '7;;1;")

    def test_a_damaged_lap_is_missing_and_the_later_ones_keep_their_numbers(self) -> None:
        chrono = read(cards(card(), card(lap=2, elapsed="?"), card(lap=3, elapsed="4:30.000")), {})
        assert [each.number for each in only(chrono).laps] == [1, 3]

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\xff\xfe", b"a;b;c\n1;2;3\n", b'"NUMBER;LAP_NUMBER'])
    def test_what_is_no_time_cards_file_has_no_entries_and_a_complaint(self, content: bytes) -> None:
        chrono = read(content, {})
        assert chrono.entries == ()
        assert "it is the header, but has no NUMBER" in complaint(chrono)

    def test_the_number_of_cars_is_bounded(self) -> None:
        chrono = read(cards(*[card(str(n)) for n in range(ENTRY_LIMIT + 1)]), {})
        assert len(chrono.entries) == ENTRY_LIMIT
        assert "more than" in complaint(chrono)

    def test_cut_off_at_any_byte_it_plays_what_is_readable(self) -> None:
        whole = cards(*TWO_LAPS, card("8", elapsed="1:31.000"))
        for length in range(len(whole)):
            chrono = read(whole[:length], {"results": RESULTS[:length], "weather": whole[:length]})
            shown = Board(chrono, 0)
            shown.advance(chrono.ends + 3600)
            lines = whole[:length].count(b"\r\n") - 1
            assert sum(len(entry.laps) for entry in chrono.entries) >= lines
            assert len(shown.cars()) == len(chrono.entries)

    @settings(max_examples=200)
    @given(st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=4)), max_size=8))
    def test_garbled_anywhere_it_still_plays(self, damage: list[tuple[int, bytes]]) -> None:
        content = cards(*TWO_LAPS, card("8", elapsed="1:31.000", HOUR="12:01:31.000"))
        for place, garbage in damage:
            content = content[:place] + garbage + content[place + len(garbage) :]
        shown = Board(read(content, {"results": content, "weather": content}), 0)
        shown.advance(shown.ends)
        assert len(shown.cars()) == len(shown.chrono.entries)

    @given(st.binary(max_size=400))
    def test_anything_can_be_read(self, content: bytes) -> None:
        header = b"NUMBER;LAP_NUMBER;ELAPSED;TIME_UTC_SECONDS\n"
        read(content, {"results": content, "weather": content})
        read(header + content, {"results": header + content, "weather": header + content})


class TestTheClassification:
    def chrono(self, results: bytes = RESULTS) -> Chrono:
        return read(cards(*TWO_LAPS, card("8")), {"results": results})

    def test_it_names_vehicles_and_ranks(self) -> None:
        anna = self.chrono().entries[0]
        assert (anna.car, anna.ranks, anna.laps[0].driver) == (
            "Oreca 07 Gibson",
            {"Anna Almeida": "silver"},
            "Anna Almeida",
        )

    def test_it_holds_the_official_order(self) -> None:
        assert self.chrono().official == ("8", "7")

    def test_who_did_not_start_is_an_entry_without_laps(self) -> None:
        absent = self.chrono().entries[2]
        assert (absent.number, absent.team, absent.class_name, absent.laps) == ("9", "Team C", "LMP3", ())

    def test_a_position_that_was_there_before_is_told(self) -> None:
        chrono = self.chrono(RESULTS.replace(b"2,7,", b"1,7,"))
        assert chrono.official == ("8",)
        assert "results: 1 line" in complaint(chrono)


class TestTheWeather:
    HEADER = b"TIME_UTC_SECONDS;TIME_UTC_STR;AIR_TEMP;TRACK_TEMP;HUMIDITY;PRESSURE;WIND_SPEED;WIND_DIRECTION;RAIN;\n"

    def told(self, line: bytes) -> dict[str, str]:
        chrono = read(cards(card()), {"weather": self.HEADER + line})
        return dict(zip(chrono.headings, chrono.readings[0].values, strict=True))

    def test_inches_of_mercury_go_with_fahrenheit(self) -> None:
        assert self.told(b"1690042256;x;75.39998;109.00004;61;29.830125816;0.6;117;0;\n") == {
            "Air": "75.4°F",
            "Track": "109.0°F",
            "Humidity": "61%",
            "Pressure": "29.83 inHg",
            "Wind": "0.6",
            "Wind from": "117°",
            "Rain": "Dry",
        }

    def test_hectopascals_go_with_celsius(self) -> None:
        told = self.told(b"1690042256;x;24,5;31;61;1013,25;0.6;117;1;\n")
        assert (told["Air"], told["Track"], told["Pressure"], told["Rain"]) == (
            "24.5°C",
            "31.0°C",
            "1013.2 hPa",
            "Rain",
        )

    def test_without_a_pressure_no_unit_is_shown(self) -> None:
        assert self.told(b"1690042256;x;24.5;;;;;;;\n") == {"Air": "24.5"}

    def test_a_column_that_says_nothing_is_left_out(self) -> None:
        assert "Rain" not in self.told(b"1690042256;x;24.5;31;61;1013;0.6;117;-1;\n")

    def test_a_reading_that_is_none_is_skipped(self) -> None:
        chrono = read(cards(card()), {"weather": self.HEADER + b"noon;x;24;;;;;;;\n1;x;nan;;;;;;;\n2;x;24;;;;;;;\n"})
        assert [reading.unix for reading in chrono.readings] == [2]
        assert "weather: 2 lines" in complaint(chrono)
