"""kill -9 of each program in turn, under a race: it comes back by itself, nothing runs twice, nothing is lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from autobahn.wamp.exception import ApplicationError

from livetiming.recording.reader import Recording
from livetiming.wamp import RouterAway
from orchestrator import leftovers
from tests.support.client import Client
from tests.support.system import RunningSystem, event, processes_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)
SERVICE = "service-ticking"
RACE = event("Race [ticking]", timedelta(0), timedelta(hours=1))


@pytest.fixture
def race(system: RunningSystem) -> Iterator[RunningSystem]:
    """A system with a race that is on the air and being recorded."""
    system.write_calendar(RACE)
    system.start()
    eventually(lambda: journals(system), what="the race is recorded")
    yield system


def journals(system: RunningSystem) -> list[Path]:
    return list((system.home / "recordings-temp").glob("*.journal"))


def services_of(system: RunningSystem) -> list[psutil.Process]:
    """The processes of the one service; more than one would be a service that runs twice."""
    found = []
    for process in processes_of(system.home):
        try:
            if "livetiming.service.cli" in process.cmdline():
                found.append(process)
        except psutil.Error:  # it has ended meanwhile
            continue
    return found


def come_back(race: RunningSystem, name: str, old: int) -> None:
    eventually(lambda: race.pid_of(name) != old, what=f"{name} is back")


def listed(client: Client) -> list[str]:
    try:
        return [manifest["uuid"] for manifest in client.call("livetiming.directory.listServices")]
    except (ApplicationError, RouterAway, TimeoutError):  # not back yet
        return []


def laps(path: Path) -> list[int]:
    with Recording(path) as recording:
        return [int(state["cars"][0][2]) for _, state in recording.states() if state["cars"]]


def test_each_program_comes_back_and_the_recording_is_whole(race: RunningSystem) -> None:
    client = Client(race.home)
    (uuid,) = eventually(lambda: listed(client))
    for name in ("router", "manager", "dvr", "scheduler", SERVICE):
        old = race.pid_of(name)
        race.kill(old)
        come_back(race, name, old)
        eventually(lambda: race.run("status").returncode == 0, within=30, what=f"all is well after the kill of {name}")
        assert eventually(lambda: listed(client), within=30) == [uuid]
        assert len(services_of(race)) == 1
    recorded = journals(race)
    race.write_calendar()
    finished = race.home / "recordings" / f"{uuid}.zip"
    eventually(finished.exists, within=30, what="the recording is finished")
    client.close()
    assert len(recorded) == 1
    assert list(finished.parent.glob("*.zip")) == [finished]
    counted = laps(finished)
    assert counted == sorted(counted)


def test_the_kill_of_crossbar_itself_is_mended(race: RunningSystem) -> None:
    crossbar = leftovers.recorded(race.home / "run", "crossbar")
    assert crossbar is not None
    race.kill(crossbar.pid)
    eventually(lambda: leftovers.recorded(race.home / "run", "crossbar"), within=30, what="another Crossbar")
    eventually(lambda: race.run("status").returncode == 0, within=30)
    client = Client(race.home)
    assert eventually(lambda: listed(client), within=30)
    client.close()


def test_after_the_kill_of_supervisord_the_next_up_goes_on_with_the_same_service(race: RunningSystem) -> None:
    client = Client(race.home)
    (uuid,) = eventually(lambda: listed(client))
    client.close()
    supervisord = leftovers.recorded(race.home / "run", "supervisord")
    assert supervisord is not None
    race.kill(supervisord.pid)
    assert race.up is not None
    race.up.wait(30)
    eventually(lambda: processes_of(race.home) == [], what="all that it ran has ended")
    race.start()
    client = Client(race.home)
    assert eventually(lambda: listed(client), within=30) == [uuid]
    assert len(services_of(race)) == 1
    race.write_calendar()
    finished = race.home / "recordings" / f"{uuid}.zip"
    eventually(finished.exists, within=30)
    client.close()
    counted = laps(finished)
    assert counted == sorted(counted)
    assert list(finished.parent.glob("*.zip")) == [finished]
