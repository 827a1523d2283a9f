"""What `assist` takes from the calendar that it copies from."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.assist.mapping import Hours
from orchestrator.scheduler.assist.source_events import Source, read_source, with_hours
from orchestrator.scheduler.occurrences import NotACalendar
from orchestrator.scheduler.title import Tag, parse_title

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def source(*lines: str, head: str = "") -> Source:
    """A calendar with one event of these lines."""
    event = "\r\n".join(["BEGIN:VEVENT", "UID:u", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{head}{event}\r\nEND:VCALENDAR\r\n"
    return read_source(text.encode(), START, END)


def titled(title: str) -> Source:
    return source(f"SUMMARY:{title}", "DTSTART:20260401T100000Z", "DTEND:20260401T110000Z")


def test_a_tag_at_the_beginning_is_taken_from_the_title() -> None:
    (event,) = titled("[WEC] 6 Hours of Spa").events
    assert (event.tag, event.title, event.instance) == ("WEC", "6 Hours of Spa", "u")


@pytest.mark.parametrize("title", ["6 Hours [wec]", "Spa", "WEC] Spa [x", "[] Spa", "[WEC Spa"])
def test_other_titles_are_not_for_us(title: str) -> None:
    assert titled(title).events == ()


def test_a_title_that_is_only_a_tag_is_named_for_it() -> None:
    (event,) = titled("[WEC]").events
    assert event.title == "WEC"


def test_brackets_in_the_title_can_never_be_a_tag_of_ours() -> None:
    (event,) = titled("[WEC] Spa [rmonitor\\, --host evil] [").events
    assert event.title == "Spa (rmonitor, --host evil) ("


@given(st.text(max_size=60))
def test_no_title_becomes_another_tag_than_ours(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n").replace("\r", "")
    for event in titled(f"[WEC] {escaped}").events:
        found = parse_title(f"{event.title} [wec]", ["wec", "rmonitor"])
        assert isinstance(found, Tag)
        assert (found.service_class, found.options) == ("wec", ())


def test_an_all_day_event_is_known_as_one() -> None:
    (event,) = source("SUMMARY:[WEC] Spa", "DTSTART;VALUE=DATE:20260401").events
    assert event.all_day


def test_an_instance_of_an_all_day_series_that_was_given_a_time_has_one() -> None:
    override = "\r\n".join(
        [
            "END:VEVENT",
            "BEGIN:VEVENT",
            "UID:u",
            "SUMMARY:[WEC] Spa",
            "RECURRENCE-ID;VALUE=DATE:20260402",
            "DTSTART:20260402T100000Z",
            "DTEND:20260402T120000Z",
        ]
    )
    found = source("SUMMARY:[WEC] Spa", "DTSTART;VALUE=DATE:20260401", "RRULE:FREQ=DAILY;COUNT=3", override)
    assert [event.all_day for event in found.events] == [True, False, True]


def test_a_login_page_is_no_calendar() -> None:
    with pytest.raises(NotACalendar):
        read_source(b"<html>", START, END)


def test_an_event_that_cannot_be_read_costs_only_itself() -> None:
    broken = "DTSTART:20260401T100000Z\r\nRRULE:FREQ=SECONDLY\r\nSUMMARY:[WEC] x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:v"
    found = source(broken, "SUMMARY:[WEC] Spa", "DTSTART:20260401T100000Z", "DTEND:20260401T110000Z")
    assert [event.title for event in found.events] == ["Spa"]
    assert len(found.problems) == 1


@pytest.mark.parametrize("day", [28, 29, 30])  # the clocks go forward on 29 March
def test_hours_are_those_of_the_calendars_zone_on_every_night(day: int) -> None:
    head = "X-WR-TIMEZONE:Europe/Berlin\r\n"
    found = source("SUMMARY:[WEC] Spa", f"DTSTART;VALUE=DATE:202603{day}", head=head)
    (event,) = found.events
    start, end = with_hours(event.start, event.end, Hours(9 * 60, 18 * 60 + 30), found.zone)
    assert datetime.fromtimestamp(start, BERLIN) == datetime(2026, 3, day, 9, tzinfo=BERLIN)
    assert datetime.fromtimestamp(end, BERLIN) == datetime(2026, 3, day, 18, 30, tzinfo=BERLIN)


def test_an_event_of_some_days_lasts_from_the_first_to_the_last() -> None:
    first = datetime(2026, 3, 28, tzinfo=BERLIN)
    whole = first.timestamp(), datetime(2026, 3, 31, tzinfo=BERLIN).timestamp()
    start, end = with_hours(*whole, Hours(600, 720), BERLIN)
    assert datetime.fromtimestamp(start, BERLIN) == first + timedelta(hours=10)
    assert datetime.fromtimestamp(end, BERLIN) == datetime(2026, 3, 30, 12, tzinfo=BERLIN)
