"""`livetiming-schedule`, run as an operator runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.loopback import Handler, LoopbackServer
from tests.support.system import PLUGINS, RunningSystem, event, free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(120)

HOUR = timedelta(hours=1)
Result = subprocess.CompletedProcess[str]
Command = Callable[..., Result]

RIGHT = event("Right [ticking, --label a]", 3 * HOUR, HOUR, "right")
WRONG = [
    event("Unknown [tickin]", 4 * HOUR, HOUR, "unknown"),
    event("Option [ticking, --lable b]", 5 * HOUR, HOUR, "option"),
    event("Open [ticking, 'a]", 6 * HOUR, HOUR, "open"),
]
OVERLAPPING = event("Overlapping [ticking, --label b]", 3.5 * HOUR, HOUR, "overlapping")
NOT_OURS = event("Dentist", 3 * HOUR, HOUR, "dentist")


def calendar(*events: str) -> str:
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(events) + "END:VCALENDAR\r\n"


@pytest.fixture
def schedule(home: Path) -> Command:
    """Runs the command in a home where no system runs; keywords are LIVETIMING_ variables."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> Result:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LIVETIMING_")}
        own = {f"LIVETIMING_{name}": value for name, value in variables.items()}
        environ = {**clean, "PYTHONPATH": with_plugins(), "LIVETIMING_HOME": str(home), "TZ": "UTC", **own}
        return command(environ, *arguments, stdin=stdin, cwd=home)

    return run


def with_plugins(*folders: Path) -> str:
    """PYTHONPATH with the plugins of the tests, and these before them."""
    return os.pathsep.join([*map(str, folders), str(PLUGINS), *filter(None, [os.environ.get("PYTHONPATH")])])


def command(environ: dict[str, str], *arguments: str, stdin: str = "", cwd: Path | None = None) -> Result:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator.scheduler.cli", *arguments],
        env=environ,
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def file(home: Path) -> Callable[..., str]:
    """Writes a calendar; its address."""

    def write(*events: str) -> str:
        path = home / "calendar.ics"
        path.write_text(calendar(*events), newline="")
        return path.as_uri()

    return write


# -- check


def test_a_calendar_that_is_right_is_told_so_with_how_many_events_were_checked(schedule: Command) -> None:
    done = schedule("check", "--file", "-", stdin=calendar(RIGHT, NOT_OURS))
    assert (done.returncode, done.stdout) == (0, "")
    assert "events checked: 1" in done.stderr


def test_each_finding_is_a_line_that_says_what_to_type_instead(schedule: Command, file: Callable[..., str]) -> None:
    done = schedule("check", CALENDAR_URL=file(RIGHT, *WRONG, OVERLAPPING), TIMEZONE="Europe/Paris")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    conflict, unknown, option, unclosed = lines
    assert "'Overlapping'" in conflict
    assert "'Right'" in conflict
    assert "30 min late" in conflict
    assert "did you mean ticking?" in unknown
    assert "--label" in option
    assert "quot" in unclosed
    assert all(" CE" in line for line in lines)
    assert "events checked: 5" in done.stderr
    assert "Europe/Paris" in done.stderr


def test_findings_can_be_read_by_a_program(schedule: Command, file: Callable[..., str]) -> None:
    done = schedule("check", "--json", CALENDAR_URL=file(*WRONG))
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [finding["uid"] for finding in report["findings"]] == ["unknown", "option", "open"]
    assert {finding["kind"] for finding in report["findings"]} <= {"plugin", "options", "title"}
    assert (report["wrong"], report["checked"], report["read"]["from"]) == (3, 3, "calendar")


def test_only_the_days_that_are_asked_for_are_checked(schedule: Command, file: Callable[..., str]) -> None:
    far = event("Far [tickin]", timedelta(days=20), HOUR)
    assert schedule("check", "--days", "10", CALENDAR_URL=file(far)).returncode == 0
    assert schedule("check", CALENDAR_URL=file(far)).returncode == 1


def test_events_that_are_over_are_not_checked(schedule: Command, file: Callable[..., str]) -> None:
    assert schedule("check", CALENDAR_URL=file(event("Past [tickin]", -2 * HOUR, HOUR))).returncode == 0


def test_a_file_that_is_not_there_or_no_calendar_is_told(schedule: Command) -> None:
    missing = schedule("check", "--file", "nowhere.ics")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "nowhere.ics" in missing.stderr
    page = schedule("check", "--file", "-", stdin="<html>Please log in</html>")
    assert page.returncode == 1
    assert "Traceback" not in page.stderr


