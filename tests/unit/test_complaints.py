"""What goes wrong in a plugin is told once for each distinct error."""

from typing import Any

import pytest
from twisted.logger import globalLogPublisher

from livetiming.service.complaints import MOST, Complaints


@pytest.fixture
def told() -> Any:
    lines: list[str] = []

    def observe(event: Any) -> None:
        if "what" in event:
            lines.append(event["what"])

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


def fail(complaints: Complaints, error: Exception, what: str = "failed") -> None:
    try:
        raise error
    except Exception as caught:
        complaints.tell(caught, what)


def test_the_same_line_is_told_once_whatever_its_text_says(told: list[str]) -> None:
    complaints = Complaints()
    for car in range(50):
        fail(complaints, KeyError(car))
    assert told == ["failed"]


def test_another_kind_of_error_is_told_too(told: list[str]) -> None:
    complaints = Complaints()
    fail(complaints, KeyError(1))
    fail(complaints, ValueError(1))
    assert len(told) == 2


def test_there_is_an_end_to_it(told: list[str]) -> None:
    complaints = Complaints()
    for number in range(2 * MOST):
        fail(complaints, ValueError(), f"part {number}")
    assert len(told) == MOST
