"""Google's events → an iCalendar text; what is read from it again is what Google meant."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.occurrences import Occurrence, occurrences
from orchestrator.scheduler.sources.google_events import as_icalendar, changed

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
ZONE = "Europe/Rome"


def event(event_id: str, title: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    """An event from `start` to `end`, local times of ZONE."""
    times = {name: {"dateTime": value, "timeZone": ZONE} for name, value in (("start", start), ("end", end))}
    return {"id": event_id, "iCalUID": f"{event_id}@google.com", "summary": title, **times, **more}


def found(*events: Mapping[str, Any]) -> list[Occurrence]:
    return occurrences(as_icalendar(events, ZONE), START, END)[0]


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


RACE = event("a", "Race [f1]", "2026-10-20T10:00:00+02:00", "2026-10-20T12:00:00+02:00")
WEEKLY = event(
    "w",
    "Weekly [f1]",
    "2026-10-21T20:00:00+02:00",
    "2026-10-21T21:00:00+02:00",
    recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"],
)


def test_an_event_is_at_its_time_with_its_uid() -> None:
    (race,) = found(RACE)
    assert (race.instance, race.title) == ("a@google.com", "Race [f1]")
    assert (race.start, race.end) == (at("2026-10-20T10:00+02:00"), at("2026-10-20T12:00+02:00"))


def test_a_series_stays_at_its_local_time_when_the_clocks_change() -> None:
    assert [item.start for item in found(WEEKLY)] == [
        at("2026-10-21T20:00+02:00"),
        at("2026-10-28T20:00+01:00"),
        at("2026-11-04T20:00+01:00"),
    ]


def test_an_instance_that_was_moved_and_retitled_keeps_its_id() -> None:
    moved = {
        **event("w_1", "Weekly, later [f1]", "2026-10-28T22:00:00+01:00", "2026-10-28T23:00:00+01:00"),
        "recurringEventId": "w",
        "originalStartTime": {"dateTime": "2026-10-28T20:00:00+01:00", "timeZone": ZONE},
    }
    before, after = found(WEEKLY)[1], found(WEEKLY, moved)[1]
    assert (after.instance, after.title) == (before.instance, "Weekly, later [f1]")
    assert after.start == at("2026-10-28T22:00+01:00")


def test_a_cancelled_instance_is_left_out() -> None:
    gone = {
        "id": "w_1",
        "status": "cancelled",
        "recurringEventId": "w",
        "originalStartTime": {"dateTime": "2026-10-28T20:00:00+01:00", "timeZone": ZONE},
    }
    assert [item.start for item in found(WEEKLY, gone)] == [at("2026-10-21T20:00+02:00"), at("2026-11-04T20:00+01:00")]


def test_an_event_of_a_whole_day_is_in_the_calendars_zone() -> None:
    (day,) = found({"id": "d", "summary": "Day [f1]", "start": {"date": "2026-11-07"}, "end": {"date": "2026-11-08"}})
    assert (day.start, day.end) == (at("2026-11-07T00:00+01:00"), at("2026-11-08T00:00+01:00"))


@pytest.mark.parametrize("title", ["A, b; c \\ d [f1]", "two\nlines [f1]", "END:VEVENT [f1]", "Nürburg 🏁 [f1]"])
def test_a_title_is_kept_to_the_letter(title: str) -> None:
    assert [item.title for item in found({**RACE, "summary": title})] == [title]


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "x"},
        {"id": "x", "start": {"dateTime": "soon"}},
        {"id": "x", "start": {"dateTime": "2026-10-20T10:00:00", "timeZone": "Nowhere/Land"}},
        {"id": "x", "start": 5},
        {**RACE, "id": "x", "iCalUID": "x\r\nBEGIN:VEVENT", "recurrence": ["RRULE:FREQ=DAILY\r\nSUMMARY:evil [f1]"]},
        {**RACE, "id": "x", "iCalUID": "x", "recurrence": ["SUMMARY:evil [f1]"], "summary": "none"},
    ],
)
def test_one_that_makes_no_sense_costs_no_other(broken: dict[str, Any]) -> None:
    assert "a@google.com" in [item.instance for item in found(broken, RACE)]
    assert "evil [f1]" not in [item.title for item in found(broken, RACE)]


@given(st.text(), st.text())
def test_no_title_and_no_uid_costs_another_event(title: str, uid: str) -> None:
    assert "a@google.com" in [
        item.instance for item in found({**RACE, "id": "x", "iCalUID": uid, "summary": title}, RACE)
    ]


@pytest.mark.parametrize(
    "odd",
    [
        {"sequence": float("inf")},
        {"start": {"dateTime": "0001-01-01T00:00:00Z", "timeZone": "America/New_York"}},
        {"start": {"dateTime": "2026-10-20T10:00:00+02:00", "timeZone": 5}},
        {"start": {"dateTime": "2026-10-20T10:00:00", "timeZone": "Nowhere/Land"}},
        {"recurringEventId": ["w"]},
    ],
)
def test_one_that_makes_no_sense_is_told(odd: dict[str, Any]) -> None:
    _, findings = occurrences(as_icalendar([{**RACE, **odd}], ZONE), START, END)
    assert [finding.title for finding in findings] == ["Race [f1]"]


def test_an_instance_that_makes_no_sense_is_told_and_its_series_goes_on() -> None:
    odd = {**RACE, "id": "w_1", "recurringEventId": "w", "originalStartTime": {"dateTime": "soon"}}
    titles, findings = occurrences(as_icalendar([WEEKLY, odd], ZONE), START, END)
    assert [item.title for item in titles] == ["Weekly [f1]"] * 3
    assert [(finding.title, finding.uid) for finding in findings] == [("Race [f1]", "w_1")]


def test_half_a_character_in_a_title_costs_no_more_than_itself() -> None:
    assert [item.title for item in found({**RACE, "summary": "Race \ud800 [f1]"})] == ["Race ? [f1]"]


def test_a_moment_in_an_unknown_zone_is_the_same_moment() -> None:
    start = {"dateTime": "2026-10-20T10:00:00+02:00", "timeZone": "GMT+01:00"}
    assert [item.start for item in found({**RACE, "start": start})] == [at("2026-10-20T10:00+02:00")]


def test_a_series_in_an_unknown_zone_is_in_the_calendars() -> None:
    times = {name: {**WEEKLY[name], "timeZone": "GMT+01:00"} for name in ("start", "end")}
    assert [item.start for item in found({**WEEKLY, **times})] == [item.start for item in found(WEEKLY)]


def test_changes_replace_add_and_delete() -> None:
    retitled = {**RACE, "summary": "Race 2 [f1]"}
    known = changed({}, [RACE, WEEKLY, "junk", {"odd": 1}])
    assert known == {"a": RACE, "w": WEEKLY}
    assert changed(known, [retitled, {"id": "n"}]) == {"a": retitled, "w": WEEKLY, "n": {"id": "n"}}
    assert changed(known, [{"id": "a", "status": "cancelled"}]) == {"w": WEEKLY}


def test_a_deleted_series_is_gone_with_its_instances_until_it_is_restored() -> None:
    moved = {
        **event("w_1", "Weekly, later [f1]", "2026-10-28T22:00:00+01:00", "2026-10-28T23:00:00+01:00"),
        "recurringEventId": "w",
        "originalStartTime": {"dateTime": "2026-10-28T20:00:00+01:00", "timeZone": ZONE},
    }
    known = changed({}, [WEEKLY, moved])
    deleted = changed(known, [{"id": "w", "status": "cancelled"}])
    assert found(*deleted.values()) == []
    again = changed(changed(deleted, [{"id": "w", "status": "cancelled"}]), [WEEKLY])
    assert found(*again.values()) == found(WEEKLY, moved)


def test_an_instance_of_somebody_elses_series_stands_alone() -> None:
    invited = {**RACE, "recurringEventId": "theirs", "originalStartTime": RACE["start"]}
    assert [item.title for item in found(*changed({}, [invited]).values())] == ["Race [f1]"]


def test_what_is_not_used_is_not_kept() -> None:
    assert changed({}, [{**RACE, "description": "long", "attendees": []}]) == {"a": RACE}
