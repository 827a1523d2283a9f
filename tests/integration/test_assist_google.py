"""`livetiming-schedule assist` and Google: the real command, the real client, a server on loopback."""

import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from livetiming.environment import Environment
from orchestrator.schedule_settings import calendar_settings
from orchestrator.scheduler.assist.google import GoogleTarget
from orchestrator.scheduler.assist.model import TITLE, Copy, Update
from orchestrator.scheduler.assist.targets import Patience, TargetError
from tests.support.assisting import Assist, moment
from tests.support.google_calendar import CALENDAR_ID, GoogleCalendarServer, google_calendar


@pytest.fixture
def google() -> Iterator[GoogleCalendarServer]:
    with google_calendar() as server:
        yield server


@pytest.fixture
def assist(tmp_path: Path, google: GoogleCalendarServer) -> Assist:
    made = Assist(
        tmp_path,
        {
            "LIVETIMING_CALENDAR_ID": CALENDAR_ID,
            "LIVETIMING_GOOGLE_API": google.url,
            "LIVETIMING_GOOGLE_CREDENTIALS": str(google.credentials_file(tmp_path)),
        },
    )
    made.has("one", "[SIM] Practice", moment())
    made.has("two", "[SIM] Race", moment(days=1))
    made.has("three", "a meeting", moment())
    return made


def shown(google: GoogleCalendarServer) -> list[tuple[str, datetime]]:
    """The titles and starts of all events that are not deleted."""
    events = [each for each in google.events.values() if each["status"] != "cancelled"]
    return sorted((each["summary"], datetime.fromisoformat(each["start"]["dateTime"])) for each in events)


def one(google: GoogleCalendarServer, title: str) -> dict[str, Any]:
    (found,) = [each for each in google.events.values() if title in each["summary"]]
    return found


def written(google: GoogleCalendarServer) -> list[str]:
    return [method for method, _, _ in google.requests if method != "GET"]


def test_tagged_events_are_copied_and_others_are_not(assist: Assist, google: GoogleCalendarServer) -> None:
    said = assist.run()
    assert (said.code, said.err) == (0, "create 2; unchanged 0 (times: Europe/Berlin)\n")
    assert shown(google) == [("Practice [simulated]", moment()), ("Race [simulated]", moment(days=1))]


def test_a_second_run_changes_nothing(assist: Assist, google: GoogleCalendarServer) -> None:
    assist.run()
    before = dict(google.events)
    google.requests.clear()
    said = assist.run()
    assert (said.code, said.out, said.err) == (0, "", "nothing to do; unchanged 2 (times: Europe/Berlin)\n")
    assert (written(google), google.events) == ([], before)


def test_a_second_run_on_another_machine_makes_no_duplicates(assist: Assist, google: GoogleCalendarServer) -> None:
    assist.run()
    assist.environ["LIVETIMING_HOME"] = str(assist.folder / "another")
    assert assist.run().err.startswith("nothing to do; unchanged 2")


def test_a_run_that_was_killed_half_way_is_completed(assist: Assist, google: GoogleCalendarServer) -> None:
    running = subprocess.Popen(assist.command(), env=assist.variables(), stdin=subprocess.DEVNULL)
    google.after_write = running.kill  # the first event is in the calendar, and nobody was told
    assert running.wait(30) == -signal.SIGKILL
    google.after_write = lambda: None
    assert len(google.events) == 1
    said = assist.run()
    assert (said.code, said.err) == (0, "create 1; unchanged 1 (times: Europe/Berlin)\n")
    assert shown(google) == [("Practice [simulated]", moment()), ("Race [simulated]", moment(days=1))]


