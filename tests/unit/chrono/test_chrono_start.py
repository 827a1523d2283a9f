"""When a race began, in Unix seconds."""

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.chrono.model import Chrono, Entry, Lap, Reading
from livetiming.chrono.start import UNKNOWN_DAY, race_start, tells_weather
from tests.unit.chrono.cards import NOON

NEW_YORK = ZoneInfo("America/New_York")
JULY = date(2023, 7, 22)
NOON_IN_NEW_YORK = datetime(2023, 7, 22, 16, tzinfo=UTC).timestamp()


def race(*weather: float, clock: float | None = NOON, lasts: float = 7200.0) -> Chrono:
    """A race at noon with readings of the weather at these Unix seconds."""
    readings = tuple(Reading(unix, ("20°C",)) for unix in weather)
    return Chrono(entries=(Entry("7", laps=(Lap(1, lasts),)),), clock_at_start=clock, readings=readings)


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


def test_day_and_zone_say_it() -> None:
    assert race_start(race(), JULY, NEW_YORK) == NOON_IN_NEW_YORK


def test_without_a_zone_it_is_utc() -> None:
    assert race_start(race(), JULY, None) == utc(2023, 7, 22, 12)


def test_without_a_day_it_is_one_that_nobody_takes_for_real() -> None:
    assert race_start(race(), None, None) == utc(UNKNOWN_DAY.year, 1, 1, 12)


def test_without_a_time_of_day_it_is_midnight() -> None:
    assert race_start(race(clock=None), JULY, None) == utc(2023, 7, 22)


def test_clocks_that_are_changed_in_the_night_of_the_race_are_heeded() -> None:
    assert race_start(race(), date(2023, 3, 26), ZoneInfo("Europe/Paris")) == utc(2023, 3, 26, 10)


class TestByTheWeather:
    WEATHER = (NOON_IN_NEW_YORK + 20, NOON_IN_NEW_YORK + 7100)

    @pytest.mark.parametrize(("day", "zone"), [(None, None), (JULY, None), (None, NEW_YORK), (JULY, NEW_YORK)])
    def test_its_clock_says_what_is_not_said(self, day: date | None, zone: tzinfo | None) -> None:
        chrono = race(*self.WEATHER)
        assert race_start(chrono, day, zone) == NOON_IN_NEW_YORK
        assert tells_weather(chrono, NOON_IN_NEW_YORK)

    def test_that_of_another_day_is_not_believed(self) -> None:
        chrono = race(*self.WEATHER)
        start = race_start(chrono, date(2024, 7, 22), None)
        assert start == utc(2024, 7, 22, 12)
        assert not tells_weather(chrono, start)

    @given(st.integers(-24, 28), st.integers(0, 47), st.integers(0, 2**31), st.floats(-800, 800))
    def test_any_zone_is_found(self, zone: int, half_hour: int, day: int, off: float) -> None:
        """Where the weather's middle is within a quarter of an hour of the race's."""
        clock, midnight = half_hour * 1800.0, (day // 86400) * 86400.0
        start = midnight + clock - zone * 1800.0
        chrono = race(start + off, start + 7200 + off, clock=clock)
        assert race_start(chrono, None, None) == start
