"""Calendar bytes → occurrences."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.findings import LIMIT
from orchestrator.scheduler.occurrences import (
    INSTANCES_LIMIT,
    NotACalendar,
    Occurrence,
    occurrences,
)

START, END = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)


def calendar(*events: str, head: str = "") -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{''.join(events)}END:VCALENDAR\r\n".encode()


def event(*lines: str, uid: str = "a", summary: str = "Race [f1]") -> str:
    text = ["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", *lines, "END:VEVENT", ""]
    return "\r\n".join(text)


ONCE = event("DTSTART:20260605T100000Z", "DTEND:20260605T120000Z")


def found(content: bytes) -> list[Occurrence]:
    return occurrences(content, START, END)[0]


def utc(day: int, hour: int, minute: int = 0) -> float:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC).timestamp()


def test_a_single_event_is_one_occurrence_known_by_its_uid() -> None:
    assert found(calendar(ONCE)) == [Occurrence("a", "a", "Race [f1]", utc(5, 10), utc(5, 12))]


def test_a_duration_stands_in_for_an_end() -> None:
    assert found(calendar(event("DTSTART:20260605T100000Z", "DURATION:PT90M")))[0].end == utc(5, 11, 30)


def test_an_untagged_event_is_not_looked_at_however_broken_it_is() -> None:
    broken = event("DTSTART:nonsense", uid="b", summary="Dinner")
    assert occurrences(calendar(ONCE, broken), START, END)[1] == []


def test_a_broken_event_costs_only_itself_and_is_told() -> None:
    sessions, problems = occurrences(calendar(event("DTSTART:nonsense", uid="b"), ONCE), START, END)
    assert [session.uid for session in sessions] == ["a"]
    assert [problem.uid for problem in problems] == ["b"]


def test_each_instance_of_a_series_is_known_by_its_original_start() -> None:
    weekly = event("DTSTART:20260605T100000Z", "DTEND:20260605T120000Z", "RRULE:FREQ=WEEKLY;COUNT=2")
    moved = event(
        "RECURRENCE-ID:20260612T100000Z", "DTSTART:20260613T150000Z", "DTEND:20260613T160000Z", summary="Late [f1]"
    )
    instances = [(item.instance, item.title, item.start) for item in found(calendar(weekly, moved))]
    assert instances == [
        ("a/20260605T100000Z", "Race [f1]", utc(5, 10)),
        ("a/20260612T100000Z", "Late [f1]", utc(13, 15)),
    ]


def test_a_cancelled_event_is_none() -> None:
    assert found(calendar(event("DTSTART:20260605T100000Z", "STATUS:CANCELLED"))) == []


def test_a_floating_time_is_in_the_calendars_zone() -> None:
    floating = event("DTSTART:20260605T100000", "DTEND:20260605T110000")
    assert found(calendar(floating, head="X-WR-TIMEZONE:Europe/Berlin\r\n"))[0].start == utc(5, 8)


def test_a_floating_time_far_from_utc_is_found_while_it_is_on() -> None:
    floating = event("DTSTART:20260605T200000", "DTEND:20260605T220000")
    content = calendar(floating, head="X-WR-TIMEZONE:America/Los_Angeles\r\n")
    on = datetime(2026, 6, 6, 4, tzinfo=UTC)
    assert [item.start for item in occurrences(content, on, END)[0]] == [utc(6, 3)]


def test_an_all_day_event_lasts_until_the_end_of_its_day_in_the_calendars_zone() -> None:
    content = calendar(event("DTSTART;VALUE=DATE:20260605"), head="X-WR-TIMEZONE:America/Los_Angeles\r\n")
    late = datetime(2026, 6, 6, 6, tzinfo=UTC)
    assert [item.end for item in occurrences(content, late, END)[0]] == [utc(6, 7)]


def test_what_is_not_in_the_window_is_not_found() -> None:
    assert occurrences(calendar(ONCE), datetime(2026, 6, 5, 12, tzinfo=UTC), END)[0] == []


def test_an_event_that_is_not_closed_costs_only_itself() -> None:
    unclosed = "BEGIN:VEVENT\r\nUID:b\r\nSUMMARY:Other [f1]\r\n"
    assert [item.uid for item in found(calendar(unclosed, ONCE))] == ["a"]


@pytest.mark.parametrize(
    "hostile",
    [
        "SUMMARY" + ":" * 300_000,
        "UID:" + " " * 300_000 + "x",
        "X-WR-TIMEZONE:" + " " * 300_000,
        "BEGIN:VEVENT\r\n" * 30_000,
        "SUMMARY;X=" + "[" * 300_000,
    ],
)
@pytest.mark.timeout(20)
def test_a_hostile_line_takes_no_longer_than_its_length(hostile: str) -> None:
    sessions = occurrences(calendar(hostile + "\r\n", event(hostile, uid="b"), ONCE), START, END)[0]
    assert "a" in [session.uid for session in sessions]


def test_a_series_in_utc_does_not_drift_with_the_calendars_zone() -> None:
    series = event("DTSTART:20260105T100000Z", "DTEND:20260105T110000Z", "RRULE:FREQ=WEEKLY")
    starts = {item.start % 86400 for item in found(calendar(series, head="X-WR-TIMEZONE:Europe/Berlin\r\n"))}
    assert starts == {36000}


@pytest.mark.parametrize("rule", ["FREQ=MINUTELY", "FREQ=SECONDLY", "FREQ=HOURLY", "FREQ=DAILY;INTERVAL=0"])
def test_a_recurrence_that_may_never_end_is_refused_as_that_events_problem(rule: str) -> None:
    sessions, problems = occurrences(
        calendar(event("DTSTART:19700101T000000Z", f"RRULE:{rule}", uid="b"), ONCE), START, END
    )
    assert [session.uid for session in sessions] == ["a"]
    assert [problem.uid for problem in problems] == ["b"]


def test_a_fold_inside_a_character_is_undone_before_decoding() -> None:
    content = calendar(event("DTSTART:20260605T100000Z", summary="Nürburgring [f1]"))
    split = content.replace("ü".encode(), b"\xc3\r\n \xbc")
    assert found(split)[0].title == "Nürburgring [f1]"


@pytest.mark.parametrize(
    "junk", [b"", b"<html>Log in</html>", b"BEGIN:VCALENDAR\r\n", calendar(ONCE)[:-10], b"\x00\xff" * 50]
)
def test_junk_is_no_calendar_and_never_means_no_events(junk: bytes) -> None:
    with pytest.raises(NotACalendar):
        occurrences(junk, START, END)


def test_an_empty_calendar_means_no_events() -> None:
    assert occurrences(calendar(), START, END) == ([], [])


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_whatever_stands_between_two_events_they_are_found(junk: list[bytes]) -> None:
    lines = b"".join(b"X-JUNK:" + line.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n" for line in junk)
    other = event("DTSTART:20260606T100000Z", uid="b").encode()
    content = b"BEGIN:VCALENDAR\r\n" + ONCE.encode() + lines + other + b"END:VCALENDAR\r\n"
    assert [item.uid for item in found(content)] == ["a", "b"]


def test_real_calendars_are_read_without_a_problem(data: Path) -> None:
    for path in sorted((data / "ics").glob("*.ics")):
        occurrences(path.read_bytes(), datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


# -- too much of it


def test_an_event_with_more_instances_than_anybody_wants_keeps_the_first_and_is_told() -> None:
    days = 60
    crowd = [event("DTSTART:20260501T100000Z", "DTEND:20270401T100000Z", "RRULE:FREQ=DAILY", uid="b")]
    sessions, problems = occurrences(calendar(*crowd, ONCE), START, START + timedelta(days=1200))
    assert len(sessions) == INSTANCES_LIMIT + 1
    assert [problem.uid for problem in problems] == ["b"]
    assert max(item.start for item in sessions) < (START + timedelta(days=INSTANCES_LIMIT + days)).timestamp()


def test_a_calendar_with_more_than_anybody_wants_keeps_what_begins_first_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.scheduler.occurrences.OCCURRENCES_LIMIT", 10)
    crowd = [event("DTSTART:20260601T110000Z", "RRULE:FREQ=DAILY", uid=str(number)) for number in range(5)]
    sessions, problems = occurrences(calendar(*crowd, event("DTSTART:20260601T100000Z", uid="z")), START, END)
    assert [item.uid for item in sessions[:2]] == ["z", "0"]
    assert len(sessions) == 10
    assert "are left out" in str(problems[0])


def test_more_mistakes_than_anybody_reads_are_counted() -> None:
    crowd = [event("DTSTART:nonsense", uid=str(number)) for number in range(LIMIT + 7)]
    problems = occurrences(calendar(*crowd), START, END)[1]
    assert len(problems) == LIMIT + 1
    assert "7 more findings" in str(problems[-1])


@pytest.mark.parametrize(
    "lines",
    [
        ["DTSTART:00010101T000000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"],
        ["DTSTART:20260605T000000Z", "RRULE:FREQ=WEEKLY", "DTEND:99990605T000000Z"],
        ["DTSTART:20260605T000000Z", "RDATE:" + ",".join(["20260606T100000Z"] * 100_000)],
        ["DTSTART:20260605T000000Z", "RRULE:FREQ=YEARLY;BYYEARDAY=1,2;BYHOUR=1,2;BYMINUTE=1,2"],
    ],
    ids=["never", "for ever", "dates", "by the hour"],
)
@pytest.mark.timeout(60)
def test_thousands_of_events_that_take_for_ever_are_told_and_cost_nothing(lines: list[str]) -> None:
    crowd = [event(*lines, uid=str(number)) for number in range(3 if len(lines[-1]) > 1000 else 2000)]
    sessions, problems = occurrences(calendar(*crowd, ONCE), START, END)
    assert "a" in [item.uid for item in sessions]
    assert problems


def test_three_million_instances_come_to_an_end() -> None:
    crowd = [event("DTSTART:00010101T100000Z", "RRULE:FREQ=DAILY;COUNT=3000000", uid=str(n)) for n in range(500)]
    assert len(found(calendar(*crowd))) == 500 * 29


def test_a_zone_that_changes_each_second_is_not_used() -> None:
    rule = "DTSTART:16010101T000000\r\nRRULE:FREQ=SECONDLY\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100"
    zone = f"BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\n{rule}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    assert found(calendar(zone, event("DTSTART;TZID=Mine:20260605T100000")))[0].start == utc(5, 10)


def test_a_login_page_of_fifty_megabytes_is_no_calendar() -> None:
    with pytest.raises(NotACalendar):
        occurrences(b"<html>" + b"BEGIN:VCALENDAR\n" * 3_000_000, START, END)
