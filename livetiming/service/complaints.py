"""What goes wrong in a plugin, told once for each distinct error."""

from traceback import extract_tb

from twisted.logger import Logger

MOST = 100  # distinct errors; a plugin that has more is not told of any further


class Complaints:
    """Call it inside an `except`: the traceback is the current error's.

    Two errors are the same if they are of one type, from one line: their texts may name a car, or an address.
    """

    log = Logger()

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, error: BaseException | None, what: str) -> None:
        """Log `what` went wrong, with its traceback, unless just this has been told."""
        where = extract_tb(error.__traceback__)[-1:] if error is not None else []
        key = f"{what}: {type(error)} {[(frame.filename, frame.lineno) for frame in where]}"
        if key not in self._told and len(self._told) < MOST:
            self._told.add(key)
            self.log.failure("{what} (said once)", what=what)
