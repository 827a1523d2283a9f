"""From frames on the router to a recording in the listing: the real DVR and the real catalogue."""

import fcntl
import time
import uuid as uuids
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import psutil

from livetiming.network import RPC, Channel, Message, MessageClass, service_topic, state_message
from livetiming.recording.reader import Recording
from livetiming.state import EMPTY_STATE, State
from orchestrator.dvr.journal import BadRecord, RecordKind, read
from tests.support.client import Client, in_reactor
from tests.support.system import RunningSystem, processes_of
from tests.support.waiting import eventually


class Feed:
    """A service as the router sees one. Each of its laps is a frame, and each frame a second of its own."""

    def __init__(self, client: Client, home: Path, **manifest: Any) -> None:
        self.client = client
        self.home = home
        self.uuid = uuids.uuid4().hex
        self.manifest = {"uuid": self.uuid, "name": "Feed", "description": "Race", "colSpec": [], **manifest}
        self.laps = 0
        in_reactor(client.router.register, f"{RPC.IS_ALIVE}{self.uuid}", lambda **_: True)
        in_reactor(client.router.register, f"{RPC.REQUEST_STATE}{self.uuid}", lambda **_: self.state())

    def state(self) -> State:
        cars = [["7", "RUN", f"lap {self.laps}"]] if self.laps else []
        return {"cars": cars, "session": {}, "messages": [], "highlight": []}

    def control(self, message_class: MessageClass, payload: Any) -> None:
        self.client.publish(Channel.CONTROL, Message(message_class, payload, _now_ms()))

    def announce(self, **changes: Any) -> None:
        self.manifest |= changes
        self.control(MessageClass.SERVICE_REGISTRATION, self.manifest)

    def goodbye(self) -> None:
        self.control(MessageClass.SERVICE_DEREGISTRATION, self.uuid)
        self.client.publish(service_topic(self.uuid), state_message(EMPTY_STATE, _now_ms()))

    def lap(self) -> None:
        """Publish the next state, in a second of its own, until it is in the journal: until it is acknowledged."""
        started = int(time.time())
        eventually(lambda: int(time.time()) > started, what="the next second")
        self.laps += 1
        eventually(self._publish_once, what=f"lap {self.laps} is on the disk")

    def publish(self) -> None:
        """Publish the state as it is."""
        self.client.publish(service_topic(self.uuid), state_message(self.state(), _now_ms()))

    def _publish_once(self) -> bool:
        self.publish()
        needle = f'"lap {self.laps}"'.encode()
        return any(needle in body for body in self.recorded())

    def journals(self) -> Iterator[Path]:
        """The journals of this service."""
        return (self.home / "recordings-temp").glob(f"{self.uuid}.*.journal")

    def recorded(self) -> list[bytes]:
        """The frames in the journals of this service."""
        bodies: list[bytes] = []
        for path in self.journals():
            try:
                for record, _offset in read(path):
                    if record.kind in (RecordKind.KEY, RecordKind.INTRA):
                        bodies.append(record.payload)
            except (BadRecord, FileNotFoundError):
                continue  # it is being written, or finished
        return bodies

    def finished(self, count: int = 1) -> list[Path]:
        """The finished recordings, once there are `count`."""
        folder = self.home / "recordings"
        eventually(lambda: len(list(folder.glob(f"{self.uuid}*.zip"))) == count, what=f"{count} recordings")
        return sorted(folder.glob(f"{self.uuid}*.zip"), key=lambda path: len(path.name))


def _now_ms() -> int:
    return int(time.time() * 1000)


def laps(path: Path) -> list[int]:
    """The laps in a recording, each once; 0 for a state without cars."""
    with Recording(path) as recording:
        cells = [state["cars"][0][2] if state["cars"] else "lap 0" for _second, state in recording.states()]
    return list(dict.fromkeys(int(cell.removeprefix("lap ")) for cell in cells))


def workers(system: RunningSystem) -> list[int]:
    """The processes that finish recordings."""
    found = []
    for process in processes_of(system.home):
        with suppress(psutil.Error):
            if "orchestrator.dvr.worker" in process.cmdline():
                found.append(process.pid)
    return found


def test_what_a_service_published_is_listed_after_its_goodbye(
    running_system: RunningSystem, services: Client, anonymous: Client
) -> None:
    anonymous.subscribe(Channel.REPLAY, get_retained=True)
    feed = Feed(services, running_system.home, name="Listed")
    feed.announce()
    for _ in range(3):
        feed.lap()
    feed.goodbye()
    (path,) = feed.finished()
    assert laps(path) == [1, 2, 3]
    listed = eventually(lambda: anonymous.call(RPC.RECORDINGS_MANIFEST, feed.uuid), what="it is listed")
    assert (listed["filename"], listed["duration"]) == (path.name, laps_seconds(path))
    assert listed in anonymous.call(RPC.RECORDINGS_PAGE, 1, "Listed")["recordings"]
    assert "Listed" in anonymous.call(RPC.RECORDINGS_NAMES)
    eventually(
        lambda: any(listed in raw["payload"] for topic, raw, _ in anonymous.events if topic == Channel.REPLAY),
        what="the retained listing has it",
    )


def laps_seconds(path: Path) -> int:
    with Recording(path) as recording:
        return recording.duration


