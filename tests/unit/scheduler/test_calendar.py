"""Calendar bytes → sessions and findings."""

import random
from argparse import ArgumentParser

import pytest

from livetiming.service.checking import CalendarCheck, CheckedOptions, Declared, RefusedOption
from orchestrator.scheduler.calendar import Calendar, read_calendar
from orchestrator.scheduler.findings import LIMIT, Finding, Kind

NOW = 1780653600.0  # 2026-06-05 10:00 UTC
KNOWN = ["f1", "wec", "24h_series"]


def check(service_class: str, options: tuple[str, ...]) -> CheckedOptions:
    if "--bad" in options:
        raise RefusedOption("f1 does not know --bad", "did you mean --good?")
    unchecked = tuple(option for option in options if option == "--own")
    return CheckedOptions("-H" in options, None, unchecked, "ImportError: x" if service_class == "wec" else "")


def event(title: str, *lines: str, uid: str = "a", start: str = "20260605T120000Z") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{title}", f"DTSTART:{start}", *lines, "END:VEVENT"])


def read(*events: str, days: float = 14.0) -> Calendar:
    content = "\n".join(["BEGIN:VCALENDAR", *events, "END:VCALENDAR"])
    return read_calendar(content.encode(), NOW, 3600.0, KNOWN, check, days)


def only(calendar: Calendar) -> Finding:
    (finding,) = calendar.findings
    return finding


def test_a_tagged_event_is_a_session() -> None:
    (session,) = read(event("Race [f1\\, -H]", "DTEND:20260605T130000Z")).sessions
    assert (session.name, session.service_class, session.options, session.hidden) == ("Race", "f1", ("-H",), True)
    assert (session.start, session.end) == (NOW + 7200, NOW + 10800)


def test_it_is_looked_at_as_far_ahead_as_is_asked() -> None:
    later = event("Race [f1]", start="20260625T120000Z")
    assert not read(later).sessions
    assert read(later, days=28).sessions


def test_an_untagged_event_is_silent() -> None:
    assert read(event("Dinner")) == Calendar((), ())


def test_an_unknown_class_is_a_finding_on_the_plugin_with_its_place_and_advice() -> None:
    finding = only(read(event("Race [wecc]")))
    assert (finding.kind, finding.position, finding.advice) == (Kind.PLUGIN, 6, "did you mean wec?")
    assert (finding.uid, finding.title, finding.start) == ("a", "Race [wecc]", NOW + 7200)


def test_brackets_that_do_not_parse_are_a_finding_on_the_title() -> None:
    finding = only(read(event("Race [f1 -H]")))
    assert (finding.kind, finding.position, finding.advice) == (Kind.TITLE, 8, "write [f1, options]")


def test_a_refused_option_is_a_finding_with_advice_and_its_event_is_left_out() -> None:
    calendar = read(event("Race [f1\\, --bad]"), event("Race [f1]", uid="b"))
    assert [session.uid for session in calendar.sessions] == ["b"]
    finding = only(calendar)
    assert (finding.kind, finding.what, finding.advice) == (
        Kind.OPTIONS,
        "f1 does not know --bad",
        "did you mean --good?",
    )


def test_what_nobody_could_check_is_a_remark_and_its_event_goes_on() -> None:
    calendar = read(event("Race [f1\\, --own]"))
    assert len(calendar.sessions) == 1
    assert only(calendar).kind is Kind.UNCHECKED
    assert not only(calendar).wrong


def test_a_broken_plugin_is_a_finding_and_ends_nothing_that_runs() -> None:
    calendar = read(event("Race [wec]"))
    assert len(calendar.sessions) == 1
    assert only(calendar).kind is Kind.PLUGIN
    assert "ImportError: x" in only(calendar).what


def test_a_series_is_told_once_by_the_instance_that_comes_first() -> None:
    finding = only(read(event("Race [wecc]", "RRULE:FREQ=DAILY", start="20260601T093000Z")))
    assert finding.start == NOW - 1800 + 86400


def test_each_event_is_told_in_the_order_of_their_starts() -> None:
    calendar = read(
        event("X [wecc]", uid="late", start="20260607T120000Z"),
        "\n".join(["BEGIN:VEVENT", "UID:timeless", "SUMMARY:X [f1]", "END:VEVENT"]),
        event("X [wecc]", uid="early"),
    )
    assert [finding.uid for finding in calendar.findings] == ["early", "late", "timeless"]


def test_ten_thousand_random_titles_are_read() -> None:
    chance = random.Random(4)
    alphabet = "[]f1wec, -'\"\\é\0\x1b;:#!$()="
    titles = ["".join(chance.choices(alphabet, k=chance.randrange(30))) for _ in range(10_000)]
    calendar = read(*(event(title, uid=str(number)) for number, title in enumerate(titles)))
    assert {session.service_class for session in calendar.sessions} <= set(KNOWN)
    assert all(str(finding) for finding in calendar.findings)


def test_more_findings_than_anybody_reads_are_counted() -> None:
    calendar = read(*(event("X [wecc]", uid=str(number)) for number in range(LIMIT + 5)))
    assert len(calendar.findings) == LIMIT + 1
    assert "5 more" in str(calendar.findings[-1])


# -- the options of a plugin


def own_parser() -> ArgumentParser:
    parser = ArgumentParser(allow_abbrev=False)
    parser.add_argument("--host", required=True)
    parser.add_argument("--file")
    return parser


@pytest.mark.parametrize(
    ("options", "what", "advice"),
    [
        (["--hots", "x", "--host", "y"], "does not know --hots", "did you mean --host?"),
        (["--host", "y", "--hiden"], "does not know --hiden", "did you mean --hidden?"),
        (["--host", "y", "—hidden"], "does not know —hidden", "type two hyphens"),
        (["--host", "y", "“Spa", "24h”"], "does not know “Spa", "type straight quotes"),
        (["--host", "y", "--qqqqqq"], "does not know --qqqqqq", "leave it out"),
        (["--host", "Spa", "24h"], "does not know 24h", "in quotes"),
        ([], "required: --host", "add what is missing"),
        (["--host", "y", "--fil", "z"], "does not know --fil", "leave it out"),
        (["--host", "y", "--file", "z"], "--file is not for calendars", "leave it out"),
    ],
)
def test_a_refused_option_is_told_with_what_to_type_instead(options: list[str], what: str, advice: str) -> None:
    checks = CalendarCheck(lambda _class: Declared(own_parser(), ("file",)))
    with pytest.raises(RefusedOption) as refused:
        checks("f1", options)
    assert what in refused.value.what
    assert advice in refused.value.advice


def test_each_plugin_is_asked_once() -> None:
    asked: list[str] = []

    def ask(service_class: str) -> Declared:
        asked.append(service_class)
        return Declared(own_parser())

    checks = CalendarCheck(ask)
    for number in range(3):
        checks("f1", ["--host", str(number)])
    assert asked == ["f1"]


def test_a_plugins_parser_that_fails_is_told_of_the_plugin() -> None:
    def fail(_text: str) -> str:
        raise KeyError("x")

    parser = ArgumentParser()
    parser.add_argument("--host", type=fail)
    checked = CalendarCheck(lambda _class: Declared(parser))("f1", ["--host", "x"])
    assert "KeyError" in checked.broken
