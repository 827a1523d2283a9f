"""What viewers are told about the feed itself: that it is gone, and that it is back.

One process is one service, so there is one list of notices, which helpers that hold a connection write to.
"""

from collections.abc import Callable
from typing import Any

from livetiming.messages import TimingMessage
from livetiming.state import RaceMessage

CATEGORY = "Timing"


class Notices(TimingMessage):
    """A message generator that says each notice once, with the next frame. `changed` is called when one is due."""

    def __init__(self) -> None:
        self.changed: Callable[[], Any] = lambda: None
        self._due: list[str] = []
        self._gone: set[str] = set()

    def feed_gone(self, feed: str = "") -> None:
        """The feed called `feed` has been there, and is gone; `feed` is a name of ours, which nobody sees."""
        if feed not in self._gone:
            if not self._gone:
                self._say("The timing feed is gone")
            self._gone.add(feed)

    def feed_back(self, feed: str = "") -> None:
        """It is back."""
        if feed in self._gone:
            self._gone.discard(feed)
            if not self._gone:
                self._say("The timing feed is back")

    def _say(self, text: str) -> None:
        self._due.append(text)
        self.changed()

    def process(self, oldState: Any, newState: Any) -> list[RaceMessage]:  # noqa: ARG002 - the plugin interface
        """All that is due."""
        due, self._due = self._due, []
        return [[None, CATEGORY, text, ""] for text in due]


notices = Notices()
