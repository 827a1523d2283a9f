"""The program `manager`: for now the directory alone; providers of race data join it later."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any

from livetiming.process import Ending, Life
from livetiming.wamp import Router
from orchestrator.daemon import run_daemon
from orchestrator.manager.directory import Directory
from orchestrator.settings import Settings


def main(argv: list[str] | None = None) -> int:
    """`livetiming-manager`."""
    return run_daemon("manager", "The manager, with the directory of services that are on the air.", _begin, argv)


def directory_main(argv: list[str] | None = None) -> int:
    """`livetiming-directory`."""
    return run_daemon("directory", "The directory of services that are on the air, alone.", _begin, argv)


def _begin(_settings: Settings, router: Router, _life: Life) -> Callable[[Ending], Coroutine[Any, Any, None]]:
    directory = Directory(router)

    async def end(_why: Ending) -> None:
        directory.stop()

    return end


if __name__ == "__main__":
    sys.exit(main())
