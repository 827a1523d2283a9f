"""The plugin `chrono` without a router: its options, what it shows when, and where it goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from twisted.internet.task import Clock

from livetiming.chrono.states import ON_THE_GRID
from livetiming.playback import ROUND_PAUSE
from livetiming.service import parse_args
from livetiming.service.checking import RefusedOption, check_calendar_options
from livetiming.service.plugins import chrono
from livetiming.service.plugins.chrono import Service
from orchestrator.scheduler.title import Tag, parse_title
from tests.conftest import PROJECT
from tests.unit.chrono.cards import card, cards

UUID = "c" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVETIMING_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(chrono, "reactor", clock)
    return clock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A race of three laps of 1:30, and a second car that is a second slower in each."""
    lines = [card("7", lap, f"{lap * 90}.000", FLAG_AT_FL="GF" if lap < 3 else "FF") for lap in (1, 2, 3)]
    lines += [card("8", lap, f"{lap * 91}.000", LAP_TIME="1:31.000", S3="31.000") for lap in (1, 2)]
    path = tmp_path / "race-of-cats.csv"
    path.write_bytes(cards(*lines))
    return path


def service(*options: str) -> Service:
    args, _ = parse_args(["chrono", "--uuid", UUID])
    return Service(args, options)


def played(clock: Clock, *options: str) -> Service:
    """A service that has just begun."""
    made = service(*options)
    made.setup()
    return made


def keep(home: Path, state: Mapping[str, Any]) -> None:
    """Leave this state for the next service to go on from."""
    (home / "state").mkdir()
    (home / "state" / f"{UUID}.json").write_bytes(orjson.dumps({**state, "messages": [], "highlight": []}))


def elapsed(playing: Service) -> Any:
    return playing.getRaceState()["session"]["timeElapsed"]


def laps(playing: Service) -> dict[str, Any]:
    index = [column.title for column in playing.getColumnSpec()].index("Laps")
    return {row[0]: row[index] for row in playing.getRaceState()["cars"]}


