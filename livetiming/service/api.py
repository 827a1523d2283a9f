"""What a timing service is: the interface that plugins are written against.

A plugin is a module `livetiming.service.plugins.NAME` with a class `Service(args, extra_args)`, a `BaseService`. It
says what its columns are and, when asked, what the race is like now; its host (livetiming.service.host) publishes
that, adds the race messages, keeps it, and ends it.
"""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from twisted.logger import Logger

from livetiming.manifest import Manifest
from livetiming.messages import Generator
from livetiming.racing import Stat
from livetiming.service.analyser import Analyser
from livetiming.service.kept import Kept, Unusable
from livetiming.settings import Place
from livetiming.state import State, empty_state

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
    attribution: Sequence[str] | None = None  # [name, url] of whose data it is

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
    not_for_calendars: ClassVar[Sequence[str]] = ()  # options (argparse's dest) that only a person may use: files

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        super().__init__()
        self.args = args
        self.extra_args = list(extra_args or [])
        first: Path | None = args.initial_state
        self.uuid: str = args.uuid or (first.stem if first is not None else uuid4().hex)
        self.state: State = self._kept_state(first)
        self.analyser = Analyser()
        self._service_host: Any = None  # set by the host while it runs us; named so that no plugin's own name is hidden
        self._exit_code = 0
        self._http_client: Any = None

    def _kept_state(self, first: Path | None) -> State:
        place = Place.load()
        kept = Kept.of(place.state_dir, place.analysis_dir, self.uuid)
        if first is not None:
            kept = replace(kept, state_file=first)
        try:
            state = kept.state()
        except Unusable as error:
            self.log.warn("{error}", error=error)
            return empty_state()
        if state is None and first is not None:
            self.log.warn("there is no state in {file}: beginning anew", file=first)
        if state is not None:
            self.log.info("goes on from the state in {file}", file=kept.state_file)
        return state or empty_state()

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

    @property
    def _analysed(self) -> bool:
        """Whether the race is analysed."""
        return not self.args.disable_analysis

    @property
    def http_client(self) -> Any:
        """A treq HTTPClient. Bound what you read with it; `livetiming.service.http.fetch` does."""
        if self._http_client is None:
            from livetiming.service.http import new_client  # the reactor's, which not everybody needs

            self._http_client = new_client()
        return self._http_client

    def start(self) -> int:
        """Run until told to end; returns the process's exit code. Plugins may override this, and call it last."""
        from livetiming.service.run import run_service  # not at import: it installs the reactor

        self._exit_code = run_service(self)
        return self._exit_code

    def publishManifest(self) -> None:
        """Tell everybody what has changed about us (at most once a second)."""
        if self._service_host is not None:
            self._service_host.set_due_manifest()

    def publish(self) -> None:
        """Send the current state again."""
        if self._service_host is not None:
            self._service_host.publish_state()

    def _updateAndPublishRaceState(self) -> None:
        """Ask `getRaceState` and publish what it says."""
        if self._service_host is not None:
            self._service_host.update()

    def _getServiceClass(self) -> str:
        """What we are listed as, where no masquerade says it."""
        return str(self.args.service_class)

    def _column_spec(self) -> list[list[str]]:
        """The columns as a manifest has them."""
        return [list(column.value) if isinstance(column, Stat) else list(column) for column in self.getColumnSpec()]

    def _manifest(self) -> Manifest:
        """What we are, as the directory lists it."""
        args = self.args
        described: Manifest = {
            "uuid": self.uuid,
            "name": self.getName(),
            "serviceClass": args.masquerade or self._getServiceClass(),
            "description": args.description or self.getDefaultDescription(),
            "colSpec": self._column_spec(),
            "trackDataSpec": list(self.getTrackDataSpec()),
            "pollInterval": self.getPollInterval() or 1,
            "hasAnalysis": self._analysed,
            "hidden": bool(args.hidden),
            "livetimingVersion": {"core": core_version(), "plugin": self.getVersion()},
        }
        optional = {"doNotRecord": bool(args.do_not_record), "event": getattr(args, "event", "")}
        described.update({key: value for key, value in optional.items() if value})
        if self.attribution:
            described["source"] = list(self.attribution)
        return described


Service = BaseService  # as older plugins know it


class DuePublisher:
    """Mix-in for a service whose feed tells it when something changed.

    `set_due_publish()` has the state published: at most once a second, and at least every `max_publish_interval` s.
    """

    auto_poll: ClassVar[bool] = False
    max_publish_interval: ClassVar[float] = 60.0
    _service_host: Any

    def set_due_publish(self) -> None:
        """Something has changed: publish soon. Any thread may call it."""
        if self._service_host is not None:
            self._service_host.set_due_update()
