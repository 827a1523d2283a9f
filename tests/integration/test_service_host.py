"""`livetiming-service`, as a person runs it by hand."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from livetiming.network import Channel, Message, MessageClass, command_topic, decode_state, quit_command, service_topic
from livetiming.recording.reader import Recording
from tests.support.client import Client
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

UUID = "e" * 32
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def client(running_system: RunningSystem) -> Iterator[Client]:
    client = Client(running_system.home)
    client.subscribe(service_topic(UUID))
    client.subscribe(Channel.CONTROL)
    yield client
    client.close()


@pytest.fixture
def start(running_system: RunningSystem) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "livetiming.service.cli", "ticking", "--uuid", UUID, "-v", *arguments]
        process = subprocess.Popen(
            command,
            env={**running_system.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()
    (running_system.home / "state" / f"{UUID}.json").unlink(missing_ok=True)


def messages(client: Client, topic: str) -> list[dict[str, Any]]:
    return [raw for heard, raw, _ in client.events if heard == topic]


def of_class(client: Client, message_class: MessageClass) -> list[Any]:
    return [raw["payload"] for raw in messages(client, Channel.CONTROL) if raw["msgClass"] == message_class]


def states(client: Client) -> list[dict[str, Any]]:
    return [decode_state(Message.decode(raw)) for raw in messages(client, service_topic(UUID))]


def told(client: Client) -> list[str]:
    """The texts of the latest state's messages."""
    return [message[2] for state in states(client)[-1:] for message in state["messages"]]


