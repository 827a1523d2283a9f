"""Packages from npm, in a temporary folder: what runs in our users' browsers, in node."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TIME_LIMIT = 90  # seconds
_QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")


def install(package: str, folder: Path) -> None:
    """Install `package` (`name@version`) into `folder`; the test is skipped where that cannot be, but fails in CI."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed here")
    reason = ""
    try:
        command = ["npm", "install", *_QUIET, "--prefix", str(folder), package]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIME_LIMIT)
        if done.returncode:
            reason = f"exit code {done.returncode}: {done.stderr}"
    except subprocess.TimeoutExpired:
        reason = f"it took more than {TIME_LIMIT} s"
    if reason:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"npm could not install {package}: {reason}")


def run(folder: Path, *arguments: str, given: str) -> str:
    """What node writes when it runs with `arguments` in `folder` and reads `given`."""
    done = subprocess.run(
        ["node", *arguments],
        input=given,
        cwd=folder,
        check=True,
        capture_output=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
    )
    return done.stdout
