"""Blocking work beside the reactor, in a thread of its own that nobody has to wait for at the end."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from livetiming.reactor import reactor

T = TypeVar("T")


def in_thread(work: Callable[..., T], *arguments: object) -> Deferred[T]:
    """What `work(*arguments)` gives.

    Unlike the reactor's pool this has no queue, so that what hangs keeps nobody waiting, and its threads do not hold
    up the end of the process. The caller bounds how many there are.
    """
    result: Deferred[T] = Deferred()

    def run() -> None:
        try:
            answer: Any = work(*arguments)
        except Exception as error:
            answer = Failure(error)  # type: ignore[no-untyped-call]
        reactor.callFromThread(result.callback, answer)  # a Failure goes the way of errors

    threading.Thread(target=run, name=getattr(work, "__qualname__", "work"), daemon=True).start()
    return result