class TestItsOptions:
    def test_a_file_is_all_that_must_be_said(self, file: Path) -> None:
        manifest = service("--file", str(file))._manifest()
        assert (manifest["name"], manifest["description"]) == ("Chrono", "race-of-cats")
        assert manifest["source"][0] == "Al Kamel Systems"
        assert ["Laps", "numeric", "Laps completed"] in manifest["colSpec"]

    def test_a_race_is_found_in_the_home_with_what_lies_beside_it(self, file: Path, home: Path) -> None:
        folder = home / "chrono"
        folder.mkdir()
        file.rename(folder / "cats_2025.csv")
        (folder / "cats_2025.results.csv").write_text("POSITION,NUMBER,VEHICLE\n1,7,Jaguar\n2,8,Puma\n")
        found = service("--race", "cats_2025", "--name", "Cats")
        assert (found.getName(), found.getDefaultDescription()) == ("Cats", "cats_2025")
        assert [entry.car for entry in found.source.chrono.entries] == ["Jaguar", "Puma"]

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ([], "--file --race is required"),
            (["--file", "/nowhere/race.csv"], "No such file"),
            (["--race", "nowhere"], "No such file"),
            (["--race", "../secret"], "no name of a race"),
            (["--race", "a", "--file", "b"], "not allowed with"),
            (["--file", "FILE", "--results", "/nowhere.csv"], "No such file"),
            (["--file", "FILE", "--speed", "0"], "no number above 0"),
            (["--file", "FILE", "--speed", "fast"], "no number above 0"),
            (["--file", "FILE", "--speed", "max", "--loop"], "--loop needs a --speed"),
            (["--file", "FILE", "--start-at", "9:00:00"], "after the end of the race"),
            (["--file", "FILE", "--start-at", "soon"], "no h:mm:ss"),
            (["--file", "FILE", "--date", "yesterday"], "no YYYY-MM-DD"),
            (["--file", "FILE", "--date", "1066-10-14"], "no day of motor racing"),
            (["--file", "FILE", "--timezone", "../../etc/passwd"], "no time zone"),
            (["--file", "FILE", "--duration", "0"], "no h:mm:ss"),
            (["--file", "FILE", "--format", "stone"], "invalid choice"),
        ],
    )
    def test_a_wrong_one_is_a_usage_error(
        self, options: list[str], why: str, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            service(*[str(file) if word == "FILE" else word for word in options])
        assert ended.value.code == 2
        assert why in capsys.readouterr().err

    def test_a_file_without_a_lap_cannot_be_played(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "empty.csv").write_bytes(cards())
        with pytest.raises(SystemExit) as ended:
            service("--file", str(tmp_path / "empty.csv"))
        assert ended.value.code == 1
        assert "holds no lap" in capsys.readouterr().err

    def test_an_event_may_name_a_race_but_no_file(self) -> None:
        check_calendar_options("chrono", ["--race", "spa-2025", "--speed", "2", "--duration", "6:00:00"])
        for option in ("--file", "--results", "--weather"):
            with pytest.raises(RefusedOption):
                check_calendar_options("chrono", ["--race", "spa-2025", option, "/etc/passwd"])
        with pytest.raises(RefusedOption):
            check_calendar_options("chrono", ["--race", "../spa"])


class TestPlaying:
    def test_it_begins_on_the_grid_and_goes_on_a_second_a_second(self, clock: Clock, file: Path) -> None:
        playing = played(clock, "--file", str(file))
        assert laps(playing) == {"7": 0, "8": 0}
        assert playing.getRaceState()["session"]["flagState"] == "none"
        clock.advance(ON_THE_GRID + 100)
        assert elapsed(playing) == pytest.approx(100)
        assert laps(playing) == {"7": 1, "8": 1}
        assert playing.getRaceState()["session"]["pauseClocks"] is False

    def test_it_may_be_faster_and_then_viewers_clocks_stand_still(self, clock: Clock, file: Path) -> None:
        playing = played(clock, "--file", str(file), "--speed", "10", "--start-at", "1:00")
        clock.advance(12.5)
        assert elapsed(playing) == pytest.approx(185)
        assert laps(playing) == {"7": 2, "8": 2}
        assert playing.getRaceState()["session"]["pauseClocks"] is True

    def test_after_the_end_it_stays(self, clock: Clock, file: Path) -> None:
        playing = played(clock, "--file", str(file), "--start-at", "4:00")
        clock.advance(1000)
        last = playing.getRaceState()
        assert (laps(playing), last["session"]["flagState"]) == ({"7": 3, "8": 2}, "chequered")
        clock.advance(1000)
        assert playing.getRaceState() == last

    def test_a_loop_begins_again_on_the_grid_and_the_jump_back_is_not_told_as_what_cars_did(
        self, clock: Clock, file: Path
    ) -> None:
        playing = played(clock, "--file", str(file), "--loop", "--start-at", "4:00")
        clock.advance(60 + 0.5)
        playing.state = {**playing.getRaceState(), "messages": [], "highlight": []}
        assert laps(playing) == {"7": 3, "8": 2}
        clock.advance(ROUND_PAUSE + 1)
        assert laps(playing) == {"7": 0, "8": 0}
        assert playing.state["cars"] == []

    def test_a_duration_says_what_remains(self, clock: Clock, file: Path) -> None:
        playing = played(clock, "--file", str(file), "--duration", "0:04:00", "--start-at", "1:00")
        assert playing.getRaceState()["session"]["timeRemain"] == pytest.approx(180)


class TestGoingOn:
    def kept(self, home: Path, clock: Clock, file: Path, at: float) -> None:
        """A service has been played up to second `at` of the race, and has ended."""
        playing = played(clock, "--file", str(file))
        clock.advance(ON_THE_GRID + at)
        keep(home, playing.getRaceState())

    def test_it_goes_on_where_its_kept_state_was(self, home: Path, clock: Clock, file: Path) -> None:
        self.kept(home, clock, file, 100)
        again = played(clock, "--file", str(file), "--start-at", "0:00:10")
        assert elapsed(again) == pytest.approx(100)
        clock.advance(5)
        assert elapsed(again) == pytest.approx(105)

    def test_after_the_end_it_stays_there(self, home: Path, clock: Clock, file: Path) -> None:
        self.kept(home, clock, file, 1000)
        assert laps(played(clock, "--file", str(file))) == {"7": 3, "8": 2}

    @pytest.mark.parametrize("cars", [[["99"]], [["7"], ["99"]], [[["7"]]]])
    def test_the_state_of_another_race_is_forgotten(
        self, home: Path, clock: Clock, file: Path, cars: list[Any]
    ) -> None:
        keep(home, {"cars": cars, "session": {"timeElapsed": 100}})
        again = played(clock, "--file", str(file))
        assert (elapsed(again), again.state["cars"]) == (0, [])

    @pytest.mark.parametrize("nonsense", ["1:40", None, -5])
    def test_a_kept_clock_that_is_none_begins_the_race(
        self, home: Path, clock: Clock, file: Path, nonsense: object
    ) -> None:
        keep(home, {"cars": [["7"]], "session": {"timeElapsed": nonsense}})
        assert elapsed(played(clock, "--file", str(file))) == 0


def test_the_documented_event_line_can_be_pasted() -> None:
    text = (PROJECT / "docs" / "chrono.md").read_text()
    (line,) = [line.strip() for line in text.splitlines() if "[chrono," in line]
    found = parse_title(line, ["chrono"])
    assert isinstance(found, Tag), found
    check_calendar_options(found.service_class, found.options)
