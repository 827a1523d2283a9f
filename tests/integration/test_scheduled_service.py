"""From an event in the calendar to a service on the air, and back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from autobahn.wamp.exception import ApplicationError

from livetiming.network import Message, decode_state, service_topic
from tests.support.client import Client
from tests.support.system import RunningSystem, event
from tests.support.waiting import eventually

NOW, HOUR = timedelta(0), timedelta(hours=1)
NAME = "service-ticking"


@pytest.fixture
def services(running_system: RunningSystem) -> Iterator[Client]:
    """A client on a system whose calendar is empty, before and after."""
    client = Client(running_system.home)
    yield client
    running_system.write_calendar()
    eventually(lambda: not listing(client) and NAME not in running_system.status(), what="all quiet")
    client.close()


def listing(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.call("livetiming.directory.listServices", True)
    return found


def on_air(client: Client, description: str) -> dict[str, Any]:
    """The manifest of the service of that description, as soon as it is listed."""
    found = eventually(
        lambda: [item for item in listing(client) if item["description"] == description], what=f"{description} on air"
    )
    return found[0]


def laps(client: Client, uuid: str) -> int:
    try:
        state = client.call(f"livetiming.service.requestState.{uuid}")
    except ApplicationError:  # not there, or not there again
        return 0
    return int(state["cars"][0][2]) if state["cars"] else 0


def test_an_event_that_is_on_puts_its_service_on_the_air(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("Club race [ticking]", NOW, HOUR))
    manifest = on_air(services, "Club race")
    assert manifest["serviceClass"] == "ticking"
    assert manifest["event"] == "one@test"
    services.subscribe(service_topic(manifest["uuid"]), get_retained=True)
    _, raw, _ = eventually(lambda: services.events)[0]
    state = decode_state(Message.decode(raw))
    assert state["cars"][0][:2] == ["7", "RUN"]
    assert raw["msgClass"] == 8


def test_a_new_title_is_a_new_description_for_the_running_process(
    running_system: RunningSystem, services: Client
) -> None:
    running_system.write_calendar(event("First title [ticking]", NOW, HOUR))
    uuid, pid = on_air(services, "First title")["uuid"], running_system.pid_of(NAME)
    running_system.write_calendar(event("Second title [ticking]", NOW, HOUR))
    assert on_air(services, "Second title")["uuid"] == uuid
    assert running_system.pid_of(NAME) == pid


def test_other_options_are_a_new_service(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("Options [ticking]", NOW, HOUR))
    uuid = on_air(services, "Options")["uuid"]
    running_system.write_calendar(event("Options 2 [ticking, --label x]", NOW, HOUR))
    assert on_air(services, "Options 2")["uuid"] != uuid
    eventually(lambda: [item["description"] for item in listing(services)] == ["Options 2"])


def test_a_deleted_event_ends_its_service_by_quit(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("Deleted [ticking]", NOW, HOUR))
    uuid = on_air(services, "Deleted")["uuid"]
    running_system.write_calendar()
    eventually(lambda: NAME not in running_system.status(), what="the program is removed")
    assert "told to quit" in running_system.log(NAME)
    assert listing(services) == []
    services.subscribe(service_topic(uuid), get_retained=True)
    _, raw, _ = eventually(lambda: services.events)[0]
    assert decode_state(Message.decode(raw))["cars"] == []


def test_a_service_that_is_killed_comes_back_as_itself(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("Killed [ticking]", NOW, HOUR))
    uuid = on_air(services, "Killed")["uuid"]
    eventually(lambda: laps(services, uuid) > 15)
    saved = running_system.home / "state" / f"{uuid}.json"
    before = int(orjson.loads(saved.read_bytes())["cars"][0][2])
    old = running_system.pid_of(NAME)
    running_system.kill(old)
    eventually(lambda: running_system.pid_of(NAME) != old)
    assert on_air(services, "Killed")["uuid"] == uuid
    assert eventually(lambda: laps(services, uuid)) >= before


def test_a_service_that_ends_by_itself_is_over_for_its_event(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("Short [ticking, --laps 15]", NOW, HOUR))
    row = eventually(lambda: running_system.status().get(NAME, {}).get("note") == "ended by itself", what="over")
    assert row
    assert running_system.state_of(NAME) == "EXITED"
    assert running_system.run("status").returncode == 0
    running_system.write_calendar(event("Short [ticking, --laps 10000]", NOW, HOUR))
    on_air(services, "Short")


def test_what_a_person_stopped_stays_stopped(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("By hand [ticking]", NOW, HOUR))
    on_air(services, "By hand")
    running_system.run("ctl", "stop", NAME)
    eventually(lambda: running_system.status()[NAME]["note"] == "stopped by hand", what="over")
    assert running_system.state_of(NAME) == "STOPPED"


def test_a_service_that_cannot_start_is_told_and_does_not_hold_up_others(
    running_system: RunningSystem, services: Client
) -> None:
    running_system.write_calendar(event("Broken [ticking, --fail]", NOW, HOUR))
    eventually(lambda: "could not be started" in running_system.log("scheduler"), within=40)
    assert running_system.run("status").returncode == 1
    running_system.write_calendar(event("Repaired [ticking]", NOW, HOUR))
    on_air(services, "Repaired")


def test_what_comes_next_is_listed_and_announced_on_its_topic(running_system: RunningSystem, services: Client) -> None:
    services.subscribe("livetiming.scheduler", get_retained=True)
    running_system.write_calendar(event("Tomorrow [ticking, -m other]", timedelta(days=1), HOUR))
    eventually(lambda: services.call("livetiming.schedule.list"))
    (coming,) = services.call("livetiming.schedule.list")
    assert (coming["id"], coming["name"], coming["service"]) == ("one@test", "Tomorrow", "other")
    assert eventually(lambda: [raw for _, raw, _ in services.events if raw["payload"]])[-1]["payload"] == [coming]


def test_a_hidden_service_is_on_the_air_but_not_listed(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("Hidden [ticking, --hidden]", NOW, HOUR))
    uuid = on_air(services, "Hidden")["uuid"]
    anonymous = Client(running_system.home, port=running_system.port)
    assert anonymous.call("livetiming.directory.listServices", True) == []
    assert anonymous.call(f"livetiming.service.isAlive.{uuid}") is True
    anonymous.close()


def test_a_title_that_cannot_be_understood_is_told_once_with_advice(
    running_system: RunningSystem, services: Client
) -> None:
    running_system.write_calendar(
        event("Typo [tickling]", NOW, HOUR), event("Fine [ticking]", NOW, HOUR, uid="two@test")
    )
    on_air(services, "Fine")
    assert running_system.log("scheduler").count("did you mean ticking") == 1


def test_a_calendar_that_is_none_changes_nothing(running_system: RunningSystem, services: Client) -> None:
    running_system.write_calendar(event("Kept [ticking]", NOW, HOUR))
    uuid, pid = on_air(services, "Kept")["uuid"], running_system.pid_of(NAME)
    running_system.calendar.write_text("<html>Log in</html>")
    eventually(lambda: "not a whole calendar" in running_system.log("scheduler"))
    assert running_system.pid_of(NAME) == pid
    assert on_air(services, "Kept")["uuid"] == uuid
