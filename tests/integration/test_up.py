"""`livetiming up`, `down`, `status`, `logs`, `ctl`: as an operator uses them."""

import signal
import socket
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from orchestrator import leftovers
from tests.support.system import RunningSystem, event, processes_of
from tests.support.waiting import eventually

DAEMONS = {"router", "manager", "dvr", "recordings", "scheduler"}


def test_up_runs_everything_and_ctrl_c_ends_it_with_nothing_left(system: RunningSystem) -> None:
    system.write_calendar(event("Race [ticking]", timedelta(0), timedelta(hours=1)))
    system.start()
    eventually(lambda: system.state_of("service-ticking") == "RUNNING")
    status = system.run("status", "--json")
    assert status.returncode == 0
    assert set(system.status()) == {*DAEMONS, "service-ticking"}
    row = system.status()["manager"]
    assert row["state"] == "RUNNING"
    assert row["memory"] > 0
    assert row["last_sign_of_life"] is not None
    assert system.up is not None
    system.up.send_signal(signal.SIGINT)
    assert system.up.wait(25) == 0
    assert processes_of(system.home) == []
    steps = [system.said().index(step) for step in ("scheduler", "timing services", "daemons", "stopping router")]
    assert steps == sorted(steps)
    assert "said goodbye" in system.log("manager")


def test_the_secret_is_made_for_its_owner_only_and_shows_nowhere(system: RunningSystem) -> None:
    system.start()
    secret = system.home / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    text = secret.read_text().strip()
    assert all(text not in system.log(name) for name in DAEMONS)
    assert text not in (system.home / "router" / "config.json").read_text()
    assert text not in (system.home / "supervisord.conf").read_text()
    assert not [process for process in processes_of(system.home) if text in " ".join(process.cmdline())]


def test_a_second_up_in_the_same_home_is_refused(system: RunningSystem) -> None:
    system.start()
    second = system.run("up")
    assert second.returncode == 1
    assert "running already" in second.stderr
    assert system.run("status").returncode == 0


def test_a_port_that_is_taken_is_told_before_anything_is_started(system: RunningSystem) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", system.port))
        other.listen()
        refused = system.run("up")
    assert refused.returncode == 1
    assert f"port {system.port}" in refused.stderr
    assert "LIVETIMING_PORT" in refused.stderr
    assert processes_of(system.home) == []


def test_a_wrong_setting_is_told_in_one_line(system: RunningSystem) -> None:
    system.environ["LIVETIMING_PORT"] = "http"
    refused = system.run("up")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "LIVETIMING_PORT" in refused.stderr


def test_a_home_may_have_a_blank_in_its_name(home: Path) -> None:
    (home / "a b").mkdir()
    system = RunningSystem(home / "a b")
    system.write_calendar(event("Race [ticking]", timedelta(0), timedelta(hours=1)))
    system.start()
    eventually(lambda: system.state_of("service-ticking") == "RUNNING")
    system.end()
    assert processes_of(system.home) == []


def test_a_home_that_supervisord_could_not_do_with_is_told(home: Path) -> None:
    system = RunningSystem(home)
    system.environ["LIVETIMING_HOME"] = str(home / "100%")
    refused = system.run("up")
    assert refused.returncode == 1
    assert "%" in refused.stderr


def test_detached_it_returns_when_everything_runs_and_down_ends_it(system: RunningSystem) -> None:
    up = system.run("up", "--detach", timeout=90)
    assert up.returncode == 0, up.stderr
    assert {name for name, row in system.status().items() if row["state"] == "RUNNING"} == DAEMONS
    assert b"<html" in system.get("/")
    down = system.run("down")
    assert down.returncode == 0
    assert processes_of(system.home) == []
    assert system.run("status").returncode == 1
    assert system.run("down").returncode == 0


def test_supervisorctl_works_by_ctl_and_by_itself(system: RunningSystem) -> None:
    system.start()
    own = system.run("ctl", "status")
    command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(system.home / "supervisord.conf"), "status"]
    theirs = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    for answer in (own.stdout, theirs.stdout):
        assert {line.split()[0] for line in answer.splitlines()} == DAEMONS


def test_logs_shows_the_end_of_a_programs_log(system: RunningSystem) -> None:
    system.start()
    assert "joined the router" in system.run("logs", "manager").stdout
    unknown = system.run("logs", "../secret")
    assert unknown.returncode == 2
    assert "manager" in unknown.stderr


def test_after_a_kill_of_supervisord_everything_it_ran_ends_and_up_starts_anew(system: RunningSystem) -> None:
    system.start()
    supervisord = leftovers.recorded(system.home / "run", "supervisord")
    assert supervisord is not None
    system.kill(supervisord.pid)
    assert system.up is not None
    assert system.up.wait(30) == 1
    eventually(lambda: processes_of(system.home) == [])
    system.start()
    assert system.run("status").returncode == 0


def test_after_a_kill_of_up_what_it_left_behind_is_ended_first(system: RunningSystem) -> None:
    system.start()
    assert system.up is not None
    old = processes_of(system.home)
    system.kill(system.up.pid)
    system.up.wait(5)
    assert system.run("status").returncode == 0  # the system itself goes on
    system.start()
    assert "left behind" in system.said()
    assert not {*old} & {*processes_of(system.home)}
    assert system.run("status").returncode == 0


def test_down_ends_a_system_whose_up_was_killed(system: RunningSystem) -> None:
    system.start()
    assert system.up is not None
    system.kill(system.up.pid)
    system.up.wait(5)
    assert system.run("down").returncode == 0
    assert processes_of(system.home) == []
