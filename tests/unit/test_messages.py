"""What is worth saying about a step."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.messages import Generator, PerCarMessage, TimingMessage, generate, standard_generators
from livetiming.racing import Stat
from livetiming.state import State

COLUMNS = [Stat.NUM, Stat.STATE, Stat.CLASS, Stat.DRIVER, Stat.LAST_LAP]
CAR: list[Any] = ["7", "RUN", "GT", "Conway", [100.0, ""]]


def state(*cars: list[Any], flag: str = "green") -> State:
    return {"cars": list(cars), "session": {"flagState": flag}, "messages": [], "highlight": []}


def said(old: State, new: State) -> list[list[Any]]:
    return generate(standard_generators(COLUMNS), old, new, 1700.9, pytest.fail)  # type: ignore[arg-type]  # never returns


def car(**changes: Any) -> list[Any]:
    names = ["number", "state", "class", "driver", "last"]
    return [changes.get(name.replace("class", "klass"), value) for name, value in zip(names, CAR, strict=True)]


@pytest.mark.parametrize(
    ("flag", "kind"),
    [
        ("white", "white"),
        ("chequered", "track"),
        ("red", "red"),
        ("code_60", "code60"),
        ("sc", "yellow"),
        ("fcy", "yellow"),
        ("yellow", "yellow"),
        ("vsc", "yellow"),
        ("caution", "yellow"),
    ],
)
def test_a_change_of_flag_is_said_of_the_track(flag: str, kind: str) -> None:
    (message,) = said(state(), state(flag=flag))
    assert (message[0], message[1], message[3]) == (1700, "Track", kind)


def test_an_unchanged_state_says_nothing() -> None:
    assert said(state(CAR), state(CAR)) == []


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [("RUN", "PIT", "pit"), ("RUN", "FUEL", "pit"), ("PIT", "OUT", "out"), ("FUEL", "RUN", "out")],
)
def test_pit_stops_are_said_of_the_cars_class_with_its_number(before: str, after: str, kind: str) -> None:
    (message,) = said(state(car(state=before)), state(car(state=after)))
    assert (message[1], message[3], message[4]) == ("GT", kind, "7")


@pytest.mark.parametrize(("before", "after"), [("RUN", "RET"), ("RUN", "STOP"), ("STOP", "RUN")])
def test_a_stop_is_said_without_a_type(before: str, after: str) -> None:
    (message,) = said(state(car(state=before)), state(car(state=after)))
    assert message[3] == ""


def test_nothing_is_said_of_a_car_that_had_not_started() -> None:
    assert said(state(car(state="N/S")), state(car(state="PIT", driver="Kobayashi", last=[90.0, "sb"]))) == []


def test_a_driver_change_names_both_and_has_no_type() -> None:
    (message,) = said(state(CAR), state(car(driver=["Kobayashi", "gold"])))
    assert "Conway to Kobayashi" in message[2]
    assert message[3] is None


@pytest.mark.parametrize(("flag", "kind"), [("pb", "pb"), ("sb-new", "sb"), ("sb", "sb")])
def test_a_best_lap_is_said_with_its_time(flag: str, kind: str) -> None:
    (message,) = said(state(CAR), state(car(last=[92.981, flag])))
    assert "1:32.981" in message[2]
    assert message[3] == kind


@pytest.mark.parametrize(("before", "after"), [("sb-new", "sb"), ("sb", "pb"), ("pb", "sb")])
def test_a_best_lap_is_said_once(before: str, after: str) -> None:
    assert said(state(car(last=[92.981, before])), state(car(last=[92.981, after]))) == []


def test_a_lap_that_is_known_as_the_best_only_later_is_said_then() -> None:
    assert len(said(state(car(last=[92.981, ""])), state(car(last=[92.981, "pb"])))) == 1


def test_a_lap_that_is_no_best_is_not_said() -> None:
    assert said(state(CAR), state(car(last=[101.0, ""]))) == []


def test_without_a_class_the_category_is_the_pits() -> None:
    (message,) = said(state(car(klass="")), state(car(klass="", state="PIT")))
    assert message[1] == "Pits"


def test_cars_are_matched_by_number_car_and_class() -> None:
    assert said(state(CAR), state(car(klass="LMP2", state="PIT"))) == []


def test_the_newest_message_comes_first() -> None:
    messages = said(state(CAR), state(car(state="PIT"), flag="red"))
    assert [message[3] for message in messages] == ["pit", "red"]


def test_a_generator_that_raises_is_told_and_skipped() -> None:
    class Broken(TimingMessage):
        def _consider(self, oldState: Any, newState: Any) -> None:
            raise ZeroDivisionError

    failed: list[Generator] = []
    messages = generate([Broken(), *standard_generators(COLUMNS)], state(), state(flag="red"), 1, failed.append)
    assert [type(generator) for generator in failed] == [Broken]
    assert len(messages) == 1


def test_an_empty_cell_is_the_default() -> None:
    generator = PerCarMessage(COLUMNS)
    assert generator.getValue(["7", "", None], Stat.STATE, "?") == "?"
    assert generator.getValue(["7", "", None], Stat.CLASS, "?") == "?"
    assert generator.getValue(["7"], Stat.LAST_LAP, "?") == "?"


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["7", "8", "9", "10"]),
        st.sampled_from(["RUN", "PIT", "OUT", "RET", "STOP", "N/S", ""]),
        st.sampled_from(["GT", "LMP2"]),
        st.sampled_from(["Conway", "Buemi", ""]),
        st.sampled_from([[100.0, ""], [99.0, "pb"], [98.0, "sb"], ["", ""]]),
    ).map(list),
    max_size=5,
    unique_by=lambda row: row[0],
)


@given(ROWS, ROWS, st.randoms())
def test_what_is_said_of_a_car_does_not_depend_on_its_place(
    before: list[list[Any]], after: list[list[Any]], random: Random
) -> None:
    shuffled = random.sample(after, len(after))
    assert sorted(map(repr, said(state(*before), state(*after)))) == sorted(
        map(repr, said(state(*before), state(*shuffled)))
    )


def test_a_plugins_own_message_is_asked_about_every_car() -> None:
    asked = []

    class Own(PerCarMessage):
        def _consider(self, oldState: Any, newState: Any) -> None:
            asked.append(newState[0])

    Own(COLUMNS).process(state(CAR, car(number="8")), state(CAR, car(number="8")))
    assert asked == ["7", "8"]
