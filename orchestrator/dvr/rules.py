"""When a recording begins, is split, ends, and is kept: the DVR's rules, without I/O and without a clock.

Each service (uuid) has a state here, `Service`. An event makes the next state and says, as effects, what is to be
done. `now` is any clock that only runs forward, in seconds; Unix time comes with the events.

A recording begins with the first frame. (A manifest begins it too, but shows nothing until a frame comes, and a
recording without one is no recording.) A manifest with another name or description ends it, unless `event` is the
same. It ends when the service says goodbye, after which frames begin nothing until a manifest comes again: so the
empty state that replaces a dead service's retained one is never recorded. It ends, too, after `timeout` seconds
without a frame and without an answer to `isAlive`; `Tick` is only to be given while on the router, and `Joined`
begins that count anew, because services need the router as much as we do.

After a time in which we heard nothing (`Joined`, `resume`) a service may have got another name. So its frames wait
for its manifest, which whoever joins asks the directory for; where that does not come within CONFIRM_SECONDS, the
recording goes on. Frames that come meanwhile are not recorded.

All parts of one uuid count together towards the minimum duration: a part that ends too early waits until the others
make up for it, or until the service is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

Manifest = Mapping[str, Any]

DATE_TOLERANCE = 60  # seconds between a message's date and its arrival; outside, the sender's clock is wrong
ASK_INTERVAL = 10.0  # seconds between two questions to a service that is silent
CONFIRM_SECONDS = 5.0  # as long as the directory has to answer


@dataclass(frozen=True)
class Limits:
    """What the operator chose, in seconds."""

    timeout: float = 60.0
    min_duration: float = 600.0


class End(StrEnum):
    """Why a recording ended. It stands in the journal, and so in files: do not rename."""

    LEFT = "left"  # the service said goodbye
    SILENT = "silent"  # no frame and no answer
    RENAMED = "renamed"  # name or description changed: the next part follows
    LOST = "lost"  # a later part of the same uuid exists, so this one had ended when we were killed


@dataclass(frozen=True)
class Part:
    """One recording of a service. `number` tells its parts apart; first and last are Unix seconds of frames."""

    number: int
    first: int
    last: int

    @property
    def duration(self) -> int:
        """Seconds from the first frame to the last."""
        return self.last - self.first


@dataclass(frozen=True)
class Service:
    """What the rules know of one uuid."""

    uuid: str
    manifest: Manifest | None = None
    current: Part | None = None  # the recording in progress
    waiting: tuple[Part, ...] = ()  # ended, and alone too short to be kept
    enough: bool = False  # the parts make up the minimum duration: all are kept
    gone: bool = False  # said goodbye, and no manifest since
    sign: float = 0.0  # when it last gave a sign of life
    asked: float = 0.0  # when isAlive was last asked
    unsure_until: float | None = None  # we may have missed a manifest: till then its frames wait for one
    next_number: int = 0

    @property
    def idle(self) -> bool:
        """Nothing of it is on the disk: it can be forgotten."""
        return self.current is None and not self.waiting


# -- events


@dataclass(frozen=True)
class ManifestSeen:
    """The service sent its manifest (class 2), or the directory listed it."""

    manifest: Manifest


@dataclass(frozen=True)
class FrameSeen:
    """The service sent a state. `date` is the message's, in ms, where it has one; `arrival` Unix seconds."""

    date: int | None
    arrival: float


@dataclass(frozen=True)
class Left:
    """The service said goodbye (class 3)."""


@dataclass(frozen=True)
class Alive:
    """The service answered `isAlive`."""


@dataclass(frozen=True)
class Joined:
    """We are on the router again."""


@dataclass(frozen=True)
class Tick:
    """Time passed, on the router."""


Event = ManifestSeen | FrameSeen | Left | Alive | Joined | Tick

# -- effects


@dataclass(frozen=True)
class Open:
    """Begin a recording."""

    number: int
    manifest: Manifest | None


@dataclass(frozen=True)
class Record:
    """The frame just seen belongs to the recording, at this Unix second."""

    number: int
    second: int


@dataclass(frozen=True)
class Describe:
    """The recording has a newer manifest."""

    number: int
    manifest: Manifest


@dataclass(frozen=True)
class Close:
    """Nothing more is added to the recording."""

    number: int
    reason: End


@dataclass(frozen=True)
class Keep:
    """Make the finished file of a closed recording."""

    number: int


@dataclass(frozen=True)
class Discard:
    """Throw the recording away, and say why."""

    number: int
    why: str


@dataclass(frozen=True)
class Ask:
    """Ask the service whether it is alive."""


Effect = Open | Record | Describe | Close | Keep | Discard | Ask
Step = tuple[Service, list[Effect]]


