"""A client of the router for tests: our own `Router`, in a reactor that runs in a thread of its own."""

import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

from livetiming.reactor import reactor
from livetiming.settings import Credentials
from livetiming.wamp import Router
from tests.support.waiting import eventually

_started = threading.Event()


def _reactor_thread() -> None:
    if not _started.is_set():
        _started.set()
        threading.Thread(target=lambda: reactor.run(installSignalHandlers=False), daemon=True).start()
        eventually(lambda: reactor.running, what="the reactor runs")


def in_reactor(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What `function` gives in the reactor's thread; coroutines are awaited."""
    _reactor_thread()

    def call() -> Any:
        result = function(*args, **kwargs)
        return Deferred.fromCoroutine(result) if isinstance(result, Coroutine) else result

    return blockingCallFromThread(reactor, call)


class Client:
    """A seat on the router of `home`; as `services`, or anonymous on the public port."""

    def __init__(self, home: Path, port: int | None = None, credentials: Credentials | None = None) -> None:
        self.events: list[tuple[str, Any, Any]] = []  # (topic as subscribed, argument, details)
        if port is None:
            address = f"rs://unix:{home / 'run' / 'router.sock'}"
            credentials = credentials or Credentials("services", (home / "secret").read_text().strip())
        else:
            address = f"ws://127.0.0.1:{port}/ws"
        self.router = Router(address, credentials)
        in_reactor(self.router.start)
        eventually(lambda: self.router.joined, what="the client joins")

    def call(self, uri: str, *args: Any, **kwargs: Any) -> Any:
        """What `uri` answers."""
        return in_reactor(self.router.call, uri, *args, **kwargs)

    def publish(self, topic: str, body: Any, **kwargs: Any) -> None:
        """Publish, and wait for the router's answer."""
        in_reactor(self.router.publish, topic, body, **kwargs)
        in_reactor(self.router.settled)

    def subscribe(self, topic: str, **kwargs: Any) -> None:
        """Collect the events of `topic` in `events`."""
        in_reactor(
            self.router.subscribe, topic, lambda raw, details: self.events.append((topic, raw, details)), **kwargs
        )

    def session(self) -> Any:
        """The bare autobahn session, for what `Router` would not do."""
        return self.router._session

    def close(self) -> None:
        """Leave."""
        in_reactor(self.router.stop)
