"""The process that works out a calendar: the real one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from orchestrator.scheduler import worker
from orchestrator.scheduler.findings import Kind
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.scheduler.worker import WorkerFailed, read_in_worker
from tests.support.waiting import eventually

NOW = 1780653600.0  # 2026-06-05 10:00 UTC
PROJECT = Path(__file__).parent.parent.parent


def calendar(*titles: str) -> bytes:
    events = [
        f"BEGIN:VEVENT\nUID:{number}\nSUMMARY:{title}\nDTSTART:20260606T100000Z\nEND:VEVENT"
        for number, title in enumerate(titles)
    ]
    return "\n".join(["BEGIN:VCALENDAR", *events, "END:VCALENDAR"]).encode()


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for plugins that the worker, and nobody else, will find."""
    folder = tmp_path / "livetiming" / "service" / "plugins"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return folder


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "scheduler.worker" in _command(child)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_calendar_comes_back_as_sessions_and_findings() -> None:
    found = read_in_worker(calendar("Race [simulated, -H]", "Other [simulted]"), NOW, 3600.0)
    assert [(session.name, session.options, session.hidden) for session in found.sessions] == [("Race", ("-H",), True)]
    assert [(finding.kind, finding.advice) for finding in found.findings] == [(Kind.PLUGIN, "did you mean simulated?")]


def test_junk_is_told_as_here() -> None:
    with pytest.raises(NotACalendar, match="BEGIN:VCALENDAR"):
        read_in_worker(b"<html>Log in</html>", NOW, 3600.0)


def test_what_a_plugin_prints_does_not_garble_the_answer(plugins: Path) -> None:
    (plugins / "noisy.py").write_text("import os\nprint('{')\nos.write(1, b'[')\nclass Service: pass\n")
    found = read_in_worker(calendar("Race [noisy, --own]"), NOW, 3600.0)
    assert [session.service_class for session in found.sessions] == ["noisy"]
    assert [finding.kind for finding in found.findings] == [Kind.UNCHECKED]


def test_a_plugin_that_prints_for_ever_costs_only_itself(plugins: Path) -> None:
    (plugins / "chatty.py").write_text("while True: print('x' * 9999, flush=True)\n")
    found = read_in_worker(calendar("Race [chatty]", "Race [simulated]"), NOW, 3600.0)
    assert len(found.sessions) == 2
    assert [finding.kind for finding in found.findings] == [Kind.PLUGIN]


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1000)\n",
        "while True: pass\n",
        "import socket\na, b = socket.socketpair()\ntry:\n    a.recv(1)\nexcept Exception: pass\n",
        "raise SystemExit\n",
        "syntax error\n",
        "class Service:\n    @classmethod\n    def argument_parser(cls): raise KeyError\n",
    ],
    ids=["sleeps", "loops", "waits", "exits", "does not parse", "has no parser after all"],
)
def test_a_plugin_that_cannot_be_asked_costs_nothing_else(plugins: Path, source: str) -> None:
    (plugins / "bad.py").write_text(source)
    found = read_in_worker(calendar("Race [bad]", "Race [simulated]"), NOW, 3600.0)
    assert {session.service_class for session in found.sessions} == {"bad", "simulated"}
    assert [(finding.kind, finding.uid) for finding in found.findings] == [(Kind.PLUGIN, "0")]


def test_a_plugin_that_ends_the_process_is_told(plugins: Path) -> None:
    (plugins / "bad.py").write_text("import os, sys\nprint('no licence', file=sys.stderr, flush=True)\nos._exit(7)\n")
    with pytest.raises(WorkerFailed, match="no licence"):
        read_in_worker(calendar("Race [bad]"), NOW, 3600.0)


STUBBORN = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
open({path!r}, "w").write(str(child.pid))
while True:
    try:
        time.sleep(1000)
    except BaseException:
        pass
"""


def test_a_worker_that_takes_too_long_is_killed_with_all_that_it_started(plugins: Path, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    (plugins / "bad.py").write_text(STUBBORN.format(path=str(path)))
    with pytest.raises(WorkerFailed, match="longer than 8 s"):
        read_in_worker(calendar("Race [bad]"), NOW, 3600.0, wall=8.0)
    eventually(lambda: not psutil.pid_exists(int(path.read_text())))


@pytest.mark.parametrize("source", ["x = bytearray(1 << 31)\n", "x = []\nwhile True: x.append(bytearray(1 << 24))\n"])
def test_a_plugin_that_takes_all_memory_costs_only_itself(plugins: Path, source: str) -> None:
    (plugins / "bad.py").write_text(source)
    found = read_in_worker(calendar("Race [bad]", "Race [simulated]"), NOW, 3600.0)
    assert "MemoryError" in str(found.findings[0])
    assert len(found.sessions) == 2


def test_a_worker_that_uses_up_its_time_is_told(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = "import resource, runpy, sys; sys.argv[0] = ''\n"
    limited += "from orchestrator.scheduler import worker; worker.CPU_SECONDS = 2; worker.PLUGIN_SECONDS = 100\n"
    limited += "sys.exit(worker.main(sys.argv[1:]))"
    monkeypatch.setattr(worker, "_COMMAND", [sys.executable, "-c", limited])
    (plugins / "bad.py").write_text("while True: pass\n")
    with pytest.raises(WorkerFailed, match="of one core"):
        read_in_worker(calendar("Race [bad]"), NOW, 3600.0)


def test_a_worker_ends_when_its_parent_dies(plugins: Path, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    deaf = f"import os, time\nopen({str(path)!r}, 'w').write(str(os.getpid()))\n"
    deaf += "while True:\n    try: time.sleep(1000)\n    except BaseException: pass\n"
    (plugins / "bad.py").write_text(deaf)
    reader = "import sys; from orchestrator.scheduler.worker import read_in_worker\n"
    reader += f"read_in_worker(sys.stdin.buffer.read(), {NOW}, 3600.0)"
    parent = subprocess.Popen([sys.executable, "-c", reader], stdin=subprocess.PIPE, cwd=PROJECT)
    assert parent.stdin is not None
    parent.stdin.write(calendar("Race [bad]"))
    parent.stdin.close()
    eventually(lambda: path.is_file() and path.read_text() != "")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    eventually(lambda: not psutil.pid_exists(int(path.read_text())))


def test_it_leaves_no_process_behind() -> None:
    read_in_worker(calendar("Race [simulated]"), NOW, 3600.0)
    assert not workers()