def test_what_cannot_be_read_is_told_and_the_last_good_copy_is_checked(schedule: Command, home: Path) -> None:
    (home / "state").mkdir()
    (home / "state" / "calendar.ics").write_text(calendar(*WRONG), newline="")
    address = f"http://127.0.0.1:{free_port()}/secret-token/basic.ics"
    done = schedule("check", CALENDAR_URL=address)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 3
    assert "cannot be read" in done.stderr
    assert "last good copy" in done.stderr
    assert "secret-token" not in done.stderr


def test_a_copy_that_is_right_is_no_reason_to_say_that_all_is_well(schedule: Command, home: Path) -> None:
    (home / "state").mkdir()
    (home / "state" / "calendar.ics").write_text(calendar(RIGHT), newline="")
    assert schedule("check", CALENDAR_URL=f"http://127.0.0.1:{free_port()}/").returncode == 1


def test_without_a_copy_there_is_nothing_to_check(schedule: Command) -> None:
    done = schedule("check", "--json", CALENDAR_URL=f"http://127.0.0.1:{free_port()}/")
    assert done.returncode == 1
    assert "no copy" in json.loads(done.stdout)["error"]


def test_a_login_page_is_no_calendar(schedule: Command) -> None:
    class Login(Handler):
        def do_GET(self) -> None:
            self.reply(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})

    server = LoopbackServer(Login)
    try:
        done = schedule("check", CALENDAR_URL=f"http://127.0.0.1:{server.port}/")
    finally:
        server.close()
    assert done.returncode == 1
    assert "no copy" in done.stderr


def test_without_a_calendar_the_variable_is_named(schedule: Command) -> None:
    for name in ("check", "list", "next", "sync"):
        done = schedule(name)
        assert done.returncode == 2
        assert "LIVETIMING_CALENDAR_URL" in done.stderr


def test_options_are_checked_without_the_network(schedule: Command, home: Path, tmp_path: Path) -> None:
    guard = tmp_path / "sitecustomize.py"
    connections = tmp_path / "connections"
    guard.write_text(
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto'):\n"
        f"        open({str(connections)!r}, 'a').write(f'{{event}} {{arguments}}\\n')\n"
        "sys.addaudithook(hook)\n"
    )
    environ = {**os.environ, "PYTHONPATH": with_plugins(tmp_path), "LIVETIMING_HOME": str(home)}
    assert subprocess.run(
        [
            sys.executable,
            "-c",
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))",
        ],
        env=environ,
        check=True,
    )
    assert connections.read_text().startswith("socket.connect")  # the guard guards
    connections.unlink()
    titles = ["A [rmonitor, --host 192.0.2.7 --port 5]", "B [openf1]", "C [simulated, --cars 9]", "D [ticking, --x]"]
    events = [event(title, HOUR, HOUR, title) for title in titles]
    done = command(environ, "check", "--file", "-", stdin=calendar(*events))
    assert "'D [ticking, --x]'" in done.stdout
    assert not connections.exists() or "AF_UNIX" in connections.read_text()


def test_help_needs_nothing(home: Path) -> None:
    bare = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": with_plugins(),
        "HOME": str(home),
        "LIVETIMING_CALENDAR_INTERVAL": "not a number",
    }
    for arguments in ([], ["check"], ["list"], ["next"], ["sync"], ["assist"]):
        done = command(bare, *arguments, "--help", cwd=home)
        assert (done.returncode, done.stderr) == (0, "")
        assert "livetiming-schedule" in done.stdout
    assert "examples:" in done.stdout


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "many", "1000000"])
def test_a_number_of_days_that_is_none_is_a_wrong_use(schedule: Command, days: str) -> None:
    assert schedule("check", "--days", days).returncode == 2


# -- list and next


def test_the_events_are_listed_by_their_start_with_secrets_masked(schedule: Command, file: Callable[..., str]) -> None:
    secret = event("Later [ticking, -H -m f1 --label=x]", 30 * HOUR, HOUR, "later")
    address = file(secret, RIGHT, NOT_OURS, *WRONG)
    done = schedule("list", CALENDAR_URL=address)
    assert done.returncode == 0
    _, first, second = done.stdout.splitlines()
    assert "Right" in first
    assert "hidden, shown as f1" in second
    assert "cannot be scheduled as they are: 3" in done.stderr
    listed = json.loads(schedule("list", "--json", CALENDAR_URL=address).stdout)["events"]
    assert [(item["instance"], item["class"], item["options"]) for item in listed] == [
        ("right", "ticking", ["--label", "a"]),
        ("later", "ticking", ["-H", "-m", "f1", "--label=x"]),
    ]


