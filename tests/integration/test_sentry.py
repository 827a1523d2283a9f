"""Errors reach Sentry: a loopback server that speaks its protocol, and the real client library."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.loopback import Handler, LoopbackServer
from tests.support.system import PLUGINS
from tests.support.waiting import eventually

UUID = "c" * 32


class Sentry:
    """Takes envelopes (https://develop.sentry.dev/sdk/data-model/envelopes/), and keeps the events in them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        sentry = self

        class Taking(Handler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                lines = body.split(b"\n")
                for header, payload in zip(lines[1::2], lines[2::2], strict=False):
                    if json.loads(header).get("type") == "event":
                        sentry.events.append(json.loads(payload))
                self.reply(200, b"{}")

        self._server = LoopbackServer(Taking)

    @property
    def dsn(self) -> str:
        """The address of a project."""
        return f"http://key@127.0.0.1:{self._server.port}/1"

    def close(self) -> None:
        """End it."""
        self._server.close()


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    server = Sentry()
    yield server
    server.close()


def run(home: Path, dsn: str, *options: str) -> subprocess.Popen[str]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("LIVETIMING_", "SENTRY_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "livetiming.service.cli", "ticking", "--standalone", "--uuid", UUID, *options],
        env={
            **base,
            "PYTHONPATH": str(PLUGINS),
            "LIVETIMING_HOME": str(home),
            "SENTRY_DSN": dsn,
            "LIVETIMING_ENVIRONMENT": "test",
        },
        cwd=home,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_error_of_a_service_arrives_with_uuid_and_class(sentry: Sentry, home: Path) -> None:
    process = run(home, sentry.dsn, "--raise-until", "3")
    try:
        (event, *_) = eventually(lambda: sentry.events)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert event["tags"] == {"uuid": UUID, "service_class": "ticking"}
    assert event["environment"] == "test"
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "getRaceState"


def test_what_is_the_feeds_fault_does_not(sentry: Sentry, home: Path) -> None:
    process = run(home, sentry.dsn, "--gone-for", "3", "--laps", "8")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert sentry.events == []


def test_an_address_that_is_none_is_a_wrong_setting_and_is_not_shown(home: Path) -> None:
    process = run(home, "https://secret-key@/")
    _, told = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "SENTRY_DSN" in told
    assert "secret-key" not in told


def test_without_an_address_it_is_not_even_imported(home: Path) -> None:
    program = (
        "import sys; from livetiming import sentry; from livetiming.environment import Environment\n"
        "sentry.begin(Environment({}, None), uuid='x'); sys.exit('sentry_sdk' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True, cwd=home)


def test_the_addresses_that_a_plugin_asks_are_not_sent(sentry: Sentry, home: Path) -> None:
    program = (
        "import logging, sys, requests; from livetiming import sentry\n"
        "from livetiming.environment import Environment\n"
        "sentry.begin(Environment({'SENTRY_DSN': sys.argv[1]}, None), uuid='x')\n"
        "requests.post(sys.argv[1].partition('@')[2].join(['http://', '/feed?token=word-4711']), data=b'')\n"
        "logging.error('it failed')\n"
    )
    subprocess.run([sys.executable, "-c", program, sentry.dsn], timeout=60, check=True, cwd=home)
    (event, *_) = eventually(lambda: [event for event in sentry.events if "logentry" in event])
    assert "4711" not in str(event)
