"""A DVR that is killed again and again while services come, change their names and go.

    python -m tests.support.killed_dvr --services 5 --kills 100 --seconds 300

The router, the directory and `livetiming-dvr` are the real ones; the services are played here. Their recordings are
short, so that some kills come while one is being finished. Every state tells whose it is, under which name, and its
number. What the journals hold right before a kill is acknowledged: it must be in the finished recordings, and each of
these must hold the states of one service under one name.
"""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from autobahn.wamp.exception import ApplicationError
from twisted.internet.task import LoopingCall

from livetiming.network import RPC, Channel, Message, MessageClass, service_topic, state_message
from livetiming.publishing import forget_state
from livetiming.recording.format import decode_intra, decode_keyframe
from livetiming.recording.reader import Recording
from livetiming.state import State
from orchestrator.dvr.journal import BadRecord, RecordKind, read
from tests.support.client import Client, in_reactor
from tests.support.system import RunningSystem, new_home, remove_home
from tests.support.waiting import eventually

FRAME_SECONDS = 0.4  # between two states of a service: some share a second
LIFE_SECONDS = (2.0, 12.0)  # of one name, and of an absence
CARS = 20
FINISHING_SHARE = 0.4  # of the kills wait until a recording is being finished
WORK_SECONDS = 0.4  # about as long as that takes here
DRAIN_SECONDS = 300.0  # for the recordings that wait for their turn at the end

Slot = tuple[str, str, int]  # uuid, name, Unix second: of several states in it the newest is kept


@dataclass
class Service:
    """A service as the router sees one. Everything here happens in the reactor's thread."""

    client: Client
    uuid: str
    rng: random.Random
    names: int = 0
    on_air: bool = False
    number: int = 0  # of its newest state
    change_at: float = 0.0

    def begin(self) -> None:
        router = self.client.router
        router.register(f"{RPC.IS_ALIVE}{self.uuid}", lambda **_: self._present())
        router.register(f"{RPC.REQUEST_STATE}{self.uuid}", lambda **_: self._present() and self.state())
        router.subscribe(Channel.CONTROL, self._controlled)

    @property
    def name(self) -> str:
        return f"race {self.names}"

    def state(self) -> State:
        """Tells whose it is; every fifth time a car is missing, so that lists get shorter."""
        cars = [[str(car), "RUN", self.number, [90 + car / 7, ""]] for car in range(CARS - (self.number % 5 == 0))]
        told = {"flagState": "green", "of": self.uuid, "under": self.name, "number": self.number}
        message = [self.number, "Track", f"{self.name}, {self.number}", ""]
        return {"cars": cars, "session": told, "messages": [message], "highlight": []}

    def act(self, now: float) -> None:
        """Publish, after a change of name, a goodbye or a return where it is time for one."""
        if now >= self.change_at:
            self._change()
            self.change_at = now + self.rng.uniform(*LIFE_SECONDS) / (1 if self.on_air else 4)
        if self.on_air:
            self.number += 1
            self.client.router.publish(service_topic(self.uuid), state_message(self.state(), _now_ms()))

    def _change(self) -> None:
        if self.on_air and self.rng.random() < 0.5:
            self.leave()
            return
        if self.on_air or self.rng.random() < 0.7:  # else it returns as what it was
            self.names += 1
        self.on_air = True
        self._announce()

    def leave(self) -> None:
        if self.on_air:
            self.on_air = False
            self.client.router.publish(
                Channel.CONTROL, Message(MessageClass.SERVICE_DEREGISTRATION, self.uuid, _now_ms())
            )
            forget_state(self.client.router, self.uuid, _now_ms())

    def _announce(self) -> None:
        manifest = {"uuid": self.uuid, "name": "Killed", "description": self.name, "serviceClass": "x", "colSpec": []}
        self.client.router.publish(Channel.CONTROL, Message(MessageClass.SERVICE_REGISTRATION, manifest, _now_ms()))

    def _present(self) -> bool:
        if not self.on_air:
            raise ApplicationError("wamp.error.no_such_procedure")
        return True

    def _controlled(self, raw: Any, _details: Any) -> None:
        if self.on_air and raw.get("msgClass") == MessageClass.INITIALISE_DIRECTORY:
            self._announce()


