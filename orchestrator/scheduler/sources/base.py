"""What a source of a calendar is."""

from typing import Protocol

SIZE_LIMIT = 50_000_000  # bytes of a calendar
RETRY_AFTER_LIMIT = 3600.0  # seconds; a server that asks for more is asked again all the same


class CalendarUnreadable(RuntimeError):
    """The calendar could not be read this time; the last good copy stays in force."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(f"the calendar cannot be read: {why}")
        self.retry_after = min(retry_after, RETRY_AFTER_LIMIT)  # seconds that the server asks us to wait


class Source(Protocol):
    """A calendar that is read again and again, by one thread at a time."""

    def read(self) -> bytes | None:
        """The calendar (iCalendar), or None where nothing has changed since the last one that was accepted.

        Blocks. Raises CalendarUnreadable, whose text holds neither address nor secret.
        """

    def accept(self) -> None:
        """What was read last is a calendar: it need not be read again until it changes."""


def check_size(size: int, limit: int = SIZE_LIMIT) -> None:
    """CalendarUnreadable for more than any calendar has."""
    if size > limit:
        raise CalendarUnreadable(f"it is larger than {limit / 10**6:g} MB")
