"""Lap times and durations: every form that timing systems write, and nothing else."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.times import format_clock, format_lap_time, format_padded, parse_duration

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("58.853", 58.853),
        ("7", 7.0),
        ("120.5", 120.5),
        ("1:32.981", 92.981),
        ("52:42.048", 3162.048),
        ("90:00", 5400.0),
        ("0:01:32.981", 92.981),
        ("01:42:17.672", 6137.672),
        ("00:12:45", 765.0),
        ("24:00:12.5", 86412.5),
        (" 1:05.1 ", 65.1),
        ("00:00:00.000", 0.0),
        ("1:00.1234567", 60.123456),
    ],
)
def test_a_duration_is_read_in_every_form(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1:60.000",
        "1:60:00",
        "-1:32.981",
        "+0:01",
        "1:2:3:4",
        "1:32,981",
        "1.",
        ".5",
        "1:",
        ":1",
        "١:٣٢",
        "1e3",
        "nan",
    ],
)
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(92.981, "1:32.981"), (58.853, "0:58.853"), (59.9996, "1:00.000"), (3600, "1:00:00.000"), (-1.5, "-0:01.500")],
)
def test_a_lap_time_has_minutes_and_milliseconds(seconds: float, text: str) -> None:
    assert format_lap_time(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5025.9, "1:23:45"), (0, "0:00:00"), (-5.0, "-0:00:05"), (-0.5, "0:00:00")]
)
def test_a_clock_does_not_show_what_has_not_passed(seconds: float, text: str) -> None:
    assert format_clock(seconds) == text


def test_the_padded_form_has_a_fixed_width() -> None:
    assert format_padded(92.981) == "00:01:32.981"
    assert format_padded(765, decimals=0) == "00:12:45"


@pytest.mark.parametrize("seconds", [math.nan, math.inf])
def test_what_is_not_finite_cannot_be_written(seconds: float) -> None:
    for write in (format_lap_time, format_padded, format_clock):
        with pytest.raises(ValueError, match="no time"):
            write(seconds)


@unhurried
@given(st.integers(min_value=0, max_value=99 * 3600 * 1000))
def test_what_is_written_is_read_back_to_the_millisecond(millis: int) -> None:
    seconds = millis / 1000
    assert parse_duration(format_lap_time(seconds)) == seconds
    assert parse_duration(format_padded(seconds)) == seconds


@unhurried
@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    seconds = parse_duration(text)
    assert seconds is None or seconds >= 0
