"""The plugin SDK: what a timing service is written with.

Names are imported when they are first asked for: a plugin without WebSockets need not wait for them, nor `--help` for
the reactor.
"""

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

__path__ = extend_path(__path__, __name__)

if TYPE_CHECKING:
    from livetiming.errors import BugError, RemoteError
    from livetiming.service.api import AbstractService, BaseService, DuePublisher, Service
    from livetiming.service.factories import ReconnectingWebSocketClientFactory, Watchdog
    from livetiming.service.fetchers import Fetcher, JSONFetcher, MultiLineFetcher
    from livetiming.service.options import parse_args

__all__ = [
    "AbstractService",
    "BaseService",
    "BugError",
    "DuePublisher",
    "Fetcher",
    "JSONFetcher",
    "MultiLineFetcher",
    "ReconnectingWebSocketClientFactory",
    "RemoteError",
    "Service",
    "Watchdog",
    "parse_args",
]

_HOMES = {
    "livetiming.errors": ("BugError", "RemoteError"),
    "livetiming.service.api": ("AbstractService", "BaseService", "DuePublisher", "Service"),
    "livetiming.service.factories": ("ReconnectingWebSocketClientFactory", "Watchdog"),
    "livetiming.service.fetchers": ("Fetcher", "JSONFetcher", "MultiLineFetcher"),
    "livetiming.service.options": ("parse_args",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
