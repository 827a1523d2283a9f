"""A calendar in a file."""

from pathlib import Path

from orchestrator.scheduler.sources.base import CalendarUnreadable, check_size


class FileSource:
    """`file:///path.ics`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """See Source."""
        try:
            check_size(self._path.stat().st_size)
            return self._path.read_bytes()
        except OSError as error:
            raise CalendarUnreadable(error.strerror or type(error).__name__) from None
        except ValueError:
            raise CalendarUnreadable("LIVETIMING_CALENDAR_URL names no file") from None

    def accept(self) -> None:
        """See Source."""
