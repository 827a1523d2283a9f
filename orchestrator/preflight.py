"""What is checked before anything is started, and what is made: folders, secret, configuration."""

import json
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment as Templates
from jinja2 import StrictUndefined, Template

from orchestrator.resources import resource, web_root
from orchestrator.settings import Settings
from orchestrator.supervision import quote

_UNIX_PATH_LIMIT = 100  # bytes; the kernel's is 107, and supervisord adds a few while it starts
_UNFIT = set("%;#\"'`$\\")  # characters that mean something to supervisord's configuration


class PreflightError(RuntimeError):
    """Something would keep the system from running; nothing has been started."""


@dataclass(frozen=True)
class Daemon:
    """A program that always runs. `command` is an argument list; lower priorities start first."""

    name: str
    command: Sequence[str]
    priority: int
    stopsignal: str = "TERM"
    as_group: bool = False  # whether its children get the signal too


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules with this very Python."""
    return [sys.executable, "-m", name, *arguments]


def daemons() -> list[Daemon]:
    """What always runs, in the order of its start."""
    return [
        Daemon("router", module("orchestrator.router"), 100, stopsignal="INT"),
        Daemon("manager", module("orchestrator.manager.daemon"), 200),
        Daemon("dvr", module("orchestrator.dvr.daemon"), 200),
        Daemon("recordings", module("orchestrator.recordings.daemon"), 300),
        Daemon("scheduler", module("orchestrator.scheduler.daemon"), 400),
    ]


def check_home(settings: Settings) -> None:
    """PreflightError for a home that supervisord, or a socket in it, could not do with."""
    home = str(settings.home)
    if unfit := sorted(_UNFIT.intersection(home)):
        raise PreflightError(f"LIVETIMING_HOME ({home}) contains {' '.join(unfit)}: choose a folder without")
    if len(os.fsencode(settings.run_dir / "supervisor.sock")) > _UNIX_PATH_LIMIT:
        raise PreflightError(f"LIVETIMING_HOME ({home}) is too long for a socket in it: choose a shorter one")


def check_port(variable: str, address: str, port: int) -> None:
    """PreflightError for a port that cannot be listened on; `variable` is how to choose another."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError) as error:
            raise PreflightError(
                f"cannot listen on {address} port {port} ({error}): end what uses it, or choose another by {variable}"
            ) from error


def make_folders(settings: Settings) -> None:
    """Every folder that a program expects; PreflightError for one that cannot be made or written."""
    private = [settings.home, settings.run_dir, settings.place.jobs_dir, settings.run_dir / "conf.d"]
    shared = [
        settings.log_dir,
        settings.state_dir,
        settings.router_dir,
        settings.recordings_dir,
        settings.recordings_temp_dir,
    ]
    for folder in (*private, *shared):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700 if folder in private[1:] else 0o755)
        except OSError as error:
            raise PreflightError(f"cannot make the folder {folder}: {error}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PreflightError(f"the folder {folder} cannot be written: change its owner, or LIVETIMING_HOME")


def make_secret(settings: Settings) -> bool:
    """A shared secret in the home (0600), where none is set; whether one was made."""
    if settings.place.credentials is not None:
        return False
    descriptor = os.open(settings.place.secret_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return True


def render(settings: Settings, programs: Sequence[Daemon]) -> None:
    """supervisord's and Crossbar's configuration, into the home."""
    for stale in (settings.run_dir / "conf.d").glob("*"):
        stale.unlink()  # the scheduler writes what should run now; a broken old file would keep supervisord down
    _write(settings.home / "supervisord.conf", _supervisord(settings, programs))
    _write(settings.router_dir / "config.json", _router(settings))


def _supervisord(settings: Settings, programs: Sequence[Daemon]) -> str:
    rendered = [
        {
            "name": program.name,
            "command": " ".join(quote(word) for word in program.command),
            "priority": program.priority,
            "stopsignal": program.stopsignal,
            "as_group": "true" if program.as_group else "false",
        }
        for program in programs
    ]
    return _template("supervisord.conf.j2").render(
        run_dir=settings.run_dir, log_dir=settings.log_dir, programs=rendered
    )


def _router(settings: Settings) -> str:
    credentials = settings.place.credentials
    text = _template("crossbar/config.json.j2").render(
        code_dir=str(resource("crossbar").resolve()),
        auth_id=credentials.authid if credentials else "services",
        auth_file=str(settings.auth_file) if settings.auth_file else None,
        port=settings.port,
        bind=settings.bind,
        web_dir=str(web_root()),
        public_url=settings.public_url,
        schedule_file=str(settings.schedule_file),
        recordings_dir=str(settings.recordings_dir),
        socket=str(settings.place.router_socket),
    )
    return json.dumps(json.loads(text), indent=2) + "\n"


def _template(name: str) -> Template:
    templates = Templates(undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701 - no HTML
    return templates.from_string(resource(name).read_text())


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