def step(service: Service, event: Event, now: float, limits: Limits) -> Step:
    """The service after `event`, and what is to be done."""
    match event:
        case ManifestSeen(manifest):
            return _manifest_seen(service, manifest, now, limits)
        case FrameSeen(date, arrival):
            return _frame_seen(service, date, arrival, now, limits)
        case Left():
            service, effects = _end(service, End.LEFT, limits)
            return replace(service, gone=True, manifest=None, unsure_until=None), effects
        case Alive():
            return replace(service, sign=now, asked=now), []
        case Joined():
            return replace(service, sign=now, asked=now, unsure_until=_unsure_until(service.manifest, now)), []
        case Tick():
            return _tick(service, now, limits)


def resume(service: Service, parts: list[tuple[Part, End | None]], now: float, limits: Limits) -> Step:
    """The service as its journals tell it after a restart: its parts in order, each with why it ended, if it did.

    The last part goes on if it had not ended; an earlier one without an end had, or there were no later one.
    """
    effects: list[Effect] = [Close(part.number, End.LOST) for part, end in parts[:-1] if end is None]
    last, end = parts[-1]
    ended = tuple(part for part, _end in (parts if end else parts[:-1]))
    service = replace(
        service,
        current=None if end else last,
        waiting=ended,
        gone=end is End.LEFT,
        sign=now,
        asked=now,
        unsure_until=_unsure_until(service.manifest, now),
        next_number=last.number + 1,
    )
    service, more = _settle(service, limits, final=end in (End.LEFT, End.SILENT))
    return service, effects + more


def frame_second(date: int | None, arrival: float, newest: int | None) -> int:
    """The Unix second of a frame: its date where that is near its arrival, else the arrival; never before `newest`."""
    second = int(arrival)
    if date is not None and abs(date / 1000 - arrival) <= DATE_TOLERANCE:
        second = date // 1000
    return second if newest is None else max(second, newest)


def same_recording(old: Manifest, new: Manifest) -> bool:
    """Whether a service that sends `new` after `old` goes on with the same recording.

    A text that was empty until the feed told it is no change.
    """
    if old.get("event") and old.get("event") == new.get("event"):
        return True
    return all(not old.get(key) or old.get(key) == new.get(key) for key in ("name", "description"))


def _unsure_until(manifest: Manifest | None, now: float) -> float | None:
    """With no manifest there is no name that could have changed."""
    return None if manifest is None else now + CONFIRM_SECONDS


def _manifest_seen(service: Service, manifest: Manifest, now: float, limits: Limits) -> Step:
    known, effects = service.manifest, list[Effect]()
    if known is not None and not same_recording(known, manifest):
        service, effects = _end(service, End.RENAMED, limits)
    if service.idle:
        service = replace(service, sign=now, asked=now)
    service = replace(service, manifest=manifest, gone=False, unsure_until=None)
    current = service.current
    if current is None or manifest == known:
        return service, effects
    if manifest.get("doNotRecord"):
        return replace(service, current=None), [*effects, Discard(current.number, "its service is not to be recorded")]
    return service, [*effects, Describe(current.number, manifest)]


def _frame_seen(service: Service, date: int | None, arrival: float, now: float, limits: Limits) -> Step:
    if service.gone or (service.manifest and service.manifest.get("doNotRecord")):
        return service, []
    if service.unsure_until is not None and now < service.unsure_until:
        return replace(service, sign=now, asked=now), []
    effects: list[Effect] = []
    part = service.current
    if part is None:
        second = frame_second(date, arrival, None)
        part = Part(service.next_number, second, second)
        effects.append(Open(part.number, service.manifest))
        service = replace(service, next_number=part.number + 1)
    else:
        part = replace(part, last=frame_second(date, arrival, part.last))
    effects.append(Record(part.number, part.last))
    service, more = _settle(replace(service, current=part, sign=now, asked=now), limits, final=False)
    return service, effects + more


def _tick(service: Service, now: float, limits: Limits) -> Step:
    if service.idle:
        return service, []
    if now - service.sign >= limits.timeout:
        return _end(service, End.SILENT, limits)
    if now - service.asked >= min(ASK_INTERVAL, limits.timeout / 4):
        return replace(service, asked=now), [Ask()]
    return service, []


def _end(service: Service, reason: End, limits: Limits) -> Step:
    """End the recording in progress, if there is one, and settle what becomes of the parts."""
    effects: list[Effect] = []
    if service.current is not None:
        effects.append(Close(service.current.number, reason))
        service = replace(service, current=None, waiting=(*service.waiting, service.current))
    service, more = _settle(service, limits, final=reason is not End.RENAMED)
    return service, effects + more


def _settle(service: Service, limits: Limits, *, final: bool) -> Step:
    """Keep the parts that ended once all parts together are long enough; in the end, throw them away if never."""
    if not service.waiting and not final:
        return service, []
    parts = service.waiting if service.current is None else (*service.waiting, service.current)
    total = sum(part.duration for part in parts)
    enough = service.enough or (bool(parts) and total >= limits.min_duration)
    if not enough and not final:
        return service, []
    why = f"{total} s is shorter than the {limits.min_duration:g} s of LIVETIMING_DVR_MIN_DURATION"
    effects: list[Effect] = [Keep(part.number) if enough else Discard(part.number, why) for part in service.waiting]
    return replace(service, waiting=(), enough=enough), effects
