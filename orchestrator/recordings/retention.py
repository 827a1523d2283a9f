"""Which recordings are to be deleted, why, and when: not before that was listed for some time, and never the newest.

By age: a recording goes when its end is `keep_seconds` ago, and is listed a day before. By space: where less than
`keep_free` bytes are free the oldest go, until so much is free; which these are is listed as soon as there is less
than half as much again. A recording whose service is still being recorded stays.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

AGE_NOTICE = 86_400.0  # seconds a recording is listed before it goes for its age
SPACE_NOTICE = 600.0  # seconds it is listed before it goes for the space
EARLY = 1.5  # of keep_free: with less free, the next to go are listed


@dataclass(frozen=True)
class Limits:
    """What the operator chose."""

    keep_seconds: float | None = None  # None: for ever
    keep_free: int | None = None  # bytes; None: whatever is free

    @property
    def none(self) -> bool:
        """Whether nothing is ever deleted."""
        return self.keep_seconds is None and self.keep_free is None


@dataclass(frozen=True)
class Kept:
    """A recording that is there."""

    filename: str
    uuid: str  # of its service: without `:n`
    start: int  # Unix seconds of its first frame
    end: int  # and of its last
    size: int  # bytes


class Why(StrEnum):
    """Why a recording goes."""

    AGE = "age"
    SPACE = "space"


@dataclass(frozen=True)
class Expiring:
    """A recording that is to go. Times in Unix seconds."""

    filename: str
    why: Why
    listed: float  # since when it is listed
    due: float | None  # not before; None: when the space is needed


@dataclass(frozen=True)
class Review:
    """What a look at the recordings comes to: what is listed, by time, and which of these go now."""

    expiring: tuple[Expiring, ...] = ()
    going: tuple[Expiring, ...] = ()


def review(
    recordings: Iterable[Kept],
    recording_now: Collection[str],
    listed: Mapping[tuple[str, Why], float],
    limits: Limits,
    free: int,
    now: float,
) -> Review:
    """Who is to go, where `free` bytes are free, and `recording_now` are the uuids of services being recorded.

    `listed` says since when which file has been listed for what: what an earlier review gave, where it could be
    written down. What it says of the future is taken for now, because then the clock was wrong.
    """
    oldest_first = sorted(recordings, key=lambda kept: (kept.start, kept.filename))
    candidates = [kept for kept in oldest_first[:-1] if kept.uuid not in recording_now]
    since = {key: min(then, now) for key, then in listed.items()}
    old = _by_age(candidates, limits.keep_seconds, since, now)
    gone = {each.filename for each in old if each.due is not None and each.due <= now}
    freed = free + sum(kept.size for kept in candidates if kept.filename in gone)
    left = [kept for kept in candidates if kept.filename not in gone]
    scarce, going = _by_space(left, limits.keep_free, since, freed, now)
    by_age = {each.filename for each in old}
    expiring = [*old, *(each for each in scarce if each.filename not in by_age or each in going)]
    return Review(
        expiring=tuple(expiring),
        going=tuple(each for each in old if each.filename in gone) + tuple(going),
    )


def _by_age(
    candidates: Iterable[Kept], keep: float | None, since: Mapping[tuple[str, Why], float], now: float
) -> list[Expiring]:
    if keep is None:
        return []
    found = []
    for kept in candidates:
        end = kept.end + keep
        if end - AGE_NOTICE <= now:
            listed = since.get((kept.filename, Why.AGE), now)
            found.append(Expiring(kept.filename, Why.AGE, listed, max(end, listed + AGE_NOTICE)))
    return sorted(found, key=lambda each: (each.due or 0, each.filename))


def _by_space(
    candidates: Iterable[Kept], keep: int | None, since: Mapping[tuple[str, Why], float], free: int, now: float
) -> tuple[list[Expiring], list[Expiring]]:
    """What is listed for the space, and what goes now."""
    found: list[Expiring] = []
    going: list[Expiring] = []
    if keep is None:
        return found, going
    afterwards = free
    for kept in candidates:
        if afterwards >= keep * EARLY:
            break
        listed = since.get((kept.filename, Why.SPACE), now)
        each = Expiring(kept.filename, Why.SPACE, listed, None)
        found.append(each)
        if afterwards < keep and now - listed >= SPACE_NOTICE:
            going.append(each)
        afterwards += kept.size
    return found, going
