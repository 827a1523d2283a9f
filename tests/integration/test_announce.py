"""Announcing by the real libraries, to servers on loopback that speak X's API and Apprise's JSON."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.scheduler.announce.by_apprise import AppriseChannel
from orchestrator.scheduler.announce.outbox import Duplicate, Perhaps, Refused, Sent, Wait
from orchestrator.scheduler.announce.x import XChannel
from tests.support.announcing import AnnouncingProcess
from tests.support.chat_server import TOKEN, ChatServer
from tests.support.system import free_port
from tests.support.waiting import eventually
from tests.support.x_server import KEYS, TWITTER, XServer

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise imports it on Python 3.11

FAR = 4_102_444_800  # 2100-01-01


@pytest.fixture
def x() -> Iterator[XServer]:
    server = XServer()
    yield server
    server.close()


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


# -- X


def test_a_post_is_signed_so_that_x_knows_us(x: XServer) -> None:
    channel = XChannel(TWITTER, x.url)
    assert [channel.send(text) for text in ("Le Mans & more = 100 % [ü] +~", "two")] == [Sent(), Sent()]
    assert x.posts == ["Le Mans & more = 100 % [ü] +~", "two"]
    assert x.refused == []


@pytest.mark.parametrize("wrong", ["consumer_key", "consumer_secret", "access_token", "access_secret"])
def test_a_wrong_key_is_told_with_what_to_do(x: XServer, wrong: str) -> None:
    result = XChannel(replace(TWITTER, **{wrong: "another"}), x.url).send("text")
    assert isinstance(result, Refused)
    assert "TWITTER_" in result.why
    assert x.posts == []
    assert x.refused


def test_x_takes_no_text_twice(x: XServer) -> None:
    channel = XChannel(TWITTER, x.url)
    assert [channel.send("text") for _ in range(2)] == [Sent(), Duplicate()]


def test_another_403_is_a_refusal(x: XServer) -> None:
    x.fail_next(403)
    result = XChannel(TWITTER, x.url).send("text")
    assert isinstance(result, Refused)
    assert "Read and Write" in result.why


def test_an_account_without_credit_is_told(x: XServer) -> None:
    x.fail_next(402)
    result = XChannel(TWITTER, x.url).send("text")
    assert isinstance(result, Refused)
    assert "credit" in result.why


@pytest.mark.parametrize(
    "headers",
    [
        {"x-rate-limit-reset": str(FAR)},
        {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(FAR)},
        {"x-rate-limit-reset": "100", "x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": str(FAR)},
        {"x-rate-limit-reset": "100", "x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": str(FAR)},
        {"Retry-After": "90000"},
    ],
)
def test_a_limit_is_waited_out_for_as_long_as_x_says(x: XServer, headers: dict[str, str]) -> None:
    x.fail_next(429, headers=headers)
    result = XChannel(TWITTER, x.url).send("text")
    assert isinstance(result, Wait)
    assert result.seconds >= 90_000


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-rate-limit-reset": "soon"},
        {"x-rate-limit-reset": "100", "x-user-limit-24hour-remaining": "7", "x-user-limit-24hour-reset": str(FAR)},
    ],
)
def test_a_limit_that_does_not_say_until_when_is_tried_again_after_our_own_time(
    x: XServer, headers: dict[str, str]
) -> None:
    x.fail_next(429, headers=headers)
    result = XChannel(TWITTER, x.url).send("text")
    assert isinstance(result, Wait)
    assert result.seconds <= 0


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("body", [b"{}", b"[1]", b"<html>", b""])
def test_an_outage_of_x_is_tried_again(x: XServer, status: int, body: bytes) -> None:
    x.fail_next(status, body=body)
    assert XChannel(TWITTER, x.url).send("text") == Wait(f"fails (HTTP {status})")


def test_a_post_that_was_taken_with_an_odd_answer_is_sent(x: XServer) -> None:
    x.fail_next(201, body=b"<html>")
    assert XChannel(TWITTER, x.url).send("text") == Sent()


def test_x_leads_us_nowhere_else(x: XServer) -> None:
    x.fail_next(307, headers={"Location": f"{x.url}/2/tweets"})
    assert isinstance(XChannel(TWITTER, x.url).send("text"), Wait)
    assert x.requests == 1


def test_an_x_that_hangs_is_left(x: XServer) -> None:
    x.hang.set()
    assert XChannel(TWITTER, x.url, timeouts=(5, 0.2)).send("text") == Wait("cannot be reached (ReadTimeout)")


def test_an_x_that_is_not_there_is_told_by_the_kind_of_error() -> None:
    assert XChannel(TWITTER, f"http://127.0.0.1:{free_port()}").send("text") == Wait(
        "cannot be reached (ConnectionError)"
    )


# -- Apprise


def test_apprise_delivers_the_text_as_it_is(chat: ChatServer) -> None:
    text = "<b>Le Mans</b> *now* \\n {live} & more: https://live.example/s/wec"
    assert AppriseChannel(chat.address, 1).send(text) == Sent()
    assert chat.messages == [text]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_outage_of_a_channel_is_tried_again(chat: ChatServer, status: int) -> None:
    chat.answer_next(status)
    result = AppriseChannel(chat.address, 1).send("text")
    assert isinstance(result, Wait)
    assert str(status) in result.why


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_channel_that_refuses_is_told(chat: ChatServer, status: int) -> None:
    chat.answer_next(status)
    result = AppriseChannel(chat.address, 1).send("text")
    assert isinstance(result, Refused)
    assert str(status) in result.why


def test_a_channel_that_is_not_there_is_tried_again() -> None:
    assert AppriseChannel(f"json://127.0.0.1:{free_port()}/{TOKEN}", 1).send("text") == Wait("cannot be reached")


def test_a_channel_that_takes_a_text_without_an_answer_may_have_been_told(chat: ChatServer) -> None:
    chat.hang_next()
    assert isinstance(AppriseChannel(f"{chat.address}?rto=0.2", 1).send("text"), Perhaps)
    assert chat.messages == ["text"]


def test_a_failure_of_one_of_several_targets_is_not_repeated_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apprise.plugins.base.NotifyBase.request_rate_per_sec", 0)  # it pauses between targets
    result = AppriseChannel(f"ntfy://127.0.0.1:{free_port()}/one/two?retry=1&wait=0", 1).send("text")
    assert isinstance(result, Perhaps)
    assert "an address for each" in result.why


@pytest.mark.parametrize("url", ["discord://secret", "nonsense://secret@x", "secret", "tgram://secret"])
def test_an_address_that_apprise_does_not_know_is_told_without_showing_it(url: str) -> None:
    channel = AppriseChannel(url, 3)
    why = channel.check()
    assert "address 3" in why
    assert "secret" not in why + channel.receiver.label + channel.receiver.key
    assert isinstance(channel.send("text"), Refused)


def test_a_channel_keeps_its_key_wherever_it_stands() -> None:
    places = [("json://a", 1), ("json://a", 2), ("json://b", 1)]
    first, moved, other = (AppriseChannel(url, position).receiver.key for url, position in places)
    assert first == moved != other


# -- the announcer, in a process of its own


@pytest.fixture
def announcing(home: Path, x: XServer, chat: ChatServer) -> Iterator[AnnouncingProcess]:
    process = AnnouncingProcess(
        home,
        **KEYS,
        TWITTER_API_URL=x.url,
        LIVETIMING_ANNOUNCE_URLS=chat.address,
        LIVETIMING_PUBLIC_URL="https://live.example",
    )
    yield process
    process.kill()
    assert not secrets_in(process.log)


def secrets_in(text: str) -> list[str]:
    secrets = [*KEYS.values(), TOKEN, "oauth_"]
    encoded = [base64.b64encode(secret.encode()).decode().rstrip("=") for secret in secrets]
    return [secret for secret in (*secrets, *encoded) if secret in text]


def started(name: str) -> str:
    return f"{name} is live now: https://live.example/s/f1"


def test_start_failure_and_end_go_to_who_takes_them(
    announcing: AnnouncingProcess, x: XServer, chat: ChatServer
) -> None:
    announcing.stands("Race", failed="Sprint")
    announcing.start()
    said = [started("Race"), "Sprint could not be started: no luck"]
    eventually(lambda: (x.posts, chat.messages) == (said, said))
    announcing.stands(notice="The calendar is old.")
    eventually(lambda: sorted(chat.messages[2:]) == ["Race has ended.", "The calendar is old."])
    assert x.posts == said
    assert announcing.stop() == 0


def test_nothing_is_told_again_after_a_restart(announcing: AnnouncingProcess, x: XServer, chat: ChatServer) -> None:
    announcing.stands("Race", notice="The calendar is old.")
    announcing.start()
    eventually(lambda: len(x.posts) + len(chat.messages) == 3)
    assert announcing.stop() == 0
    announcing.stands("Race", "Sprint", notice="The calendar is old.")
    announcing.start()
    eventually(lambda: started("Sprint") in x.posts and started("Sprint") in chat.messages)
    assert (x.requests, chat.requests) == (2, 3)


def test_an_end_is_told_though_it_came_while_nobody_was_there(announcing: AnnouncingProcess, chat: ChatServer) -> None:
    announcing.stands("Race")
    announcing.start()
    eventually(lambda: chat.messages == [started("Race")])
    announcing.stop()
    announcing.stands()
    announcing.start()
    eventually(lambda: chat.messages == [started("Race"), "Race has ended."])


def test_what_was_being_sent_at_a_kill_is_not_sent_again_and_the_log_says_so(
    announcing: AnnouncingProcess, x: XServer, chat: ChatServer
) -> None:
    x.hang.set()
    chat.hang_next()
    announcing.stands("Race")
    announcing.start()
    assert x.hanging.wait(20)
    assert chat.hanging.wait(20)
    announcing.kill()
    x.hang.clear()
    announcing.stands("Race", "Sprint")
    announcing.start()
    eventually(lambda: started("Sprint") in x.posts and started("Sprint") in chat.messages)
    log = announcing.said("may have arrived, and is not sent again")
    assert log.count("may have arrived, and is not sent again") == 2
    assert (x.requests, chat.requests) == (2, 2)


def test_a_channel_that_hangs_holds_up_no_other_and_no_end(
    announcing: AnnouncingProcess, x: XServer, chat: ChatServer
) -> None:
    x.hang.set()
    announcing.stands("Race")
    announcing.start()
    assert x.hanging.wait(20)
    announcing.stands("Sprint")
    eventually(lambda: chat.messages == [started("Race"), started("Sprint"), "Race has ended."])
    assert announcing.stop() == 0
    assert x.posts == []


def test_an_outage_is_waited_out_and_said_once(announcing: AnnouncingProcess, x: XServer, chat: ChatServer) -> None:
    for _ in range(3):
        x.fail_next(503)
    chat.answer_next(429, 429)
    announcing.stands("Race")
    announcing.start()
    eventually(lambda: (x.posts, chat.messages) == ([started("Race")], [started("Race")]))
    log = announcing.said("X answers again")
    assert log.count("HTTP 503") == log.count("HTTP 429") == 1


def test_what_x_got_with_an_answer_that_was_lost_is_not_posted_twice(announcing: AnnouncingProcess, x: XServer) -> None:
    x.posts.append(started("Race"))
    x.fail_next(502)
    announcing.stands("Race")
    announcing.start()
    announcing.said("with an earlier attempt")
    assert x.posts == [started("Race")]


def test_a_limit_that_lasts_longer_than_the_event_costs_its_start_and_is_said(
    announcing: AnnouncingProcess, x: XServer
) -> None:
    x.fail_next(429, headers={"x-rate-limit-reset": str(FAR)})
    announcing.stands("Race")
    announcing.start()
    announcing.said("X wants us to wait")
    announcing.stands()
    announcing.said("its event is over")
    assert x.posts == []


def test_what_is_refused_is_given_up_and_said_once(announcing: AnnouncingProcess, x: XServer) -> None:
    x.fail_next(401)
    announcing.stands("Race")
    announcing.start()
    announcing.said("check the four TWITTER_ variables")
    announcing.stands("Race", "Sprint")
    eventually(lambda: x.posts == [started("Sprint")])
    assert announcing.log.count("TWITTER_") == 1


def test_an_address_that_cannot_work_is_told_at_the_start_and_costs_no_other(
    announcing: AnnouncingProcess, chat: ChatServer
) -> None:
    announcing.environ["LIVETIMING_ANNOUNCE_URLS"] = f"discord://{TOKEN} {chat.address}"
    announcing.stands("Race")
    announcing.start()
    log = announcing.said("is left out")
    assert "address 1 of LIVETIMING_ANNOUNCE_URLS (discord://…)" in log
    eventually(lambda: chat.messages == [started("Race")])


def test_what_cannot_be_remembered_is_not_sent(announcing: AnnouncingProcess, x: XServer, chat: ChatServer) -> None:
    blocked = announcing.home / "state"
    blocked.write_text("a file where the folder should be")
    announcing.stands("Race")
    announcing.start()
    announcing.said("announced.json cannot be written")
    assert (x.requests, chat.requests) == (0, 0)
    blocked.unlink()
    eventually(lambda: (x.posts, chat.messages) == ([started("Race")], [started("Race")]))


def test_a_notice_is_sent_though_nothing_can_be_remembered_and_before_what_has_to_wait(
    announcing: AnnouncingProcess, chat: ChatServer
) -> None:
    blocked = announcing.home / "state"
    blocked.write_text("a file where the folder should be")
    announcing.stands("Race")
    announcing.start()
    announcing.said("announced.json cannot be written")
    announcing.stands("Race", notice="The disk is full.")
    eventually(lambda: chat.messages == ["The disk is full."])
    blocked.unlink()
    eventually(lambda: chat.messages == ["The disk is full.", started("Race")])


def test_a_damaged_memory_is_told_and_replaced(announcing: AnnouncingProcess, chat: ChatServer) -> None:
    path = announcing.home / "state" / "announced.json"
    path.parent.mkdir()
    path.write_text('{"version": 1, "wait')
    announcing.stands("Race")
    announcing.start()
    announcing.said("may be announced again")
    eventually(lambda: chat.messages == [started("Race")])
    eventually(lambda: re.search(r'"start","Race",[0-9.]+,true', path.read_text()))
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_channel_nothing_is_kept(announcing: AnnouncingProcess) -> None:
    for name in [name for name in announcing.environ if name.startswith(("TWITTER_", "LIVETIMING_ANNOUNCE_"))]:
        del announcing.environ[name]
    announcing.stands("Race")
    announcing.start()
    announcing.said("looking")
    assert announcing.stop() == 0
    assert not (announcing.home / "state").exists()
