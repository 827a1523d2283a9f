"""From an event in the calendar to a post: the real scheduler announces on X and by Apprise."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.support.chat_server import ChatServer
from tests.support.system import RunningSystem, event, new_home, remove_home
from tests.support.waiting import eventually
from tests.support.x_server import KEYS, XServer

NOW, HOUR = timedelta(0), timedelta(hours=1)
NAME, OTHER = "service-ticking", "service-simulated"


@dataclass
class Announced:
    """A system with its two audiences."""

    system: RunningSystem
    x: XServer
    chat: ChatServer

    def write(self, *titles: str) -> None:
        """A calendar of events that are on, each with its title as its id."""
        self.system.write_calendar(*(event(title, NOW, HOUR, uid=title) for title in titles))

    def posted(self, number: int) -> list[str]:
        """The first words of what X was told, once there are so many posts."""
        eventually(lambda: len(self.x.posts) >= number, within=40, what=f"{number} posts")
        return [text.partition(" ")[0] for text in self.x.posts]


@pytest.fixture(scope="module")
def audiences() -> Iterator[Announced]:
    folder, x, chat = new_home(), XServer(), ChatServer()
    system = RunningSystem(folder)
    system.environ.update(
        KEYS,
        TWITTER_API_URL=x.url,
        LIVETIMING_ANNOUNCE_URLS=chat.address,
        LIVETIMING_PUBLIC_URL="https://live.example",
    )
    system.start()
    yield Announced(system, x, chat)
    system.end()
    x.close()
    chat.close()
    remove_home(folder)


@pytest.fixture
def announced(audiences: Announced) -> Iterator[Announced]:
    """Nobody has been told anything, and nothing runs."""
    audiences.x.posts.clear()
    audiences.chat.messages.clear()
    yield audiences
    audiences.x.hang.clear()
    audiences.write()
    eventually(lambda: not {NAME, OTHER} & {*audiences.system.status()}, what="all quiet")


def test_a_start_is_announced_to_all_with_its_link(announced: Announced) -> None:
    announced.write("6h of Spa [ticking, -m wec]")
    text = "6h of Spa is live now: https://live.example/s/wec"
    eventually(lambda: announced.x.posts and announced.chat.messages, what="both are told")
    assert (announced.x.posts, announced.chat.messages, announced.x.refused) == ([text], [text], [])


def test_what_is_hidden_is_not_announced(announced: Announced) -> None:
    announced.write("Hidden [ticking, --hidden]")
    eventually(lambda: announced.system.state_of(NAME) == "RUNNING", what="it is on the air")
    announced.write("Hidden [ticking, --hidden]", "Seen [simulated, --cars 4]")
    assert announced.posted(1) == ["Seen"]


def test_it_is_told_once_across_kills_of_the_service_and_of_the_scheduler(announced: Announced) -> None:
    announced.write("Once [ticking]")
    announced.posted(1)
    for name in (NAME, "scheduler"):
        old = announced.system.pid_of(name)
        announced.system.kill(old)
        eventually(lambda old=old, name=name: announced.system.pid_of(name) != old, what=f"{name} is back")  # type: ignore[misc]
    announced.write("Once [ticking]", "After [simulated, --cars 4]")
    assert announced.posted(2) == ["Once", "After"]


def test_a_failure_to_start_is_announced_once(announced: Announced) -> None:
    announced.write("Broken [ticking, --fail]")
    announced.posted(1)
    assert announced.x.posts[0].startswith("Broken could not be started: ")


def test_an_x_that_hangs_delays_no_start_and_no_other_channel(announced: Announced) -> None:
    announced.x.hang.set()
    announced.write("Hangs [ticking]")
    assert announced.x.hanging.wait(20)
    announced.write("Hangs [ticking]", "Next [simulated, --cars 4]")
    eventually(lambda: announced.system.state_of(OTHER) == "RUNNING", within=10, what="the next one starts")
    eventually(lambda: len(announced.chat.messages) == 2, within=10, what="the other channel is told of both")
    assert announced.x.posts == []
    announced.x.hang.clear()
    assert announced.posted(2) == ["Hangs", "Next"]
