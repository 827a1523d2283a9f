"""Programs under supervisord: what runs, and how one is added, started, stopped and removed.

`ProcessHost` is all that the rest of the house knows of it. Every method may block for as long as supervisord does
(it is single-threaded), so a daemon calls them in a thread. What supervisord does in each case was measured, and is
told in docs/supervision.md; above all: a stop can be lost while a crashed program waits for its restart, so `remove`
insists, and one broken file blocks every other program, so files are made of checked tokens only.
"""

import http.client
import os
import re
import socket
import time
import xmlrpc.client
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

RPC_TIMEOUT = 15.0  # seconds; a reload of hundreds of programs takes 0.4 s
NAME = re.compile(r"[A-Za-z0-9_-]+")
_SAFE = re.compile(r"[A-Za-z0-9_./:=,@+-]")

_BAD_NAME, _ALREADY_STARTED, _NOT_RUNNING, _ALREADY_ADDED, _STILL_RUNNING = 10, 60, 70, 90, 91


class ProgramState(StrEnum):
    """supervisord's own states."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"  # it ended too soon, and is about to be tried again
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"  # it could not be started
    UNKNOWN = "UNKNOWN"


ALIVE = frozenset({ProgramState.STARTING, ProgramState.RUNNING, ProgramState.STOPPING})


@dataclass(frozen=True)
class Program:
    """One program as supervisord sees it. Times are Unix seconds, 0 for never."""

    name: str
    state: ProgramState
    pid: int = 0
    started: int = 0
    stopped: int = 0
    exit_status: int = 0
    now: int = 0  # supervisord's clock when it was asked
    why: str = ""  # supervisord's word on a failure to start

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self.state in ALIVE


class SupervisionError(RuntimeError):
    """supervisord refused, or did not answer."""

    def __init__(self, what: str, why: object) -> None:
        super().__init__(f"supervisord: {what}: {why} (is it running? livetiming status)")


class ProcessHost(Protocol):
    """Whatever runs our programs."""

    def programs(self) -> list[Program]:
        """Every program there is."""

    def add(self, name: str, command: Sequence[str]) -> None:
        """Make a program known; one of that name is replaced if it does not run."""

    def start(self, name: str) -> None:
        """Start it, without waiting for it; one that runs stays as it is."""

    def stop(self, name: str) -> None:
        """Have it ended by signal; one that does not run stays as it is."""

    def remove(self, name: str) -> None:
        """End it for good and forget it. An unknown one is fine."""

    def signal(self, name: str, number: str) -> None:
        """Send it a signal (`HUP`)."""


def quote(word: str) -> str:
    """One word of a command line, as supervisord's `command=` must have it (comments, %-expansion, shlex).

    ValueError for text that cannot stand there: control characters, line ends, lone surrogates.
    """
    if any(ord(char) < 32 or ord(char) == 127 or char in "\x85\u2028\u2029" for char in word):
        raise ValueError(f"{word!r} cannot stand in a command line")
    word.encode()
    quoted = []
    for char in word:
        if char == "'":
            quoted.append('"\'"')
        elif char == "%":  # doubled, and cut off from a "(" that might follow
            quoted.append("'%%'")
        else:
            quoted.append(char if _SAFE.fullmatch(char) else f"'{char}'")
    return "".join(quoted) or "''"


def service_section(name: str, command: Sequence[str], log_dir: Path) -> str:
    """The configuration of one timing service.

    A service that crashes is restarted, one that ends with 0 (or finds a twin) stays ended.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no program name: letters, digits, - and _ only")
    return "\n".join(
        [
            f"[program:{name}]",
            "command=" + " ".join(quote(word) for word in command),
            "autostart=false",
            "autorestart=unexpected",
            "exitcodes=0,3",
            "startsecs=2",
            "startretries=3",
            "stopsignal=TERM",
            "stopwaitsecs=8",
            "stopasgroup=false",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={str(log_dir / f'{name}.log').replace('%', '%%')}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=3",
            "",
        ]
    )


