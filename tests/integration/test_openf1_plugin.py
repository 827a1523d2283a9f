"""The plugin `openf1` as a real service, and a server on loopback that speaks the API."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livetiming.openf1.polling import WITH_ACCOUNT, WITHOUT_ACCOUNT
from livetiming.openf1.state import COLUMNS, TRACK_DATA_SPEC
from livetiming.racing import Stat
from livetiming.service.checking import RefusedOption, check_calendar_options
from livetiming.service.plugins.openf1 import Service
from tests.support.client import Client
from tests.support.openf1_server import OpenF1Server, a_race, iso, openf1_server
from tests.support.system import RunningSystem
from tests.support.viewed_service import ViewedService
from tests.support.waiting import eventually
from tests.support.web_feed import Answer

GONE, BACK = "The timing feed is gone", "The timing feed is back"


class Timed(ViewedService):
    """A service that times what the server tells."""

    def texts(self) -> list[str]:
        """What the messages say, newest first."""
        return [message[2] for message in self.messages()]

    def cell(self, stat: Stat, car: str) -> object:
        """A cell of the latest state; None for a car that is not there."""
        rows = {row[0]: row for row in self.states()[-1]["cars"]} if self.states() else {}
        return rows[car][COLUMNS.index(stat)] if car in rows else None

    def flag(self) -> object:
        """The flag of the latest state."""
        return self.states()[-1]["session"]["flagState"] if self.states() else None


@pytest.fixture
def server() -> Iterator[OpenF1Server]:
    with openf1_server(a_race(time.time() - 395)) as made:
        yield made


@pytest.fixture
def service(running_system: RunningSystem, server: OpenF1Server) -> Iterator[Timed]:
    client = Client(running_system.home)
    made = Timed(running_system, client, "openf1")
    yield made
    made.kill()
    client.close()


@pytest.fixture
def start(service: Timed, server: OpenF1Server) -> Callable[..., None]:
    """Starts the service, without the limits that spare the real API."""

    def start(**environ: str) -> None:
        service.start("--url", server.url, "--requests", "3000", "--poll", "0.2", environ=environ)

    return start


def test_it_says_what_is_on(service: Timed, start: Callable[..., None]) -> None:
    start()
    manifest = eventually(lambda: [each for each in service.manifests() if each["description"]])[0]
    assert {key: manifest[key] for key in ("name", "description", "source", "trackDataSpec")} == {
        "name": "Formula 1",
        "description": "Kestrel Grand Prix - Race",
        "source": ["OpenF1", "https://openf1.org"],
        "trackDataSpec": TRACK_DATA_SPEC,
    }
    assert [column[0] for column in manifest["colSpec"]] == [column.title for column in COLUMNS]


def test_it_shows_the_race(service: Timed, start: Callable[..., None]) -> None:
    start()
    eventually(lambda: service.cell(Stat.GAP, "23") == "1 lap" and service.cell(Stat.PITS, "23") == 1)
    rows = service.states()[-1]["cars"]
    assert [row[:5] for row in rows] == [
        ["7", "RUN", "Heron", "Ada Falk", ["S", "tyre-soft"]],
        ["12", "RUN", "Heron", "Bo Lind", ["M", "tyre-med"]],
        ["23", "RUN", "Osprey", "Cy Moro", ["H", "tyre-hard"]],
        ["44", "RET", "Osprey", "Di Nash", ""],
    ]
    assert service.flag() == "vsc"


def test_what_race_control_says_is_told_with_the_cars_number(service: Timed, start: Callable[..., None]) -> None:
    start()
    eventually(service.messages)
    said = [message[1:] for message in service.messages() if message[1] == "Race Control"]
    text = "CAR 23 (MOR) TIME 1:32.000 DELETED - TRACK LIMITS"
    assert said == [
        ["Race Control", "VIRTUAL SAFETY CAR DEPLOYED", "raceControl"],
        ["Race Control", text, "raceControl", "23"],
    ]


def test_it_asks_for_what_is_new_only_and_shows_it(
    service: Timed, start: Callable[..., None], server: OpenF1Server
) -> None:
    start()
    eventually(lambda: service.flag() == "vsc")
    now = time.time()
    server.documents["race_control"].append({"session_key": 9001, "date": iso(now), "flag": "RED", "scope": "Track"})
    server.documents["position"] += [
        {"session_key": 9001, "driver_number": car, "date": iso(now), "position": place}
        for place, car in ((1, 12), (2, 7))
    ]
    server.documents["laps"][-2] |= {"duration_sector_1": 28.5}
    eventually(lambda: service.flag() == "red" and service.states()[-1]["cars"][0][0] == "12")
    eventually(lambda: service.cell(Stat.S1, "12") == [28.5, "sb"])
    for collection in ("position", "race_control", "intervals", "pit", "weather"):
        assert [query for query in server.queries(collection)[1:] if "date>=" not in query] == []
    assert "date_start>=" in server.queries("laps")[-1]
    assert len(server.queries("meetings")) == 1


def test_a_stop_in_a_race_is_told_when_the_api_tells_of_it(
    service: Timed, start: Callable[..., None], server: OpenF1Server
) -> None:
    start()
    eventually(lambda: service.cell(Stat.PITS, "23") == 1)
    stop = {"session_key": 9001, "driver_number": 12, "lap_number": 4, "date": iso(time.time())}
    server.documents["pit"].append(stop)
    eventually(lambda: "#12 (Bo Lind) has left the pits" in service.texts())
    assert service.texts().count("#12 (Bo Lind) has entered the pits") == 1
    assert not [text for text in service.texts() if "#23" in text and "pits" in text]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(b"oops", status=500),
        Answer(status=429, headers={"Retry-After": "1"}),
        Answer(b"<html>We will be back soon</html>"),
    ],
    ids=["500", "429", "html"],
)
def test_a_feed_that_fails_is_told_once_and_so_is_its_return(
    service: Timed, start: Callable[..., None], server: OpenF1Server, fault: Answer
) -> None:
    start()
    eventually(lambda: service.cell(Stat.PITS, "23") == 1)
    server.faults["*"] = fault
    eventually(lambda: GONE in service.texts())
    assert service.states()[-1]["cars"] == service.states()[-2]["cars"]
    server.faults.clear()
    eventually(lambda: BACK in service.texts(), within=60)
    assert (service.texts().count(GONE), service.texts().count(BACK)) == (1, 1)
    logged = service.end()
    assert logged.count("OpenF1 does not answer") == logged.count("OpenF1 answers again") == 1


def test_one_collection_that_fails_leaves_the_others_alone(
    service: Timed, start: Callable[..., None], server: OpenF1Server
) -> None:
    server.faults["intervals"] = Answer(status=500)
    server.faults["stints"] = Answer(b"<html>")
    start()
    eventually(lambda: len(server.queries("intervals")) > 2 and len(server.queries("stints")) > 1)
    eventually(lambda: service.cell(Stat.BEST_LAP, "7") == [89.4, "sb"])
    assert GONE not in service.texts()
    logged = service.end()
    assert logged.count("does not answer (intervals): the server answered 500") == 1
    assert logged.count("does not answer (stints): the answer is no JSON") == 1


def test_nothing_to_tell_yet_is_no_failure(service: Timed, start: Callable[..., None], server: OpenF1Server) -> None:
    drivers = server.documents["drivers"]
    server.documents = {key: server.documents[key] for key in ("sessions", "meetings")} | {"drivers": drivers}
    start()
    eventually(lambda: service.cell(Stat.STATE, "7") == "N/S")
    assert "does not answer" not in service.end()


def test_documents_that_cannot_be_read_are_counted(
    service: Timed, start: Callable[..., None], server: OpenF1Server
) -> None:
    server.documents["stints"] += [{"session_key": 9001, "driver_number": None}]
    start()
    eventually(lambda: service.cell(Stat.TYRE, "7") == ["S", "tyre-soft"])
    assert "documents of OpenF1 could not be read" in service.end()


def test_without_a_token_a_session_that_is_on_is_told_with_what_to_do(
    service: Timed, start: Callable[..., None], server: OpenF1Server
) -> None:
    server.token = "s3cret"
    start()
    eventually(lambda: len(server.asked) > 1)
    logged = service.end()
    assert logged.count("the server answered 401") == 1
    assert "set OPENF1_TOKEN" in logged


def test_with_a_token_it_is_answered_and_the_token_stays_a_secret(
    service: Timed, start: Callable[..., None], server: OpenF1Server
) -> None:
    server.token = "s3cret"
    start(OPENF1_TOKEN="s3cret")
    eventually(lambda: service.cell(Stat.DRIVER, "7") == "Ada Falk")
    server.token = "another"  # it has expired
    eventually(lambda: GONE in service.texts())
    logged = service.end()
    assert "put a new one into OPENF1_TOKEN" in logged
    assert "s3cret" not in logged


def test_the_next_session_begins_by_itself(service: Timed, start: Callable[..., None], server: OpenF1Server) -> None:
    start()
    eventually(lambda: service.cell(Stat.LAPS, "7") == 4)
    server.documents["sessions"].append(
        {**server.documents["sessions"][0], "session_key": 9002, "session_name": "Practice 1",
         "session_type": "Practice", "date_start": iso(time.time())}
    )  # fmt: skip
    server.documents["drivers"].append({"session_key": 9002, "driver_number": 7, "full_name": "Ada FALK"})
    eventually(lambda: service.cell(Stat.STATE, "7") == "N/S")
    assert [row[0] for row in service.states()[-1]["cars"]] == ["7"]
    assert service.manifests()[-1]["description"] == "Kestrel Grand Prix - Practice 1"
    assert not [text for text in service.texts() if "driver change" in text]


def test_started_again_it_goes_on_and_says_nothing_twice(
    service: Timed, start: Callable[..., None], server: OpenF1Server
) -> None:
    start()
    eventually(lambda: service.cell(Stat.PITS, "23") == 1)
    before = service.texts()
    service.end()
    seen = len(service.states())
    asked = len(server.queries("race_control"))
    start()
    eventually(lambda: len(service.states()) > seen and len(server.queries("race_control")) > asked + 1)
    assert service.texts() == before
    assert all(len(state["cars"]) == 4 for state in service.states()[seen:])


def in_process(*options: str) -> Service:
    """The plugin without a host."""
    given = {"uuid": "0" * 32, "service_class": "openf1", "initial_state": None, "job": None, "disable_analysis": False}
    return Service(argparse.Namespace(**given), options)


def test_the_real_api_is_asked_within_its_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVETIMING_HOME", str(tmp_path))
    monkeypatch.delenv("OPENF1_TOKEN", raising=False)
    assert 60 / in_process().poller.gap < WITHOUT_ACCOUNT
    monkeypatch.setenv("OPENF1_TOKEN", "s3cret")
    assert WITHOUT_ACCOUNT < 60 / in_process().poller.gap < WITH_ACCOUNT


def test_a_token_that_was_renewed_is_found_when_the_old_one_is_refused(
    service: Timed, server: OpenF1Server, running_system: RunningSystem, tmp_path: Path
) -> None:
    settings = tmp_path / "livetiming.env"
    settings.write_text("OPENF1_TOKEN=old\n")
    server.token = "new"
    service.start("--url", server.url, "--requests", "3000", "--poll", "0.2", cwd=tmp_path)
    eventually(lambda: len(server.asked) > 1)
    settings.write_text("OPENF1_TOKEN=new\n")
    eventually(lambda: service.cell(Stat.DRIVER, "7") == "Ada Falk")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--session", "yesterday"], "neither a session's key"),
        (["--url", "ftp://x"], "begins with http"),
        (["--poll", "0"], "above 0"),
        (["--requests", "0"], "from 1 to"),
    ],
)
def test_a_wrong_option_is_a_usage_error(options: list[str], why: str) -> None:
    command = [sys.executable, "-m", "livetiming.service.cli", "openf1", *options]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2, ended.stderr
    assert why in ended.stderr


def test_an_event_may_name_a_session_but_no_server() -> None:
    check_calendar_options("openf1", ["--session", "9165"])
    for options in (["--url", "http://evil.example/v1"], ["--requests", "6000"]):
        with pytest.raises(RefusedOption):
            check_calendar_options("openf1", options)
