"""`livetiming-service-manager`, as an operator uses it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from livetiming.network import is_uuid
from tests.support.client import Client
from tests.support.system import RunningSystem, event
from tests.support.waiting import eventually

NOW, HOUR = timedelta(0), timedelta(hours=1)
CLASS, NAME = "ticking", "service-ticking"


def manager(system: RunningSystem, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of its commands to the end."""
    return subprocess.run(
        [sys.executable, "-m", "orchestrator.service_manager", *arguments],
        env=system.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture
def system(running_system: RunningSystem) -> Iterator[RunningSystem]:
    """The module's system, with an empty calendar and no service, before and after."""
    yield running_system
    running_system.write_calendar()
    manager(running_system, "stop", CLASS)
    viewer = Client(running_system.home)
    eventually(lambda: shown(running_system) is None and on_air(viewer) == [], what="all quiet")
    viewer.close()


@pytest.fixture
def viewer(system: RunningSystem) -> Iterator[Client]:
    client = Client(system.home)
    yield client
    client.close()


def start(system: RunningSystem, *options: str) -> str:
    """Start it by hand; its uuid."""
    done = manager(system, "start", CLASS, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def shown(system: RunningSystem) -> dict[str, Any] | None:
    """What `status --json` says of it."""
    services = json.loads(manager(system, "status", CLASS, "--json").stdout)["services"]
    return dict(services[0]) if services else None


def on_air(viewer: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = viewer.call("livetiming.directory.listServices", True)
    return found


def laps(system: RunningSystem, uuid: str) -> int:
    """The laps of the only car in the state that is kept."""
    file = system.home / "state" / f"{uuid}.json"
    cars = orjson.loads(file.read_bytes())["cars"] if file.exists() else []
    return int(cars[0][2]) if cars else 0


def test_a_start_prints_the_uuid_of_a_service_that_is_on_the_air(system: RunningSystem, viewer: Client) -> None:
    uuid = start(system, "-d", "By hand", "--label", "x")
    assert is_uuid(uuid)
    (manifest,) = eventually(lambda: on_air(viewer), what="on the air")
    assert (manifest["uuid"], manifest["description"]) == (uuid, "By hand")
    row = shown(system)
    assert row is not None
    assert (row["state"], row["owner"], row["uuid"]) == ("RUNNING", "person", uuid)
    assert row["pid"] == system.pid_of(NAME)
    assert manager(system, "status", CLASS).returncode == 0
    assert manager(system, "status", NAME).returncode == 0  # as `livetiming status` calls it


def test_a_second_start_is_refused_with_what_runs_and_what_to_do(system: RunningSystem) -> None:
    uuid, pid = start(system), system.pid_of(NAME)
    second = manager(system, "start", CLASS)
    assert (second.returncode, second.stdout) == (1, "")
    assert uuid in second.stderr
    assert f"stop {CLASS}" in second.stderr
    assert system.pid_of(NAME) == pid


def begun(system: RunningSystem, *arguments: str) -> subprocess.Popen[str]:
    """One of its commands, under way."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.service_manager", *arguments],
        env=system.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_of_two_starts_at_once_one_wins(system: RunningSystem) -> None:
    both = [begun(system, "start", CLASS) for _ in range(2)]
    assert sorted(each.wait(90) for each in both) == [0, 1]
    assert (shown(system) or {})["running"]


def test_after_a_kill_of_a_start_the_next_command_knows_what_is_there(system: RunningSystem) -> None:
    killed = begun(system, "start", CLASS)
    eventually(lambda: NAME in system.status(), what="supervisord knows it")
    killed.kill()
    killed.wait(10)
    eventually(lambda: (shown(system) or {}).get("running"), what="it runs")
    assert manager(system, "start", CLASS).returncode == 1
    assert manager(system, "stop", CLASS).returncode == 0
    assert shown(system) is None


def test_a_service_that_cannot_start_tells_why_in_its_own_words(system: RunningSystem) -> None:
    failed = manager(system, "start", CLASS, "--fail")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "did not start" in failed.stderr
    assert "told to fail" in failed.stderr
    assert shown(system) is None
    start(system)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["start", "tickling"], "did you mean ticking"),
        (["stop", "tickling"], "did you mean ticking"),
        (["status", "tickling"], "did you mean ticking"),
        (["restart", "tickling"], "did you mean ticking"),
        (["start", CLASS, "--interval", "often"], "--interval"),
        (["start", CLASS, "--unheard-of"], "--unheard-of"),
        (["start", CLASS, "--standalone"], "--standalone"),
        (["start"], "CLASS"),
        (["begin", CLASS], "begin"),
    ],
)
def test_what_is_used_wrongly_is_told_and_exits_2(system: RunningSystem, arguments: list[str], said: str) -> None:
    wrong = manager(system, *arguments)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert said in wrong.stderr


def test_a_stop_ends_it_with_a_goodbye_and_nothing_is_left(system: RunningSystem, viewer: Client) -> None:
    start(system)
    eventually(lambda: on_air(viewer), what="on the air")
    stopped = manager(system, "stop", CLASS)
    assert stopped.returncode == 0, stopped.stderr
    assert on_air(viewer) == []  # at once: it said goodbye
    assert NAME not in system.status()
    assert manager(system, "status", CLASS).returncode == 1
    again = manager(system, "stop", CLASS)
    assert (again.returncode, again.stderr) == (0, "ticking does not run\n")


def test_a_restart_is_the_same_service_and_goes_on_from_its_state(system: RunningSystem) -> None:
    uuid, pid = start(system, "-d", "Kept"), system.pid_of(NAME)
    eventually(lambda: laps(system, uuid) > 5)
    before = laps(system, uuid)
    restarted = manager(system, "restart", CLASS)
    assert (restarted.returncode, restarted.stdout.strip()) == (0, uuid)
    assert system.pid_of(NAME) != pid
    assert eventually(lambda: laps(system, uuid)) > before


def test_a_fresh_restart_is_a_new_service_with_none_of_the_old_state(system: RunningSystem, viewer: Client) -> None:
    uuid = start(system, "-d", "Fresh", "--interval", "60")  # one lap, and the next in a minute
    eventually(lambda: on_air(viewer), what="on the air")
    fresh = manager(system, "restart", CLASS, "--fresh").stdout.strip()
    assert is_uuid(fresh)
    assert fresh != uuid
    assert eventually(lambda: laps(system, fresh)) == 1
    eventually(lambda: [(item["uuid"], item["description"]) for item in on_air(viewer)] == [(fresh, "Fresh")])


def test_a_service_goes_on_from_a_state_of_elsewhere_also_after_a_crash(
    system: RunningSystem, viewer: Client, tmp_path: Path
) -> None:
    uuid = "d" * 32
    state = {"cars": [["7", "RUN", 500]], "session": {"flagState": "green"}, "messages": [], "highlight": []}
    (tmp_path / f"{uuid}.json").write_bytes(orjson.dumps(state))
    assert start(system, "-s", str(tmp_path / f"{uuid}.json")) == uuid
    eventually(lambda: laps(system, uuid) > 505)
    before, pid = laps(system, uuid), system.pid_of(NAME)
    system.kill(pid)
    eventually(lambda: system.pid_of(NAME) != pid)
    assert eventually(lambda: laps(system, uuid)) >= before
    eventually(lambda: laps(system, uuid) > before)


def test_a_service_that_a_person_runs_is_not_the_schedulers_whatever_the_calendar_says(
    system: RunningSystem, viewer: Client
) -> None:
    uuid, pid = start(system, "-d", "Mine"), system.pid_of(NAME)
    system.write_calendar(
        event("Club race [ticking, --label event]", NOW, HOUR),
        event("Another [simulated, --minutes 10]", NOW, HOUR, uid="two@test"),
    )
    eventually(lambda: any(item["description"] == "Another" for item in on_air(viewer)), what="the other event")
    assert system.pid_of(NAME) == pid
    assert [item["uuid"] for item in on_air(viewer) if item["serviceClass"] == CLASS] == [uuid]
    assert f"'Club race' waits: a person runs {NAME}" in (system.home / "log" / "scheduler.log").read_text()
    manager(system, "stop", CLASS)
    (manifest,) = eventually(lambda: [item for item in on_air(viewer) if item["serviceClass"] == CLASS])
    assert manifest["description"] == "Club race"  # which waited
    assert (shown(system) or {})["owner"] == "scheduler"


def test_an_event_that_a_person_stops_is_over_until_a_person_restarts_it(system: RunningSystem, viewer: Client) -> None:
    system.write_calendar(event("Club race [ticking]", NOW, HOUR))
    (manifest,) = eventually(lambda: on_air(viewer), what="on the air")
    stopped = manager(system, "stop", CLASS)
    assert stopped.returncode == 0
    assert f"restart {CLASS}" in stopped.stderr
    eventually(lambda: (shown(system) or {}).get("note") == "stopped by hand", what="over")
    assert manager(system, "status").returncode == 0  # it should not run
    assert manager(system, "status", CLASS).returncode == 1  # and does not
    restarted = manager(system, "restart", CLASS)
    assert restarted.stdout.strip() == manifest["uuid"]
    eventually(lambda: on_air(viewer), what="on the air again")
    row = shown(system)
    assert row is not None
    assert (row["owner"], row["note"], row["running"]) == ("scheduler", "", True)
    system.write_calendar()
    eventually(lambda: on_air(viewer) == [], what="its event is gone")


def test_status_and_list_show_all_and_hide_what_is_named_like_a_secret(system: RunningSystem) -> None:
    uuid = start(system, "-d", "Club race", "--label", "https://user:s3cret@host/?token=s3cret")
    status, listed = manager(system, "status"), manager(system, "list")
    assert (status.returncode, listed.returncode) == (0, 0)
    for answer in (status.stdout, listed.stdout):
        assert all(text in answer for text in (CLASS, "RUNNING", "person", "Club race"))
        assert "s3cret" not in answer
    assert uuid in status.stdout
    rows = json.loads(manager(system, "list", "--json").stdout)["services"]
    assert [row["service_class"] for row in rows] == [CLASS]


def test_the_help_of_a_start_shows_the_options_of_the_plugin(system: RunningSystem) -> None:
    shown_help = manager(system, "start", CLASS, "--help")
    assert shown_help.returncode == 0
    assert "--interval" in shown_help.stdout
    assert "--description" in shown_help.stdout
    for action in ("start", "stop", "restart", "status", "list"):
        assert "examples:" in manager(system, action, "--help").stdout


def test_without_a_running_system_it_says_how_to_start_one(home: Path) -> None:
    nothing = RunningSystem(home)
    for arguments in (["start", CLASS], ["stop", CLASS], ["restart", CLASS], ["status"], ["list"]):
        refused = manager(nothing, *arguments)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "livetiming up" in refused.stderr
    assert json.loads(manager(nothing, "status", "--json").stdout) == {"running": False, "services": []}
