"""A service's live analysis: what it is, and what of it is due to be published."""

from collections.abc import Callable, Mapping
from typing import Any

from livetiming.analysis import Analysis, Columns, advance, changed, dump, full
from livetiming.manifest import Manifest
from livetiming.state import State

SAME_FOR = 2.0  # seconds that a whole document is good for: anybody may ask, and it takes some ms to make
EVERY = 10.0  # seconds between two publications on one topic
MOST_AT_ONCE = 20  # publications; the router gets state frames too
RETAINED = ("static", "driver", "messages", "session")

Publish = Callable[[str, Any], bool]  # (topic within the analysis, payload) → whether it went out


class Analyser:
    """The analysis of the race as it goes. Plugins call `reset()` when a new session begins."""

    def __init__(self) -> None:
        self.analysis = Analysis.EMPTY
        self._spec: list[list[str]] | None = None
        self._columns = Columns.of([])
        self._due: dict[str, Any] = {}  # topic → newest payload
        self._published: dict[str, float] = {}  # topic → when
        self._document: tuple[float, Mapping[str, Any]] | None = None  # the last one that was asked for, and when

    def reset(self) -> None:
        """Begin anew: another session, of which nothing has been seen."""
        self._document = None
        self._move(Analysis.EMPTY)

    def resume(self, analysis: Analysis) -> None:
        """Go on from what an earlier life kept."""
        self._move(analysis)

    def receive(self, column_spec: list[list[str]], state: State, now: float) -> None:
        """Take the state of Unix second `now`."""
        if column_spec != self._spec:
            self._spec = column_spec
            self._columns = Columns.of(column_spec)
        self._move(advance(self.analysis, self._columns, state, now))

    def joined(self) -> None:
        """We are on the router (again), which retains nothing of us."""
        for topic in RETAINED:
            self._published.pop(topic, None)
        self._due |= {topic: value for topic, value in changed(Analysis.EMPTY, self.analysis) if topic in RETAINED}

    def publish(self, now: float, publish: Publish) -> None:
        """Publish what is due, a part of it at most; `now` is in seconds of the clock that `document` is asked by."""
        if self._document is not None and now - self._document[0] >= SAME_FOR:
            self._document = None  # it is large
        ready = [topic for topic in self._due if now - self._published.get(topic, -EVERY) >= EVERY]
        for topic in ready[:MOST_AT_ONCE]:
            if publish(topic, self._due[topic]):
                self._published[topic] = now
                del self._due[topic]

    def document(self, state: State, manifest: Manifest, now: float) -> Mapping[str, Any]:
        """All modules in one object, with the state and the manifest; `now` is in seconds of any clock."""
        if self._document is None or now - self._document[0] >= SAME_FOR:
            self._document = (now, full(self.analysis, state, manifest))
        return self._document[1]

    def dump(self) -> bytes:
        """What `livetiming.analysis.load` reads."""
        return dump(self.analysis)

    def _move(self, analysis: Analysis) -> None:
        self._due |= dict(changed(self.analysis, analysis))
        self.analysis = analysis