class Supervisord:
    """The real host, by XML-RPC over its unix socket. Safe to use from several threads."""

    def __init__(self, run_dir: Path, log_dir: Path) -> None:
        self._socket = run_dir / "supervisor.sock"
        self._conf = run_dir / "conf.d"
        self._log_dir = log_dir

    def programs(self) -> list[Program]:
        """See ProcessHost."""
        return [_program(raw) for raw in self._call("getAllProcessInfo")]

    def add(self, name: str, command: Sequence[str]) -> None:
        """See ProcessHost."""
        self._conf.mkdir(parents=True, exist_ok=True)
        path = self._conf / f"{name}.ini"
        fresh = path.with_suffix(".new")
        fresh.write_text(service_section(name, command, self._log_dir))
        fresh.replace(path)
        self._call("reloadConfig")
        try:
            self._call("addProcessGroup", name, ignore=(_ALREADY_ADDED,))
        except SupervisionError:
            path.unlink(missing_ok=True)
            raise

    def start(self, name: str) -> None:
        """See ProcessHost."""
        self._call("startProcess", name, False, ignore=(_ALREADY_STARTED,))

    def stop(self, name: str) -> None:
        """See ProcessHost."""
        self._call("stopProcess", name, False, ignore=(_NOT_RUNNING, _BAD_NAME))

    def remove(self, name: str) -> None:
        """See ProcessHost. Waits until the process is gone; RPC_TIMEOUT at most."""
        until = time.monotonic() + RPC_TIMEOUT
        while self._call("removeProcessGroup", name, ignore=(_STILL_RUNNING, _BAD_NAME)) == _STILL_RUNNING:
            if time.monotonic() > until:
                raise SupervisionError(f"{name} cannot be removed", "it does not end")
            self.stop(name)
            time.sleep(0.1)
        (self._conf / f"{name}.ini").unlink(missing_ok=True)

    def signal(self, name: str, number: str) -> None:
        """See ProcessHost."""
        self._call("signalProcess", name, number, ignore=(_NOT_RUNNING,))

    def stop_all(self, names: Iterable[str]) -> None:
        """Have all of these ended at once, in one call."""
        calls = [{"methodName": "supervisor.stopProcess", "params": [name, False]} for name in names]
        if calls:
            self._proxy("stopping").system.multicall(calls)

    def shutdown(self) -> None:
        """End supervisord itself."""
        self._call("shutdown")

    def pid(self) -> int:
        """supervisord's process id; SupervisionError if none answers."""
        return int(self._call("getPID"))

    def _call(self, method: str, *args: Any, ignore: Sequence[int] = ()) -> Any:
        """The method's answer, or the number of a fault that may be ignored."""
        what = " ".join([method, *map(str, args[:1])])
        try:
            return getattr(self._proxy(what).supervisor, method)(*args)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in ignore:
                return fault.faultCode
            raise SupervisionError(what, fault.faultString) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SupervisionError(what, error) from error

    def _proxy(self, what: str) -> Any:
        if not self._socket.exists():
            raise SupervisionError(what, f"no socket {self._socket}")
        return xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self._socket))


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket, with a timeout: supervisor's own has none."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002 - there is one socket only
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=RPC_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


def _program(raw: dict[str, Any]) -> Program:
    return Program(
        name=raw["name"],
        state=ProgramState(raw["statename"]),
        pid=raw["pid"],
        started=raw["start"],
        stopped=raw["stop"],
        exit_status=raw["exitstatus"],
        now=raw["now"],
        why=raw["spawnerr"],
    )


@dataclass
class InMemoryHost:
    """A host without processes, for tests of what stands on one. A test plays the process by `become`."""

    known: dict[str, Program] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    now: int = 1

    def programs(self) -> list[Program]:
        """See ProcessHost."""
        return [replace(program, now=self.now) for program in self.known.values()]

    def add(self, name: str, command: Sequence[str]) -> None:
        """See ProcessHost."""
        self.calls.append(("add", name))
        self.commands[name] = list(command)
        self.known.setdefault(name, Program(name, ProgramState.STOPPED))

    def start(self, name: str) -> None:
        """See ProcessHost."""
        self.calls.append(("start", name))
        if not self.known[name].alive:
            self.become(name, ProgramState.RUNNING, started=self.now, pid=1000 + len(self.calls))

    def stop(self, name: str) -> None:
        """See ProcessHost."""
        self.calls.append(("stop", name))
        if name in self.known and self.known[name].alive:
            self.become(name, ProgramState.STOPPED, stopped=self.now, pid=0)

    def remove(self, name: str) -> None:
        """See ProcessHost."""
        self.calls.append(("remove", name))
        self.known.pop(name, None)

    def signal(self, name: str, number: str) -> None:
        """See ProcessHost."""
        self.calls.append((f"signal {number}", name))

    def become(self, name: str, state: ProgramState, **what: int) -> None:
        """The process of `name` changes its state."""
        self.known[name] = replace(self.known[name], state=state, **what)  # type: ignore[arg-type]  # ints only
