"""Result files made into a recording by `livetiming-chrono`, and played by a real service."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from livetiming.chrono.board import Board
from livetiming.chrono.cli import main
from livetiming.chrono.formats.alkamel import read
from livetiming.network import RPC, Message, command_topic, decode_state, quit_command, service_topic
from livetiming.recording.format import KEYFRAME_EVERY, Kind
from livetiming.recording.reader import Recording
from livetiming.state import State
from tests.support.client import Client
from tests.support.system import RunningSystem
from tests.support.waiting import eventually
from tests.unit.chrono.cards import card, cards

WEC = "wec-2025-cota_6h.csv"
RACE = [
    *[card("7", lap, f"{lap * 90}.000", FLAG_AT_FL="GF" if lap < 3 else "FF") for lap in (1, 2, 3)],
    *[card("8", lap, f"{lap * 91}.000", LAP_TIME="1:31.000", S3="31.000") for lap in (1, 2)],
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A race of four and a half minutes."""
    path = tmp_path / "race-of-cats.csv"
    path.write_bytes(cards(*RACE))
    return path


class TestTheTool:
    def made(self, capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
        """What it says of the recording that it made."""
        assert main(["alkamel", "--json", *map(str, arguments)]) == 0
        made: dict[str, Any] = orjson.loads(capsys.readouterr().out)
        return made

    def test_a_whole_real_race_becomes_a_recording(
        self, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        laps, out = data / "alkamel" / WEC, tmp_path / "race.zip"
        when = ("--date", "2025-09-07", "--timezone", "America/Chicago", "--duration", "6:00:00")
        made = self.made(capsys, "-i", laps, "-o", out, *when, "--name", "FIA WEC", "--description", "COTA")
        board = Board(read(laps.read_bytes(), {}), 1757268000.317, 21600)
        board.advance(board.ends)
        with Recording(out) as recording:
            assert (recording.manifest["name"], recording.manifest["description"]) == ("FIA WEC", "COTA")
            assert recording.manifest["uuid"] == made["uuid"]
            assert [column[0] for column in recording.manifest["colSpec"]] == [stat.title for stat in board.columns]
            assert (len(recording), recording.duration) == (made["frames"], made["duration"])
            assert recording.start == 1757268000 - 10  # 13:00:00.317 in Texas, and the grid
            states = dict(recording.states())
            assert list(states) == list(range(recording.start, recording.end + 1))
            assert states[recording.end]["cars"] == orjson.loads(orjson.dumps(board.cars()))
            assert states[recording.start + 1000]["session"]["timeRemain"] == pytest.approx(20610.317)
            self.keyframes_are_where_they_must_be(recording)

    def keyframes_are_where_they_must_be(self, recording: Recording) -> None:
        run = 0
        for frame in recording.frames():
            run = 1 if frame.kind is Kind.KEY else run + 1
            assert run <= KEYFRAME_EVERY
            if frame.kind is Kind.KEY:
                assert orjson.loads(frame.body)["lastUpdated"] == frame.second * 1000

    def test_the_same_race_is_the_same_recording_byte_for_byte(
        self, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        one, two = tmp_path / "one.zip", tmp_path / "two.zip"
        assert self.made(capsys, "-i", file, "-o", one)["uuid"] == self.made(capsys, "-i", file, "-o", two)["uuid"]
        assert one.read_bytes() == two.read_bytes()

    def test_another_description_is_another_recording(
        self, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        one = self.made(capsys, "-i", file, "-o", tmp_path / "one.zip")
        two = self.made(capsys, "-i", file, "-o", tmp_path / "two.zip", "--description", "Cats again")
        assert one["uuid"] != two["uuid"]

    def test_in_a_folder_it_is_named_as_the_catalogue_wants_it(
        self, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = self.made(capsys, "-i", file, "-o", tmp_path)
        assert Path(made["file"]) == tmp_path / f"{made['uuid']}.zip"
        assert Path(made["file"]).is_file()

    def test_its_result_is_one_line(self, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "race.zip"
        assert main(["alkamel", "-i", str(file), "-o", str(out)]) == 0
        said = capsys.readouterr()
        with Recording(out) as recording:
            assert said.out == f"{recording.manifest['uuid']}  311 frames  0:05:10  {out}\n"
        assert "2000-01-01" in said.err
        assert "\r" not in said.err  # no progress where nobody looks

    def test_on_a_terminal_it_shows_how_far_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "long.csv").write_bytes(cards(card(elapsed="30:00.000", LAP_TIME="", S1="", S2="", S3="")))
        terminal, end = pty.openpty()
        command = ["alkamel", "-i", str(tmp_path / "long.csv"), "-o", str(tmp_path / "race.zip")]
        subprocess.run([sys.executable, "-m", "livetiming.chrono.cli", *command], stderr=end, check=True)
        os.close(end)
        with os.fdopen(terminal, "rb", buffering=0) as screen:
            said = screen.read(10_000).decode()
        assert "\r 27%\r 54%\r 81%\r    \r" in said

    def test_what_is_there_is_not_overwritten_without_force(
        self, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "race.zip"
        out.write_text("precious")
        assert main(["alkamel", "-i", str(file), "-o", str(out)]) == 2
        assert out.read_text() == "precious"
        assert "--force" in capsys.readouterr().err
        assert main(["alkamel", "-i", str(file), "-o", str(out), "--force"]) == 0
        Recording(out).close()

    def test_its_input_is_never_overwritten(self, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        before = file.read_bytes()
        assert main(["alkamel", "-i", str(file), "-o", str(file), "--force"]) == 2
        assert file.read_bytes() == before

    def test_lines_that_cannot_be_read_are_told_and_the_others_recorded(
        self, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file.write_bytes(file.read_bytes()[:-40])
        out = tmp_path / "race.zip"
        assert main(["alkamel", "-i", str(file), "-o", str(out)]) == 1
        assert "laps: 1 line could not be read in full (6), e.g. '8;" in capsys.readouterr().err
        with Recording(out) as recording:
            last = recording.state_at(recording.end)
            assert last is not None
            assert [row[0] for row in last["cars"]] == ["7", "8"]

    @pytest.mark.parametrize(
        ("arguments", "code", "why"),
        [
            (["alkamel", "-i", "/nowhere/laps.csv", "-o", "OUT"], 1, "No such file"),
            (["alkamel", "-i", "FILE", "-o", "/nowhere/out.zip"], 1, "No such file"),
            (["alkamel", "-i", __file__, "-o", "OUT"], 1, "holds no lap"),
            (["alkamel", "-i", "FILE", "--results", "/nowhere.csv", "-o", "OUT"], 1, "No such file"),
        ],
    )
    def test_what_cannot_be_made_is_told(
        self, arguments: list[str], code: int, why: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        named = {"FILE": str(file), "OUT": str(tmp_path / "race.zip")}
        assert main([named.get(word, word) for word in arguments]) == code
        assert why in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == [file.name]

    @pytest.mark.parametrize(
        "arguments", [[], ["stone", "-i", "a", "-o", "b"], ["alkamel", "-i", "a"], ["alkamel", "-o", "a"]]
    )
    def test_used_wrongly_it_exits_2(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2

    @pytest.mark.parametrize("arguments", [["--help"], ["alkamel", "--help"]])
    def test_its_help_has_examples(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert "examples:" in capsys.readouterr().out


class Playing:
    """One service, and what a viewer has heard of it."""

    def __init__(self, system: RunningSystem, client: Client) -> None:
        self.uuid = uuid4().hex
        self.client = client
        self.process: subprocess.Popen[str] | None = None
        self._system = system
        client.subscribe(service_topic(self.uuid))

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "livetiming.service.cli", "chrono", "-v", "--uuid", self.uuid, *options]
        self.process = subprocess.Popen(
            command,
            env=self._system.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self.process

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.communicate()

    def states(self) -> list[State]:
        heard = [raw for topic, raw, _ in self.client.events if topic == service_topic(self.uuid)]
        states = [decode_state(Message.decode(raw)) for raw in heard if raw is not None and raw["msgClass"] in (4, 8)]
        return [state for state in states if state["cars"]]  # the last word of a service has none

    def clocks(self) -> list[float]:
        return [state["session"]["timeElapsed"] for state in self.states()]

    def flag(self) -> str:
        states = self.states()
        return states[-1]["session"]["flagState"] if states else ""


@pytest.fixture
def playing(running_system: RunningSystem) -> Iterator[Callable[[], Playing]]:
    client = Client(running_system.home)
    made: list[Playing] = []

    def make() -> Playing:
        made.append(Playing(running_system, client))
        return made[-1]

    yield make
    for each in made:
        each.kill()
    client.close()


class TestTheService:
    def test_a_whole_real_race_as_fast_as_it_goes(self, playing: Callable[[], Playing], data: Path) -> None:
        laps = data / "alkamel" / WEC
        board = Board(read(laps.read_bytes(), {}), 0)
        board.advance(board.ends)
        service = playing()
        service.start("--file", str(laps), "--speed", "max")
        eventually(lambda: service.flag() == "chequered" and service.states()[-1]["session"]["pauseClocks"])
        eventually(lambda: service.clocks()[-1] == pytest.approx(board.ends, abs=0.001))
        assert service.states()[-1]["cars"] == orjson.loads(orjson.dumps(board.cars()))
        assert service.client.call(f"{RPC.IS_ALIVE}{service.uuid}") is True

    def test_told_to_quit_in_the_race_it_does(self, playing: Callable[[], Playing], file: Path) -> None:
        service = playing()
        process = service.start("--file", str(file))
        eventually(service.states)
        service.client.publish(command_topic(service.uuid), quit_command(service.uuid, "enough", 0))
        assert process.wait(10) == 0

    def test_it_tells_what_happens_as_a_live_race_does(self, playing: Callable[[], Playing], file: Path) -> None:
        service = playing()
        service.start("--file", str(file), "--speed", "40")
        eventually(lambda: service.flag() == "chequered")
        clocks = service.clocks()
        assert clocks == sorted(clocks)
        texts = [message[2] for message in service.states()[-1]["messages"]]
        assert "Chequered flag" in texts
        assert "Green flag - the track is clear" in texts
        assert any("new overall best: 1:30.000" in text for text in texts)

    def test_killed_and_started_again_it_goes_on(self, playing: Callable[[], Playing], file: Path) -> None:
        service = playing()
        process = service.start("--file", str(file), "--speed", "20", "--start-at", "1:00")
        eventually(lambda: service.clocks() and service.clocks()[-1] > 120)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before, seen = service.clocks()[-1], len(service.states())
        service.start("--file", str(file), "--speed", "20", "--start-at", "1:00")
        eventually(lambda: len(service.states()) > seen)
        assert before - 50 <= service.clocks()[seen] <= before + 50  # not at 1:00 again

    def test_lines_that_cannot_be_read_are_logged(self, playing: Callable[[], Playing], file: Path) -> None:
        file.write_bytes(file.read_bytes()[:-40])
        service = playing()
        process = service.start("--file", str(file))
        eventually(service.states)
        process.terminate()
        assert process.communicate(timeout=10)[0].count("laps: 1 line could not be read in full (6)") == 1

    def test_a_race_of_the_home_is_played_by_its_name(
        self, playing: Callable[[], Playing], running_system: RunningSystem, file: Path
    ) -> None:
        folder = running_system.home / "chrono"
        folder.mkdir()
        (folder / "cats.csv").write_bytes(file.read_bytes())
        service = playing()
        service.start("--race", "cats")
        assert [row[0] for row in eventually(service.states)[0]["cars"]] == ["7", "8"]
