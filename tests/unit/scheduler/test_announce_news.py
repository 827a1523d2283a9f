"""What is new in how events stand."""

from orchestrator.schedule_settings import END_TEXT, FAILED_TEXT, START_TEXT
from orchestrator.scheduler.announce.news import (
    GRACE_SECONDS,
    LATE_SECONDS,
    Receiver,
    State,
    Teller,
    Wording,
    cleared,
    expired,
    true_of,
)
from orchestrator.scheduler.announce.outbox import Kind, Refused, Result, Sent, Wait, due, settle, take
from orchestrator.scheduler.announce.standing import Standing, Subject

X = Receiver("x", "X", frozenset({Kind.START, Kind.FAILED}), short=True)
CHAT = Receiver("chat", "chat", frozenset(Kind))
WORDS = {Kind.START: START_TEXT, Kind.FAILED: FAILED_TEXT, Kind.END: END_TEXT}
DATE = 1_000_000.0
RACE = Subject("race@1", "Race", "f1", DATE + 3600)
NOTHING = Standing()
ON_AIR = Standing((RACE,), (), frozenset({RACE.about}))
CRASHED = Standing((), (), frozenset({RACE.about}))
FAILED = Standing((), ((RACE, "no luck"),), frozenset({RACE.about}))


class Newsroom:
    """A teller and what it remembers."""

    def __init__(self, *receivers: Receiver, words: dict[Kind, str] | None = None) -> None:
        self.teller = Teller(receivers or (X, CHAT), Wording(words or WORDS, "https://live.example"))
        self.state = State()
        self.lost: list[tuple[str, str]] = []

    def look(self, standing: Standing, now: float = 0.0, date: float = DATE) -> None:
        self.state, lost = self.teller.look(self.state, standing, now, date)
        self.lost += [(item.delivery.channel, item.why) for item in lost]

    def after(self, standing: Standing, now: float = 0.0, date: float = DATE) -> None:
        """It stands so for longer than the grace."""
        self.look(standing, now, date)
        self.look(standing, now + GRACE_SECONDS, date)

    def send(self, standing: Standing, result: Result | None = None, now: float = 0.0) -> list[tuple[str, str]]:
        """Send what is due; (channel, text) of it."""
        said = []
        while ready := due(self.state.outbox, now, true_of(standing)):
            for delivery in ready:
                outbox = take(self.state.outbox, delivery)
                outbox = settle(outbox, delivery.channel, result or Sent(), now, DATE)
                self.state = State(self.state.airings, outbox)
                said.append((delivery.channel, delivery.text))
        return said


def test_a_start_is_told_to_everybody() -> None:
    room = Newsroom()
    room.look(ON_AIR)
    said = "Race is live now: https://live.example/s/f1"
    assert room.send(ON_AIR) == [("x", said), ("chat", said)]


def test_the_same_again_changes_nothing() -> None:
    room = Newsroom()
    room.look(ON_AIR)
    for _ in range(2):  # waiting, and told
        before = room.state
        room.look(ON_AIR)
        assert room.state is before
        room.send(ON_AIR)


def test_an_end_is_told_to_who_takes_ends() -> None:
    room = Newsroom()
    room.look(ON_AIR)
    room.send(ON_AIR)
    room.after(NOTHING)
    assert room.send(NOTHING) == [("chat", "Race has ended.")]
    room.after(NOTHING, 1000)
    assert room.send(NOTHING) == []


def test_a_crash_is_no_end() -> None:
    room = Newsroom()
    room.look(ON_AIR)
    room.send(ON_AIR)
    room.after(CRASHED)
    room.after(ON_AIR, 1000)
    assert room.send(ON_AIR) == []


def test_what_is_gone_for_a_moment_has_not_ended() -> None:
    room = Newsroom()
    room.look(ON_AIR)
    room.send(ON_AIR)
    room.look(NOTHING, 100)
    room.look(ON_AIR, 100 + GRACE_SECONDS - 1)
    room.look(NOTHING, 100 + GRACE_SECONDS)
    assert room.send(NOTHING) == []


