"""One line → one record: the examples of both specifications, and what real feeds do to them."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.rmonitor.records import (
    TEXT_LIMIT,
    BestPosition,
    ClassName,
    Competitor,
    Correction,
    Heartbeat,
    Init,
    LastLap,
    LineCrossing,
    Malformed,
    Passing,
    RacePosition,
    Record,
    Run,
    Setting,
    Track,
    parse_line,
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JOHNSON = Competitor("1234BE", "12X", "52474", "John", "Johnson", "USA", "5", None)
PRINTED: list[tuple[str, Record]] = [
    ('$F,14,"00:12:45","13:34:23","00:09:47","Green "', Heartbeat(14, 765.0, 48863.0, 587.0, "green")),
    ('$A,"1234BE","12X",52474,"John","Johnson","USA",5', JOHNSON),
    ('$COMP,"1234BE","12X",5,"John","Johnson","USA","CAMEL"', replace(JOHNSON, transponder=None, additional="CAMEL")),
    ('$B,5,"Friday free practice"', Run(5, "Friday free practice")),
    ('$C,5,"Formula 300"', ClassName("5", "Formula 300")),
    ('$E,"TRACKLENGTH","2.500"', Setting("TRACKLENGTH", "2.500")),
    ('$G,3,"1234BE",14,"01:12:47.872"', RacePosition(3, "1234BE", 14, 4367.872)),
    ('$H,2,"1234BE",3,"00:02:17.872"', BestPosition(2, "1234BE", 3, 137.872)),
    ('$I,"16:36:08.000","12 jan 01"', Init()),
    ('$J,"1234BE","00:02:03.826","01:42:17.672"', Passing("1234BE", 123.826, 6137.672)),
    ('$COR,"123BE","658",2,"00:00:35.272","+00:00:00.012"', Correction("123BE", 2, 35.272, 0.012)),
    ('$L,"13","P2","POP","01/27/2009","10:10:20.589",1,"PC"', LineCrossing("13", "P2", "POP")),
    ('$T,"Sebring International","Sebring","3.74",1,"S1","T1","T2",1234', Track("Sebring International", "3.74")),
]


@pytest.mark.parametrize(("line", "record"), PRINTED, ids=[line.split(",")[0] for line, _ in PRINTED])
def test_the_examples_of_the_specifications(line: str, record: Record) -> None:
    assert parse_line(line) == record


@pytest.mark.parametrize(("line", "record"), PRINTED, ids=[line.split(",")[0] for line, _ in PRINTED])
def test_further_fields_are_ignored(line: str, record: Record) -> None:
    assert parse_line(line + ',"later",7') == record


def test_the_line_crossing_of_2009_lacks_driver_and_class() -> None:
    assert parse_line('$L,"40","P2","POP","01/27/2009","08:00:05.894"') == LineCrossing("40", "P2", "POP")


@pytest.mark.parametrize("line", ["$RMLT,1,2", "$XYZ", '$T2,"a"', "$", ""])
def test_unknown_records_are_nothing(line: str) -> None:
    assert parse_line(line) is None


def test_a_quoted_name_may_contain_commas_and_follow_a_blank() -> None:
    assert parse_line('$C, 3, "GT, Pro "') == ClassName("3", "GT, Pro")


def test_orbits_mirrors_of_positions_are_read() -> None:
    assert parse_line('$SP,1,"7",3,"00:00:21.500",33488') == BestPosition(1, "7", 3, 21.5)
    assert parse_line('$SR,1,"7",4,"00:00:21.900",32876') == LastLap("7", 4, 21.9)


@pytest.mark.parametrize("text", ["00:59:59.999", "00:00:00.000", "00:00:00", ""])
def test_no_time_is_none_however_it_is_written(text: str) -> None:
    assert parse_line(f'$G,1,"7",,"{text}"') == RacePosition(1, "7", 0, None)
    assert parse_line(f'$H,1,"7",0,"{text}"') == BestPosition(1, "7", 0, None)


def test_empty_laps_are_none_completed() -> None:
    assert parse_line('$G,2,"45",,"00:02:24.629"') == RacePosition(2, "45", 0, 144.629)


def test_the_lap_time_of_a_first_crossing_is_none() -> None:
    assert parse_line('$J,"45","00:00:00.000","00:02:24.629"') == Passing("45", None, 144.629)


@pytest.mark.parametrize("flag", ['"Green "', '" GREEN"', '"green"'])
def test_flags_are_compared_trimmed_and_case_folded(flag: str) -> None:
    record = parse_line(f'$F,9999,"00:00:00","07:59:36","00:59:59",{flag}')
    assert isinstance(record, Heartbeat)
    assert record.flag == "green"


@pytest.mark.parametrize("transponder", ["16522850", "NE4", "PL-44599", "TZ-15990", ""])
def test_a_transponder_is_text(transponder: str) -> None:
    record = parse_line(f'$A,"7","7",{transponder},"Anna","Almeida","",1')
    assert isinstance(record, Competitor)
    assert record.transponder == transponder


def test_texts_longer_than_documented_are_kept_up_to_a_limit() -> None:
    record = parse_line(f'$COMP,"7","7",1,"{"x" * 5000}","y","","z"')
    assert isinstance(record, Competitor)
    assert len(record.first_name) == TEXT_LIMIT


@pytest.mark.parametrize(
    "line",
    [
        "G,1",
        "MIT License",
        "$G,1",
        '$G,1,"7",-2,"07:41:27.174"',
        '$G,x,"7",2,"07:41:27.174"',
        '$G,1,"",2,"07:41:27.174"',
        '$G,1,"7",2,"soon"',
        '$G,1,"7",99999999999,"00:00:01.000"',
        '$F,9999,"00:00:00"',
        '$B,,"x"',
        '$COR,"7","7",2,"00:00:35.272",""',
        '$J,"7',
        "$A,\r7",
        "##2025-03-01 22:43:02.295",
    ],
)
def test_what_cannot_be_read_is_a_value_that_says_why(line: str) -> None:
    record = parse_line(line)
    assert isinstance(record, Malformed)
    assert record.line == line
    assert record.why


@unhurried
@given(st.text())
def test_no_line_raises(line: str) -> None:
    parse_line(line)


@unhurried
@given(st.sampled_from(PRINTED), st.integers(0, 60), st.characters())
def test_no_changed_character_raises(printed: tuple[str, Record], at: int, character: str) -> None:
    line = printed[0]
    parse_line(line[:at] + character + line[at + 1 :])
