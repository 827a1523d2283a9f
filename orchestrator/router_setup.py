"""The router's own environment: Crossbar, apart from ours, because its pins would degrade other packages silently."""

import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from orchestrator.resources import resource
from orchestrator.settings import Settings

Progress = Callable[[str], None]
_MARK = ".livetiming-requirements"  # holds what is installed; written last


class RouterSetupError(RuntimeError):
    """Crossbar could not be installed."""

    def __init__(self, folder: Path, said: str) -> None:
        super().__init__(
            f"the router's environment {folder} could not be made:\n{said}\n"
            "Try again with: livetiming setup-router; or name another Crossbar in LIVETIMING_CROSSBAR."
        )


def environment_folder(settings: Settings) -> Path:
    """Beside our own packages, so that every home shares it; in the home where that place is not ours to write."""
    prefix = Path(sys.prefix)
    return (prefix if os.access(prefix, os.W_OK) else settings.home) / "crossbar"


def crossbar(settings: Settings) -> Path:
    """The Crossbar executable to run; it may have to be installed first."""
    return settings.crossbar or environment_folder(settings) / "bin" / "crossbar"


def is_installed(settings: Settings) -> bool:
    """Whether the Crossbar that our requirements name is there."""
    if settings.crossbar is not None:
        return settings.crossbar.is_file()
    mark = environment_folder(settings) / _MARK
    return mark.is_file() and mark.read_text() == _wanted() and crossbar(settings).is_file()


def install(settings: Settings, say: Progress) -> None:
    """Make the router's environment where it is missing or out of date; RouterSetupError if that fails."""
    if is_installed(settings):
        return
    if settings.crossbar is not None:
        raise RouterSetupError(settings.crossbar, "LIVETIMING_CROSSBAR names a file that is not there")
    folder = environment_folder(settings)
    say(f"making the router's environment in {folder} (Crossbar, once, about a minute)")
    (folder / _MARK).unlink(missing_ok=True)
    venv.create(folder, with_pip=True, clear=True)
    _install_requirements(folder, say)
    (folder / _MARK).write_text(_wanted())
    say("the router's environment is ready")


def _install_requirements(folder: Path, say: Progress) -> None:
    requirements = resource("crossbar/requirements.txt")
    total = sum(1 for line in requirements.read_text().splitlines() if "==" in line)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--progress-bar", "off", "--requirement", str(requirements)]
    # bjdata's C extension would need a compiler, and is of no use to us
    environ = {**os.environ, "PYBJDATA_NO_EXTENSION": "1"}
    tail: list[str] = []
    collected = 0
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            tail = [*tail[-19:], line.rstrip()]
            if line.startswith("Collecting "):
                collected += 1
                if collected % 20 == 0:
                    say(f"  fetched {collected} of {total} packages")
            elif line.startswith("Installing collected"):
                say("  installing them")
    if pip.returncode != 0:
        raise RouterSetupError(folder, "\n".join(tail))


def _wanted() -> str:
    return hashlib.sha256(resource("crossbar/requirements.txt").read_bytes()).hexdigest()
