"""`livetiming up` and `down`: the whole system started, watched, and ended in order."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from livetiming.commandline import EXIT_DONE, EXIT_WRONG
from livetiming.lock import AlreadyRunning, Lock, last_sign_of_life, lock_path
from orchestrator import leftovers, preflight, router_setup
from orchestrator.preflight import Daemon
from orchestrator.settings import Settings
from orchestrator.supervision import Program, ProgramState, SupervisionError, Supervisord

READY_SECONDS = 60.0  # a slow machine needs a while for Crossbar
STOP_SECONDS = 14.0  # for everything; what is left then is killed
SERVICES = ("service-", "wt-", "provider-")  # programs that are scheduled, by the beginnings of their names

Say = Callable[[str], None]
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # our own port is behind no proxy


@dataclass(frozen=True)
class Extras:
    """What a special run (the demo) adds."""

    programs: Sequence[Daemon] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[tuple[str, str, int]] = ()  # (variable, address, port) that its programs listen on
    hints: Sequence[str] = ()  # what to look at, said when everything runs
    prepare: Callable[[], None] = lambda: None  # run last before the start


class System:
    """The running system of one home, by way of its supervisord."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.supervisord = Supervisord(settings.run_dir, settings.log_dir)

    def programs(self) -> list[Program] | None:
        """Every program, or None where no supervisord answers."""
        try:
            return self.supervisord.programs()
        except SupervisionError:
            return None

    def router_answers(self) -> bool:
        """Whether the router's port serves its pages; it accepts connections a moment before."""
        try:
            with _DIRECT.open(f"{self.settings.local_url}/relays", timeout=1):
                return True
        except (OSError, http.client.HTTPException):
            return False

    def stop(self, say: Say) -> None:
        """End services, then daemons, then the router, then supervisord; kill what is left after STOP_SECONDS."""
        until = time.monotonic() + STOP_SECONDS
        programs = self.programs()
        if programs is not None:
            names = [program.name for program in programs]
            services = [name for name in names if name.startswith(SERVICES)]
            daemons = [name for name in names if name not in services and name not in ("router", "scheduler")]
            for step, group in (
                ("scheduler", ["scheduler"]),  # first, or it would start again what ends
                ("timing services", services),
                ("daemons", daemons),
                ("router", ["router"]),
            ):
                say(f"stopping {step}")
                self._stop_group([name for name in group if name in names], until)
            say("stopping supervisord")
            with contextlib.suppress(SupervisionError):  # it may be quicker than its answer
                self.supervisord.shutdown()
        self._end_supervisord(until)

    def _stop_group(self, names: Sequence[str], until: float) -> None:
        try:
            self.supervisord.stop_all(names)
            while time.monotonic() < until:
                if not any(program.alive for program in self.supervisord.programs() if program.name in names):
                    return
                time.sleep(0.05)
        except (SupervisionError, OSError):
            return  # supervisord is gone, and with it what it ran

    def _end_supervisord(self, until: float) -> None:
        run_dir = self.settings.run_dir
        supervisord = leftovers.recorded(run_dir, "supervisord")
        if supervisord is not None:
            with contextlib.suppress(psutil.TimeoutExpired):
                supervisord.wait(max(0.1, until - time.monotonic()))
        left = [leftovers.recorded(run_dir, name) for name in ("supervisord", "crossbar")]
        leftovers.end([process for process in left if process is not None] + leftovers.holders(run_dir, but="up"))


def up(settings: Settings, extras: Extras, say: Say) -> int:
    """Run everything in the foreground until SIGINT or SIGTERM."""
    preflight.check_home(settings)
    preflight.make_folders(settings)
    try:
        lock = Lock("livetiming up", lock_path(settings.run_dir, "up"))
    except AlreadyRunning as error:
        say(f"livetiming: {error}")
        return EXIT_WRONG
    system = System(settings)
    if leftovers.recorded(settings.run_dir, "supervisord") or leftovers.holders(settings.run_dir, but="up"):
        say("ending what a killed run has left behind")
        system.stop(lambda _: None)
    for port in (("LIVETIMING_PORT", settings.bind, settings.port), *extras.ports):
        preflight.check_port(*port)
    router_setup.install(settings, say)
    if preflight.make_secret(settings):
        say(f"made a shared secret in {settings.place.secret_file}")
        settings = Settings.load()
    programs = [*preflight.daemons(), *extras.programs]
    preflight.render(settings, programs)
    extras.prepare()
    return _supervise(system, [program.name for program in programs], extras, say, lock)


