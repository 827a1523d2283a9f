"""The plugin `replay` as a real service: what its viewers see of a recording."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import orjson
import pytest

from livetiming.racing import Stat
from livetiming.recording.format import Chain, advance
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from livetiming.service.checking import RefusedOption, check_calendar_options
from livetiming.state import RaceMessage, State
from tests.support.client import Client
from tests.support.system import RunningSystem
from tests.support.viewed_service import ViewedService
from tests.support.waiting import eventually

NOON = 1_700_000_000
RECORDED = "0123456789abcdef0123456789abcdef"
MANIFEST = {
    "uuid": RECORDED,
    "name": "FIA WEC",
    "description": "6h of Spa - Race",
    "serviceClass": "wec",
    "colSpec": [stat.column() for stat in (Stat.NUM, Stat.STATE, Stat.CLASS, Stat.DRIVER, Stat.LAPS)],
    "trackDataSpec": ["Air temp"],
    "source": ["A timekeeper", "https://timing.example"],
    "pollInterval": 5,
    "hidden": True,
    "doNotRecord": True,
}
PIT: RaceMessage = [NOON + 3, "LMGT3", "#7 (Conway) has entered the pits", "pit", "7"]
RACE_CONTROL: RaceMessage = [NOON + 4, "Race Control", "CAR 7 UNDER INVESTIGATION", "raceControl", "7"]
GREEN: RaceMessage = [NOON + 5, "Track", "Green flag - the track is clear", "green"]


def lap(second: int) -> State:
    """Car 7 runs, pits at second 3, and gets a word of race control at 4; the flag turns green at 5."""
    messages = [message for message in (GREEN, RACE_CONTROL, PIT) if message[0] <= NOON + second]
    session = {
        "flagState": "green" if second >= 5 else "red",
        "timeElapsed": second,
        "trackData": ["21°C"],
        "pauseClocks": False,
    }
    row = ["7", "PIT" if second >= 3 else "RUN", "LMGT3", "Conway", second]
    return {"cars": [row], "session": session, "messages": messages, "highlight": []}


def record(target: Path, seconds: Sequence[int] = range(13)) -> Path:
    """A recording with a frame at each of these seconds after noon."""
    target.parent.mkdir(parents=True, exist_ok=True)
    chain = Chain()
    with RecordingWriter(target) as writer:
        for second in seconds:
            chain, frame = advance(chain, NOON + second, lap(second))
            writer.add(frame)
        writer.finish(MANIFEST)
    return target


def with_bad_entry(source: Path, target: Path, entry: str) -> Path:
    """A copy in which one entry is no JSON."""
    with ZipFile(source) as old, ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"{nonsense" if name == entry else old.read(name))
    return target


class Replay(ViewedService):
    """A replay of car 7's race."""

    def laps(self) -> list[int]:
        """What stands in the one car's Laps, without repetitions."""
        seen = [state["cars"][0][4] for state in self.states() if state["cars"]]
        return [lap for index, lap in enumerate(seen) if not index or lap != seen[index - 1]]


@pytest.fixture
def replay(running_system: RunningSystem) -> Iterator[Callable[[], Replay]]:
    client = Client(running_system.home)
    made: list[Replay] = []

    def make() -> Replay:
        made.append(Replay(running_system, client, "replay"))
        return made[-1]

    yield make
    for each in made:
        each.kill()
    client.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return record(tmp_path / "race.zip")


def test_it_is_the_recorded_service_under_a_uuid_of_its_own(replay: Callable[[], Replay], file: Path) -> None:
    service = replay()
    service.start("--file", str(file))
    manifest = service.manifest()
    assert {key: manifest.get(key) for key in ("name", "description", "colSpec", "trackDataSpec", "source")} == {
        key: MANIFEST[key] for key in ("name", "description", "colSpec", "trackDataSpec", "source")
    }
    assert (manifest["serviceClass"], manifest["hidden"], manifest["uuid"]) == ("replay", False, service.uuid)
    assert "doNotRecord" not in manifest


def test_a_name_that_is_given_wins(replay: Callable[[], Replay], file: Path) -> None:
    service = replay()
    service.start("--file", str(file), "-d", "Spa once more")
    assert service.manifest()["description"] == "Spa once more"


def test_its_frames_come_in_order_and_the_last_one_stays(replay: Callable[[], Replay], file: Path) -> None:
    service = replay()
    service.start("--file", str(file), "--speed", "2")
    eventually(lambda: service.laps()[-1:] == [12])
    laps, last = service.laps(), service.states()[-1]
    assert laps == sorted(laps)
    assert len(laps) > 3
    assert {key: last["session"][key] for key in ("timeElapsed", "recordedAt", "trackData", "pauseClocks")} == {
        "timeElapsed": 12,
        "recordedAt": NOON + 12,
        "trackData": ["21°C"],
        "pauseClocks": True,  # nobody's clock runs on
    }


def test_every_message_is_told_once_with_a_time_of_now(replay: Callable[[], Replay], file: Path) -> None:
    began = int(time.time())
    service = replay()
    service.start("--file", str(file), "--speed", "2")
    eventually(lambda: service.laps()[-1:] == [12])
    told = service.states()[-1]["messages"]
    assert sorted(message[1:] for message in told) == sorted(message[1:] for message in (GREEN, RACE_CONTROL, PIT))
    assert all(began - 10 <= message[0] <= time.time() for message in told)


