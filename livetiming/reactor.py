"""The one reactor: Twisted's, on asyncio's event loop. Importing this module installs it.

Everything of ours that needs a reactor takes it from here, so that it cannot come too late.
"""

import asyncio
import sys
from typing import Any

from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

if "twisted.internet.reactor" not in sys.modules:
    _loop = asyncio.new_event_loop()
    asyncio.set_event_loop(_loop)
    asyncioreactor.install(_loop)  # type: ignore[no-untyped-call]

from twisted.internet import reactor as _reactor

reactor: Any = _reactor  # Twisted types it as a module


async def sleep(seconds: float) -> None:
    """Let the reactor turn for `seconds`."""
    pause: Deferred[None] = deferLater(reactor, seconds)
    await pause
