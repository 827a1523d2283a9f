"""The same work on many files, in several processes."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[tuple[int, Result | None]]:
    """The index of each item and what `work` makes of it, as they are done; None where its process was killed.

    `work` is a function of a module, and does not raise. Whoever stops asking, or is interrupted, ends all processes.
    For the main thread only.
    """
    # A fresh interpreter for each: a fork of a process with threads may hang.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        with _ignored(signal.SIGINT):  # Ctrl-C reaches all processes, and only this one has to know what to do
            asked = {pool.submit(work, item): index for index, item in enumerate(items)}
        try:
            for future in as_completed(asked):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    result = None
                yield asked[future], result
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


@contextmanager
def _ignored(number: signal.Signals) -> Iterator[None]:
    """Processes that are started meanwhile ignore the signal for ever."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)