def test_an_event_that_is_there_already_is_written_over_and_not_doubled(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    for event in google.events.values():
        event["extendedProperties"]["private"]["livetimingCopy"] = "0"  # not listed: as if made after the list
    assist.environ["LIVETIMING_HOME"] = str(assist.folder / "another")
    assert assist.run().code == 0
    assert written(google)[-4:] == ["POST", "PUT", "POST", "PUT"]
    assert shown(google) == [("Practice [simulated]", moment()), ("Race [simulated]", moment(days=1))]


def test_a_moved_event_is_moved_and_a_retitled_one_retitled(assist: Assist, google: GoogleCalendarServer) -> None:
    assist.run()
    assist.has("one", "[SIM] Practice", moment(hours=3))
    assist.has("two", "[SIM] Grand race", moment(days=1))
    said = assist.run()
    assert said.code == 0
    assert "moved" in said.out
    assert "retitled" in said.out
    assert shown(google) == [("Grand race [simulated]", moment(days=1)), ("Practice [simulated]", moment(hours=3))]


def test_an_event_moved_beyond_the_days_that_are_copied_is_followed(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    assist.has("one", "[SIM] Practice", moment(days=90))
    assert assist.run().code == 0
    assert ("Practice [simulated]", moment(days=90)) in shown(google)


def test_what_was_changed_by_hand_stays_until_its_source_changes(assist: Assist, google: GoogleCalendarServer) -> None:
    assist.run()
    ours = one(google, "Practice")
    ours["summary"] = "Practice, with fans [simulated, -H]"
    ours["description"] = "bring flags"
    assert assist.run().err.startswith("nothing to do")
    assist.has("one", "[SIM] Practice", moment(hours=1))
    assert assist.run().code == 0
    assert one(google, "Practice")["summary"] == "Practice, with fans [simulated, -H]"
    assert ("Practice, with fans [simulated, -H]", moment(hours=1)) in shown(google)
    assist.has("one", "[SIM] First practice", moment(hours=1))
    said = assist.run()
    assert "changed by hand" in said.out
    assert one(google, "First practice")["description"] == "bring flags"


def test_a_copy_that_was_made_an_all_day_event_by_hand_can_be_moved(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    day = {"date": f"{moment():%Y-%m-%d}"}
    one(google, "Practice").update(start=day, end={"date": f"{moment(days=1):%Y-%m-%d}"})
    assert assist.run().err.startswith("nothing to do")
    assist.has("one", "[SIM] Practice", moment(hours=1))
    assert assist.run().code == 0
    assert ("Practice [simulated]", moment(hours=1)) in shown(google)


def test_a_copy_removed_by_hand_comes_back_only_when_its_source_changes(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    one(google, "Practice")["status"] = "cancelled"
    said = assist.run()
    assert said.code == 0
    assert "removed from our calendar by hand" in said.out
    assert len(shown(google)) == 1
    assist.has("one", "[SIM] Practice", moment(hours=1))
    assert assist.run().code == 0
    assert ("Practice [simulated]", moment(hours=1)) in shown(google)


def test_a_source_event_that_is_gone_is_told_and_removed_only_if_asked_to(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    del assist.source["one"]
    said = assist.run()
    assert said.code == 1
    assert "use --delete" in said.out
    assert len(shown(google)) == 2
    said = assist.run("--delete")
    assert said.code == 0
    assert shown(google) == [("Race [simulated]", moment(days=1))]
    assert assist.run("--delete").err.startswith("nothing to do")


def test_a_cancelled_source_event_that_is_held_after_all_comes_back(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    assist.has("one", "[SIM] Practice", moment(), more="STATUS:CANCELLED\r\n")
    assert assist.run("--delete").code == 0
    assist.has("one", "[SIM] Practice", moment())
    assert assist.run().code == 0
    assert len(shown(google)) == 2


def test_events_of_others_are_never_touched(assist: Assist, google: GoogleCalendarServer) -> None:
    assist.run()
    times = {
        "start": {"dateTime": f"{moment():%Y-%m-%dT%H:%M:%SZ}"},
        "end": {"dateTime": f"{moment():%Y-%m-%dT%H:%M:%SZ}"},
    }
    copied_by_hand = {**one(google, "Practice"), "id": "duplicate", "iCalUID": "duplicate"}
    google.events |= {
        "mine": {"id": "mine", "status": "confirmed", "summary": "Mine [simulated]", **times},
        "duplicate": copied_by_hand,
    }
    before = {key: dict(google.events[key]) for key in ("mine", "duplicate")}
    assist.source.clear()
    assert assist.run("--delete").code == 0
    assert {key: google.events[key] for key in before} == before
    assert len(shown(google)) == 2


def test_more_events_than_fit_on_a_page_are_all_known(assist: Assist, google: GoogleCalendarServer) -> None:
    google.page_limit = 3
    for number in range(10):
        assist.has(f"event-{number}", f"[SIM] Heat {number}", moment(hours=number))
    assert assist.run().err.startswith("create 12;")
    assert assist.run().err.startswith("nothing to do; unchanged 12")
    assert sum("pageToken" in dict(query) for method, _, query in google.requests if method == "GET") == 3


def test_each_instance_of_a_series_is_a_copy_of_its_own(assist: Assist, google: GoogleCalendarServer) -> None:
    moved = moment(days=1, hours=4)
    assist.source.clear()
    assist.has("s", "[SIM] Session", moment(), more="RRULE:FREQ=DAILY;COUNT=3\r\n")
    assist.source["s/2"] = assist.source["s"]
    assist.has("s/2", "[SIM] Session, late", moved, more=f"RECURRENCE-ID:{moment(days=1):%Y%m%dT%H%M%SZ}\r\n")
    assist.source["s/2"] = assist.source["s/2"].replace("UID:s/2", "UID:s")
    assert assist.run().code == 0
    assert shown(google) == [
        ("Session [simulated]", moment()),
        ("Session [simulated]", moment(days=2)),
        ("Session, late [simulated]", moved),
    ]
    assert assist.run().err.startswith("nothing to do; unchanged 3")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(assist: Assist, google: GoogleCalendarServer) -> None:
    said = assist.run("--dry-run")
    assert (said.code, said.err) == (0, "would do: create 2; unchanged 0 (times: Europe/Berlin)\n")
    assert "Practice [simulated]" in said.out
    assert (written(google), google.events) == ([], {})
    assert not (assist.folder / "home").exists()
    assert google.accounts.scopes == ["https://www.googleapis.com/auth/calendar.events.readonly"]


def test_what_was_done_is_told_to_a_program(assist: Assist, google: GoogleCalendarServer) -> None:
    assist.has("x", "[WHAT] is this", moment())
    said = assist.run("--json")
    assert said.code == 1
    assert said.json["counts"] == {"create": 2, "skip": 1}
    first = next(each for each in said.json["events"] if each["action"] == "create")
    assert (first["title"], first["start"]) == ("Practice [simulated]", moment().timestamp())
    assert said.json["events"][0]["why"].startswith("the mapping has no tag [WHAT]")


def test_nothing_to_do_is_told_to_a_program_too(assist: Assist, google: GoogleCalendarServer) -> None:
    assist.run()
    assert assist.run("--json").json == {"dry_run": False, "unchanged": 2, "counts": {}, "events": []}


def test_nothing_is_removed_while_an_event_of_the_source_cannot_be_read(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    del assist.source["two"]
    assist.has("one", "[SIM] Practice", moment(), more="RRULE:FREQ=SECONDLY\r\n")
    said = assist.run("--delete")
    assert said.code == 1
    assert "more often than daily" in said.out
    assert "nothing is removed" in said.out
    assert len(shown(google)) == 2


@pytest.mark.parametrize(
    ("status", "reason", "advice"),
    [
        (401, "authError", "LIVETIMING_GOOGLE_CREDENTIALS"),
        (403, "forbidden", "share the calendar"),
        (404, "notFound", "LIVETIMING_CALENDAR_ID"),
    ],
)
def test_a_calendar_that_cannot_be_read_is_told_with_what_to_do(
    assist: Assist, google: GoogleCalendarServer, status: int, reason: str, advice: str
) -> None:
    google.fail_next(status, reason, times=3)
    said = assist.run()
    assert (said.code, said.out) == (1, "")
    assert advice in said.err
    assert "Traceback" not in said.err


def test_a_calendar_that_must_not_be_written_is_told_with_what_to_do(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    google.fail_next(403, "forbidden", method="POST", times=9)
    said = assist.run()
    assert said.code == 1
    assert said.out.count("share the calendar") == 2
    assert said.err.startswith("failed 2;")


def test_what_fails_for_all_is_not_tried_for_each(assist: Assist, google: GoogleCalendarServer) -> None:
    for number in range(10):
        assist.has(f"event-{number}", f"[SIM] Heat {number}", moment(hours=number))
    google.fail_next(403, "forbidden", method="POST", times=99)
    assert assist.run().code == 1
    assert written(google) == ["POST"] * 5


@pytest.mark.parametrize(
    ("status", "reason"), [(429, "rateLimitExceeded"), (403, "rateLimitExceeded"), (500, "backendError")]
)
def test_what_passes_by_itself_is_waited_for(
    assist: Assist, google: GoogleCalendarServer, status: int, reason: str
) -> None:
    google.fail_next(status, reason, method="GET")
    google.fail_next(status, reason, 1, method="POST", times=2)
    said = assist.run()
    assert said.code == 0, said.err
    assert "trying again in 1 s" in said.err
    assert len(shown(google)) == 2


def test_a_server_that_asks_for_too_long_a_wait_is_left_alone(assist: Assist, google: GoogleCalendarServer) -> None:
    google.fail_next(429, "rateLimitExceeded", 3600, method="POST")
    said = assist.run()
    assert said.code == 1
    assert written(google) == ["POST", "POST"]
    assert "slow down" in said.out
    assert len(shown(google)) == 1


def test_a_copy_that_somebody_changes_meanwhile_is_not_overwritten(
    assist: Assist, google: GoogleCalendarServer
) -> None:
    assist.run()
    env = Environment(assist.variables(), assist.folder)
    settings = calendar_settings(env, assist.folder / "home")
    target = GoogleTarget(settings, Patience(print), write=True, interactive=False)
    have = next(each for each in target.ours() if "Practice" in each.title)
    one(google, "Practice")["description"] = "changed meanwhile"
    copy = Copy(have.key, "Warm-up", "simulated", (), have.start, have.end)
    with pytest.raises(TargetError, match="changed meanwhile"):
        target.update(Update(have, copy, frozenset({TITLE}), have.start, have.end, ""), "")
    assert one(google, "Practice")["description"] == "changed meanwhile"


def test_a_server_with_a_lasting_problem_is_given_up(assist: Assist, google: GoogleCalendarServer) -> None:
    google.fail_next(503, "backendError", times=99)
    said = assist.run()
    assert said.code == 1
    assert said.err.count("trying again") == 3
    assert "Google has a problem (503)" in said.err
