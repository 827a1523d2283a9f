"""The analysis of one file, as a job that any process can do: what is to be made, and what came of it."""

from dataclasses import dataclass, field
from pathlib import Path

from livetiming.recording.analysed import Progress, analyse, as_json, write_document
from livetiming.recording.format import BadEntry, RecordingError
from orchestrator.recordings.opening import opened

BAD_TOLD = 5  # frames that are told one by one


@dataclass(frozen=True)
class Job:
    """`file` is to be analysed; the document goes to `target`, or into the outcome where that is None."""

    file: Path
    target: Path | None


@dataclass
class Troubles:
    """What could not be read, each once; told in a few lines."""

    _seen: dict[str, str] = field(default_factory=dict)  # entry → what is wrong

    def add(self, error: BadEntry) -> None:
        """Take a frame that cannot be read."""
        self._seen.setdefault(error.entry, str(error))

    def __len__(self) -> int:
        """The number of frames that are bad themselves; others may build on them."""
        return len(self._seen)

    def lines(self) -> list[str]:
        """The first ones, and how many more there are."""
        first, more = list(self._seen.values())[:BAD_TOLD], len(self._seen) - BAD_TOLD
        return [*first, *([f"… and {more} more"] if more > 0 else [])]


@dataclass(frozen=True)
class Outcome:
    """What came of a job. `error` says why nothing did."""

    job: Job
    frames: int = 0
    duration: int = 0  # seconds from the first frame to the last
    unreadable: tuple[str, ...] = ()
    error: str | None = None
    document: bytes | None = None  # JSON, where it has no target

    @property
    def good(self) -> bool:
        """Whether all of the file was analysed."""
        return self.error is None and not self.unreadable


def make(job: Job, progress: Progress | None = None) -> Outcome:
    """Do the job. Never raises for what is wrong with the file or the disk."""
    troubles = Troubles()
    try:
        with opened(job.file) as source:
            document = analyse(source, troubles.add, progress)
            frames, duration = len(source), source.end - source.start
        if job.target is not None:
            write_document(document, job.target)
        raw = None if job.target is not None else as_json(document, job.file)
    except (RecordingError, OSError) as error:
        return Outcome(job, error=str(error))
    return Outcome(job, frames, duration, tuple(troubles.lines()), document=raw)
