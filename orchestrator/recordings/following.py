"""The analysis of a recording in progress, which goes on as the recording grows."""

import time
from collections.abc import Callable
from typing import Any

from livetiming.analysis import Analysis, advance, full
from livetiming.recording.analysed import Tell, columns_of
from livetiming.state import empty_state
from orchestrator.dvr.journal_view import JournalView

Json = Any

LOOK_SECONDS = 1.0  # between two looks at the journal
WRITE_SECONDS = 10.0  # between two documents, at least


class GrowingAnalysis:
    """What `livetiming.recording.analysed.analyse` gives of a journal, without beginning anew each time.

    The newest frame may still be replaced by another one of its second, so the analysis before it is kept.
    """

    def __init__(self, view: JournalView) -> None:
        self._view = view
        self._spec: Json = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._columns = columns_of(self._view.manifest)
        self._before = self._analysis = Analysis.EMPTY
        self._second: int | None = None  # of the newest frame
        self._state = empty_state()

    def take(self, on_bad: Tell) -> bool:
        """Read on; whether there was anything new."""
        if not self._view.refresh() and self._second is not None:
            return False
        spec = self._view.manifest.get("colSpec")
        if spec != self._spec:  # a recording is read by its newest manifest
            self._spec = spec
            self._begin_anew()
        before = after = self._before
        for second, state in self._view.states(on_bad, self._second):
            before, after = after, advance(after, self._columns, state, second)
            self._second, self._state = second, state
        self._before, self._analysis = before, after
        return True

    def document(self) -> dict[str, Json]:
        """The analysis document so far."""
        return full(self._analysis, self._state, self._view.manifest)


def follow(
    view: JournalView,
    write: Callable[[dict[str, Json]], None],
    on_bad: Tell,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Write the analysis of `view`'s journal again and again, until the recording has ended.

    That is when the journal says so, or when no journal has its name any more: then the finished recording holds what
    the journal held.
    """
    growing = GrowingAnalysis(view)
    due, written = False, -WRITE_SECONDS
    while True:
        gone = view.gone  # asked before the last reading, so that nothing is written after it
        due = growing.take(on_bad) or due
        over = gone or view.ended
        if due and view.seconds and (over or clock() - written >= WRITE_SECONDS):
            write(growing.document())
            due, written = False, clock()
        if over:
            return
        pause(LOOK_SECONDS)