def test_next_tells_what_will_happen_and_that_nothing_runs(schedule: Command, file: Callable[..., str]) -> None:
    done = schedule("next", CALENDAR_URL=file(RIGHT, OVERLAPPING))
    assert done.returncode == 0
    assert [line.split()[4] for line in done.stdout.splitlines()[1:]] == ["start", "wait", "stop", "start", "stop"]
    assert "does not run" in done.stderr


def test_next_sees_an_event_that_starts_early_within_its_days(schedule: Command, file: Callable[..., str]) -> None:
    edge = event("Edge [ticking]", timedelta(days=1, minutes=2), HOUR)
    done = schedule("next", "--days", "1", "--json", CALENDAR_URL=file(edge))
    assert [entry["what"] for entry in json.loads(done.stdout)["coming"]] == ["start"]


# -- beside a running system


@pytest.fixture
def on_air(running_system: RunningSystem) -> Iterator[RunningSystem]:
    """The running system, with a calendar that is read by `sync` alone."""
    yield running_system
    running_system.write_calendar()
    sync(running_system)
    eventually(lambda: running_system.state_of("service-ticking") is None, what="nothing is left")


def sync(system: RunningSystem) -> Result:
    return command(system.environ, "sync")


def status(system: RunningSystem) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(command(system.environ, "next", "--json").stdout)
    return answer


def test_sync_makes_the_scheduler_read_at_once_and_tells_the_result(on_air: RunningSystem) -> None:
    on_air.write_calendar(RIGHT, OVERLAPPING)
    done = sync(on_air)
    assert done.returncode == 0
    assert done.stdout.startswith("read at ")
    assert done.stdout.rstrip().endswith(": 2 sessions")
    on_air.write_calendar(RIGHT)
    assert json.loads(command(on_air.environ, "sync", "--json").stdout)["sessions"] == 1


def test_sync_tells_why_the_calendar_could_not_be_read(on_air: RunningSystem) -> None:
    sync(on_air)
    on_air.calendar.write_text("<html>Please log in</html>")
    done = sync(on_air)
    assert (done.returncode, done.stdout) == (1, "")
    assert "livetiming-schedule:" in done.stderr
    assert "read last: " in done.stderr


def test_sync_says_that_nothing_runs(schedule: Command, file: Callable[..., str]) -> None:
    done = schedule("sync", CALENDAR_URL=file())
    assert (done.returncode, done.stdout) == (1, "")
    assert "livetiming up" in done.stderr


def test_next_tells_how_what_is_on_does(on_air: RunningSystem) -> None:
    on_air.write_calendar(event("On [ticking]", -HOUR, 2 * HOUR, "on"))
    sync(on_air)
    eventually(lambda: on_air.state_of("service-ticking") == "RUNNING")
    (item,) = status(on_air)["on"]
    assert (item["instance"], item["well"]) == ("on", True)
    assert item["how"].startswith("runs, for ")

    on_air.run("ctl", "stop", "service-ticking")
    eventually(lambda: status(on_air)["on"][0]["how"] == "over: stopped by hand", what="it is over for its event")


def test_next_tells_what_cannot_be_started(on_air: RunningSystem) -> None:
    on_air.write_calendar(event("Broken [ticking, --fail]", -HOUR, 2 * HOUR, "broken"))
    sync(on_air)
    eventually(lambda: on_air.state_of("service-ticking") == "FATAL", within=40)
    done = command(on_air.environ, "next")
    assert done.returncode == 1
    assert "could not be started" in done.stdout
    assert "every 5 min" in done.stdout


def test_next_tells_of_a_persons_service_that_keeps_an_event_waiting(on_air: RunningSystem) -> None:
    manager = [sys.executable, "-m", "orchestrator.service_manager"]
    subprocess.run([*manager, "start", "ticking"], env=on_air.environ, check=True, capture_output=True, timeout=60)
    try:
        on_air.write_calendar(RIGHT)
        coming = command(on_air.environ, "next")
        assert "a person runs service-ticking" in coming.stderr
        on_air.write_calendar(event("Waiting [ticking]", -HOUR, 2 * HOUR, "waiting"))
        sync(on_air)
        (item,) = status(on_air)["on"]
        assert not item["well"]
        assert "a person runs ticking" in item["how"]
        on_air.write_calendar()
        sync(on_air)
    finally:
        subprocess.run([*manager, "stop", "ticking"], env=on_air.environ, check=True, capture_output=True, timeout=60)