def test_what_was_said_before_it_begins_is_there_as_a_viewer_then_would_have_seen_it(
    replay: Callable[[], Replay], file: Path
) -> None:
    service = replay()
    service.start("--file", str(file), "--start-at", "0:00:08")
    first = eventually(service.states)[0]
    assert first["cars"][0][4] == 8
    assert [message[1:] for message in first["messages"]] == [GREEN[1:], RACE_CONTROL[1:], PIT[1:]]
    assert [first["messages"][0][0] - message[0] for message in first["messages"]] == pytest.approx([0, 1, 2], abs=1)


def test_it_may_begin_at_a_unix_second(replay: Callable[[], Replay], file: Path) -> None:
    service = replay()
    service.start("--file", str(file), "--start-at", f"@{NOON + 10}")
    assert eventually(service.laps)[0] == 10


def test_a_loop_begins_again_and_the_jump_is_not_told_as_what_cars_did(
    replay: Callable[[], Replay], tmp_path: Path
) -> None:
    service = replay()
    service.start("--file", str(record(tmp_path / "short.zip", range(5))), "--speed", "4", "--loop")
    eventually(lambda: service.laps().count(4) > 1)
    laps = service.laps()
    assert laps[laps.index(4) + 1] < 3
    texts = [message[2] for message in service.states()[-1]["messages"]]
    assert not [text for text in texts if "left the pits" in text]
    assert texts.count(RACE_CONTROL[2]) == 2


def test_started_again_it_goes_on_where_it_was_and_tells_nothing_twice(
    replay: Callable[[], Replay], file: Path
) -> None:
    service = replay()
    service.start("--file", str(file))
    eventually(lambda: service.laps()[-1:] == [6])
    service.end()
    seen = len(service.states())
    service.start("--file", str(file))
    eventually(lambda: len(service.states()) > seen and service.laps()[-1] >= 9)
    assert all(state["cars"][0][4] >= 6 for state in service.states()[seen:])
    told = [message[2] for message in service.states()[-1]["messages"]]
    assert sorted(told) == sorted(message[2] for message in (GREEN, RACE_CONTROL, PIT))


def test_a_state_of_something_else_is_not_gone_on_from(
    replay: Callable[[], Replay], file: Path, running_system: RunningSystem
) -> None:
    service = replay()
    kept = running_system.home / "state" / f"{service.uuid}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(orjson.dumps({**lap(9), "session": {"recordedAt": 5}}))
    service.start("--file", str(file), "--start-at", "1")
    assert eventually(service.laps)[0] == 1
    assert service.states()[0]["messages"] == []


def test_frames_that_cannot_be_read_are_passed_over_and_told_once(
    replay: Callable[[], Replay], file: Path, tmp_path: Path
) -> None:
    bad = with_bad_entry(file, tmp_path / "bad.zip", "01700000004i.json")  # and so 5 to 9, up to the next keyframe
    service = replay()
    service.start("--file", str(bad), "--speed", "2", "--start-at", "2")
    eventually(lambda: service.laps()[-1:] == [12])
    assert not {4, 5, 6, 7, 8, 9} & set(service.laps())
    logged = service.end()
    assert logged.count("01700000004i.json") == 1
    assert "frames of the recording could not be read" in logged


def test_one_of_the_catalogue_is_named_by_its_uuid(replay: Callable[[], Replay], running_system: RunningSystem) -> None:
    folder = running_system.home / "recordings"
    record(folder / f"{RECORDED}.zip", range(3))
    record(folder / f"{RECORDED}_1.zip", range(100, 103))
    for name, first in ((RECORDED, 0), (f"{RECORDED}:1", 100), (f"{RECORDED}_1", 100)):
        service = replay()
        service.start("--recording", name)
        assert eventually(service.laps)[0] == first


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--file", "/nowhere/race.zip"], "No such file"),
        (["--file", __file__], "no ZIP"),
        (["--recording", "../../etc/passwd"], "no uuid of a recording"),
        (["--recording", RECORDED, "--file", "x.zip"], "not allowed with"),
        ([], "required"),
        (["--file", "FILE", "--speed", "0.05"], "less than 0.1"),
        (["--file", "FILE", "--speed", "101"], "up to 100"),
        (["--file", "FILE", "--start-at", "soon"], "neither h:mm:ss nor @UNIX"),
        (["--file", "FILE", "--start-at", "1:00:00"], "lasts 12 s"),
    ],
)
def test_what_cannot_be_played_is_a_usage_error(options: list[str], why: str, file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "livetiming.service.cli", "replay", *options]
    ended = subprocess.run(
        [str(file) if word == "FILE" else word for word in command],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert why in ended.stderr


def test_an_event_may_name_one_of_the_catalogue_but_no_file() -> None:
    check_calendar_options("replay", ["--recording", f"{RECORDED}:1", "--speed", "4"])
    with pytest.raises(RefusedOption):
        check_calendar_options("replay", ["--file", "/etc/passwd"])


def test_the_test_recording_has_the_keyframes_that_the_tests_rely_on(file: Path) -> None:
    with Recording(file) as recording:
        assert [frame.second - NOON for frame in recording.frames() if frame.kind == "k"] == [0, 10]
