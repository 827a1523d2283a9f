"""A viewer who comes late rewinds: the real router, DVR and catalogue, and a service that a test plays."""

import os
import subprocess
import sys
import time
import uuid as uuids
from pathlib import Path
from typing import Any

import orjson

from livetiming.network import RPC, Channel, Message, MessageClass, compressed_state_message, service_topic
from livetiming.recording.analysed import analyse
from livetiming.recording.format import apply_intra
from livetiming.recording.reader import Recording
from livetiming.state import State
from tests.support.client import Client, in_reactor
from tests.support.recorded import MANIFEST, lap
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

FIRST, MORE = 40, 12  # laps


class Service:
    """A service whose laps are a second apart; it publishes them as fast as the router takes them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.uuid = uuids.uuid4().hex
        self.published: dict[int, State] = {}  # by Unix s
        self.begin = int(time.time()) - FIRST - MORE  # the dates of messages count that are at most 60 s old
        in_reactor(client.router.register, f"{RPC.IS_ALIVE}{self.uuid}", lambda **_: True)
        self._control(MessageClass.SERVICE_REGISTRATION, {**MANIFEST, "uuid": self.uuid})

    def laps(self, count: int) -> None:
        """Publish the next laps."""
        for _ in range(count):
            number = len(self.published)
            second, state = self.begin + number, lap(number)
            self.client.publish(service_topic(self.uuid), compressed_state_message(orjson.dumps(state), second * 1000))
            self.published[second] = state

    def goodbye(self) -> None:
        """Leave."""
        self._control(MessageClass.SERVICE_DEREGISTRATION, self.uuid)

    def _control(self, message_class: MessageClass, payload: Any) -> None:
        self.client.publish(Channel.CONTROL, Message(message_class, payload, int(time.time() * 1000)))


def rewound(anonymous: Client, uuid: str, begin: int, end: int) -> dict[int, State]:
    """What a viewer sees from `begin` to `end`, by Unix second."""
    seen: dict[int, State] = {}
    state: State = {}
    following: int | None = begin
    while following is not None:
        answer = anonymous.call(RPC.RECORDINGS_FRAMES, uuid, following, end)
        for second, kind, body in answer["frames"]:
            state = body if kind == "k" else apply_intra(state, body)
            state.pop("lastUpdated", None)
            seen[second] = state
        following = answer["next"]
    return seen


def test_a_viewer_who_comes_late_sees_what_was_published_before_and_after_the_end(
    running_system: RunningSystem, services: Client, anonymous: Client
) -> None:
    service = Service(services)
    uuid, begin = service.uuid, service.begin
    service.laps(FIRST)
    newest = begin + FIRST - 1
    eventually(lambda: anonymous.call(RPC.RECORDINGS_STATE_AT, uuid, newest) == lap(FIRST - 1), what="all is recorded")
    assert rewound(anonymous, uuid, begin, newest) == service.published

    service.laps(MORE)
    newest += MORE
    eventually(lambda: anonymous.call(RPC.RECORDINGS_STATE_AT, uuid, newest) == lap(FIRST + MORE - 1))
    assert rewound(anonymous, uuid, begin, newest) == service.published
    assert anonymous.call(RPC.RECORDINGS_STATE_AT, uuid, newest + 3600) == lap(FIRST + MORE - 1)
    assert anonymous.call(RPC.RECORDINGS_STATE_AT, uuid, begin - 1) is None

    service.goodbye()
    finished = running_system.home / "recordings" / f"{uuid}.zip"

    def is_finished() -> bool:
        """Looks on all the while: there is never an error, nor a gap."""
        assert anonymous.call(RPC.RECORDINGS_STATE_AT, uuid, begin + 7) == lap(7)
        assert rewound(anonymous, uuid, begin, newest) == service.published
        return finished.exists() and not list((running_system.home / "recordings-temp").glob(f"{uuid}.*"))

    eventually(is_finished, what="the recording is finished")
    assert is_finished()
    assert anonymous.call(RPC.RECORDINGS_STATE_AT, uuid, newest + 3600) is None


def test_the_analysis_beside_a_recording_is_the_one_that_the_command_makes(
    running_system: RunningSystem, services: Client
) -> None:
    service = Service(services)
    service.laps(FIRST)
    followed = start_following(running_system, service.uuid)
    try:
        target = running_system.home / "followed.json"
        eventually(target.exists, what="the first analysis")
        service.laps(MORE)
        service.goodbye()
        _, err = followed.communicate(timeout=60)
    finally:
        followed.kill()
        followed.wait(10)
    assert followed.returncode == 0, err
    finished = running_system.home / "recordings" / f"{service.uuid}.zip"
    beside = finished.with_suffix(".json")
    eventually(beside.exists, what="the analysis is there")
    with Recording(finished) as recording:
        document = orjson.loads(orjson.dumps(analyse(recording)))
    assert orjson.loads(beside.read_bytes()) == document
    assert orjson.loads(target.read_bytes()) == document


def start_following(system: RunningSystem, uuid: str) -> "subprocess.Popen[str]":
    """`livetiming-analysis --follow`, once there is something to follow."""
    temp: Path = system.home / "recordings-temp"
    eventually(lambda: list(temp.glob(f"{uuid}.*.journal")), what="the recording is in progress")
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "orchestrator.recordings.analysis_cli",
            "--follow",
            uuid,
            "-o",
            str(system.home / "followed.json"),
        ],
        env={**os.environ, "LIVETIMING_HOME": str(system.home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
