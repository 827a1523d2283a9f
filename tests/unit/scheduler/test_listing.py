"""What is to come, as it is published."""

import icalendar

from orchestrator.scheduler.listing import Coming, as_icalendar, upcoming
from orchestrator.scheduler.plan import Session

COMING: Coming = {
    "id": "u",
    "name": "race; 1, \u201ctwo\u201d",
    "service": "other",
    "startTime": 1_800_000_000,
    "hidden": False,
    "endTime": 1_800_003_600,
    "instance": "u/20270115T080000Z",
}


def session(start: float, end: float, *, name: str = "race", hidden: bool = False) -> Session:
    return Session(f"{name}-{start}", f"uid-{name}", name, "f1", (), start, end, hidden)


def test_upcoming_leaves_out_what_is_hidden_or_runs() -> None:
    sessions = [session(100, 200, name="a"), session(300, 400, name="b"), session(250, 400, name="c", hidden=True)]
    assert [item["name"] for item in upcoming(sessions, ["a-100"], 96)] == ["b"]


def test_upcoming_has_the_calendars_times_and_the_masquerade() -> None:
    shown = Session("i", "u", "race", "f1", (), 300, 400, shown_as="other")
    assert upcoming([shown], [], 0) == [
        {
            "id": "u",
            "name": "race",
            "service": "other",
            "startTime": 300,
            "hidden": False,
            "endTime": 400,
            "instance": "i",
        }
    ]


def test_the_file_says_the_same_as_the_list() -> None:
    (event,) = icalendar.Calendar.from_ical(as_icalendar([COMING], "https://live.example", 0)).walk("VEVENT")
    assert (str(event["UID"]), str(event["SUMMARY"])) == (COMING["instance"], COMING["name"])
    assert (event.start.timestamp(), event.end.timestamp()) == (COMING["startTime"], COMING["endTime"])
    assert str(event["URL"]) == "https://live.example/s/other"


def test_without_a_public_address_the_file_has_no_links() -> None:
    (event,) = icalendar.Calendar.from_ical(as_icalendar([COMING], "", 0)).walk("VEVENT")
    assert "URL" not in event


def test_an_empty_list_is_a_calendar_too() -> None:
    assert icalendar.Calendar.from_ical(as_icalendar([], "", 0)).walk("VEVENT") == []
