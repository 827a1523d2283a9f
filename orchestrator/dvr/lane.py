"""One thread for blocking work: what is given to it is done in order, one thing at a time."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from livetiming.reactor import reactor

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """A queue with a thread. It does not bound itself: who fills it looks at `waiting`."""

    def __init__(self, name: str) -> None:
        self.waiting = 0  # given and not done
        pool = ThreadPool(minthreads=1, maxthreads=1, name=name)
        reactor.callWhenRunning(pool.start)
        reactor.addSystemEventTrigger("during", "shutdown", pool.stop)  # waits for what is being done
        self._pool = pool

    def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        """`work(*args)` in its turn; its result, or what it raises."""
        self.waiting += 1
        result: Deferred[T] = deferToThreadPool(reactor, self._pool, work, *args, **kwargs)
        return result.addBoth(self._done)

    def _done(self, result: T) -> T:
        self.waiting -= 1
        return result
