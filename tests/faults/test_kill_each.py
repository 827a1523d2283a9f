"""kill -9 of each program in turn, under a race: it comes back by itself, nothing runs twice, nothing is lost."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from autobahn.wamp.exception import ApplicationError

from livetiming.network import Message, decode_state, service_topic
from livetiming.recording.reader import Recording
from livetiming.wamp import RouterAway
from orchestrator import leftovers
from tests.support.client import Client
from tests.support.system import RunningSystem, event, processes_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)
SERVICE = "service-ticking"
LAPS_IN_TWO_SECONDS = 10
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


def goes_on(counted: list[int]) -> bool:
    """Whether the race went on: a killed service resumes from a state that is a second old, which is five laps."""
    return len(counted) > 3 and all(after >= before - LAPS_IN_TWO_SECONDS for before, after in pairwise(counted))


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
    assert goes_on(laps(finished))


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
    assert goes_on(laps(finished))
    assert list(finished.parent.glob("*.zip")) == [finished]


class SlowCalendar(BaseHTTPRequestHandler):
    """Serves the calendar at once the first time, and then not at all until `again` is set."""

    text: ClassVar = b""
    served = threading.Event()
    again = threading.Event()

    def do_GET(self) -> None:
        if self.served.is_set():
            self.again.wait(60)
        self.served.set()
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):  # who asked may have been killed
            self.wfile.write(self.text)

    def log_message(self, *args: object) -> None:
        """Not in the test's output."""


def test_a_restarted_scheduler_ends_nothing_while_the_calendar_is_slow(system: RunningSystem) -> None:
    system.write_calendar(RACE)
    SlowCalendar.text = system.calendar.read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowCalendar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    system.environ["LIVETIMING_CALENDAR_URL"] = f"http://127.0.0.1:{server.server_port}/"
    system.start()
    pid = system.pid_of(SERVICE)
    old = system.pid_of("scheduler")
    system.kill(old)
    eventually(lambda: "last good copy" in system.log("scheduler"), within=30)
    lines = system.log("scheduler")
    SlowCalendar.again.set()
    eventually(lambda: system.status()["scheduler"]["last_sign_of_life"] is not None)
    assert system.pid_of(SERVICE) == pid
    assert "to quit" not in lines
    server.shutdown()
    server.server_close()


def test_a_killed_service_goes_on_as_itself_with_its_state_and_analysis(race: RunningSystem) -> None:
    viewer = Client(race.home)
    (uuid,) = eventually(lambda: listed(viewer), what="the service is listed")
    viewer.subscribe(service_topic(uuid))
    eventually(lambda: laps_seen(viewer)[-1:] > [15], what="some laps are driven")
    old = race.pid_of(SERVICE)
    psutil.Process(old).kill()
    late = Client(race.home)
    late.subscribe(service_topic(uuid), get_retained=True)  # whoever comes meanwhile sees the last state
    reached = eventually(lambda: laps_seen(late), what="the last state is there")[0]
    come_back(race, SERVICE, old)
    eventually(lambda: laps_seen(late)[-1] > reached + 5, what="the race goes on")
    assert all(after >= before - LAPS_IN_TWO_SECONDS for before, after in pairwise(laps_seen(viewer)))
    assert listed(viewer) == [uuid]
    stint, _ = viewer.call(f"livetiming.service.requestAnalysisData.{uuid}")["lap"]["7"]
    assert stint[0] <= 2
    assert stint[2] >= reached
    for client in (viewer, late):
        client.close()


def laps_seen(viewer: Client) -> list[int]:
    """The laps in the states that `viewer` has got."""
    states = [decode_state(Message.decode(raw)) for _, raw, _ in list(viewer.events)]
    return [int(state["cars"][0][2]) for state in states if state["cars"]]
