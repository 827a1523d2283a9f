"""A component's seat on the router: taken again and again, until it is told to end."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred

from livetiming.settings import Credentials
from livetiming.wamp import Router, RouterAway
from tests.support.client import Client, in_reactor
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

PROCEDURE, TOPIC = "livetiming.test.procedure", "livetiming.test.topic"


@pytest.fixture
def component(running_system: RunningSystem) -> Iterator[Client]:
    client = Client(running_system.home)
    yield client
    client.close()


def answer(client: Client) -> object:
    try:
        return client.call(PROCEDURE)
    except (RouterAway, ApplicationError):  # away, or not back yet
        return None


def test_after_an_outage_everything_declared_holds_again(running_system: RunningSystem, component: Client) -> None:
    joins: list[bool] = []
    component.router.on_join(lambda: joins.append(True))
    in_reactor(component.router.register, PROCEDURE, lambda **_: "here")
    component.subscribe(TOPIC)
    other = Client(running_system.home)
    assert eventually(lambda: answer(other)) == "here"

    running_system.kill(running_system.pid_of("router"))
    eventually(lambda: not component.router.joined)
    assert in_reactor(component.router.publish, TOPIC, "lost") is False
    eventually(lambda: joins, within=40)
    assert eventually(lambda: answer(other), within=40) == "here"
    other.publish(TOPIC, "heard")
    eventually(lambda: "heard" in [raw for _, raw, _ in component.events])
    other.close()


def test_a_call_under_way_fails_when_the_router_goes(running_system: RunningSystem, component: Client) -> None:
    called = threading.Event()

    def never(**_: object) -> Deferred[None]:
        called.set()
        return Deferred()

    in_reactor(component.router.register, PROCEDURE, never)
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(component.call, PROCEDURE, timeout=100)
        assert called.wait(10)
        running_system.kill(running_system.pid_of("router"))
        with pytest.raises(RouterAway):
            calling.result(30)
    eventually(lambda: component.router.joined, within=40)


def test_a_call_says_that_the_router_is_away(running_system: RunningSystem) -> None:
    router = Router(f"rs://unix:{running_system.home}/no.sock", None)
    in_reactor(router.start)
    with pytest.raises(RouterAway, match=r"livetiming\.directory"):
        in_reactor(router.call, "livetiming.directory.listServices")
    in_reactor(router.stop)


def test_what_a_handler_raises_is_logged_and_the_next_event_is_heard(
    running_system: RunningSystem, component: Client
) -> None:
    heard: list[object] = []

    def handler(raw: object, _details: object) -> None:
        heard.append(raw)
        raise ZeroDivisionError

    in_reactor(component.router.subscribe, TOPIC, handler)
    other = Client(running_system.home)

    def heard_again() -> bool:
        other.publish(TOPIC, "again")
        return len(heard) >= 2

    eventually(heard_again)
    assert component.router.joined
    other.close()


def test_a_twin_that_comes_later_takes_over_what_the_first_registered(
    running_system: RunningSystem, component: Client
) -> None:
    in_reactor(component.router.register, PROCEDURE, lambda **_: "first")
    eventually(lambda: answer(component) == "first")
    twin = Client(running_system.home)
    in_reactor(twin.router.register, PROCEDURE, lambda **_: "second")
    eventually(lambda: answer(component) == "second")
    twin.close()


def test_a_server_that_accepts_and_says_nothing_does_not_keep_us_from_ending() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        router = Router(f"rs://127.0.0.1:{silent.getsockname()[1]}", Credentials("services", "x"))
        in_reactor(router.start)
        connection, _ = silent.accept()
        with connection:
            in_reactor(router.stop)
            assert not router.joined
