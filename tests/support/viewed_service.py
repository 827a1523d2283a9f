"""A timing service as a process on a running system, and what a viewer hears of it."""

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from livetiming.network import Channel, Message, MessageClass, decode_state, service_topic
from livetiming.state import State
from tests.support.client import Client
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

STATES = (MessageClass.SERVICE_DATA, MessageClass.SERVICE_DATA_COMPRESSED)


class ViewedService:
    """One service of the class; it may be started more than once, always with the same uuid."""

    def __init__(self, system: RunningSystem, client: Client, service_class: str) -> None:
        self.uuid = uuid4().hex
        self._system = system
        self._client = client
        self._class = service_class
        self._process: subprocess.Popen[str] | None = None
        client.subscribe(service_topic(self.uuid))
        client.subscribe(Channel.CONTROL)

    def start(self, *options: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        """Start it by hand, in folder `cwd`, with the log on standard output."""
        command = [sys.executable, "-m", "livetiming.service.cli", self._class, "-v", "--uuid", self.uuid, *options]
        self._process = subprocess.Popen(
            command,
            env={**self._system.environ, **(environ or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self) -> str:
        """Told to end; what it has logged."""
        assert self._process is not None
        self._process.terminate()
        return self._process.communicate(timeout=10)[0]

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.communicate()

    def states(self) -> list[State]:
        """The states so far."""
        heard = [raw for topic, raw, _ in self._client.events if topic == service_topic(self.uuid) and raw is not None]
        return [decode_state(Message.decode(raw)) for raw in heard if raw["msgClass"] in STATES]

    def messages(self) -> list[list[Any]]:
        """The messages of the latest state, newest first."""
        found: list[list[Any]] = self.states()[-1]["messages"] if self.states() else []
        return found

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests so far."""
        sent = [raw for topic, raw, _ in self._client.events if topic == Channel.CONTROL]
        registered = [raw["payload"] for raw in sent if raw["msgClass"] == MessageClass.SERVICE_REGISTRATION]
        return [manifest for manifest in registered if manifest["uuid"] == self.uuid]

    def manifest(self) -> dict[str, Any]:
        """The first manifest."""
        return eventually(self.manifests)[0]