def test_a_new_description_makes_a_second_recording(running_system: RunningSystem, services: Client) -> None:
    feed = Feed(services, running_system.home)
    feed.announce(description="Qualifying")
    feed.lap()
    feed.announce(description="Race")
    feed.lap()
    feed.goodbye()
    first, second = feed.finished(2)
    assert (laps(first), laps(second)) == ([1], [2])
    assert second.name == f"{feed.uuid}_1.zip"


def test_of_an_outsider_nothing_overtakes_its_manifest(
    running_system: RunningSystem, externals: tuple[Client, Client]
) -> None:
    feed = Feed(externals[0], running_system.home)
    feed.announce(description="Qualifying")
    feed.lap()
    before = int(time.time())
    eventually(lambda: int(time.time()) > before, what="the next second")
    feed.laps += 1
    feed.announce(description="Race")
    feed.publish()
    feed.goodbye()
    first, second = feed.finished(2)
    assert (laps(first), laps(second)) == ([1], [2])
    for path in (first, second):
        with Recording(path) as recording:
            assert recording.manifest["external"] == {"name": "club", "url": "https://x"}


def test_killed_the_dvr_loses_no_frame_that_was_on_the_disk_and_goes_on(
    running_system: RunningSystem, services: Client
) -> None:
    feed = Feed(services, running_system.home)
    feed.announce()
    feed.lap()
    feed.lap()
    pid = running_system.pid_of("dvr")
    running_system.kill(pid)
    eventually(lambda: running_system.pid_of("dvr") != pid, what="supervisord starts it again")
    feed.lap()
    feed.goodbye()
    (path,) = feed.finished()
    assert laps(path) == [1, 2, 3]


def test_its_analysis_stands_beside_it_and_no_worker_is_left(running_system: RunningSystem, services: Client) -> None:
    feed = Feed(services, running_system.home, name="Analysed")
    feed.announce()
    feed.lap()
    feed.goodbye()
    (path,) = feed.finished()
    eventually(lambda: list(feed.journals()) == [], what="the journal is gone")
    analysis = orjson.loads(path.with_suffix(".json").read_bytes())
    assert (analysis["service"]["name"], analysis["state"]["cars"]) == ("Analysed", [["7", "RUN", "lap 1"]])
    assert {file.stat().st_mode & 0o777 for file in (path, path.with_suffix(".json"))} == {0o664}
    eventually(lambda: workers(running_system) == [], what="the worker ends")


def test_killed_while_its_worker_runs_the_dvr_takes_it_along_and_finishes_at_its_next_start(
    running_system: RunningSystem, services: Client
) -> None:
    feed = Feed(services, running_system.home)
    feed.announce()
    feed.lap()
    (journal,) = feed.journals()
    with journal.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the worker waits for it
        feed.goodbye()
        (worker,) = eventually(lambda: workers(running_system), what="the worker runs")
        pid = running_system.pid_of("dvr")
        running_system.kill(pid)
        eventually(lambda: not psutil.pid_exists(worker), what="the worker ends with it")
        eventually(lambda: running_system.pid_of("dvr") != pid, what="supervisord starts the DVR again")
        assert list((running_system.home / "recordings").glob(f"{feed.uuid}*")) == []
    (path,) = feed.finished()
    assert laps(path) == [1]
    eventually(lambda: list(feed.journals()) == [] and workers(running_system) == [], what="all is done")


def test_a_worker_that_is_killed_costs_an_attempt_and_nothing_else(
    running_system: RunningSystem, services: Client
) -> None:
    victim, other = Feed(services, running_system.home), Feed(services, running_system.home)
    for feed in (victim, other):
        feed.announce()
        feed.lap()
    (journal,) = victim.journals()
    with journal.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        victim.goodbye()
        (worker,) = eventually(lambda: workers(running_system), what="the worker runs")
        running_system.kill(worker)
        eventually(lambda: "ended by SIGKILL" in running_system.log("dvr"), what="it is told")
        other.goodbye()
        assert laps(other.finished()[0]) == [1]
    pid = running_system.pid_of("dvr")
    running_system.kill(pid)  # rather than wait for the next attempt
    assert laps(victim.finished()[0]) == [1]


def test_what_is_hidden_is_listed_for_our_own_services_only(
    running_system: RunningSystem, services: Client, anonymous: Client
) -> None:
    feed = Feed(services, running_system.home, name="Secret", hidden=True)
    feed.announce()
    feed.lap()
    feed.goodbye()
    eventually(lambda: services.call(RPC.RECORDINGS_PAGE, name="Secret", includeHidden=True)["total"] == 1)
    assert anonymous.call(RPC.RECORDINGS_PAGE, 1, "Secret", True)["total"] == 0
    assert "Secret" in services.call(RPC.RECORDINGS_NAMES, True)
    assert "Secret" not in anonymous.call(RPC.RECORDINGS_NAMES, True)


def test_a_service_that_asks_not_to_be_recorded_is_not(running_system: RunningSystem, services: Client) -> None:
    feed, witness = Feed(services, running_system.home), Feed(services, running_system.home)
    feed.announce(doNotRecord=True)
    services.publish(service_topic(feed.uuid), state_message(feed.state(), _now_ms()))
    witness.announce()
    witness.lap()
    assert feed.recorded() == []
    witness.goodbye()
    witness.finished()
    assert list((running_system.home / "recordings").glob(f"{feed.uuid}*")) == []
