"""The DVR's rules in any life: services, router and DVR come and go, and what the journals hold is looked at.

Beside the rules runs what recording.md asks of them. The services' own truth (who is on the air, and under which
manifest) goes on while the DVR is down or off the router; the journals hold what was recorded, and a kill takes from
them what was not flushed.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestrator.dvr.rules import (
    CONFIRM_SECONDS,
    DATE_TOLERANCE,
    Alive,
    Close,
    Describe,
    Discard,
    Effect,
    End,
    Event,
    FrameSeen,
    Joined,
    Keep,
    Left,
    Limits,
    Manifest,
    ManifestSeen,
    Open,
    Part,
    Record,
    Service,
    Tick,
    resume,
    step,
)

UUIDS = [f"{number:032x}" for number in range(2)]
NOON = 1_700_000_000
LIMITS = Limits(timeout=60, min_duration=100)

uuids = st.sampled_from(UUIDS)
offsets = st.none() | st.sampled_from([0.0, -1.5, -59.0, 59.0, -3600.0, 1e9])  # of a message's date from its arrival


@dataclass
class Written:
    """A journal: its records in order, of which `flushed` are on the disk."""

    uuid: str
    number: int
    records: list[Manifest | int | End] = field(default_factory=list)  # a manifest, a frame's second, the end
    flushed: int = 0
    fate: type[Keep] | type[Discard] | None = None
    claimed: bool = False  # its file is made, or will be whatever happens

    @property
    def seconds(self) -> list[int]:
        return [record for record in self.records if isinstance(record, int)]

    @property
    def end(self) -> End | None:
        return next((record for record in self.records if isinstance(record, End)), None)

    @property
    def manifest(self) -> Manifest | None:
        return next((record for record in reversed(self.records) if isinstance(record, dict)), None)

    @property
    def duration(self) -> int:
        return self.seconds[-1] - self.seconds[0]


@dataclass
class Truth:
    """What a service really is, and what the DVR has heard of it."""

    manifest: dict[str, Any] | None = None  # of a service on the air
    heard: Manifest | None = None
    heard_goodbye: bool = False
    unsure_until: float = 0.0  # a manifest may have been missed: till then the directory's answer is waited for
    sign: float = 0.0  # when it last gave one that the DVR heard


class Life(RuleBasedStateMachine):
    """One life of services, router and DVR."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.clock = float(NOON)  # Unix time less `now`; it is set at times
        self.on_router = True
        self.services: dict[str, Service] = {}
        self.truths = {uuid: Truth() for uuid in UUIDS}
        self.journals: list[Written] = []
        self.decided: list[Written] = []

    # -- what happens

    @rule(
        uuid=uuids,
        name=st.sampled_from(["WEC", "ELMS"]),
        description=st.sampled_from(["", "Race", "Qualifying"]),
        event=st.sampled_from([None, "spa"]),
    )
    def a_service_announces_itself(self, uuid: str, name: str, description: str, event: str | None) -> None:
        self.announce(uuid, {"uuid": uuid, "name": name, "description": description, "event": event})

    @rule(uuid=uuids, change=st.sampled_from([{}, {"doNotRecord": True}, {"doNotRecord": False}, {"hidden": True}]))
    def it_announces_itself_again(self, uuid: str, change: dict[str, Any]) -> None:
        if manifest := self.truths[uuid].manifest:
            self.announce(uuid, {**manifest, **change})

    @rule(uuid=uuids, offset=offsets)
    def a_service_publishes(self, uuid: str, offset: float | None) -> None:
        self.frame(uuid, offset)

    @rule(uuid=uuids, seconds=st.sampled_from([20, 40, 60, 120]), offset=offsets)
    def a_service_publishes_for_a_while(self, uuid: str, seconds: int, offset: float | None) -> None:
        for _ in range(0, seconds, 20):
            self.frame(uuid, offset)
            self.time_passes(20)
        self.frame(uuid, offset)

    @rule(uuid=uuids, seconds=st.sampled_from([20, 40, 60]), description=st.sampled_from(["Race", "Qualifying"]))
    def the_next_session_begins(self, uuid: str, seconds: int, description: str) -> None:
        self.announce(uuid, {"uuid": uuid, "name": "WEC", "description": description, "event": None})
        self.a_service_publishes_for_a_while(uuid, seconds, None)

    @rule(uuid=uuids)
    def a_service_says_goodbye(self, uuid: str) -> None:
        truth = self.truths[uuid]
        truth.manifest = None
        if self.on_router:
            truth.heard, truth.heard_goodbye, truth.unsure_until = None, True, 0.0
            self.event(uuid, Left())
            assert not self.undecided(uuid), "after the goodbye everything is decided"

    @rule(uuid=uuids)
    def a_service_vanishes(self, uuid: str) -> None:
        self.truths[uuid].manifest = None

    @rule(uuid=uuids)
    @precondition(lambda self: self.on_router)
    def a_service_answers(self, uuid: str) -> None:
        if uuid in self.services:
            self.truths[uuid].sign = self.now
            self.event(uuid, Alive())

    @rule(seconds=st.sampled_from([0.5, 1, 9, 30, 59, 61, 300]))
    def time_passes(self, seconds: float) -> None:
        self.directory_answers()
        self.now += seconds
        if self.on_router:
            for uuid in list(self.services):
                self.event(uuid, Tick())
                silent = self.now - self.truths[uuid].sign >= LIMITS.timeout
                assert not (silent and self.undecided(uuid)), "silence ends a recording, and it is decided"

    @rule(seconds=st.sampled_from([-7200.0, -3.0, 3.0, 7200.0]))
    def the_machines_clock_is_set(self, seconds: float) -> None:
        self.clock += seconds

    @rule(really=st.sampled_from([False, False, True]))
    def the_router_goes(self, really: bool) -> None:
        self.on_router = self.on_router and not really

    @rule()
    @precondition(lambda self: not self.on_router)
    def the_router_comes(self) -> None:
        self.on_router = True
        for uuid in list(self.services):
            self.truths[uuid].sign = self.now
            self.event(uuid, Joined())
            self.begin_doubt(uuid)

    @rule()
    @precondition(lambda self: self.on_router)
    def directory_answers(self) -> None:
        """It lists who is on the air. It does so before CONFIRM_SECONDS have passed."""
        if not self.on_router:
            return
        for uuid, truth in self.truths.items():
            if truth.manifest is not None and self.now < truth.unsure_until:
                self.hear_manifest(uuid)

    def begin_doubt(self, uuid: str) -> None:
        truth = self.truths[uuid]
        truth.unsure_until = 0.0 if truth.heard is None else self.now + CONFIRM_SECONDS

    # -- the disk

    @rule()
    def the_journals_are_flushed(self) -> None:
        self.flush(len(self.journals), 0)

    @rule(journal=st.integers(0, 5))
    def all_but_one_are_flushed(self, journal: int) -> None:
        """The disk has no room for that one."""
        for index, each in enumerate(self.journals):
            if index != journal:
                each.flushed = len(each.records)

    @rule()
    def a_kept_recording_is_finished(self) -> None:
        kept = [journal for journal in self.journals if journal.fate is Keep and not journal.claimed]
        if kept and kept[0].flushed == len(kept[0].records):
            kept[0].claimed = True

    @rule(flushed=st.integers(0, 8), more=st.integers(0, 5), deleted=st.booleans(), away=st.booleans())
    def the_dvr_is_killed(self, flushed: int, more: int, deleted: bool, away: bool) -> None:
        """In the middle of a flush, perhaps before it deleted anything; it starts again on the router or without it."""
        self.flush(flushed, more, deleted=deleted)
        self.services.clear()
        for journal in self.journals:
            if not journal.claimed:
                del journal.records[journal.flushed :]
                journal.fate = None
        self.journals = [journal for journal in self.journals if journal.claimed or journal.seconds]
        for uuid, truth in self.truths.items():
            truth.heard, truth.heard_goodbye, truth.unsure_until, truth.sign = None, False, 0.0, self.now
            if left := self.undecided(uuid):
                self.take_up(uuid, left)
        self.on_router = not away

    def take_up(self, uuid: str, left: list[Written]) -> None:
        truth, last = self.truths[uuid], left[-1]
        truth.heard_goodbye = last.end is End.LEFT
        truth.heard = None if last.end else last.manifest
        self.begin_doubt(uuid)
        parts = [(Part(journal.number, journal.seconds[0], journal.seconds[-1]), journal.end) for journal in left]
        service = Service(uuid, manifest=truth.heard, enough=self.was_kept(uuid))
        self.do(uuid, *resume(service, parts, self.now, LIMITS), settles=last.end in (End.LEFT, End.SILENT))
        assert last.end or self.current(uuid) is last, "what had not ended goes on"
        assert last.end not in (End.LEFT, End.SILENT) or not self.undecided(uuid), "whose service had gone is decided"

    def flush(self, whole: int, more: int, *, deleted: bool = True) -> None:
        """Bring the first `whole` journals to the disk, and of the next `more` records."""
        self.journals = [journal for journal in self.journals if not (deleted and journal.fate is Discard)]
        for journal in self.journals[:whole]:
            journal.flushed = len(journal.records)
        for journal in self.journals[whole : whole + 1]:
            journal.flushed = max(journal.flushed, min(journal.flushed + more, len(journal.records)))

    # -- the rules, and what is asked of them

    def frame(self, uuid: str, offset: float | None) -> None:
        if not self.on_router:
            return
        truth, arrival = self.truths[uuid], self.clock + self.now
        date = None if offset is None else int((arrival + offset) * 1000)
        before = self.current(uuid)
        effects = self.event(uuid, FrameSeen(date, arrival))
        recorded = [effect for effect in effects if isinstance(effect, Record)]
        unwanted = truth.heard_goodbye or self.now < truth.unsure_until or bool((truth.heard or {}).get("doNotRecord"))
        assert len(recorded) == (not unwanted), "a frame is recorded once, and only while its service is on the air"
        if truth.heard_goodbye:
            return
        truth.sign = self.now
        if recorded:
            journal = self.current(uuid)
            assert journal is not None
            assert before in (None, journal), "the recording in progress goes on"
            assert truth.manifest is None or journal.manifest in (None, truth.manifest), "two recordings never mix"
            dated = date is not None and abs(date / 1000 - arrival) <= DATE_TOLERANCE
            second = int(date // 1000 if dated and date is not None else arrival)
            assert recorded[0].second == max(second, *journal.seconds[:-1], second), "seconds never go back"

    def announce(self, uuid: str, manifest: dict[str, Any]) -> None:
        self.truths[uuid].manifest = manifest
        if self.on_router:
            self.hear_manifest(uuid)

    def hear_manifest(self, uuid: str) -> None:
        truth = self.truths[uuid]
        assert truth.manifest is not None
        before, known = self.current(uuid), truth.heard
        truth.heard, truth.heard_goodbye, truth.unsure_until = truth.manifest, False, 0.0
        effects = self.event(uuid, ManifestSeen(truth.manifest))
        if before is None:
            assert not any(isinstance(effect, Close) for effect in effects)
        elif known is not None and not _one_recording(known, truth.manifest):
            assert before.end is End.RENAMED, "a new name or description ends the recording"
        elif truth.manifest.get("doNotRecord"):
            assert before.fate is Discard, "who asks not to be recorded is not"
        else:
            assert self.current(uuid) is before, "nothing else ends it"
            assert before.manifest == truth.manifest

    def event(self, uuid: str, event: Event) -> list[Effect]:
        service = self.services.get(uuid)
        if service is None:
            service = Service(uuid, enough=self.was_kept(uuid))
            self.truths[uuid].sign = self.now
        service, effects = step(service, event, self.now, LIMITS)
        silent = any(isinstance(effect, Close) and effect.reason is End.SILENT for effect in effects)
        if silent:
            assert isinstance(event, Tick)
            assert self.now - self.truths[uuid].sign >= LIMITS.timeout, "only silence on the router counts"
        self.do(uuid, service, effects, settles=isinstance(event, Left | Tick))
        return effects

    def do(self, uuid: str, service: Service, effects: list[Effect], *, settles: bool) -> None:
        """Write the journals as the effects say, and judge what becomes of them."""
        self.services[uuid] = service
        for effect in effects:
            if isinstance(effect, Open | Record | Describe | Close):
                self.write(uuid, effect)
        total = sum(journal.duration for journal in self.undecided(uuid))
        enough = total >= LIMITS.min_duration or self.was_kept(uuid)
        for effect in effects:
            if isinstance(effect, Keep | Discard):
                journal = self.journal(uuid, effect.number)
                assert journal.fate is None, "it is decided once"
                journal.fate = type(effect)
                unwanted = service.manifest is not None and service.manifest.get("doNotRecord")
                if isinstance(effect, Keep):
                    assert journal.end, "what is kept has ended"
                    assert enough, "what is kept is long enough, all parts together"
                elif journal.end:
                    assert settles, "what has ended waits for the others while its service speaks"
                    assert not enough, "what is long enough is not thrown away"
                else:
                    assert unwanted
        left = [journal for journal in self.undecided(uuid) if journal.end]
        assert not (left and enough), "what is long enough is kept at once"

    def write(self, uuid: str, effect: Open | Record | Describe | Close) -> None:
        if isinstance(effect, Open):
            assert self.current(uuid) is None, "one recording at a time"
            opened = Written(uuid, effect.number, [] if effect.manifest is None else [effect.manifest])
            self.journals.append(opened)
            return
        journal = self.journal(uuid, effect.number)
        assert journal.end is None, "nothing follows the end"
        assert journal.fate is None
        match effect:
            case Record(_, second):
                journal.records.append(second)
            case Describe(_, manifest):
                journal.records.append(manifest)
            case Close(_, reason):
                journal.records.append(reason)

    def journal(self, uuid: str, number: int) -> Written:
        found = [each for each in self.journals if (each.uuid, each.number, each.claimed) == (uuid, number, False)]
        assert len(found) == 1, "two recordings of a service have two numbers"
        return found[0]

    def undecided(self, uuid: str) -> list[Written]:
        return [each for each in self.journals if each.uuid == uuid and not each.claimed and each.fate is None]

    def current(self, uuid: str) -> Written | None:
        open_ones = [journal for journal in self.undecided(uuid) if not journal.end]
        assert len(open_ones) < 2
        return open_ones[0] if open_ones else None

    def was_kept(self, uuid: str) -> bool:
        return any(each.uuid == uuid and (each.claimed or each.fate is Keep) for each in self.journals)

    @invariant()
    def the_rules_know_what_is_on_the_disk(self) -> None:
        for uuid, service in self.services.items():
            current = self.current(uuid)
            assert (current and current.number) == (service.current and service.current.number)
            waiting = [journal.number for journal in self.undecided(uuid) if journal.end]
            assert waiting == [part.number for part in service.waiting]
            assert not (waiting and self.was_kept(uuid)), "once one is kept, none waits"

    @invariant()
    def seconds_run_forward_and_end_comes_last(self) -> None:
        for journal in self.journals:
            assert journal.seconds == sorted(journal.seconds)
            assert journal.end is None or journal.records[-1] == journal.end

    def teardown(self) -> None:
        """In the end all services go, and everything that was opened is decided."""
        self.on_router = True
        for uuid in list(self.services):
            self.a_service_says_goodbye(uuid)
        assert all(journal.fate or journal.claimed for journal in self.journals)


def _one_recording(old: Manifest, new: Manifest) -> bool:
    """recording.md: name or description changed ends it, unless the event is the same. (None yet is no name.)"""
    same_event = old["event"] is not None and old["event"] == new["event"]
    return same_event or all(old[key] in ("", new[key]) for key in ("name", "description"))


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=500, stateful_step_count=50, deadline=None)
