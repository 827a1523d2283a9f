"""What is new in how events stand → texts for the channels. No I/O, no clock. Told the same again, it does nothing.

An announced event has ended when its process has neither run nor been expected for GRACE_SECONDS. So a crash, a
restart of its service or of the scheduler, and an edit that is taken back at once are no ends.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.scheduler.announce.outbox import (
    Delivery,
    Kind,
    Lost,
    Outbox,
    clear,
    expire,
    forget,
    lose,
    put,
)
from orchestrator.scheduler.announce.standing import Standing, Subject
from orchestrator.scheduler.announce.texts import cleaned, link_to, short_text_of, text_of

GRACE_SECONDS = 60.0
LATE_SECONDS = 3600.0  # after which an end helps nobody
NOTICE_SECONDS = 86_400.0  # the same for a notice


@dataclass(frozen=True)
class Receiver:
    """A channel, as far as it matters to what is said."""

    key: str  # the same after a restart; holds no secret
    label: str  # what people call it
    kinds: frozenset[Kind]
    short: bool = False  # within X's limit


@dataclass(frozen=True)
class Wording:
    """How it is said: the operator's templates ("" for not at all), and where the pages are ("" for unknown)."""

    templates: Mapping[Kind, str]
    public_url: str = ""

    def of(self, kind: Kind, subject: Subject, why: str, *, short: bool) -> str:
        """The text."""
        link = link_to(self.public_url, subject.service)
        say = short_text_of if short else text_of
        return say(self.templates[kind], name=subject.name, service=subject.service, link=link, why=why)


@dataclass(frozen=True)
class Airing:
    """An event that was announced and has not ended; since when (monotonic s) it is neither on the air nor expected."""

    subject: Subject
    missing_since: float | None = None


@dataclass(frozen=True)
class State:
    """All that is remembered."""

    airings: Mapping[str, Airing] = field(default_factory=dict)  # by what they are about
    outbox: Outbox = field(default_factory=Outbox)


@dataclass(frozen=True)
class Teller:
    """Who is told, and how. `linger` is how long after its end an event is on the air (the end buffer, seconds)."""

    receivers: tuple[Receiver, ...]
    wording: Wording
    linger: float = 0.0

    def look(self, state: State, standing: Standing, now: float, date: float) -> tuple[State, list[Lost]]:
        """The state after a look at how events stand; the same object if nothing is new."""
        before, lost = state, []
        for subject in standing.on_air:
            state, gone = self._tell(state, Kind.START, subject, "", date)
            lost += gone
        for subject, why in standing.failed:
            state, gone = self._tell(state, Kind.FAILED, subject, why, date)
            lost += gone
        state, ended = _followed(state, standing, now)
        outbox, gone = lose(state.outbox, _untrue(state), "its event is over", date)
        state = replace(state, outbox=outbox) if gone else state
        lost += gone
        for subject in ended:
            state, gone = self._tell_end(state, subject, date)
            lost += gone
        if state.outbox is not before.outbox:
            state = replace(state, outbox=forget(state.outbox, date, state.airings))
        return state, lost

    def notice(self, state: State, key: str, text: str, date: float) -> tuple[State, list[Lost]]:
        """Have the operators told `text`, once until `key` is cleared."""
        text = cleaned(text)
        return _put(state, [self._notice(receiver, key, text, date) for receiver in self._who(Kind.NOTICE)], date)

    def _tell(self, state: State, kind: Kind, subject: Subject, why: str, date: float) -> tuple[State, list[Lost]]:
        """A start or a failure, to whoever has not been told."""
        new = [
            Delivery(who.key, kind, subject.about, self.wording.of(kind, subject, why, short=who.short))
            for who in self._who(kind)
            if not state.outbox.knows((who.key, kind, subject.about))
        ]
        if new and subject.about not in state.airings:
            state = replace(state, airings={**state.airings, subject.about: Airing(subject)})
        return _put(state, new, date)

    def _tell_end(self, state: State, subject: Subject, date: float) -> tuple[State, list[Lost]]:
        """To whoever was told of the start; long after the event, when we have not been there, to nobody."""
        if date > subject.end + self.linger + LATE_SECONDS:
            return state, []
        told = [who for who in self._who(Kind.END) if state.outbox.was_told((who.key, Kind.START, subject.about))]
        new = [
            Delivery(
                who.key,
                Kind.END,
                subject.about,
                self.wording.of(Kind.END, subject, "", short=who.short),
                date + LATE_SECONDS,
            )
            for who in told
        ]
        return _put(state, new, date)

    def _who(self, kind: Kind) -> list[Receiver]:
        return [receiver for receiver in self.receivers if kind in receiver.kinds]

    @staticmethod
    def _notice(receiver: Receiver, key: str, text: str, date: float) -> Delivery:
        return Delivery(receiver.key, Kind.NOTICE, key, text, date + NOTICE_SECONDS)


def true_of(standing: Standing) -> frozenset[tuple[Kind, str]]:
    """What may be said now: that it is live, until it is over; that it could not be started, until it could."""
    on_air = frozenset(subject.about for subject in standing.on_air)
    starts = {(Kind.START, about) for about in on_air | standing.expected}
    return frozenset(starts | {(Kind.FAILED, about) for about in standing.expected - on_air})


def expired(state: State, date: float) -> tuple[State, list[Lost]]:
    """The state without texts that come too late."""
    outbox, lost = expire(state.outbox, date)
    return (replace(state, outbox=outbox), lost) if lost else (state, [])


def cleared(state: State, key: str) -> State:
    """The state when the reason for the notice `key` is gone."""
    outbox = clear(state.outbox, key)
    return state if outbox is state.outbox else replace(state, outbox=outbox)


def _put(state: State, deliveries: Iterable[Delivery], date: float) -> tuple[State, list[Lost]]:
    outbox, lost = state.outbox, []
    for delivery in deliveries:
        outbox, gone = put(outbox, delivery, date)
        lost += gone
    return (state if outbox is state.outbox else replace(state, outbox=outbox)), lost


def _followed(state: State, standing: Standing, now: float) -> tuple[State, list[Subject]]:
    """The airings as they stand now, and which have ended."""
    current = {subject.about: subject for subject in (*(failed for failed, _why in standing.failed), *standing.on_air)}
    airings: dict[str, Airing] = {}
    ended = []
    for about, airing in state.airings.items():
        if about in current or about in standing.expected:
            subject = current.get(about, airing.subject)
            same = subject == airing.subject and airing.missing_since is None
            airings[about] = airing if same else Airing(subject)
        elif airing.missing_since is None:
            airings[about] = replace(airing, missing_since=now)
        elif now - airing.missing_since < GRACE_SECONDS:
            airings[about] = airing
        else:
            ended.append(airing.subject)
    return (state if airings == state.airings else replace(state, airings=airings)), ended


def _untrue(state: State) -> Collection[Delivery]:
    """What waits and must not be said any more: starts and failures of what has ended, ends of untold starts."""
    untrue = []
    for delivery in state.outbox.waiting:
        if delivery.kind in (Kind.START, Kind.FAILED) and delivery.about not in state.airings:
            untrue.append(delivery)
        elif delivery.kind is Kind.END:
            start = state.outbox.settled.get((delivery.channel, Kind.START, delivery.about))
            if start is not None and not start.told:
                untrue.append(delivery)
    return untrue
