"""Texts on their way to channels: each once, in order, one at a time for each channel. No I/O, no clock.

A delivery waits, is being sent, and is settled: told, perhaps told, or given up. It is known by channel, kind and
what it is about, and what is known is not taken twice. `now` is in seconds of a clock that nobody sets (the monotonic
one) and tells when a channel is tried again; `date` is Unix seconds.

The outbox must be on the disk between `take` and the sending, and after `settle`: what was being sent when the
process was killed may have arrived, and is not sent again (`revived`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

BACK_OFF = (10.0, 30.0, 60.0, 120.0, 300.0)  # seconds after the first, second … failure; the last for all further ones
LONGEST_WAIT = 86_400.0  # seconds; what a server asks for beyond that is asked again
LANE_LIMIT = 50  # texts that wait for one channel
KEPT_SECONDS = 30 * 86_400.0  # what was settled is remembered for so long
KEPT_MOST = 5000


class Kind(StrEnum):
    """What is told."""

    START = "start"
    FAILED = "failed"
    END = "end"
    NOTICE = "notice"  # for the operators


Key = tuple[str, Kind, str]  # channel, kind, what it is about


@dataclass(frozen=True)
class Delivery:
    """One text for one channel."""

    channel: str
    kind: Kind
    about: str  # an instance's id, or the key of a notice
    text: str
    until: float | None = None  # Unix s: later it helps nobody; None: as long as it is true

    @property
    def key(self) -> Key:
        """By which it is known."""
        return self.channel, self.kind, self.about


@dataclass(frozen=True)
class Settled:
    """The end of a delivery: when (Unix s), and whether it was told, as far as we know."""

    at: float
    told: bool


@dataclass(frozen=True)
class Pause:
    """A channel that fails: how often it has in a row, and when it is tried again (monotonic s)."""

    failures: int
    until: float


@dataclass(frozen=True)
class Outbox:
    """Everything that is on its way, and what was settled lately."""

    waiting: tuple[Delivery, ...] = ()  # in order, of all channels
    sending: Mapping[str, Delivery] = field(default_factory=dict)  # by channel
    settled: Mapping[Key, Settled] = field(default_factory=dict)
    pauses: Mapping[str, Pause] = field(default_factory=dict)  # by channel

    def knows(self, key: Key) -> bool:
        """Whether that was taken already."""
        sending = self.sending.get(key[0])
        return key in self.settled or (sending is not None and sending.key == key) or key in self._waiting_keys()

    def was_told(self, key: Key) -> bool:
        """Whether that was told, or may have been, or is being told."""
        settled, sending = self.settled.get(key), self.sending.get(key[0])
        return settled.told if settled is not None else sending is not None and sending.key == key

    def _waiting_keys(self) -> Iterable[Key]:
        return (delivery.key for delivery in self.waiting)


@dataclass(frozen=True)
class Lost:
    """A text that will not be sent (any more), and why."""

    delivery: Delivery
    why: str


# -- what came of sending


@dataclass(frozen=True)
class Sent:
    """The channel has taken it."""


@dataclass(frozen=True)
class Duplicate:
    """The channel has such a text already, and takes no second one."""


@dataclass(frozen=True)
class Perhaps:
    """Nobody knows: it went out, and no answer came."""

    why: str


@dataclass(frozen=True)
class Wait:
    """Not now: the channel `why` (a verb); `seconds` is how long it wants to be left alone, if it said so."""

    why: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Refused:
    """Not this text; `why` says what to do."""

    why: str


Result = Sent | Duplicate | Perhaps | Wait | Refused


# -- the life of a delivery


def put(outbox: Outbox, delivery: Delivery, date: float) -> tuple[Outbox, list[Lost]]:
    """Have `delivery` sent, if it is not known yet. An empty text is told by saying nothing.

    A lane that is full loses its oldest text.
    """
    if outbox.knows(delivery.key):
        return outbox, []
    if not delivery.text:
        return _settled(outbox, [delivery], date, told=True), []
    outbox = replace(outbox, waiting=(*outbox.waiting, delivery))
    lane = [waiting for waiting in outbox.waiting if waiting.channel == delivery.channel]
    return lose(outbox, lane[: len(lane) - LANE_LIMIT] if len(lane) > LANE_LIMIT else [], "too many wait", date)


def lose(outbox: Outbox, deliveries: Collection[Delivery], why: str, date: float) -> tuple[Outbox, list[Lost]]:
    """Give up `deliveries`, which wait."""
    if not deliveries:
        return outbox, []
    waiting = tuple(delivery for delivery in outbox.waiting if delivery not in deliveries)
    outbox = _settled(replace(outbox, waiting=waiting), deliveries, date, told=False)
    return outbox, [Lost(delivery, why) for delivery in deliveries]


def due(outbox: Outbox, now: float, true: Collection[tuple[Kind, str]]) -> list[Delivery]:
    """What is to be sent now: one for each channel that is idle and not paused, a notice before anything else.

    A start or a failure is sent only while it is one of `true` (kind, about); it holds up nothing behind it.
    """
    found: dict[str, Delivery] = {}
    for delivery in sorted(outbox.waiting, key=lambda delivery: delivery.kind is not Kind.NOTICE):
        channel, pause = delivery.channel, outbox.pauses.get(delivery.channel)
        if channel in found or channel in outbox.sending or (pause is not None and now < pause.until):
            continue
        if delivery.until is not None or (delivery.kind, delivery.about) in true:
            found[channel] = delivery
    return list(found.values())


def take(outbox: Outbox, delivery: Delivery) -> Outbox:
    """`delivery` is about to be sent."""
    waiting = tuple(other for other in outbox.waiting if other.key != delivery.key)
    return replace(outbox, waiting=waiting, sending={**outbox.sending, delivery.channel: delivery})


def settle(outbox: Outbox, channel: str, result: Result, now: float, date: float) -> Outbox:
    """What was being sent to `channel` came to `result`."""
    delivery = outbox.sending[channel]
    outbox = replace(outbox, sending={key: value for key, value in outbox.sending.items() if key != channel})
    pauses = {key: value for key, value in outbox.pauses.items() if key != channel}
    match result:
        case Wait():
            failures = outbox.pauses[channel].failures + 1 if channel in outbox.pauses else 1
            pauses[channel] = Pause(failures, now + wait_of(result, failures))
            return replace(outbox, waiting=(delivery, *outbox.waiting), pauses=pauses)
        case Refused():
            return _settled(replace(outbox, pauses=pauses), [delivery], date, told=False)
        case Sent() | Duplicate() | Perhaps():
            return _settled(replace(outbox, pauses=pauses), [delivery], date, told=True)


def wait_of(result: Wait, failures: int) -> float:
    """Seconds until a channel is tried again after so many failures in a row."""
    return min(max(result.seconds, BACK_OFF[min(failures, len(BACK_OFF)) - 1]), LONGEST_WAIT)


def expire(outbox: Outbox, date: float) -> tuple[Outbox, list[Lost]]:
    """Give up what helps nobody any more."""
    late = [delivery for delivery in outbox.waiting if delivery.until is not None and delivery.until < date]
    return lose(outbox, late, "it comes too late", date)


def clear(outbox: Outbox, about: str) -> Outbox:
    """The reason for the notice `about` is gone: it waits no more, and can be given again."""
    if not any(key[1:] == (Kind.NOTICE, about) for key in (*outbox.settled, *(item.key for item in outbox.waiting))):
        return outbox
    return replace(
        outbox,
        waiting=tuple(delivery for delivery in outbox.waiting if delivery.key[1:] != (Kind.NOTICE, about)),
        settled={key: value for key, value in outbox.settled.items() if key[1:] != (Kind.NOTICE, about)},
    )


def forget(outbox: Outbox, date: float, keep: Collection[str]) -> Outbox:
    """Without what was settled long ago; what is about one of `keep` stays."""
    old = [key for key, value in outbox.settled.items() if key[2] not in keep and value.at < date - KEPT_SECONDS]
    many = len(outbox.settled) - len(old) - KEPT_MOST
    if many > 0:
        others = [(value.at, key) for key, value in outbox.settled.items() if key[2] not in keep and key not in old]
        old += [key for _at, key in sorted(others)[:many]]
    gone = set(old)
    return replace(outbox, settled={k: v for k, v in outbox.settled.items() if k not in gone}) if gone else outbox


def revived(outbox: Outbox, channels: Collection[str], date: float) -> tuple[Outbox, list[Lost]]:
    """As it goes on in a new process, with these channels."""
    cut_off = list(outbox.sending.values())
    outbox = _settled(replace(outbox, sending={}, pauses={}), cut_off, date, told=True)
    why = "it was being sent when the scheduler ended; it may have arrived, and is not sent again"
    outbox, lost = left_out(outbox, channels, date)
    return outbox, [Lost(delivery, why) for delivery in cut_off] + lost


def left_out(outbox: Outbox, channels: Collection[str], date: float) -> tuple[Outbox, list[Lost]]:
    """Give up what waits for others than these channels."""
    strangers = [delivery for delivery in outbox.waiting if delivery.channel not in channels]
    return lose(outbox, strangers, "there is no such channel any more", date)


def _settled(outbox: Outbox, deliveries: Iterable[Delivery], date: float, *, told: bool) -> Outbox:
    fresh = {delivery.key: Settled(date, told) for delivery in deliveries}
    return replace(outbox, settled={**outbox.settled, **fresh}) if fresh else outbox
