"""The small helpers of the plugin SDK."""

from typing import Any

import pytest
from freezegun import freeze_time
from twisted.internet.task import Clock

import livetiming.service as sdk
from livetiming.messages import CAR_NUMBER_REGEX, RaceControlMessage, SlowZoneMessage
from livetiming.racing import FlagStatus
from livetiming.service import Watchdog
from livetiming.state import State
from livetiming.utils import PitOutDebouncer, uncache

# Watchdog


class Watched:
    """A watchdog of 10 s on a clock of the test's own."""

    def __init__(self) -> None:
        self.barked: list[Any] = []
        self.clock = Clock()
        self.dog = Watchdog(10, self._bark, "arg", key="word")
        self.dog.clock = self.clock
        self.dog.start()

    def _bark(self, *args: Any, **kwargs: Any) -> None:
        self.barked.append((self.clock.seconds(), args, kwargs))


def test_silence_calls_the_action_with_its_arguments_and_again_after_as_long() -> None:
    watched = Watched()
    watched.clock.pump([5, 5, 5, 5])
    assert watched.barked == [(10, ("arg",), {"key": "word"}), (20, ("arg",), {"key": "word"})]


def test_who_is_heard_of_is_left_alone() -> None:
    watched = Watched()
    for _ in range(5):
        watched.clock.advance(8)
        watched.dog.notify()
    assert watched.barked == []
    watched.clock.advance(10)
    assert len(watched.barked) == 1


def test_a_stopped_watchdog_is_silent() -> None:
    watched = Watched()
    watched.dog.stop()
    watched.dog.stop()
    watched.clock.advance(100)
    assert (watched.barked, watched.clock.getDelayedCalls()) == ([], [])


def test_an_action_that_fails_is_called_again() -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise RuntimeError("the plugin's own")

    dog, clock = Watchdog(10, fail), Clock()
    dog.clock = clock
    dog.start()
    clock.pump([10, 10])
    assert len(calls) == 2


# uncache


@freeze_time("2026-11-21T12:00:00Z")
@pytest.mark.parametrize(
    ("url", "param", "expected"),
    [
        ("http://x/live", "t", "http://x/live?t=1795262400"),
        ("http://x/live?a=1", "t", "http://x/live?a=1&t=1795262400"),
        ("http://x/live", "_", "http://x/live?_=1795262400"),
        (b"http://x/live", "t", b"http://x/live?t=1795262400"),
    ],
)
def test_an_address_gets_the_time_as_a_parameter(url: str | bytes, param: str, expected: str | bytes) -> None:
    assert uncache(url, param)() == expected


def test_in_logs_it_is_called_by_its_address_without_the_query() -> None:
    assert uncache("http://x/live?token=secret").__name__ == "http://x/live"


# PitOutDebouncer


def at(second: float, debouncer: PitOutDebouncer, value: str) -> str:
    with freeze_time("2026-11-21T12:00:00Z") as frozen:
        frozen.tick(second)
        answer: str = debouncer.value_for("7", value)
        return answer


@pytest.fixture
def debouncer() -> PitOutDebouncer:
    with freeze_time("2026-11-21T12:00:00Z"):
        return PitOutDebouncer(threshold=20)


def test_a_change_soon_after_another_is_not_believed(debouncer: PitOutDebouncer) -> None:
    assert at(30, debouncer, "PIT") == "PIT"
    assert at(35, debouncer, "RUN") == "PIT"
    assert at(49, debouncer, "RUN") == "PIT"
    assert at(50, debouncer, "RUN") == "RUN"


def test_at_first_everything_is_believed(debouncer: PitOutDebouncer) -> None:
    assert [at(second, debouncer, value) for second, value in [(1, "PIT"), (5, "RUN"), (6, "PIT")]] == [
        "PIT",
        "RUN",
        "PIT",
    ]
    assert at(21, debouncer, "RUN") == "PIT"
    assert at(26, debouncer, "RUN") == "RUN"


def test_cars_are_told_apart_and_those_that_a_feed_invents_do_not_add_up(debouncer: PitOutDebouncer) -> None:
    with freeze_time("2026-11-21T13:00:00Z"):
        for number in range(5000):
            assert debouncer.value_for(number, "PIT") == "PIT"
            assert debouncer.value_for(number, "RUN") == ("PIT" if number < 1000 else "RUN")
    assert len(debouncer._changes) == 1000


# messages


def race(flag: str = "green") -> State:
    return {"cars": [], "session": {"flagState": flag}, "messages": [], "highlight": []}


def test_slow_zones_are_said_by_a_plugin_that_opts_in() -> None:
    (message,) = SlowZoneMessage().process(race(), race("slow_zone"))
    assert (message[1], message[3]) == ("Track", "yellow")
    assert SlowZoneMessage().process(race("slow_zone"), race("slow_zone")) == []
    assert SlowZoneMessage().process(race("slow_zone"), race()) == []


def test_race_controls_texts_are_said_in_capitals_with_the_car_they_name_and_the_list_is_emptied() -> None:
    texts = ["Car 7 under investigation", " ", "track clear"]
    generator = RaceControlMessage(texts)
    assert generator.process(race(), race()) == [
        [None, "Race Control", "CAR 7 UNDER INVESTIGATION", "raceControl", "7"],
        [None, "Race Control", "TRACK CLEAR", "raceControl"],
    ]
    assert texts == []
    texts.append("car #007 drive-through")
    assert generator.process(race(), race())[0][4] == "007"


@pytest.mark.parametrize(
    ("text", "number"), [("CAR 50 REPORTED", "50"), ("cars #8 and", None), ("car#8", "8"), ("scar 8", None)]
)
def test_a_cars_number_is_found_in_a_text(text: str, number: str | None) -> None:
    found = CAR_NUMBER_REGEX.search(text)
    assert (found and found["race_num"]) == number


# names


def test_older_plugins_find_the_names_they_know() -> None:
    from livetiming.recording import TimingRecorder

    assert sdk.Service is sdk.BaseService
    assert callable(sdk.parse_args)
    assert callable(TimingRecorder.writeState)
    assert FlagStatus.fromString("SC") is FlagStatus.SC


@pytest.mark.parametrize("name", sdk.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sdk, name) is not None


def test_what_the_sdk_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="MeteorClient"):
        sdk.MeteorClient  # noqa: B018
