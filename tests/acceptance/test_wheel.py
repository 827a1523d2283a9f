"""The wheel, installed into an empty environment, gives the same demo: templates and web files travel in it."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from orchestrator.router_setup import crossbar
from orchestrator.settings import Settings
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

PROJECT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.timeout(400)


def run(*command: str | Path, **environ: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **environ}, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_runs_the_demo_from_an_empty_environment(system: RunningSystem, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, PROJECT)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", PROJECT / "constraints.txt", wheel)
    # the router's environment is the one that `make setup` has made: making it is the same code, and takes a minute
    system.environ["LIVETIMING_CROSSBAR"] = str(crossbar(Settings.load()))
    del system.environ["PYTHONPATH"]
    for name in ("CALENDAR_URL", "CALENDAR_INTERVAL", "START_BUFFER", "END_BUFFER"):
        del system.environ[f"LIVETIMING_{name}"]
    system.start("--demo", python=python, cwd=tmp_path)
    assert b"<html" in system.get("/")
    eventually(lambda: system.state_of("service-rmonitor") == "RUNNING", within=30)
    packages = {process["name"] for process in system.status().values()}
    assert {"router", "manager", "dvr", "recordings", "scheduler", "demo-feed"} <= packages
