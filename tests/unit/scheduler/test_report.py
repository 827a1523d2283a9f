"""What `check` has to tell of the events together."""

from orchestrator.scheduler.findings import Finding, Kind
from orchestrator.scheduler.plan import Buffers, Session
from orchestrator.scheduler.report import Report, report

HOUR = 3600.0


def session(name: str, start: float, end: float, *options: str) -> Session:
    return Session(name, f"uid-{name}", name, "f1", options, start * HOUR, end * HOUR)


def finding(kind: Kind, start: float | None, title: str = "a title") -> Finding:
    return Finding(kind, "uid", title, start, "what", "advice")


def made(*sessions: Session, findings: tuple[Finding, ...] = ()) -> Report:
    return report(sessions, findings, Buffers(300, 600), lambda moment: f"{moment / HOUR:g} h")


def test_a_calendar_that_is_right_has_no_findings() -> None:
    assert made(session("one", 1, 2), session("two", 3, 4, "--b")) == Report((), 2)


def test_a_conflict_tells_both_events_and_what_will_happen() -> None:
    (found,) = made(session("one", 1, 3, "--a"), session("two", 2, 4, "--b")).findings
    assert (found.kind, found.uid, found.title, found.start) == (Kind.CONFLICT, "uid-two", "two", 2 * HOUR)
    assert "end of 'one' (begins 1 h)" in found.what
    assert found.what.endswith("it starts 1 h late")
    assert found.advice == "give both the same options, or move one of them"


def test_an_event_that_would_not_be_timed_is_told_so() -> None:
    (found,) = made(session("one", 1, 5, "--a"), session("two", 2, 4, "--b")).findings
    assert found.what.endswith("it is not timed at all")


def test_buffers_that_overlap_are_no_conflict() -> None:
    assert made(session("one", 1, 2, "--a"), session("two", 2, 3, "--b")).findings == ()


def test_findings_come_in_the_order_of_their_events_and_those_without_a_time_first() -> None:
    findings = (finding(Kind.TITLE, 5 * HOUR), finding(Kind.EVENT, None), finding(Kind.PLUGIN, 0.0))
    sessions = (session("one", 1, 3, "--a"), session("two", 2, 4, "--b"))
    found = made(*sessions, findings=findings).findings
    assert [one.start for one in found] == [None, 0.0, 2 * HOUR, 5 * HOUR]


def test_remarks_ask_for_no_change() -> None:
    one = made(session("one", 1, 2), findings=(finding(Kind.UNCHECKED, HOUR),))
    assert (one.wrong, one.checked, len(one.findings)) == (0, 1, 1)


def test_events_that_cannot_be_scheduled_were_checked_too() -> None:
    one = made(session("one", 1, 2), findings=(finding(Kind.TITLE, HOUR),))
    assert (one.wrong, one.checked) == (1, 2)
