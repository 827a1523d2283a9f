"""When the calendar is read again; and how its reading is told to other programs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.sources.copy import CalendarStatus
from orchestrator.scheduler.sources.retry import next_read


def test_a_calendar_that_can_be_read_is_read_at_its_interval() -> None:
    assert next_read(60, 0, 0, 0.3) == 60


def test_a_failure_is_tried_again_soon_and_then_ever_later_up_to_the_interval() -> None:
    assert [next_read(300, failures, 0, 0) for failures in (1, 2, 3, 4, 5, 6, 7, 900)] == [
        10,
        20,
        40,
        80,
        160,
        300,
        300,
        300,
    ]


def test_jitter_makes_it_sooner_never_later() -> None:
    assert [next_read(60, 9, 0, jitter) for jitter in (0, 0.5, 1)] == [60, 45, 30]


def test_what_the_server_asks_for_is_kept() -> None:
    assert next_read(60, 1, 900, 0.5) == 900


@given(st.floats(1, 3600), st.integers(1, 10_000), st.floats(0, 3600), st.floats(0, 1))
def test_the_wait_is_never_far_from_what_was_asked_for(
    interval: float, failures: int, retry_after: float, jitter: float
) -> None:
    wait = next_read(interval, failures, retry_after, jitter)
    assert retry_after <= wait <= max(retry_after, interval)
    assert wait > 0


def test_a_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    status = CalendarStatus(1.5, 2.5, "the server answered 500", 3)
    status.write(tmp_path / "state" / "calendar.json")
    assert CalendarStatus.read(tmp_path / "state" / "calendar.json") == status


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"read_at": "x", "tried_at": 1, "outage": null, "sessions": 1}'])
def test_a_status_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "calendar.json").write_text(text)
    assert CalendarStatus.read(tmp_path / "calendar.json") is None
    assert CalendarStatus.read(tmp_path / "nothing") is None
