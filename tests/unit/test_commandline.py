"""What every command line has in common."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = {
    "livetiming": "orchestrator.cli",
    "livetiming-dvr": "orchestrator.dvr.daemon",
    "livetiming-manager": "orchestrator.manager.daemon",
    "livetiming-recordings": "orchestrator.recordings.daemon",
    "livetiming-rmonitor-replay": "livetiming.simulation.replay",
    "livetiming-scheduler": "orchestrator.scheduler.daemon",
    "livetiming-service": "livetiming.service.cli",
    "livetiming-simulate": "livetiming.simulation.cli",
}


def run(module: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
    )


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_command_has_help_with_examples_and_needs_nothing_for_it(name: str) -> None:
    helped = run(MODULES[name], "--help")
    assert helped.returncode == 0
    assert helped.stdout.startswith(f"usage: {name}")
    assert "examples:" in helped.stdout


@pytest.mark.parametrize("name", sorted(MODULES))
def test_used_wrongly_it_says_so_and_exits_2(name: str) -> None:
    wrong = run(MODULES[name], "--no-such-option")
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr


@pytest.mark.parametrize("command", [["orchestrator.manager.daemon"], ["livetiming.service.cli", "simulated"]])
def test_a_component_started_alone_without_a_secret_refuses(tmp_path: Path, command: list[str]) -> None:
    refused = run(*command, LIVETIMING_HOME=str(tmp_path), LIVETIMING_ROUTER="ws://127.0.0.1:1/ws")
    assert refused.returncode == 2
    assert "LIVETIMING_SHARED_SECRET" in refused.stderr


def test_an_unknown_class_is_told_with_the_nearest_names() -> None:
    refused = run("livetiming.service.cli", "rmoniter")
    assert refused.returncode == 2
    assert "did you mean rmonitor" in refused.stderr


def test_the_shell_is_told_how_a_command_may_go_on(tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    line = "livetiming st"
    run(
        "orchestrator.cli",
        _ARGCOMPLETE="1",
        COMP_LINE=line,
        COMP_POINT=str(len(line)),
        _ARGCOMPLETE_STDOUT_FILENAME=str(answer),
        _ARGCOMPLETE_SUPPRESS_SPACE="1",
    )
    assert "status" in answer.read_text()