class KilledDvr:
    """The DVR as a child of ours: supervisord waits before it starts again what was killed, and we do not."""

    def __init__(self, system: RunningSystem) -> None:
        self.environ = system.environ
        self.log = (system.home / "killed-dvr.log").open("w")
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "orchestrator.dvr.daemon"]
        self.process = subprocess.Popen(
            command, env=self.environ, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT
        )

    def workers(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.log.close()


@dataclass
class Report:
    """What came of it. `lost`, `mixed` and `left` are sentences, one for each fault."""

    published: int = 0
    kills: int = 0
    while_finishing: int = 0  # kills while a worker was making a file
    without_news: int = 0  # kills before the DVR had written a state since the last one
    acknowledged: dict[Slot, int] = field(default_factory=dict)
    recordings: int = 0
    frames: int = 0
    lost: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # files that should not be there, or are not


def live_through(folder: Path, services: int, kills: int, seconds: float, rng: random.Random) -> Report:
    """Let the services live, kill the DVR at `kills` random moments, and look at what it recorded."""
    system = RunningSystem(folder)
    # A service that went while the DVR was down is asked for 3 s.
    system.environ["LIVETIMING_DVR_TIMEOUT"] = "3"
    try:
        system.start()
        assert system.run("ctl", "stop", "dvr").returncode == 0
        eventually(lambda: system.state_of("dvr") == "STOPPED", what="supervisord's own DVR has ended")
        client = Client(folder)
        try:
            report = _kill_and_look(system, client, services, kills, seconds, rng)
        finally:
            client.close()
    finally:
        system.end()
    _judge(folder / "recordings", report)
    return report


def _kill_and_look(
    system: RunningSystem, client: Client, services: int, kills: int, seconds: float, rng: random.Random
) -> Report:
    report = Report()
    played = [Service(client, f"{rng.getrandbits(128):032x}", random.Random(rng.random())) for _ in range(services)]
    feed = Feed(played)
    dvr = KilledDvr(system)
    try:
        in_reactor(feed.start)
        for _ in range(kills):
            time.sleep(rng.uniform(0.05, 2 * seconds / kills))  # until the moment that was drawn
            if rng.random() < FINISHING_SHARE:
                with suppress(AssertionError):  # none is being finished
                    eventually(dvr.workers, within=LIFE_SECONDS[1])
                    time.sleep(rng.uniform(0, WORK_SECONDS))  # a moment of its work
            _kill(dvr, system.home, report)
        in_reactor(feed.stop)
        report.published = sum(service.number for service in played)
        temp = system.home / "recordings-temp"
        eventually(lambda: not list(temp.glob("*.journal")), within=DRAIN_SECONDS, what="every recording is finished")
    finally:
        dvr.end()
    return report


class Feed:
    """All services, acting in the reactor's thread."""

    def __init__(self, services: list[Service]) -> None:
        self.services = services
        self.loop = LoopingCall(self._act)

    def start(self) -> None:
        for service in self.services:
            service.begin()
        self.loop.start(FRAME_SECONDS)

    def stop(self) -> None:
        self.loop.stop()
        for service in self.services:
            service.leave()

    def _act(self) -> None:
        for service in self.services:
            service.act(time.monotonic())


def _kill(dvr: KilledDvr, home: Path, report: Report) -> None:
    """Note what the journals hold, kill -9, and start it again at once. Its worker ends by itself."""
    assert dvr.process.poll() is None, "the DVR ended by itself"
    workers = dvr.workers()
    before = len(report.acknowledged)
    for path in (home / "recordings-temp").glob("*.journal"):
        for slot, number in held(path):
            report.acknowledged[slot] = max(number, report.acknowledged.get(slot, 0))
    dvr.kill()
    report.kills += 1
    report.while_finishing += bool(workers)
    report.without_news += len(report.acknowledged) == before
    dvr.start()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, f"left by a DVR that was killed: {alive}"


def held(journal: Path) -> Iterator[tuple[Slot, int]]:
    """Slot and number of each state in a journal, as far as it can be read."""
    state: State | None = None
    with suppress(BadRecord, FileNotFoundError):  # it is being written; it is finished
        for record, _behind in read(journal):
            if record.kind is RecordKind.KEY:
                state = decode_keyframe(record.payload)
            elif record.kind is RecordKind.INTRA and state is not None:
                state = decode_intra(state, record.payload)
            else:
                continue
            yield _slot(record.second, state), state["session"]["number"]


def _slot(second: int, state: State) -> Slot:
    return state["session"]["of"], state["session"]["under"], second


def _judge(folder: Path, report: Report) -> None:
    """Read every recording, and compare."""
    recorded: dict[Slot, int] = {}
    seen: dict[tuple[str, int], str] = {}  # uuid and number of a state → the file that has it
    for path in sorted(folder.glob("*.zip")):
        report.recordings += 1
        with Recording(path) as recording:
            _judge_one(recording, report)
            for second, state in recording.states():
                number = state["session"]["number"]
                slot = _slot(second, state)
                recorded[slot] = max(number, recorded.get(slot, 0))
                if (other := seen.setdefault((slot[0], number), path.name)) != path.name:
                    report.mixed.append(f"{path.name}: state {number} is in {other} too")
    report.frames = len(seen)
    report.left = [f"{path.name}: half a file" for path in folder.iterdir() if path.suffix not in (".zip", ".json")]
    report.left += [
        f"{path.name}: no analysis" for path in folder.glob("*.zip") if not path.with_suffix(".json").exists()
    ]
    report.lost = [
        f"{slot}: state {number} was acknowledged, and {recorded.get(slot)} is there"
        for slot, number in report.acknowledged.items()
        if recorded.get(slot, -1) < number
    ]


def _judge_one(recording: Recording, report: Report) -> None:
    name = recording.path.name
    states = [state["session"] for _second, state in recording.states()]
    numbers = [state["number"] for state in states]
    whose = {(state["of"], state["under"]) for state in states}
    told = (recording.manifest["uuid"], recording.manifest["description"])
    if whose != {told} or not name.startswith(told[0]):
        report.mixed.append(f"{name}: {told} holds states of {sorted(whose)}")
    if numbers != sorted(set(numbers)):
        report.mixed.append(f"{name}: its states are out of order: {numbers}")


def _now_ms() -> int:
    return int(time.time() * 1000)


def main() -> int:
    """Print a table; exit 1 if there is a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--services", type=int, default=5)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seconds", type=float, default=300)
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    folder = new_home()
    try:
        report = live_through(folder, args.services, args.kills, args.seconds, random.Random(args.seed))
    finally:
        remove_home(folder)
    rows = {
        "kills": report.kills,
        "… while a recording was being finished": report.while_finishing,
        "… with no new state on the disk since the last": report.without_news,
        "states published": report.published,
        "seconds acknowledged before a kill": len(report.acknowledged),
        "recordings": report.recordings,
        "frames in them": report.frames,
        "lost": len(report.lost),
        "mixed": len(report.mixed),
        "half files, and missing analyses": len(report.left),
    }
    for what, count in rows.items():
        print(f"{what:48} {count:7}")
    faults = [*report.lost, *report.mixed, *report.left]
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
