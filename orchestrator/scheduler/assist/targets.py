"""Our calendar as `assist` writes to it: what every kind of it can do, and patience with its server. Blocks."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from orchestrator.scheduler.assist.model import Copy, Ours, Update

T = TypeVar("T")
DELAYS = (0.5, 1.0, 2.0)  # seconds before each new try
LONGEST_WAIT = 60.0  # seconds: a server that asks for more is left alone until the next run


class TargetError(RuntimeError):
    """Something could not be read or written; the text says what to do, without addresses or secrets."""

    def __init__(self, what: str, *, passing: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(what)
        self.passing, self.retry_after = passing, retry_after


class Target(Protocol):
    """Our calendar. Each method may raise TargetError."""

    @property
    def name(self) -> str:
        """What kind of calendar it is, in words."""

    @property
    def identity(self) -> str:
        """The same for the same calendar; tells nothing about its address."""

    def ours(self) -> list[Ours]:
        """All copies that are in it, of any time and any source."""

    def create(self, copy: Copy, origin: str) -> None:
        """Add an event; where one of the same key was deleted before, it comes back."""

    def update(self, update: Update, origin: str) -> None:
        """Write the changed fields, and nothing else."""

    def delete(self, ours: Ours) -> None:
        """Remove an event."""


@dataclass(frozen=True)
class Patience:
    """Tries again what may pass by itself; `tell` says so to who waits."""

    tell: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, work: Callable[[], T]) -> T:
        """What `work()` gives; its last TargetError."""
        for delay in DELAYS:
            try:
                return work()
            except TargetError as error:
                if not error.passing or error.retry_after > LONGEST_WAIT:
                    raise
                wait = max(delay, error.retry_after)
                self.tell(f"{error}; trying again in {wait:g} s")
                self.sleep(wait)
        return work()


def identity_of(address: str) -> str:
    """The same for the same calendar, whoever reads it: made of host and path, which cannot be read out of it."""
    parts = urlsplit(address)
    return hashlib.sha256(f"{parts.hostname or ''}{parts.path}".encode()).hexdigest()[:16]
