"""The real router: who may join, and who may do what."""

import json
from datetime import timedelta
from urllib.error import HTTPError

import pytest
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import RegisterOptions, SubscribeOptions

from livetiming.network import Message, MessageClass
from livetiming.settings import Credentials
from livetiming.wamp import Router
from tests.support.client import Client, in_reactor
from tests.support.system import RunningSystem, event
from tests.support.waiting import eventually

A, B = "a" * 32, "b" * 32
TAKE_OVER = RegisterOptions(force_reregister=True)


def refused(client: Client, action: str, *args: object, **kwargs: object) -> bool:
    """Whether the router says that `client` may not."""
    with pytest.raises(ApplicationError) as caught:
        in_reactor(getattr(client.session(), action), *args, **kwargs)
    return bool(caught.value.error == "wamp.error.not_authorized")


def test_the_port_serves_the_page_and_the_relays(running_system: RunningSystem) -> None:
    assert b"<html" in running_system.get("/")
    port = running_system.port
    assert json.loads(running_system.get("/relays")) == {"args": [{f"ws://127.0.0.1:{port}/ws": [0, 0]}]}


def test_the_port_serves_what_is_to_come_for_calendar_programs(running_system: RunningSystem) -> None:
    running_system.write_calendar(event("Tomorrow [ticking]", timedelta(days=1), timedelta(hours=1)))
    eventually(lambda: b"SUMMARY:Tomorrow" in running_system.get("/schedule.ics"), what="it is in the file")
    running_system.write_calendar()
    eventually(lambda: b"SUMMARY" not in running_system.get("/schedule.ics"), what="it is gone again")


@pytest.mark.parametrize("path", ["/nothing-here", "/schedule.ics/more", "/../secret", "/%2e%2e/secret", "/.."])
def test_the_port_serves_nothing_else(running_system: RunningSystem, path: str) -> None:
    with pytest.raises(HTTPError) as caught:
        running_system.get(path)
    caught.value.close()
    assert caught.value.code == 404


def test_anybody_may_call_what_is_public(anonymous: Client) -> None:
    assert anonymous.call("livetiming.directory.listServices") == []


@pytest.mark.parametrize(
    ("procedure", "args"),
    [
        ("livetiming.authenticate", ("timing", "services", {})),
        ("livetiming.authenticate.lookup", ("club",)),
        ("livetiming.authorize", ({}, "x", "call")),
        ("wamp.session.kill", (1,)),
        ("wamp.session.list", ()),
    ],
)
def test_nobody_may_call_the_routers_own_procedures(
    anonymous: Client, procedure: str, args: tuple[object, ...]
) -> None:
    assert refused(anonymous, "call", procedure, *args)


def test_not_even_services_may_ask_for_secrets_or_kill_sessions(services: Client) -> None:
    assert refused(services, "call", "livetiming.authenticate", "timing", "services", {})
    assert refused(services, "call", "wamp.session.kill", 1)


def test_anonymous_may_not_publish(anonymous: Client, services: Client) -> None:
    services.subscribe("livetiming.control")
    anonymous.publish("livetiming.control", {"msgClass": 1, "date": 0, "payload": "from anonymous"})
    services.publish("livetiming.service." + "c" * 32, {"msgClass": 4, "date": 0, "payload": {}})  # answered after it
    assert "from anonymous" not in [raw.get("payload") for _, raw, _ in services.events]


def test_anonymous_may_not_register(anonymous: Client) -> None:
    assert refused(anonymous, "register", lambda: None, "livetiming.directory.listServices", options=TAKE_OVER)


@pytest.mark.parametrize("topic", ["livetiming.control", f"manager.command.{A}", "wamp.session.on_join"])
def test_anonymous_may_not_listen_to_commands_and_control(anonymous: Client, topic: str) -> None:
    assert refused(anonymous, "subscribe", lambda _: None, topic)


def test_anonymous_may_not_find_hidden_services_by_a_prefix(anonymous: Client) -> None:
    options = SubscribeOptions(match="prefix")
    assert refused(anonymous, "subscribe", lambda _: None, "livetiming.service.", options=options)


@pytest.mark.parametrize("authid", ["services", "nobody-knows-me"])
def test_a_wrong_secret_is_refused(running_system: RunningSystem, authid: str) -> None:
    router = Router(f"ws://127.0.0.1:{running_system.port}/ws", Credentials(authid, "wrong"))
    refusals: list[str] = []
    router.say_away = refusals.append  # type: ignore[method-assign,assignment]  # what it would log
    in_reactor(router.start)
    eventually(lambda: refusals)
    in_reactor(router.stop)
    assert "not_authorized" in refusals[0]
    assert not router.joined


def test_an_external_service_has_its_own_uuid_and_no_other(externals: tuple[Client, Client], services: Client) -> None:
    club, rival = externals
    in_reactor(club.session().register, lambda: True, f"livetiming.service.isAlive.{A}", options=TAKE_OVER)
    assert services.call(f"livetiming.service.isAlive.{A}") is True
    assert refused(rival, "register", lambda: False, f"livetiming.service.isAlive.{A}", options=TAKE_OVER)
    assert refused(rival, "register", lambda: False, f"livetiming.service.requestState.{A}", options=TAKE_OVER)
    assert refused(rival, "subscribe", lambda _: None, f"manager.command.{A}")
    assert refused(club, "register", lambda: False, "livetiming.directory.listServices", options=TAKE_OVER)


def test_an_external_service_may_not_take_over_one_of_ours(externals: tuple[Client, Client], services: Client) -> None:
    club, _ = externals
    in_reactor(services.session().register, lambda: True, f"livetiming.service.isAlive.{B}", options=TAKE_OVER)
    assert refused(club, "register", lambda: False, f"livetiming.service.isAlive.{B}", options=TAKE_OVER)
    assert refused(club, "register", lambda: False, f"livetiming.service.requestState.{B}", options=TAKE_OVER)


def test_an_external_service_is_listed_with_its_public_extra_only(
    externals: tuple[Client, Client], services: Client
) -> None:
    club, rival = externals
    uuid = "d" * 32
    in_reactor(club.session().register, lambda *_: True, f"livetiming.service.isAlive.{uuid}", options=TAKE_OVER)
    manifest = {"uuid": uuid, "name": "Club", "description": "", "external": {"name": "forged"}}
    registration = Message(MessageClass.SERVICE_REGISTRATION, manifest, 0)
    club.publish("livetiming.control", registration)

    def listed() -> list[dict[str, object]]:
        return [item for item in services.call("livetiming.directory.listServices") if item["uuid"] == uuid]

    assert eventually(listed)[0]["external"] == {"name": "club", "url": "https://x"}
    rival.publish("livetiming.control", Message(MessageClass.SERVICE_DEREGISTRATION, uuid, 0))
    rival.publish("livetiming.control", Message(MessageClass.SERVICE_REGISTRATION, {**manifest, "name": "Rival"}, 0))
    assert listed()[0]["name"] == "Club"
    club.publish("livetiming.control", Message(MessageClass.SERVICE_DEREGISTRATION, uuid, 0))
    eventually(lambda: not listed())
