"""Who may do what on the router."""

import pytest

from ltrouter.pages import relay_url
from ltrouter.permissions import PUBLIC_PROCEDURES, IfOwned, Verdict, anonymous, external_service

UUID = "0123456789abcdef" * 2


@pytest.mark.parametrize("uri", [*sorted(PUBLIC_PROCEDURES), f"livetiming.service.isAlive.{UUID}"])
def test_anybody_may_call_what_is_public(uri: str) -> None:
    assert anonymous("call", uri, "exact") is Verdict.ALLOW


@pytest.mark.parametrize(
    "uri",
    [
        "livetiming.authenticate",
        "livetiming.authenticate.lookup",
        "livetiming.authorize",
        "wamp.session.kill",
        "wamp.session.list",
        "auth.anything",
        "livetiming.service.isAlive.short",
        f"livetiming.service.isAlive.{UUID}.more",
        "",
    ],
)
def test_nobody_calls_anything_else(uri: str) -> None:
    assert anonymous("call", uri, "exact") is Verdict.DENY


@pytest.mark.parametrize("action", ["publish", "register"])
@pytest.mark.parametrize("uri", ["livetiming.directory", "livetiming.control", f"livetiming.service.{UUID}", "x"])
def test_anonymous_publishes_and_registers_nothing(action: str, uri: str) -> None:
    assert anonymous(action, uri, "exact") is Verdict.DENY


@pytest.mark.parametrize(
    "uri", ["livetiming.directory", "livetiming.scheduler", "livetiming.replay", f"livetiming.service.{UUID}"]
)
def test_anybody_may_look_at_what_is_public(uri: str) -> None:
    assert anonymous("subscribe", uri, "exact") is Verdict.ALLOW


@pytest.mark.parametrize("uri", ["livetiming.control", f"manager.command.{UUID}", "wamp.session.on_join"])
def test_commands_and_control_are_not_public(uri: str) -> None:
    assert anonymous("subscribe", uri, "exact") is Verdict.DENY


@pytest.mark.parametrize(
    "uri", ["", "livetiming.", "livetiming.service.", f"livetiming.service.{UUID}", "livetiming.analysis/"]
)
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_no_pattern_reveals_hidden_services(uri: str, match: str) -> None:
    assert anonymous("subscribe", uri, match) is Verdict.DENY


def test_the_analysis_of_one_service_may_be_subscribed_by_prefix() -> None:
    assert anonymous("subscribe", f"livetiming.analysis/{UUID}/", "prefix") is Verdict.ALLOW
    assert anonymous("subscribe", f"livetiming.analysis/{UUID}/lap/7", "exact") is Verdict.ALLOW


def test_an_external_service_claims_a_uuid_by_registering_for_it() -> None:
    assert external_service("register", f"livetiming.service.isAlive.{UUID}", "exact") == IfOwned(UUID, claims=True)


@pytest.mark.parametrize(
    ("action", "uri"),
    [
        ("publish", f"livetiming.service.{UUID}"),
        ("publish", f"livetiming.analysis/{UUID}/session"),
        ("subscribe", f"manager.command.{UUID}"),
    ],
)
def test_an_external_service_uses_only_what_it_owns(action: str, uri: str) -> None:
    assert external_service(action, uri, "exact") == IfOwned(UUID, claims=False)


@pytest.mark.parametrize(
    ("action", "uri"),
    [
        ("publish", "livetiming.directory"),
        ("publish", "livetiming.scheduler"),
        ("publish", f"manager.command.{UUID}"),
        ("register", "livetiming.directory.listServices"),
        ("register", "livetiming.authenticate"),
        ("call", "wamp.session.kill"),
        ("call", "livetiming.authenticate"),
        ("subscribe", "livetiming.service."),
    ],
)
def test_an_external_service_does_nothing_of_others(action: str, uri: str) -> None:
    assert external_service(action, uri, "exact") is Verdict.DENY


def test_an_external_service_subscribes_to_no_pattern() -> None:
    assert external_service("subscribe", "livetiming.control", "prefix") is Verdict.DENY


def test_a_relay_is_named_by_the_public_url_else_by_the_host_that_was_asked() -> None:
    assert relay_url("https://live.example.org", b"10.0.0.1:8080") == "wss://live.example.org/ws"
    assert relay_url("", b"10.0.0.1:8080") == "ws://10.0.0.1:8080/ws"


@pytest.mark.parametrize("host", [None, b"", b"evil/path", b"a b", b'"', b"a@b"])
def test_a_host_that_is_none_is_not_repeated(host: bytes | None) -> None:
    assert relay_url("", host) == "ws://127.0.0.1/ws"
