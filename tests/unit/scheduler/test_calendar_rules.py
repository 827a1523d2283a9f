"""One small calendar for each rule of calendars, and what it means (UTC)."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.scheduler.occurrences import NotACalendar, Occurrence, occurrences

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "ics"
START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
WEEKS = [
    "a/20260605T080000Z Race [f1] 06-05 08:00 - 06-05 10:00",
    "a/20260612T080000Z Race [f1] 06-12 08:00 - 06-12 10:00",
    "a/20260619T080000Z Race [f1] 06-19 08:00 - 06-19 10:00",
]

RULES = {
    "alarm": ["a Race [f1] 06-05 10:00 - 06-05 12:00"],
    "all-day": ["a Race [f1] 06-05 04:00 - 06-06 04:00", "b Race [f1] 06-13 04:00 - 06-15 04:00"],
    "all-day-series": [
        "a/20260604T220000Z Race [f1] 06-04 22:00 - 06-05 22:00",
        "a/20260611T220000Z Race [f1] 06-11 22:00 - 06-12 22:00",
    ],
    "broken-in-the-middle": ["a Race [f1] 06-05 10:00 - 06-05 12:00", "d Race [f1] 06-06 10:00 - 06-06 12:00"],
    "cancelled": ["b Race [f1] 06-06 10:00 - 06-06 12:00"],
    "clocks-back": [
        "a/20261024T003000Z Race [f1] 10-24 00:30 - 10-24 02:00",
        "a/20261025T003000Z Race [f1] 10-25 00:30 - 10-25 03:00",
        "a/20261026T013000Z Race [f1] 10-26 01:30 - 10-26 03:00",
    ],
    "clocks-forward": [
        "a/20260328T013000Z Race [f1] 03-28 01:30 - 03-28 03:00",
        "a/20260329T013000Z Race [f1] 03-29 01:30 - 03-29 02:00",
        "a/20260330T003000Z Race [f1] 03-30 00:30 - 03-30 02:00",
    ],
    "duration": ["a Race [f1] 06-05 08:00 - 06-06 10:30"],
    "endless": ["c Race [f1] 06-05 10:00 - 06-05 10:00"],
    "exdate": [
        "a/20260605T080000Z Race [f1] 06-05 08:00 - 06-05 10:00",
        "a/20260608T080000Z Race [f1] 06-08 08:00 - 06-08 10:00",
    ],
    "floating": ["a Race [f1] 06-05 08:00 - 06-05 10:00"],
    "folded": ["a Nürburgring [f1] 06-05 10:00 - 06-05 10:00"],
    "instance-cancelled": [WEEKS[0], WEEKS[2]],
    "moved": [WEEKS[0], "a/20260612T080000Z Race [f1] 06-13 13:30 - 06-13 14:00", WEEKS[2]],
    "no-end": ["a Race [f1] 06-05 10:00 - 06-05 10:00"],
    "orphan": ["a/20260612T100000Z Race [f1] 06-13 10:00 - 06-13 12:00"],
    "race-over-the-change": ["a Race [f1] 03-28 14:00 - 03-29 14:00"],
    "rdate": [
        "a/20260605T100000Z Race [f1] 06-05 10:00 - 06-05 12:00",
        "a/20260609T150000Z Race [f1] 06-09 15:00 - 06-09 17:00",
        "a/20260610T090000Z Race [f1] 06-10 09:00 - 06-10 11:00",
    ],
    "retitled": [WEEKS[0], "a/20260612T080000Z Final [f1, --hidden] 06-12 08:00 - 06-12 10:00", WEEKS[2]],
    "rrule": [
        WEEKS[0],
        "a/20260607T080000Z Race [f1] 06-07 08:00 - 06-07 10:00",
        WEEKS[1],
        "a/20260614T080000Z Race [f1] 06-14 08:00 - 06-14 10:00",
    ],
    "rrule-monthly": [
        f"a/2026{month}{day}T080000Z Race [f1] {month}-{day} 08:00 - {month}-{day} 10:00"
        for month, day in (("05", "10"), ("06", "14"), ("07", "12"), ("08", "09"), ("09", "13"), ("10", "11"))
    ]
    + ["a/20261108T090000Z Race [f1] 11-08 09:00 - 11-08 11:00"],
    "rrule-until": [
        WEEKS[0],
        "a/20260608T080000Z Race [f1] 06-08 08:00 - 06-08 10:00",
        "a/20260611T080000Z Race [f1] 06-11 08:00 - 06-11 10:00",
    ],
    "sequence": ["a New [f1] 06-07 10:00 - 06-07 12:00"],
    "sequence-of-an-instance": [WEEKS[0], "a/20260612T080000Z Race [f1] 06-14 08:00 - 06-14 10:00", WEEKS[2]],
    "single": ["a Race [f1] 06-05 10:00 - 06-05 12:00"],
    "this-and-future": [
        WEEKS[0],
        "a/20260612T080000Z Race [f1] 06-12 09:00 - 06-12 11:00",
        "a/20260619T080000Z Race [f1] 06-19 09:00 - 06-19 11:00",
    ],
    "unclosed": ["a Race [f1] 06-05 10:00 - 06-05 12:00", "c Race [f1] 06-06 10:00 - 06-06 12:00"],
    "untagged": ["b Race [f1] 06-05 10:00 - 06-05 12:00"],
    "untagged-instance": [WEEKS[0], "a/20260612T080000Z Day off 06-12 08:00 - 06-12 10:00", WEEKS[2]],
    "zone": ["a Race [f1] 06-05 08:00 - 06-05 10:00"],
    "zone-differs": ["a Race [f1] 06-05 08:00 - 06-05 10:00"],  # the IANA's zone, not the file's definition
    "zone-of-a-vendor": ["a Race [f1] 06-05 08:00 - 06-05 10:00"],
    "zone-of-its-own": ["a Race [f1] 06-05 04:30 - 06-05 06:30"],
    "zone-of-windows": ["a Race [f1] 06-05 08:00 - 06-05 10:00"],
}


def shown(item: Occurrence) -> str:
    start, end = (datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M") for at in (item.start, item.end))
    return f"{item.instance} {item.title} {start} - {end}"


def reversed_components(content: bytes) -> bytes:
    """The same calendar with its events, and its zones, the other way round."""
    part = re.compile(rb"BEGIN:(VEVENT|VTIMEZONE)\r?\n.*?END:\1\r?\n", re.DOTALL)
    parts = [found[0] for found in part.finditer(content)]
    head, tail = content[: content.index(parts[0])], content[content.rindex(parts[-1]) + len(parts[-1]) :]
    return head + b"".join(reversed(parts)) + tail


def found(content: bytes) -> list[str]:
    return [shown(item) for item in occurrences(content, START, END)[0]]


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_calendar_means_what_its_rules_say(name: str) -> None:
    assert found((FIXTURES / f"{name}.ics").read_bytes()) == RULES[name]


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"unclosed"}))
def test_the_order_of_its_components_makes_no_difference(name: str) -> None:
    assert found(reversed_components((FIXTURES / f"{name}.ics").read_bytes())) == RULES[name]


def test_a_series_in_utc_stays_at_its_hour_when_the_clocks_of_the_calendars_zone_change() -> None:
    content = (FIXTURES / "series-in-utc.ics").read_bytes()
    assert {line[-5:] for line in found(content)} == {"12:00"}


def test_there_is_a_test_for_each_calendar() -> None:
    assert {path.stem for path in FIXTURES.glob("*.ics")} == RULES.keys() | {"series-in-utc"}


def test_a_broken_event_is_told_with_its_title_and_what_to_do() -> None:
    findings = occurrences((FIXTURES / "broken-in-the-middle.ics").read_bytes(), START, END)[1]
    assert [(finding.uid, finding.title, finding.what) for finding in findings] == [
        ("b", "Broken [f1]", "its DTSTART cannot be read (20261305T100000Z)"),
        ("c", "Timeless [f1]", "it has no start (DTSTART)"),
    ]
    assert all(finding.advice for finding in findings)


def test_what_recurs_too_often_is_told() -> None:
    findings = occurrences((FIXTURES / "endless.ics").read_bytes(), START, END)[1]
    assert [(finding.uid, finding.what) for finding in findings] == [
        ("a", "it recurs more often than daily"),
        ("b", "its recurrence has INTERVAL=0"),
        ("d", "it recurs more often than daily"),
    ]


# -- bad input


def truncated(content: bytes, every: int) -> list[bytes]:
    ends = [line.end() for line in re.finditer(rb"\n", content)]
    return [content[:end] for end in ends[::every]]


@pytest.mark.parametrize("name", [*sorted(RULES), "series-in-utc"])
def test_a_calendar_that_is_cut_short_at_any_line_is_none(name: str) -> None:
    content = (FIXTURES / f"{name}.ics").read_bytes()
    for part in truncated(content, 1)[:-1]:
        with pytest.raises(NotACalendar):
            occurrences(part, START, END)


@pytest.mark.parametrize("name", [*sorted(RULES), "series-in-utc"])
def test_what_is_left_of_a_calendar_whose_middle_is_missing_is_a_part_of_it(name: str) -> None:
    """Cut at any line, and closed by somebody who did not notice."""
    content = (FIXTURES / f"{name}.ics").read_bytes()
    whole = {item.uid for item in occurrences(content, START, END)[0]}
    for part in truncated(content, 1):
        assert {item.uid for item in occurrences(part + b"END:VCALENDAR\r\n", START, END)[0]} <= whole


def test_real_calendars_that_are_cut_short_are_none(data: Path) -> None:
    for path in sorted((data / "ics").glob("*.ics")):
        content = path.read_bytes()
        for part in truncated(content, max(1, content.count(b"\n") // 40))[:-1]:
            if not part.rstrip().endswith(b"END:VCALENDAR"):
                with pytest.raises(NotACalendar):
                    occurrences(part, START, END)


@pytest.mark.parametrize("newline", [b"\n", b"\r"])
def test_lines_may_end_in_any_way(newline: bytes) -> None:
    content = (FIXTURES / "folded.ics").read_bytes().replace(b"\r\n", newline)
    assert found(content) == RULES["folded"]


def test_a_signature_before_the_text_is_no_part_of_it() -> None:
    assert found(b"\xef\xbb\xbf" + (FIXTURES / "single.ics").read_bytes()) == RULES["single"]


def test_a_wrong_charset_costs_the_letters_that_it_has_wrong() -> None:
    content = (FIXTURES / "single.ics").read_text().replace("Race", "Nürburg")
    assert found(content.encode("latin-1"))[0].startswith("a N�rburg [f1]")


@pytest.mark.parametrize("charset", ["utf-16", "utf-32", "cp037"])
def test_a_charset_that_is_none_of_the_internets_is_no_calendar(charset: str) -> None:
    with pytest.raises(NotACalendar):
        occurrences((FIXTURES / "single.ics").read_text().encode(charset), START, END)


def test_nuls_are_text_like_any_other() -> None:
    content = (FIXTURES / "single.ics").read_bytes().replace(b"Race", b"Ra\0ce")
    assert found(content) == [RULES["single"][0].replace("Race", "Ra\0ce")]
