"""Ordinary events by arithmetic: exactly what the libraries make of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.scheduler.by_library import expand
from orchestrator.scheduler.ical_text import Lines, event_lines, tagged_series, unfolded
from orchestrator.scheduler.ical_values import Unusual
from orchestrator.scheduler.plain_events import Occurrence, Window, expand_plain

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "ics"
NEW_YORK = ZoneInfo("America/New_York")


def window_of(first: datetime, days: int = 15, zone: str = "Europe/Berlin") -> Window:
    return Window(first, first + timedelta(days=days), ZoneInfo(zone))


def by_library(events: Sequence[Lines], window: Window) -> list[Occurrence]:
    found = expand("a", events, {}, window)
    return sorted((item for item in found if window.touches(item.start, item.end)), key=repr)


def plain(events: Sequence[Lines], window: Window) -> list[Occurrence] | None:
    try:
        return sorted(expand_plain("a", events, window), key=repr)
    except Unusual:
        return None


def agreed(events: Sequence[Lines], window: Window) -> int:
    """How many occurrences both find; 0 for what is left to the libraries."""
    found = plain(events, window)
    if found is not None:
        assert found == by_library(events, window)
    return len(found or ())


def utc(day: int, hour: int = 10) -> float:
    return datetime(2026, 6, day, hour, tzinfo=UTC).timestamp()


def lines(*written: str) -> Lines:
    text = "\n".join(["BEGIN:VEVENT", "UID:a", "SUMMARY:Race [f1]", *written, "END:VEVENT"])
    return event_lines(text.encode())


# -- real calendars, and one for each rule


def calendars(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.glob("*.ics"))


@pytest.mark.parametrize("step", [1, -1], ids=["as it is", "reversed"])
def test_the_events_of_real_calendars_are_expanded_as_the_libraries_do(data: Path, step: int) -> None:
    total = 0
    for path in calendars(data / "ics", FIXTURES):
        content = unfolded(path.read_bytes()).replace(b"SUMMARY:", b"SUMMARY:[")
        for components in tagged_series(content)[0].values():
            events = [event_lines(component) for component in components][::step]
            for year in (2015, 2019, 2023, 2025, 2026):
                total += agreed(
                    events, Window(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 6, 1, tzinfo=UTC), UTC)
                )
    assert total > 3000


# -- generated ones

zones = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
)
kinds = st.one_of(zones, st.sampled_from(["utc", "floating", "day"]))
# around the nights on which the clocks change
nights = st.sampled_from([datetime(2026, 3, 28), datetime(2026, 10, 24), datetime(2026, 11, 1), datetime(2025, 12, 30)])  # noqa: DTZ001
moments = st.builds(
    lambda night, minutes: night + timedelta(minutes=minutes),
    nights,
    st.integers(0, 4 * 24 * 4).map(lambda quarters: quarters * 15),
)


def written(kind: str, at: datetime) -> str:
    """As in DTSTART and its like, from the ; or : on."""
    if kind == "day":
        return f";VALUE=DATE:{at:%Y%m%d}"
    if kind == "utc":
        return f":{at:%Y%m%dT%H%M%S}Z"
    return f":{at:%Y%m%dT%H%M%S}" if kind == "floating" else f";TZID={kind}:{at:%Y%m%dT%H%M%S}"


WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


@st.composite
def rules(draw: st.DrawFn, first: datetime) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    by_day = draw(st.booleans())
    if frequency in ("MONTHLY", "YEARLY"):
        if frequency == "YEARLY" and (by_day or draw(st.booleans())):
            parts.append(f"BYMONTH={draw(st.sampled_from([first.month, first.month % 12 + 1, 2]))}")
        if by_day:
            number = draw(st.integers(-5, 5).filter(bool))
            parts.append(f"BYDAY={number}{draw(st.sampled_from(WEEKDAYS))}")
        elif draw(st.booleans()):
            parts.append(f"BYMONTHDAY={draw(st.integers(-31, 31).filter(bool))}")
    elif by_day:
        names = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
        parts.append(f"BYDAY={','.join(names)}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(['MO', 'SU', 'TH']))}")
    until = first + timedelta(hours=draw(st.integers(-24, 24 * 40)))
    end = draw(st.sampled_from(["", "COUNT", "%Y%m%d", "%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S"]))
    if end == "COUNT":
        parts.append(f"COUNT={draw(st.integers(1, 30))}")
    elif end:
        parts.append(f"UNTIL={until:{end}}")
    return ";".join(parts)


@st.composite
def lengths(draw: st.DrawFn, kind: str, start: datetime) -> list[str]:
    hours = draw(st.integers(0, 60))
    if draw(st.booleans()):
        return []
    if draw(st.booleans()):
        return [f"DURATION:P{hours // 24}D"] if kind == "day" else [f"DURATION:P{hours // 24}DT{hours % 24}H"]
    days = timedelta(days=hours // 24 + 1) if kind == "day" else timedelta(hours=hours)
    return [f"DTEND{written(kind, start + days)}"]


@st.composite
def series(draw: st.DrawFn) -> list[Lines]:
    kind, start = draw(kinds), draw(moments)
    once = draw(st.integers(0, 4)) == 0
    core = [f"DTSTART{written(kind, start)}", *draw(lengths(kind, start))]
    near = st.integers(0, 20).map(lambda days: start + timedelta(days=days))
    if not once:
        core.append(f"RRULE:{draw(rules(start))}")
        core += [f"EXDATE{written(kind, at)}" for at in draw(st.lists(near, max_size=3))]
    events = [lines(*core)]
    for original in [] if once else draw(st.lists(near, max_size=3, unique=True)):
        moved = draw(moments)
        status = draw(st.sampled_from(["CONFIRMED", "CANCELLED"]))
        changed = [f"RECURRENCE-ID{written(kind, original)}", f"DTSTART{written(kind, moved)}", f"STATUS:{status}"]
        events.append(lines(*changed, *draw(lengths(kind, moved))))
    return draw(st.permutations(events))


windows = st.builds(
    lambda night, days, zone: window_of(night.replace(tzinfo=UTC) + timedelta(days=days), zone=zone),
    nights,
    st.integers(-16, 10),
    zones,
)


@given(series(), windows)
@example(
    [lines("DTSTART;TZID=Europe/Berlin:20261018T020000", "RRULE:FREQ=DAILY")],
    window_of(datetime(2026, 10, 24, tzinfo=UTC)),
)
@example(
    [lines("DTSTART;TZID=Europe/Berlin:20260320T023000", "RRULE:FREQ=DAILY")],
    window_of(datetime(2026, 3, 24, tzinfo=UTC)),
)
def test_what_is_expanded_by_arithmetic_is_what_the_libraries_find(events: list[Lines], window: Window) -> None:
    agreed(events, window)


@given(st.data(), st.integers(0, 3000))
def test_a_series_that_began_long_ago_is_expanded_as_the_libraries_do(draws: st.DataObject, days: int) -> None:
    kind = draws.draw(kinds)
    start = datetime(2019, 3, 1, 22, 30)  # noqa: DTZ001
    events = [lines(f"DTSTART{written(kind, start)}", f"RRULE:{draws.draw(rules(start))}")]
    agreed(events, window_of(start.replace(tzinfo=UTC) + timedelta(days=days)))


@pytest.mark.parametrize(
    "event",
    [
        ["DTSTART;TZID=Europe/Berlin:20260605T100000", "RRULE:FREQ=WEEKLY;BYDAY=FR,SA,SU;COUNT=40"],
        ["DTSTART:20260605T100000Z", "DTEND:20260605T120000Z"],
        ["DTSTART;TZID=Europe/Berlin:20200605T100000", "RRULE:FREQ=MONTHLY;BYDAY=-1SA;COUNT=200"],
        ["DTSTART;TZID=Europe/Berlin:20200613T100000", "RRULE:FREQ=YEARLY"],
        ["DTSTART;VALUE=DATE:20260605", "RRULE:FREQ=DAILY;UNTIL=20260701"],
        ["DTSTART:20260605T100000", "DURATION:PT90M", "EXDATE:20260605T100000", "RRULE:FREQ=DAILY;INTERVAL=2"],
    ],
)
def test_what_calendars_are_full_of_is_not_left_to_the_libraries(event: list[str]) -> None:
    assert agreed([lines(*event)], window_of(datetime(2026, 6, 1, tzinfo=UTC), days=29))


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=MONTHLY;BYDAY=MO",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15",
        "RRULE:FREQ=YEARLY;BYDAY=20MO",
        "RRULE:FREQ=WEEKLY;BYDAY=1MO",
        "RRULE:FREQ=DAILY;BYMONTH=6",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RDATE:20260606T100000Z",
        "DTEND;VALUE=DATE:20260606",
        "DTEND:20260605T090000Z",
        "DURATION:-PT1H",
        "DTSTART:20260605T100000Z",
        "EXDATE:20260605T100000Z",
        'SUMMARY;ALTREP="x":[f1]',
    ],
)
def test_what_is_not_ordinary_is_left_to_the_libraries(line: str) -> None:
    assert plain([lines("DTSTART:20260605T100000Z", line)], window_of(datetime(2026, 6, 1, tzinfo=UTC))) is None


def test_hours_of_a_duration_are_exact_on_the_night_on_which_the_clocks_change() -> None:
    """A race of 24 h lasts 24 h; the libraries follow the clock on the wall, and would end it an hour early."""
    race = [lines("DTSTART;TZID=Europe/Berlin:20260328T150000", "DURATION:PT24H")]
    window = window_of(datetime(2026, 3, 28, tzinfo=UTC))
    found = plain(race, window)
    assert found is not None
    assert [item.end - item.start for item in found] == [86400]
    assert found == by_library(race, window)


def test_a_count_of_millions_costs_nothing() -> None:
    event = [lines("DTSTART:00010101T100000Z", "RRULE:FREQ=DAILY;COUNT=3000000")]
    found = plain(event, window_of(datetime(2026, 6, 1, 12, tzinfo=UTC), days=14))
    assert found is not None
    assert [found[index].start for index in (0, -1)] == [utc(2), utc(15)]
