"""How far long work is: shown on a terminal, and nothing in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[int, int], None]  # done, of how many

_STEPS = 200  # how often a bar moves, at most


@contextmanager
def progress(what: str) -> Iterator[Report]:
    """A bar on standard error, gone when the work is done; `what` is told beside it."""
    console = Console(stderr=True)
    if not sys.stderr.isatty() or console.is_dumb_terminal:
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    # Results that are printed meanwhile go above the bar, unless they go into a file.
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task(what)
        shown = -1

        def report(done: int, total: int) -> None:
            nonlocal shown
            step = done * _STEPS // max(1, total)
            if step != shown:
                shown = step
                bar.update(task, completed=done, total=total)

        yield report