def test_an_end_is_told_under_the_last_name() -> None:
    room = Newsroom(CHAT)
    room.look(ON_AIR)
    room.send(ON_AIR)
    room.look(Standing((Subject(RACE.about, "Race, resumed", "f1", RACE.end),), (), frozenset({RACE.about})))
    room.after(NOTHING)
    assert room.send(NOTHING) == [("chat", "Race, resumed has ended.")]


def test_an_end_that_we_learn_of_hours_later_is_not_told() -> None:
    room = Newsroom()
    room.look(ON_AIR)
    room.send(ON_AIR)
    room.after(NOTHING, date=RACE.end + LATE_SECONDS + 1)
    assert room.send(NOTHING) == []
    assert room.state.airings == {}


def test_a_failure_is_told_once() -> None:
    room = Newsroom(CHAT)
    for _ in range(3):
        room.look(FAILED)
    assert room.send(FAILED) == [("chat", "Race could not be started: no luck")]
    room.look(FAILED)
    assert room.send(FAILED) == []


def test_what_was_started_after_a_failure_is_told_too() -> None:
    room = Newsroom(CHAT)
    room.look(FAILED)
    room.send(FAILED)
    room.look(ON_AIR)
    assert room.send(ON_AIR) == [("chat", "Race is live now: https://live.example/s/f1")]


def test_a_failure_has_no_end() -> None:
    room = Newsroom(CHAT)
    room.look(FAILED)
    room.send(FAILED)
    room.after(NOTHING)
    assert room.send(NOTHING) == []


def test_a_failure_that_waits_is_not_told_when_it_could_be_started_after_all() -> None:
    room = Newsroom(CHAT)
    room.look(FAILED)
    room.look(ON_AIR)
    assert [text for _channel, text in room.send(ON_AIR)] == ["Race is live now: https://live.example/s/f1"]


def test_a_start_that_waits_until_the_event_is_over_is_dropped_and_said_and_has_no_end() -> None:
    room = Newsroom(CHAT)
    room.look(ON_AIR)
    room.send(ON_AIR, Wait("down", 1e5))
    room.after(NOTHING)
    assert room.lost == [("chat", "its event is over")]
    assert room.send(NOTHING, now=1e6) == []


def test_a_start_that_comes_back_after_its_end_is_dropped_with_the_end() -> None:
    room = Newsroom(CHAT)
    room.look(ON_AIR)
    [delivery] = due(room.state.outbox, 0, true_of(ON_AIR))
    room.state = State(room.state.airings, take(room.state.outbox, delivery))
    room.after(NOTHING)
    room.state = State(room.state.airings, settle(room.state.outbox, "chat", Wait("down"), 0, DATE))
    room.look(NOTHING)
    room.look(NOTHING)
    assert room.lost == [("chat", "its event is over")] * 2
    assert room.send(NOTHING, now=1e6) == []


def test_who_refused_the_start_is_not_told_of_the_end() -> None:
    room = Newsroom(CHAT)
    room.look(ON_AIR)
    room.send(ON_AIR, Refused("401"))
    room.after(NOTHING)
    assert room.send(NOTHING) == []


def test_where_no_start_is_wanted_the_end_is_told_all_the_same() -> None:
    room = Newsroom(CHAT, words={**WORDS, Kind.START: ""})
    room.look(ON_AIR)
    assert room.send(ON_AIR) == []
    room.after(NOTHING)
    assert room.send(NOTHING) == [("chat", "Race has ended.")]


def test_a_notice_is_for_who_takes_notices_and_told_once_until_it_is_cleared() -> None:
    room = Newsroom()
    for _ in range(2):
        room.state, _lost = room.teller.notice(room.state, "stale", "The calendar is old.", DATE)
    assert room.send(NOTHING) == [("chat", "The calendar is old.")]
    room.state = cleared(room.state, "stale")
    room.state, _lost = room.teller.notice(room.state, "stale", "The calendar is old.", DATE)
    assert room.send(NOTHING) == [("chat", "The calendar is old.")]


def test_a_notice_that_could_not_be_told_for_a_day_is_given_up_and_said() -> None:
    room = Newsroom()
    room.state, _lost = room.teller.notice(room.state, "stale", "The calendar is old.", DATE)
    room.state, lost = expired(room.state, DATE + 86_401)
    assert [item.why for item in lost] == ["it comes too late"]
