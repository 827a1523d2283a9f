"""The DVR's rules: given these events, these are the recordings."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.dvr.rules import (
    Alive,
    Ask,
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
    ManifestSeen,
    Open,
    Part,
    Record,
    Service,
    Tick,
    frame_second,
    resume,
    step,
)

UUID = "0123456789abcdef0123456789abcdef"
NOON = 1_700_000_000
RACE = {"uuid": UUID, "name": "FIA WEC", "description": "6h of Spa - Race"}
QUALIFYING = {**RACE, "description": "6h of Spa - Qualifying"}


@dataclass
class Story:
    """A service's life, told by its events; `now` is the DVR's clock."""

    service: Service = field(default_factory=lambda: Service(UUID))
    limits: Limits = field(default_factory=Limits)
    now: float = 0.0
    effects: list[Effect] = field(default_factory=list)

    def happens(self, event: Event) -> list[Effect]:
        self.service, effects = step(self.service, event, self.now, self.limits)
        self.effects += effects
        return effects

    def manifest(self, manifest: dict[str, Any] = RACE) -> list[Effect]:
        return self.happens(ManifestSeen(manifest))

    def frame(self) -> list[Effect]:
        return self.happens(FrameSeen(None, NOON + self.now))

    def frames(self, seconds: int) -> None:
        """A frame now and one every ten seconds, the last `seconds` from now."""
        for _ in range(0, seconds, 10):
            self.frame()
            self.now += 10
        self.frame()

    def wait(self, seconds: int) -> list[Effect]:
        """So long without a word, on the router."""
        effects = []
        for _ in range(seconds):
            self.now += 1
            effects += self.happens(Tick())
        return effects


class TestBeginning:
    def test_the_first_frame_after_a_manifest_begins_a_recording(self) -> None:
        story = Story()
        assert story.manifest() == []
        assert story.frame() == [Open(0, RACE), Record(0, NOON)]

    def test_a_frame_without_a_manifest_begins_one_too_and_the_manifest_joins_it(self) -> None:
        story = Story()
        assert story.frame() == [Open(0, None), Record(0, NOON)]
        assert story.manifest() == [Describe(0, RACE)]

    def test_after_the_goodbye_frames_begin_nothing(self) -> None:
        story = Story()
        story.manifest()
        story.frames(700)
        story.happens(Left())
        assert story.frame() == []

    def test_after_the_goodbye_a_manifest_and_a_frame_begin_the_next(self) -> None:
        story = Story()
        story.manifest()
        story.frames(700)
        story.happens(Left())
        story.manifest()
        assert story.frame() == [Open(1, RACE), Record(1, NOON + 700)]

    def test_a_frame_of_a_service_that_said_goodbye_before_we_knew_it_begins_nothing(self) -> None:
        story = Story()
        story.happens(Left())
        assert story.frame() == []


class TestManifests:
    def test_the_same_manifest_again_changes_nothing(self) -> None:
        story = Story()
        story.manifest()
        story.frame()
        assert story.manifest() == []

    def test_another_track_data_spec_goes_into_the_recording(self) -> None:
        story = Story()
        story.manifest()
        story.frame()
        newer = {**RACE, "trackDataSpec": ["Air temp"]}
        assert story.manifest(newer) == [Describe(0, newer)]

    def test_another_description_ends_the_recording_and_the_next_frame_begins_another(self) -> None:
        story = Story()
        story.manifest(QUALIFYING)
        story.frames(700)
        assert story.manifest(RACE) == [Close(0, End.RENAMED), Keep(0)]
        assert story.frame() == [Open(1, RACE), Record(1, NOON + 700)]

    def test_another_name_ends_it_too(self) -> None:
        story = Story()
        story.manifest()
        story.frames(700)
        assert Close(0, End.RENAMED) in story.manifest({**RACE, "name": "ELMS"})

    def test_with_the_same_event_only_the_manifest_of_the_recording_changes(self) -> None:
        story = Story()
        story.manifest({**QUALIFYING, "event": "spa"})
        story.frame()
        newer = {**RACE, "event": "spa"}
        assert story.manifest(newer) == [Describe(0, newer)]

    def test_a_description_that_was_empty_until_the_feed_told_it_is_no_change(self) -> None:
        story = Story()
        story.manifest({**RACE, "description": ""})
        story.frame()
        story.manifest(RACE)
        assert not any(isinstance(effect, Close) for effect in story.effects)

    def test_with_another_event_and_the_same_name_and_description_it_goes_on(self) -> None:
        story = Story()
        story.manifest({**RACE, "event": "spa"})
        story.frame()
        assert Close(0, End.RENAMED) not in story.manifest({**RACE, "event": "monza"})


class TestEnding:
    def test_a_goodbye_ends_the_recording_and_it_is_kept(self) -> None:
        story = Story()
        story.manifest()
        story.frames(600)
        assert story.happens(Left()) == [Close(0, End.LEFT), Keep(0)]

    def test_a_minute_without_frame_and_answer_ends_it(self) -> None:
        story = Story()
        story.manifest()
        story.frames(600)
        assert Close(0, End.SILENT) not in story.wait(59)
        assert story.wait(1) == [Close(0, End.SILENT), Keep(0)]

    def test_a_silent_service_is_asked_every_ten_seconds(self) -> None:
        story = Story()
        story.frame()
        assert story.wait(9) == []
        assert story.wait(1) == [Ask()]
        assert story.wait(10) == [Ask()]

    def test_one_that_answers_is_waited_for(self) -> None:
        story = Story()
        story.frame()
        for _ in range(100):
            story.wait(50)
            story.happens(Alive())
        assert story.service.current is not None

    def test_a_frame_after_the_silence_begins_another_recording(self) -> None:
        story = Story()
        story.manifest()
        story.frames(600)
        story.wait(60)
        assert story.frame() == [Open(1, RACE), Record(1, NOON + 660)]

    def test_time_without_the_router_does_not_count(self) -> None:
        story = Story()
        story.frame()
        story.wait(50)
        story.now += 3600
        story.happens(Joined())
        assert Close(0, End.SILENT) not in story.wait(59)
        assert Close(0, End.SILENT) in story.wait(1)

    def test_a_service_that_is_not_recorded_is_not_asked(self) -> None:
        story = Story()
        story.manifest()
        assert story.wait(1000) == []


class TestKeeping:
    def test_a_recording_shorter_than_ten_minutes_is_thrown_away_with_the_reason(self) -> None:
        story = Story()
        story.manifest()
        story.frames(590)
        close, discard = story.happens(Left())
        assert close == Close(0, End.LEFT)
        assert isinstance(discard, Discard)
        assert "590 s is shorter than the 600 s" in discard.why

    def test_a_short_part_waits_until_the_next_makes_up_for_it(self) -> None:
        story = Story()
        story.manifest(QUALIFYING)
        story.frames(400)
        assert story.manifest(RACE) == [Close(0, End.RENAMED)]
        story.frames(190)
        assert Keep(0) not in story.effects
        story.frames(10)
        assert Keep(0) in story.effects
        assert story.happens(Left()) == [Close(1, End.LEFT), Keep(1)]

    def test_parts_that_are_too_short_together_are_all_thrown_away(self) -> None:
        story = Story()
        story.manifest(QUALIFYING)
        story.frames(200)
        story.manifest(RACE)
        story.frames(200)
        effects = story.happens(Left())
        assert [effect.number for effect in effects if isinstance(effect, Discard)] == [0, 1]

    def test_a_short_part_whose_service_falls_silent_is_settled_then(self) -> None:
        story = Story()
        story.manifest(QUALIFYING)
        story.frames(200)
        story.manifest(RACE)
        assert [type(effect) for effect in story.wait(60) if not isinstance(effect, Ask)] == [Discard]

    def test_a_short_recording_of_a_uuid_of_which_one_is_kept_already_is_kept(self) -> None:
        story = Story(Service(UUID, enough=True))
        story.frames(10)
        assert story.happens(Left()) == [Close(0, End.LEFT), Keep(0)]

    def test_with_no_minimum_every_recording_is_kept(self) -> None:
        story = Story(limits=Limits(min_duration=0))
        story.frame()
        assert story.happens(Left()) == [Close(0, End.LEFT), Keep(0)]


class TestDoNotRecord:
    def test_frames_of_a_service_that_asks_not_to_be_recorded_are_not(self) -> None:
        story = Story()
        story.manifest({**RACE, "doNotRecord": True})
        assert story.frame() == []

    def test_a_recording_whose_service_asks_it_later_is_thrown_away(self) -> None:
        story = Story()
        story.frames(700)
        assert [type(effect) for effect in story.manifest({**RACE, "doNotRecord": True})] == [Discard]
        assert story.frame() == []
        assert story.happens(Left()) == []


class TestRestart:
    def resumed(self, *parts: tuple[Part, End | None], **known: Any) -> Story:
        story = Story()
        service = Service(UUID, **known)
        story.service, story.effects = resume(service, list(parts), story.now, story.limits)
        return story

    def test_a_recording_that_had_not_ended_goes_on(self) -> None:
        story = self.resumed((Part(3, NOON - 500, NOON - 100), None), manifest=RACE)
        story.manifest()
        assert story.frame() == [Record(3, NOON)]

    def test_it_goes_on_after_its_newest_frame(self) -> None:
        story = self.resumed((Part(3, NOON - 500, NOON + 2), None))
        assert story.frame() == [Record(3, NOON + 2)]

    def test_one_whose_service_has_another_name_now_is_ended(self) -> None:
        story = self.resumed((Part(3, NOON - 700, NOON - 10), None), manifest=QUALIFYING)
        assert story.manifest() == [Close(3, End.RENAMED), Keep(3)]

    def test_one_whose_service_does_not_speak_any_more_is_ended(self) -> None:
        story = self.resumed((Part(3, NOON - 700, NOON - 10), None))
        assert story.wait(60)[-2:] == [Close(3, End.SILENT), Keep(3)]

    def test_one_whose_service_had_said_goodbye_is_kept_at_once(self) -> None:
        story = self.resumed((Part(3, NOON - 700, NOON - 10), End.LEFT))
        assert story.effects == [Keep(3)]
        assert story.frame() == []

    def test_short_ones_that_had_ended_by_goodbye_are_thrown_away(self) -> None:
        story = self.resumed((Part(3, NOON - 100, NOON - 10), End.LEFT))
        assert [type(effect) for effect in story.effects] == [Discard]

    def test_a_short_part_that_waited_goes_on_waiting(self) -> None:
        story = self.resumed((Part(3, NOON - 400, NOON), End.RENAMED))
        assert story.effects == []
        story.manifest()
        story.frames(200)
        assert Keep(3) in story.effects

    def test_of_two_that_had_not_ended_only_the_later_goes_on(self) -> None:
        story = self.resumed((Part(3, NOON - 700, NOON - 60), None), (Part(4, NOON - 50, NOON - 10), None))
        assert story.effects == [Close(3, End.LOST), Keep(3)]
        assert story.frame() == [Record(4, NOON)]

    def test_new_recordings_get_new_numbers(self) -> None:
        story = self.resumed((Part(3, NOON - 700, NOON - 10), End.SILENT))
        assert story.frame()[0] == Open(4, None)


class TestAfterSilenceOfOurs:
    """While we were away the service may have got another name; the frames of that do not belong to the recording."""

    def recording(self) -> Story:
        story = Story()
        story.manifest(QUALIFYING)
        story.frames(700)
        return story

    def resumed(self) -> Story:
        story = self.recording()
        part = story.service.current
        assert part is not None
        story.service, _ = resume(Service(UUID, manifest=QUALIFYING), [(part, None)], story.now, story.limits)
        return story

    def joined(self) -> Story:
        story = self.recording()
        story.happens(Joined())
        return story

    @pytest.fixture(params=["resumed", "joined"])
    def story(self, request: pytest.FixtureRequest) -> Story:
        story: Story = getattr(self, request.param)()
        return story

    def test_a_frame_before_the_manifest_is_not_recorded(self, story: Story) -> None:
        assert story.frame() == []

    def test_after_the_same_manifest_the_recording_goes_on(self, story: Story) -> None:
        story.manifest(QUALIFYING)
        assert story.frame() == [Record(0, NOON + 700)]

    def test_after_another_manifest_frames_begin_another_recording(self, story: Story) -> None:
        story.frame()
        assert Close(0, End.RENAMED) in story.manifest(RACE)
        assert Open(1, RACE) in story.frame()

    def test_where_no_manifest_comes_it_goes_on_after_five_seconds(self, story: Story) -> None:
        story.now += 4.9
        assert story.frame() == []
        story.now += 0.1
        assert story.frame() == [Record(0, NOON + 705)]

    def test_a_service_that_never_sent_a_manifest_is_not_waited_for(self) -> None:
        story = Story()
        story.frame()
        story.happens(Joined())
        assert story.frame() == [Record(0, NOON)]


class TestSeconds:
    def test_a_date_within_a_minute_of_arrival_is_the_frame_s_second(self) -> None:
        assert frame_second(NOON * 1000 + 999, NOON + 60, None) == NOON
        assert frame_second((NOON + 60) * 1000, NOON, None) == NOON + 60

    def test_a_date_that_is_further_off_is_not_believed(self) -> None:
        assert frame_second(NOON * 1000, NOON + 61, None) == NOON + 61

    def test_without_a_date_the_arrival_counts(self) -> None:
        assert frame_second(None, NOON + 0.9, None) == NOON

    def test_it_never_goes_back(self) -> None:
        assert frame_second(NOON * 1000, NOON, NOON + 5) == NOON + 5


manifests: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [RACE, QUALIFYING, {**RACE, "event": "spa"}, {**QUALIFYING, "doNotRecord": True}]
)
events = st.one_of(
    manifests.map(ManifestSeen),
    st.builds(FrameSeen, st.none(), st.just(0.0)),
    st.sampled_from([Left(), Alive(), Joined(), Tick()]),
)


@given(st.lists(st.tuples(events, st.integers(0, 400)), max_size=60))
def test_every_recording_is_opened_once_then_closed_then_kept_or_thrown_away(life: list[tuple[Event, int]]) -> None:
    story = Story()
    for event, seconds in life:
        story.now += seconds
        story.happens(replace(event, arrival=NOON + story.now) if isinstance(event, FrameSeen) else event)
    story.happens(Left())
    told: dict[int, str] = {}
    letters = {Open: "o", Record: "r", Describe: "d", Close: "c", Keep: "k", Discard: "x"}
    for effect in story.effects:
        if not isinstance(effect, Ask):
            told[effect.number] = told.get(effect.number, "") + letters[type(effect)]
    for life_of_one in told.values():
        middle = life_of_one.strip("ocxk")
        assert life_of_one in (f"o{middle}ck", f"o{middle}cx", f"o{middle}x")
        assert middle.startswith("r")
        assert set(middle) <= {"r", "d"}
    assert story.service.idle
