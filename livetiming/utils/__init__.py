"""Small helpers for plugins."""

import time
from collections.abc import Callable, Hashable
from typing import Any

KEYS_LIMIT = 1000  # cars; a feed that invents more is not debounced any further


def uncache(url: str | bytes, param: str = "t") -> Callable[[], Any]:
    """A callable that gives `url` with the time (Unix s) as its query parameter `param`, so that no cache answers."""
    text = url.decode("ascii") if isinstance(url, bytes) else url

    def fresh() -> str | bytes:
        stamped = f"{text}{'&' if '?' in text else '?'}{param}={int(time.time())}"
        return stamped.encode("ascii") if isinstance(url, bytes) else stamped

    fresh.__name__ = text.partition("?")[0]  # what logs call it
    return fresh


class PitOutDebouncer:
    """For feeds whose cars flicker between the pits and the track.

    A value that follows the one before within `threshold` seconds is not believed: the old one is given instead. In
    the first `threshold` seconds of our own life everything is believed, because nothing is known of what was before.
    """

    def __init__(self, threshold: float = 25) -> None:
        self.threshold = threshold
        self._began = time.time()
        self._changes: dict[Hashable, tuple[Any, float]] = {}  # the value believed, and since when

    def value_for(self, key: Hashable, value: Any) -> Any:
        """What to believe of car `key`, of which the feed says `value` now."""
        now = time.time()
        known = self._changes.get(key)
        if known is not None:
            believed, since = known
            if value == believed:
                return value
            if now < since + self.threshold and self._began + self.threshold <= now:
                return believed
        elif len(self._changes) >= KEYS_LIMIT:
            return value
        self._changes[key] = (value, now)
        return value
