"""What to log of requests that fail: each outage once, and its end once, be it of one kind of request or of all."""

from livetiming.openf1.polling import GONE_AFTER


class Outages:
    """Which failures have been told. `run` is how many requests, of whatever kind, have failed in a row."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._told_in_run = False

    def failed(self, kind: str, run: int) -> bool:
        """Whether to tell this failure, the last one of `run`.

        Where one kind fails among others that are answered, it is told. Where all of them fail, the first is, or else
        the one by which it is certain.
        """
        if run == 1:
            self._told_in_run = False
        tell = (run == 1 and kind not in self._told) or (run == GONE_AFTER and not self._told_in_run)
        if tell:
            self._told.add(kind)
            self._told_in_run = True
        return tell

    def answered(self, kind: str, run: int) -> bool:
        """Whether to tell that there are answers again, where `run` requests had failed just before this one."""
        if run >= GONE_AFTER:
            self._told.clear()
            return True
        if kind not in self._told:
            return False
        self._told.discard(kind)
        return True

    def clear(self) -> None:
        """Another session begins: nothing is known to fail."""
        self._told.clear()
