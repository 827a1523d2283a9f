"""Questions that block: answered in turn, turned away when too many wait, and not harmed by a cache made anew."""

import threading
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from orchestrator.recordings.answers import Answers
from orchestrator.recordings.desk import Busy, Desk, Inquiry
from orchestrator.recordings.shelf import Shelf
from tests.support.client import in_reactor
from tests.support.waiting import eventually
from tests.unit.recordings.files import write


def test_as_many_as_may_wait_are_answered_and_the_next_is_turned_away() -> None:
    gate = threading.Event()
    answers: list[int] = []

    def slow(number: int) -> None:
        gate.wait(20)
        answers.append(number)

    def begin() -> Desk:
        desk = Desk("test", 2)
        for number in range(2):
            Deferred.fromCoroutine(desk.do(slow, number))
        return desk

    desk = in_reactor(begin)
    with pytest.raises(Busy, match="try again"):
        in_reactor(desk.do, lambda: 7)
    gate.set()
    eventually(lambda: len(answers) == 2, what="those who waited are answered")
    assert answers == [0, 1]
    assert in_reactor(desk.do, lambda: 7) == 7


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A place with a folder of one recording."""
    (tmp_path / "recordings").mkdir()
    write(tmp_path / "recordings", "a.zip")
    return tmp_path


def ask(inquiry: Inquiry, question: Any = Answers.total) -> Any:
    return in_reactor(inquiry.ask, question)


def test_a_cache_that_was_made_anew_is_opened_again(place: Path) -> None:
    shelf = Shelf(place / "recordings", place / "cache")
    shelf.look()
    inquiry = in_reactor(Inquiry, place / "cache", 8)
    assert ask(inquiry) == 1
    write(place / "recordings", "b.zip")
    shelf.make_anew("a page is torn")
    assert ask(inquiry) == 2
    in_reactor(inquiry.close)
    shelf.close()


def test_what_is_written_is_answered_at_once(place: Path) -> None:
    shelf = Shelf(place / "recordings", place / "cache")
    shelf.look()
    inquiry = in_reactor(Inquiry, place / "cache", 8)
    assert ask(inquiry) == 1
    write(place / "recordings", "b.zip")
    shelf.look(["b.zip"])
    assert ask(inquiry) == 2
    in_reactor(inquiry.close)
    shelf.close()