def laps(client: Client) -> list[int]:
    return [state["cars"][0][2] for state in states(client) if state["cars"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_by_a_signal_it_says_goodbye_and_exits_0(client: Client, start: Start, number: signal.Signals) -> None:
    process = start()
    eventually(lambda: len(laps(client)) > 2)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert eventually(lambda: of_class(client, MessageClass.SERVICE_DEREGISTRATION)) == [UUID]


def test_told_by_quit_it_says_goodbye_and_exits_0(client: Client, start: Start) -> None:
    process = start()
    eventually(lambda: laps(client))
    client.publish(command_topic(UUID), quit_command(UUID, "enough", 0))
    assert process.wait(10) == 0
    assert of_class(client, MessageClass.SERVICE_DEREGISTRATION) == [UUID]


def test_what_is_no_quit_is_not_obeyed(client: Client, start: Start) -> None:
    process = start()
    eventually(lambda: laps(client))
    for nonsense in (None, "QUIT", {"type": "RESTART"}, [1]):
        client.publish(command_topic(UUID), nonsense)
    before = len(laps(client))
    eventually(lambda: len(laps(client)) > before + 3)
    assert process.poll() is None


def test_asked_by_the_directory_it_sends_its_manifest(client: Client, start: Start) -> None:
    start("-d", "By hand", "-H", "-m", "other")
    eventually(lambda: of_class(client, MessageClass.SERVICE_REGISTRATION))
    client.events.clear()
    client.publish(Channel.CONTROL, Message(MessageClass.INITIALISE_DIRECTORY, None, 0))
    manifest = eventually(lambda: of_class(client, MessageClass.SERVICE_REGISTRATION))[0]
    assert (manifest["description"], manifest["hidden"], manifest["serviceClass"]) == ("By hand", True, "other")
    assert manifest["colSpec"][0][:2] == ["Num", "text"]


def test_it_answers_for_itself(client: Client, start: Start) -> None:
    start()
    eventually(lambda: laps(client))
    assert client.call(f"livetiming.service.isAlive.{UUID}") is True
    assert client.call(f"livetiming.service.requestState.{UUID}")["cars"][0][0] == "7"


def test_states_go_out_compressed_unless_told_otherwise(client: Client, start: Start) -> None:
    start(LIVETIMING_COMPRESS="no")
    assert eventually(lambda: messages(client, service_topic(UUID)))[0]["msgClass"] == MessageClass.SERVICE_DATA


def test_it_goes_on_from_a_state_and_its_uuid(client: Client, start: Start, running_system: RunningSystem) -> None:
    file = running_system.home / f"{UUID}.json"
    state = {"cars": [["7", "RUN", 1000]], "session": {}, "messages": [], "highlight": []}
    file.write_bytes(orjson.dumps(state))
    start("-s", str(file))
    assert eventually(lambda: laps(client))[0] >= 1000


def test_a_state_that_cannot_be_used_is_told_and_it_begins_anew(
    client: Client, start: Start, running_system: RunningSystem
) -> None:
    file = running_system.home / f"{UUID}.json"
    file.write_text("nonsense")
    process = start("-s", str(file))
    assert eventually(lambda: laps(client))[0] < 1000
    process.terminate()
    assert "cannot be used" in process.communicate(timeout=10)[0]


def test_a_state_that_cannot_be_had_is_told_once_and_tried_again(client: Client, start: Start) -> None:
    process = start("--raise-until", "10")
    assert eventually(lambda: laps(client))[0] >= 10
    process.terminate()
    said = process.communicate(timeout=10)[0]
    assert said.count("the race's state could not be had") == 1
    assert "not yet" in said


def test_by_hand_it_logs_to_a_file_of_its_class(start: Start, client: Client, running_system: RunningSystem) -> None:
    command = [sys.executable, "-m", "livetiming.service.cli", "ticking", "--uuid", UUID]
    process = subprocess.Popen(command, env=running_system.environ, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    eventually(lambda: laps(client))
    process.terminate()
    told = process.communicate(timeout=10)[1].decode()
    file = running_system.home / "log" / "ticking.log"
    assert str(file) in told
    assert "joined the router" in file.read_text()


def test_what_is_unknown_is_told_with_the_nearest_names(running_system: RunningSystem) -> None:
    command = [sys.executable, "-m", "livetiming.service.cli", "tickin"]
    ended = subprocess.run(command, env=running_system.environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "did you mean ticking" in ended.stderr


def test_its_own_recording_is_whole_when_it_has_ended(
    client: Client, start: Start, running_system: RunningSystem
) -> None:
    file = running_system.home / "own.zip"
    process = start("-r", str(file))
    eventually(lambda: len(laps(client)) > 5)
    process.terminate()
    assert process.wait(10) == 0
    with Recording(file) as recording:
        assert recording.manifest["uuid"] == UUID
        assert next(state["cars"][0][0] for _, state in recording.states()) == "7"


def test_a_feed_that_cannot_be_had_is_told_to_viewers_and_so_is_its_end(client: Client, start: Start) -> None:
    start("--gone-for", "12")
    eventually(lambda: "The timing feed is back" in told(client), within=40)
    assert "The timing feed is gone" in told(client)


def test_the_analysis_is_published_and_may_be_asked_for(client: Client, start: Start) -> None:
    client.subscribe(f"livetiming.analysis/{UUID}/", prefix=True)
    start()
    eventually(lambda: laps(client))
    document = client.call(f"livetiming.service.requestAnalysisData.{UUID}")
    assert document["static"] == {"7": ["", "", ""]}
    assert document["service"]["uuid"] == UUID
    published = eventually(lambda: messages(client, f"livetiming.analysis/{UUID}/"))
    assert {raw["msgClass"] for raw in published} == {MessageClass.ANALYSIS_DATA}


def test_without_analysis_there_is_none(client: Client, start: Start) -> None:
    start("--disable-analysis")
    eventually(lambda: laps(client))
    assert client.call(f"livetiming.service.requestAnalysisData.{UUID}") is None
    assert of_class(client, MessageClass.SERVICE_REGISTRATION)[-1]["hasAnalysis"] is False


def test_killed_and_started_again_it_goes_on_with_state_and_analysis(client: Client, start: Start) -> None:
    process = start()
    eventually(lambda: laps(client) and laps(client)[-1] > 8)
    process.kill()
    process.wait(10)
    reached = laps(client)[-1]
    before = len(laps(client))
    start()
    eventually(lambda: len(laps(client)) > before + 3)
    assert laps(client)[before] >= reached - 6  # what was kept is a second old at most
    stint = client.call(f"livetiming.service.requestAnalysisData.{UUID}")["lap"]["7"][0]
    assert stint[0] <= 2
    assert stint[2] >= laps(client)[before]


def test_a_plugin_that_never_answers_does_not_keep_it_from_ending(client: Client, start: Start) -> None:
    process = start("--hang-at", "4")
    eventually(lambda: laps(client)[-1:] == [3])
    process.terminate()
    assert process.wait(10) == 0
    assert of_class(client, MessageClass.SERVICE_DEREGISTRATION) == [UUID]


def test_started_again_it_wipes_nothing_while_the_plugin_knows_no_car(client: Client, start: Start) -> None:
    process = start("--laps", "6")
    assert process.wait(20) == 0
    client.events.clear()
    start("--empty-until", "5")
    eventually(lambda: len(laps(client)) > 3)
    seen = states(client)
    assert all(state["cars"] for state in seen)
    assert laps(client)[0] >= 5


def test_a_plugin_that_says_when_is_not_asked_by_itself(
    client: Client, start: Start, running_system: RunningSystem
) -> None:
    file = running_system.home / "state" / f"{UUID}.json"
    file.write_bytes(orjson.dumps({"cars": [["7", "RUN", 1000]], "session": {}, "messages": [], "highlight": []}))
    process = start("--push")
    eventually(lambda: laps(client))
    process.terminate()
    assert process.wait(10) == 0
    assert set(laps(client)) == {1000}
    assert orjson.loads(file.read_bytes())["cars"] == [["7", "RUN", 1000]]


def test_a_message_that_is_no_json_is_told_and_left_out(client: Client, start: Start) -> None:
    process = start("--odd-messages")
    eventually(lambda: len(laps(client)) > 5)
    process.terminate()
    assert process.communicate(timeout=10)[0].count("a message that is no JSON") == 1
