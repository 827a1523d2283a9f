"""Texts on their way to channels."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.announce.outbox import (
    BACK_OFF,
    KEPT_MOST,
    KEPT_SECONDS,
    LANE_LIMIT,
    LONGEST_WAIT,
    Delivery,
    Duplicate,
    Kind,
    Outbox,
    Perhaps,
    Refused,
    Result,
    Sent,
    Settled,
    Wait,
    clear,
    due,
    expire,
    forget,
    put,
    revived,
    settle,
    take,
)

DATE = 1_000_000.0


def notice(about: str = "one", channel: str = "x", text: str = "text", until: float = DATE + 100) -> Delivery:
    return Delivery(channel, Kind.NOTICE, about, text, until)


def start(about: str = "one", channel: str = "x") -> Delivery:
    return Delivery(channel, Kind.START, about, "is live")


def holding(*deliveries: Delivery) -> Outbox:
    outbox = Outbox()
    for delivery in deliveries:
        outbox, _lost = put(outbox, delivery, DATE)
    return outbox


def sent(outbox: Outbox, result: Result, now: float = 0.0) -> Outbox:
    """After the next delivery came to `result`."""
    delivery = due(outbox, now, ())[0]
    return settle(take(outbox, delivery), delivery.channel, result, now, DATE)


def abouts(outbox: Outbox, now: float = 0.0) -> list[str]:
    return [delivery.about for delivery in due(outbox, now, ())]


@pytest.mark.parametrize("result", [Sent(), Duplicate(), Perhaps("?"), Refused("no")])
def test_what_was_settled_is_not_taken_again(result: Result) -> None:
    outbox = sent(holding(notice()), result)
    assert put(outbox, notice(), DATE) == (outbox, [])
    assert due(outbox, 1e9, ()) == []


def test_what_waits_or_is_being_sent_is_not_taken_again() -> None:
    waiting = holding(notice())
    sending = take(waiting, notice())
    assert put(waiting, notice(), DATE)[0] is waiting
    assert put(sending, notice(), DATE)[0] is sending


def test_only_a_refusal_counts_as_not_told() -> None:
    told = [
        sent(holding(notice()), result).was_told(notice().key)
        for result in (Sent(), Duplicate(), Perhaps(""), Refused(""))
    ]
    assert told == [True, True, True, False]


def test_an_empty_text_is_told_by_saying_nothing() -> None:
    outbox = holding(notice(text=""))
    assert outbox.was_told(notice().key)
    assert not outbox.waiting


def test_a_channel_gets_one_text_at_a_time() -> None:
    outbox = holding(notice("a"), notice("b"))
    assert abouts(outbox) == ["a"]
    assert due(take(outbox, notice("a")), 0, ()) == []


def test_a_channel_that_is_busy_or_fails_holds_up_no_other() -> None:
    outbox = sent(holding(notice("a"), notice("a", channel="y")), Wait("down"))
    assert [delivery.channel for delivery in due(outbox, 1, ())] == ["y"]


def test_a_start_is_sent_only_while_it_is_true_and_holds_up_nothing() -> None:
    outbox = holding(start("a"), notice("b"))
    assert abouts(outbox) == ["b"]
    both = {(Kind.START, "a"), (Kind.START, "b")}
    assert [item.about for item in due(holding(start("a"), start("b")), 0, both)] == ["a"]


def test_a_notice_goes_before_what_has_waited_longer() -> None:
    outbox = holding(start("a"), notice("b"), notice("c"))
    assert [item.about for item in due(outbox, 0, {(Kind.START, "a")})] == ["b"]


def test_a_failure_is_tried_again_after_longer_and_longer_times() -> None:
    outbox, now, waits = holding(notice()), 0.0, []
    for _ in range(6):
        outbox = sent(outbox, Wait("down"), now)
        waits.append(outbox.pauses["x"].until - now)
        now = outbox.pauses["x"].until
    assert waits == [*BACK_OFF, BACK_OFF[-1]]


def test_a_success_ends_the_back_off() -> None:
    outbox = sent(sent(holding(notice("a"), notice("b")), Wait("down")), Sent(), now=10)
    assert abouts(outbox, 10) == ["b"]
    assert outbox.pauses == {}


def test_a_channel_that_asks_for_time_gets_it() -> None:
    outbox = sent(holding(notice()), Wait("429", 900))
    assert (abouts(outbox, 899), abouts(outbox, 900)) == ([], ["one"])


def test_a_channel_that_asks_for_a_year_is_asked_again_after_a_day() -> None:
    assert sent(holding(notice()), Wait("429", 3e7)).pauses["x"].until == LONGEST_WAIT


def test_after_a_refusal_the_next_is_sent_at_once() -> None:
    assert abouts(sent(holding(notice("a"), notice("b")), Refused("401"))) == ["b"]


def test_what_comes_too_late_is_given_up_and_said() -> None:
    outbox, lost = expire(holding(notice(until=DATE + 1), start()), DATE + 2)
    assert [item.delivery for item in lost] == [notice(until=DATE + 1)]
    assert outbox.waiting == (start(),)
    assert outbox.knows(notice().key)


def test_a_lane_that_is_full_loses_its_oldest_text_and_says_so() -> None:
    outbox = holding(notice("other", channel="y"), *(notice(str(number)) for number in range(LANE_LIMIT)))
    outbox, lost = put(outbox, notice("last"), DATE)
    assert [item.delivery.about for item in lost] == ["0"]
    assert len(outbox.waiting) == LANE_LIMIT + 1


def test_what_was_being_sent_when_we_were_killed_is_not_sent_again_and_that_is_said() -> None:
    outbox, lost = revived(take(holding(notice("a"), notice("b")), notice("a")), ["x"], DATE)
    assert [item.delivery.about for item in lost] == ["a"]
    assert abouts(outbox) == ["b"]
    assert outbox.was_told(notice("a").key)


def test_what_waited_for_a_channel_that_is_gone_is_given_up_and_said() -> None:
    outbox, lost = revived(holding(notice("a"), notice("b", channel="y")), ["y"], DATE)
    assert [item.delivery.about for item in lost] == ["a"]
    assert abouts(outbox) == ["b"]


def test_a_notice_that_is_cleared_waits_no_more_and_can_be_given_again() -> None:
    told = sent(holding(notice(), notice("other")), Sent())
    for outbox in (holding(notice()), clear(told, "one")):
        assert put(clear(outbox, "one"), notice(), DATE)[0].waiting[-1] == notice()
    assert clear(told, "nobody") is told


def test_what_was_settled_a_month_ago_is_forgotten_unless_it_is_still_on_the_air() -> None:
    settled = {start(about).key: Settled(DATE, told=True) for about in ("gone", "on the air")}
    outbox = replace(Outbox(), settled=settled)
    assert forget(outbox, DATE + KEPT_SECONDS, ()) is outbox
    assert [*forget(outbox, DATE + KEPT_SECONDS + 1, {"on the air"}).settled] == [start("on the air").key]


def test_of_too_many_the_oldest_are_forgotten() -> None:
    settled = {start(str(number)).key: Settled(DATE + number, told=True) for number in range(KEPT_MOST + 2)}
    left = forget(replace(Outbox(), settled=settled), DATE, {"0"}).settled
    assert len(left) == KEPT_MOST
    assert [number for number in range(5) if start(str(number)).key in left] == [0, 3, 4]


results = st.sampled_from([Sent(), Wait("down"), Wait("429", 50), Refused("no"), Perhaps("?"), Duplicate()])


@given(st.lists(results, max_size=40), st.lists(st.sampled_from("xy"), min_size=1, max_size=8))
def test_each_channel_gets_its_texts_in_order_and_each_once(outcomes: list[Result], channels: list[str]) -> None:
    put_in = [notice(str(number), channel) for number, channel in enumerate(channels)]
    outbox, now, arrived = holding(*put_in), 0.0, []
    for outcome in [*outcomes, *[Sent()] * len(channels)]:
        for delivery in due(outbox, now, ()):
            outbox = settle(take(outbox, delivery), delivery.channel, outcome, now, DATE)
            if not isinstance(outcome, Wait):
                arrived.append(delivery)
        now += LONGEST_WAIT
    assert outbox.waiting == ()
    for channel in set(channels):
        assert [item for item in arrived if item.channel == channel] == [
            item for item in put_in if item.channel == channel
        ]