def _supervise(system: System, expected: Sequence[str], extras: Extras, say: Say, lock: Lock) -> int:
    settings = system.settings
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # under nohup a hang-up is nothing to us
            signal.signal(number, lambda *_: told.set())
    began = time.monotonic()
    supervisord = subprocess.Popen(
        [*preflight.module("supervisor.supervisord"), "-n", "-c", settings.home / "supervisord.conf"],
        cwd=settings.place.base,
        env={**os.environ, **extras.environ, "LIVETIMING_HOME": str(settings.home)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us: we end the others in order
    )
    leftovers.record(settings.run_dir, "supervisord", supervisord.pid)
    say(f"supervisord runs (process {supervisord.pid}); waiting for the programs")
    ready = False
    while not told.wait(0.2):
        if supervisord.poll() is not None:
            return _supervisord_died(system, supervisord.returncode, say)
        lock.alive()
        if not ready and is_ready(system, expected):
            ready = True
            say(f"everything runs, after {time.monotonic() - began:.1f} s")
            for hint in extras.hints or _hints(settings):
                say(f"  {hint}")
        if not ready and time.monotonic() - began > READY_SECONDS:
            say(f"not everything runs after {READY_SECONDS:.0f} s: see `livetiming status` and {settings.log_dir}")
            ready = True  # said once; supervisord keeps trying
    say("")
    system.stop(say)
    supervisord.wait()
    say("everything has ended")
    return EXIT_DONE


def _hints(settings: Settings) -> list[str]:
    hints = [f"live timing: {settings.local_url}/"]
    if not settings.calendar.is_set:
        hints.append("LIVETIMING_CALENDAR_URL is not set: nothing is scheduled (see livetiming.env)")
    return hints


def _supervisord_died(system: System, code: int, say: Say) -> int:
    say(f"supervisord ended by itself (exit {code}); ending what it ran. See {system.settings.log_dir}/supervisord.log")
    leftovers.end(leftovers.holders(system.settings.run_dir, but="up"))
    say("to start again: livetiming up")
    return EXIT_WRONG


def is_ready(system: System, expected: Sequence[str]) -> bool:
    """Whether every expected program runs, the router serves, and all have joined it."""
    programs = {program.name: program for program in system.programs() or ()}
    running = all(name in programs and programs[name].state is ProgramState.RUNNING for name in expected)
    locks = [lock_path(system.settings.run_dir, daemon.name) for daemon in preflight.daemons()]
    return running and system.router_answers() and all(map(last_sign_of_life, locks))


def up_detached(settings: Settings, arguments: Sequence[str], say: Say) -> int:
    """`livetiming up` in the background; returns when everything runs."""
    preflight.check_home(settings)
    preflight.make_folders(settings)
    if _up_process(settings.run_dir) is not None:
        say(f"livetiming: it is running already in {settings.home} (livetiming status)")
        return EXIT_WRONG
    router_setup.install(settings, say)  # with its progress on this terminal
    log = settings.log_dir / "up.log"
    log.unlink(missing_ok=True)
    with log.open("ab") as file:
        child = subprocess.Popen(
            [*preflight.module("orchestrator.cli"), "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    system = System(settings)
    expected = [program.name for program in preflight.daemons()]
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if child.poll() is not None:
            sys.stderr.write(log.read_text())
            return child.returncode or EXIT_WRONG
        if _is_parent_of_supervisord(child.pid, settings.run_dir) and is_ready(system, expected):
            say(f"everything runs (process {child.pid}, log {log}): {settings.local_url}/")
            return EXIT_DONE
        time.sleep(0.2)
    say(f"not everything runs after {READY_SECONDS:.0f} s: see `livetiming status` and {log}")
    return EXIT_WRONG


def _is_parent_of_supervisord(pid: int, run_dir: Path) -> bool:
    supervisord = leftovers.recorded(run_dir, "supervisord")
    try:
        return supervisord is not None and supervisord.ppid() == pid
    except psutil.NoSuchProcess:  # one that is being ended
        return False


def down(settings: Settings, say: Say) -> int:
    """End the system of this home, however it was started."""
    system = System(settings)
    ups = _up_process(settings.run_dir)
    if ups is not None:
        say(f"telling livetiming up (process {ups.pid}) to end")
        with contextlib.suppress(psutil.NoSuchProcess):
            ups.terminate()
            try:
                ups.wait(STOP_SECONDS + 6)
            except psutil.TimeoutExpired:
                say("it does not end: killing it")
                ups.kill()
    elif leftovers.recorded(settings.run_dir, "supervisord") is None and not _holders(settings.run_dir):
        say("nothing runs here")
        return EXIT_DONE
    system.stop(say if ups is None else lambda _: None)
    say("everything has ended")
    return EXIT_DONE


def _up_process(run_dir: Path) -> psutil.Process | None:
    for process in _holders(run_dir):
        with contextlib.suppress(OSError, ValueError):
            if int(lock_path(run_dir, "up").read_text()) == process.pid:
                return process
    return None


def _holders(run_dir: Path) -> list[psutil.Process]:
    return leftovers.holders(run_dir) if run_dir.is_dir() else []
