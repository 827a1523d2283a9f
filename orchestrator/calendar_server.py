"""The program `calendar-server` of the demo: Radicale, a CalDAV server, with one calendar.

It listens on loopback only and lets everybody in, for whoever reaches it there is at this machine. It is an extra
(`calendar-server`), so Radicale is imported where it is used.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from livetiming.lock import EXIT_TWICE, AlreadyRunning, Lock, lock_path, wait_for_end_of_input
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from radicale.config import Configuration
    from radicale.storage import BaseCollection

NAME = "calendar-server"
ADDRESS = "127.0.0.1"
OWNER, CALENDAR = "livetiming", "races"
TITLE = "Live timing"  # as a calendar app shows it
IDLE_SECONDS = 5.0  # a connection that says nothing for so long is closed; supervisord waits 8 s for our end
SIGN_OF_LIFE_SECONDS = 5.0


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("radicale") is not None


def calendar_url(port: int) -> str:
    """The calendar's address: CalDAV, and the whole calendar for a plain GET."""
    return f"http://{ADDRESS}:{port}/{OWNER}/{CALENDAR}/"


def fill(home: Path, port: int, objects: Mapping[str, str], ours: str) -> str:
    """Put `objects` (UID → VCALENDAR text) in the place of those whose UID ends with `ours`; the whole calendar then.

    The calendar is made where there is none. To be called while the server does not run.
    """
    from radicale.item import Item

    with _calendar(home, port) as calendar:
        for item in list(calendar.get_all()):
            if item.uid.endswith(ours):
                calendar.delete(item.href)
        for uid, text in objects.items():
            calendar.upload(f"{uid}.ics", Item(collection=calendar, text=text))
        return calendar.serialize()


@contextmanager
def _calendar(home: Path, port: int) -> "Iterator[BaseCollection]":
    """The calendar in Radicale's storage, held so that nobody else changes it."""
    from radicale import storage

    logging.getLogger("radicale").setLevel(logging.ERROR)  # a new storage is no reason for a warning
    (home / NAME).mkdir(mode=0o700, parents=True, exist_ok=True)
    owner, path = f"/{OWNER}/", f"/{OWNER}/{CALENDAR}/"
    store = storage.load(_configuration(home, port))
    with store.acquire_lock("w", OWNER):
        if not list(store.discover(owner)):
            store.create_collection(owner)
        if not list(store.discover(path)):
            store.create_collection(path, props={"tag": "VCALENDAR", "D:displayname": TITLE})
        yield next(iter(store.discover(path)))  # type: ignore[misc]  # a path with a slash is a collection's


def _configuration(home: Path, port: int) -> "Configuration":
    """Radicale's defaults but for these; no file of this machine is read."""
    from radicale import config

    configuration = config.load()
    wanted = {
        "server": {"hosts": f"{ADDRESS}:{port}", "timeout": str(IDLE_SECONDS)},
        "auth": {"type": "none"},
        "storage": {"filesystem_folder": str(home / NAME)},
        "logging": {"level": "warning"},
    }
    configuration.update(wanted, "livetiming")
    return configuration


def main() -> int:
    """Serve until we are told to end, or supervisord is gone."""
    from radicale import server

    settings = Settings.load()
    try:
        lock = Lock(NAME, lock_path(settings.run_dir, NAME))
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return EXIT_TWICE
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    told = threading.Event()
    ours, radicales = socket.socketpair()

    def end() -> None:
        told.set()
        ours.close()  # Radicale's sign

    def sign() -> None:
        while not told.wait(SIGN_OF_LIFE_SECONDS):
            lock.alive()

    def end_with_supervisord() -> None:
        wait_for_end_of_input()
        end()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end())
    threading.Thread(target=sign, daemon=True).start()
    if "SUPERVISOR_ENABLED" in os.environ:
        threading.Thread(target=end_with_supervisord, daemon=True).start()
    server.serve(_configuration(settings.home, settings.calendar_server_port), radicales)
    return 0 if told.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())
