"""What a timing service is: the interface that plugins are written against.

A plugin is a module `livetiming.service.plugins.NAME` with a class `Service(args, extra_args)`, a `BaseService`. It
says what its columns are and, when asked, what the race is like now; its host (livetiming.service.host) publishes
that, adds the race messages, keeps it, and ends it.
"""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar
from uuid import uuid4

from twisted.logger import Logger

from livetiming.manifest import Manifest
from livetiming.messages import Generator
from livetiming.racing import Stat
from livetiming.state import EMPTY_STATE, State

Column = Stat | Sequence[str]  # a standard column, or (heading, type, description?)


def core_version() -> str:
    """The version of this SDK."""
    try:
        return version("livetiming-orchestrator")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0"


class AbstractService(ABC):
    """What a plugin must say of itself and of the race."""

    auto_poll: ClassVar[bool] = True  # False: the plugin calls _updateAndPublishRaceState() itself
    attribution: ClassVar[Sequence[str] | None] = None  # [name, url] of whose data it is

    @abstractmethod
    def getName(self) -> str:
        """The series, as people call it."""

    @abstractmethod
    def getDefaultDescription(self) -> str:
        """What is being timed, where no `-d` says it."""

    @abstractmethod
    def getColumnSpec(self) -> Sequence[Column]:
        """The columns of a car's row."""

    @abstractmethod
    def getRaceState(self) -> Mapping[str, Any]:
        """The race now: `{"cars": [row, …], "session": {…}}`. May be a coroutine function."""

    @abstractmethod
    def getTrackDataSpec(self) -> Sequence[str]:
        """The headings of `session["trackData"]`."""

    @abstractmethod
    def getPollInterval(self) -> float:
        """Seconds between two calls of `getRaceState`."""

    @abstractmethod
    def getExtraMessageGenerators(self) -> Sequence[Generator]:
        """Message generators beside the standard ones."""

    @abstractmethod
    def getVersion(self) -> str:
        """The plugin's version."""


class BaseService(AbstractService):
    """A service with everything but the race itself. `args` is what the host's command line said (docs/services.md)."""

    log = Logger()

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        self.args = args
        self.extra_args = list(extra_args or [])
        self.uuid: str = args.uuid or uuid4().hex
        self.state: State = dict(EMPTY_STATE)
        self.host: Any = None  # set by the host while it runs us

    @classmethod
    def argument_parser(cls) -> argparse.ArgumentParser | None:
        """The parser of the plugin's own options, or None where it has none to declare."""
        return None

    def setup(self) -> None:
        """Called once when the reactor runs, before the first state: begin to listen to the feed here."""

    def teardown(self) -> None:
        """Called once at the end, after the last state: let go of the feed here."""

    def getTrackDataSpec(self) -> Sequence[str]:
        return []

    def getPollInterval(self) -> float:
        return 10

    def getExtraMessageGenerators(self) -> Sequence[Generator]:
        return []

    def getVersion(self) -> str:
        return core_version()

    def start(self) -> int:
        """Run until told to end; returns the process's exit code."""
        from livetiming.service.host import run_service  # not at import: it installs the reactor

        return run_service(self)

    def publishManifest(self) -> None:
        """Tell everybody what has changed about us (at most once a second)."""
        if self.host is not None:
            self.host.set_due_manifest()

    def publish(self) -> None:
        """Send the current state again."""
        if self.host is not None:
            self.host.publish_state()

    def _updateAndPublishRaceState(self) -> None:
        """Ask `getRaceState` and publish what it says."""
        if self.host is not None:
            self.host.update()

    def manifest(self) -> Manifest:
        """What we are, as the directory lists it."""
        args = self.args
        described: Manifest = {
            "uuid": self.uuid,
            "name": self.getName(),
            "serviceClass": args.masquerade or args.service_class,
            "description": args.description or self.getDefaultDescription(),
            "colSpec": [
                list(column.value) if isinstance(column, Stat) else list(column) for column in self.getColumnSpec()
            ],
            "trackDataSpec": list(self.getTrackDataSpec()),
            "pollInterval": self.getPollInterval(),
            "hasAnalysis": False,
            "hidden": bool(args.hidden),
            "livetimingVersion": {"core": core_version(), "plugin": self.getVersion()},
        }
        optional = {"doNotRecord": bool(args.do_not_record), "event": args.event}
        described.update({key: value for key, value in optional.items() if value})
        if self.attribution:
            described["source"] = list(self.attribution)
        return described


class DuePublisher:
    """Mix-in for a service whose feed tells it when something changed (`auto_poll = False`).

    `set_due_publish()` has the state published: at most once a second, and at least every `max_publish_interval` s.
    """

    max_publish_interval: ClassVar[float] = 60.0
    host: Any

    def set_due_publish(self) -> None:
        """Something has changed: publish soon."""
        if self.host is not None:
            self.host.set_due_update()
