"""`livetiming-schedule assist` and CalDAV: the real command, the real Radicale."""

import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import icalendar
import pytest

from orchestrator.scheduler.assist.caldav import CaldavTarget
from orchestrator.scheduler.assist.model import TITLE, Copy, Update
from orchestrator.scheduler.assist.targets import Patience, TargetError
from tests.support.assisting import Assist, event, moment
from tests.support.radicale import RadicaleServer
from tests.support.web_feed import Answer, web_feed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RadicaleServer]:
    running = RadicaleServer(tmp_path_factory.mktemp("radicale"), {"ada": "se/cret"})
    yield running
    running.close()


@pytest.fixture
def calendar(server: RadicaleServer, tmp_path: Path) -> str:
    return server.calendar(re.sub(r"\W", "-", tmp_path.name))


@pytest.fixture
def assist(tmp_path: Path, calendar: str) -> Assist:
    made = Assist(tmp_path, {"LIVETIMING_CALENDAR_URL": calendar.replace("http://", "caldav://ada:se%2Fcret@")})
    made.has("one", "[SIM] Practice", moment())
    made.has("two", "[SIM] Race", moment(days=1))
    return made


def events(server: RadicaleServer, calendar: str) -> list[Any]:
    return list(icalendar.Calendar.from_ical(server.get(calendar)).walk("VEVENT"))


def shown(server: RadicaleServer, calendar: str) -> list[tuple[str, datetime]]:
    """The titles and starts of all events."""
    return sorted((str(each["SUMMARY"]), each.start) for each in events(server, calendar))


def change(server: RadicaleServer, calendar: str, title: str, old: str, new: str) -> None:
    """Change one event as a calendar app does."""
    found = next(each for each in events(server, calendar) if title in str(each["SUMMARY"]))
    name = str(found["UID"]).partition("@")[0]
    text = server.get(calendar, name)
    assert old in text
    server.put(calendar, name, text.replace(old, new))


def test_tagged_events_are_copied_once(server: RadicaleServer, calendar: str, assist: Assist) -> None:
    said = assist.run()
    assert (said.code, said.err) == (0, "create 2; unchanged 0 (times: Europe/Berlin)\n")
    expected = [("Practice [simulated]", moment()), ("Race [simulated]", moment(days=1))]
    assert shown(server, calendar) == expected
    assert assist.run().err.startswith("nothing to do; unchanged 2")
    assert shown(server, calendar) == expected


def test_an_address_that_speaks_caldav_needs_no_scheme_of_its_own(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    assist.environ["LIVETIMING_CALENDAR_URL"] = calendar.replace("http://", "http://ada:se%2Fcret@").rstrip("/")
    assert assist.run().code == 0
    assert len(events(server, calendar)) == 2


def test_the_source_may_be_a_caldav_calendar_too(
    server: RadicaleServer, calendar: str, assist: Assist, tmp_path: Path
) -> None:
    other = server.calendar(f"{tmp_path.name.strip('_')}-source")
    theirs = event("theirs", "[SIM] Theirs", moment())
    server.put(other, "theirs", f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:app\r\n{theirs}END:VCALENDAR\r\n")
    assist.environ["CALENDAR_SOURCE_URL"] = other.replace("http://", "caldav://ada:se%2Fcret@")
    assert assist.run().code == 0
    assert shown(server, calendar) == [("Theirs [simulated]", moment())]


def test_changes_of_the_source_are_followed(server: RadicaleServer, calendar: str, assist: Assist) -> None:
    assist.run()
    assist.has("one", "[SIM] Practice", moment(hours=3), hours=1)
    assist.has("two", "[SIM] Grand race", moment(days=1))
    assert assist.run().code == 0
    found = shown(server, calendar)
    assert found == [("Grand race [simulated]", moment(days=1)), ("Practice [simulated]", moment(hours=3))]
    practice = next(each for each in events(server, calendar) if "Practice" in each["SUMMARY"])
    assert practice.end == moment(hours=4)
    assert practice["SEQUENCE"] == 1


def test_what_was_changed_by_hand_stays_until_its_source_changes(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    assist.run()
    change(server, calendar, "Practice", "Practice [simulated]", "My practice [simulated]\r\nLOCATION:Spa")
    end = "DTEND:" + moment(hours=2).strftime("%Y%m%dT%H%M%SZ")
    change(server, calendar, "My practice", end, "DURATION:PT5H")
    assert assist.run().err.startswith("nothing to do; unchanged 2")
    assist.has("one", "[SIM] Practice", moment(hours=-1), hours=3)
    assert assist.run().code == 0
    ours = next(each for each in events(server, calendar) if "My practice" in each["SUMMARY"])
    assert (ours.start, ours.end, str(ours["LOCATION"])) == (moment(hours=-1), moment(hours=5), "Spa")


def test_a_copy_that_somebody_changes_meanwhile_is_not_overwritten(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    assist.run()
    target = CaldavTarget(assist.environ["LIVETIMING_CALENDAR_URL"], Patience(print), lambda: 0)
    have = next(each for each in target.ours() if "Practice" in each.title)
    change(server, calendar, "Practice", "Practice", "Changed meanwhile")
    copy = Copy(have.key, "Warm-up", "simulated", (), have.start, have.end)
    with pytest.raises(TargetError, match="changed or made meanwhile"):
        target.update(Update(have, copy, frozenset({TITLE}), have.start, have.end, ""), "")
    assert [title for title, _ in shown(server, calendar)] == ["Changed meanwhile [simulated]", "Race [simulated]"]


def test_a_long_title_in_any_language_arrives_whole(server: RadicaleServer, calendar: str, assist: Assist) -> None:
    title = "Nürburgring – Großer Preis; 予選, 決勝 " * 4
    escaped = title.replace(",", "\\,").replace(";", "\\;")
    assist.has("one", f"[SIM] {escaped}", moment())
    assert assist.run().code == 0
    assert (f"{title.strip()} [simulated]", moment()) in shown(server, calendar)
    assert assist.run().err.startswith("nothing to do; unchanged 2")


def test_an_app_that_drops_our_properties_makes_no_duplicate(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    assist.run()
    found = next(each for each in events(server, calendar) if "Practice" in each["SUMMARY"])
    name = str(found["UID"]).partition("@")[0]
    bare = event(str(found["UID"]), "My practice [simulated]", moment())
    server.put(calendar, name, f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:app\r\n{bare}END:VCALENDAR\r\n")
    assert assist.run().err.startswith("nothing to do; unchanged 2")
    assist.has("one", "[SIM] Practice", moment(hours=1))
    assert assist.run().code == 0
    assert ("My practice [simulated]", moment(hours=1)) in shown(server, calendar)


def test_what_is_gone_is_removed_if_asked_to_and_nothing_else(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    mine = event("mine", "Mine [simulated]", moment())
    server.put(calendar, "mine", f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:app\r\n{mine}END:VCALENDAR\r\n")
    assist.run()
    assist.source.clear()
    said = assist.run()
    assert (said.code, said.out.count("use --delete")) == (1, 2)
    assert len(events(server, calendar)) == 3
    assert assist.run("--delete").code == 0
    assert shown(server, calendar) == [("Mine [simulated]", moment())]


def test_a_copy_removed_by_hand_is_left_out(server: RadicaleServer, calendar: str, assist: Assist) -> None:
    assist.run()
    found = next(each for each in events(server, calendar) if "Practice" in each["SUMMARY"])
    server.delete(calendar, str(found["UID"]).partition("@")[0])
    said = assist.run()
    assert said.code == 0
    assert "removed from our calendar by hand" in said.out
    assert len(events(server, calendar)) == 1


def test_a_wrong_password_is_told_and_not_shown(calendar: str, assist: Assist) -> None:
    assist.environ["LIVETIMING_CALENDAR_URL"] = calendar.replace("http://", "caldav://ada:wr0ng@")
    said = assist.run()
    assert (said.code, said.out) == (1, "")
    assert "name and password" in said.err
    assert "wr0ng" not in said.err


def test_a_calendar_that_is_not_there_is_told(calendar: str, assist: Assist) -> None:
    assist.environ["LIVETIMING_CALENDAR_URL"] += "none/"
    said = assist.run()
    assert said.code == 1
    assert "Traceback" not in said.err
    assert "LIVETIMING_CALENDAR_URL" in said.err


def test_a_calendar_that_can_only_be_read_is_told(assist: Assist) -> None:
    with web_feed(Answer(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")) as feed:
        assist.environ["LIVETIMING_CALENDAR_URL"] = f"{feed.url}/secret-token.ics"
        said = assist.run()
    assert said.code == 1
    assert "can only be read" in said.err
    assert "secret-token" not in said.err


def test_a_server_that_is_not_there_is_told(assist: Assist) -> None:
    assist.environ["LIVETIMING_CALENDAR_URL"] = "caldav://ada:hidden@127.0.0.1:1/x/"
    said = assist.run()
    assert said.code == 1
    assert "cannot be used (ConnectionError)" in said.err
    assert "hidden" not in said.err


# -- asking


def answered(assist: Assist, *answers: str, options: tuple[str, ...] = ()) -> str:
    """Run the command at a terminal, and type `answers` where it asks; what the terminal showed."""
    ours, its = pty.openpty()
    running = subprocess.Popen(assist.command(*options), env=assist.variables(), stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown, left = "", list(answers)
    try:
        while select.select([ours], [], [], 30)[0]:
            try:
                shown += os.read(ours, 65536).decode()
            except OSError:  # Linux: the other end is closed
                break
            if left and shown.count("): ") > len(answers) - len(left):
                os.write(ours, left.pop(0).encode() + b"\n")
    finally:
        os.close(ours)
        if left:
            running.kill()
        running.wait(30)
    return shown


def test_what_is_asked_for_is_remembered_for_the_event_and_offered_for_the_next(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    assist.source.clear()
    assist.has("c1", "[CLUB] Sprint", moment())
    shown_first = answered(assist, "10.0.0.1")
    assert "[CLUB] Sprint" in shown_first
    assert "--host (Enter to leave it out): " in shown_first
    assert shown(server, calendar) == [("Club - Sprint [rmonitor, --host 10.0.0.1 -H]", moment())]
    assert assist.run("--non-interactive").err.startswith("nothing to do")

    assist.has("c2", "[CLUB] Cup", moment(days=1))
    assert "(Enter for 10.0.0.1, - to leave it out)" in answered(assist, "")
    assert ("Club - Cup [rmonitor, --host 10.0.0.1 -H]", moment(days=1)) in shown(server, calendar)
    assert (assist.folder / "home/state/assist.json").stat().st_mode & 0o777 == 0o600


def test_an_answer_can_be_given_anew(server: RadicaleServer, calendar: str, assist: Assist) -> None:
    assist.source.clear()
    assist.has("c1", "[CLUB] Sprint", moment())
    answered(assist, "10.0.0.1")
    answered(assist, "10.0.0.2", options=("--ask-again",))
    assert shown(server, calendar) == [("Club - Sprint [rmonitor, --host 10.0.0.2 -H]", moment())]


def test_an_answer_that_no_title_can_hold_is_asked_for_again(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    assist.source.clear()
    assist.has("c1", "[CLUB] Sprint", moment())
    assert "cannot hold [ or ]" in answered(assist, "a]b", "it's mine")
    assert shown(server, calendar) == [("""Club - Sprint [rmonitor, --host 'it'"'"'s mine' -H]""", moment())]


def test_without_a_person_what_has_to_be_asked_is_left_out(
    server: RadicaleServer, calendar: str, assist: Assist
) -> None:
    assist.has("c1", "[CLUB] Sprint", moment())
    said = assist.run("--non-interactive")
    assert said.code == 1
    assert "nobody has said what stands for --host" in said.out
    assert len(events(server, calendar)) == 2


# -- what is wrong before it begins


def test_a_mapping_that_is_wrong_is_told_with_its_place(assist: Assist) -> None:
    assist.mapping = '[tags.SIM]\nclas = "simulated"\n'
    said = assist.run()
    assert said.code == 1
    assert "assist.toml: [tags.SIM] clas is 'simulated', but must be left out (did you mean class?)" in said.err


def test_help_and_the_example_need_nothing_else(assist: Assist) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("LIVETIMING_", "CALENDAR_"))}
    for option, said in (("--help", "--dry-run"), ("--example", "[tags.WEC]")):
        done = subprocess.run(assist.command(option), env=bare, cwd=assist.folder, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout


def test_a_source_that_cannot_be_read_changes_nothing(server: RadicaleServer, calendar: str, assist: Assist) -> None:
    assist.run()
    for answer in (Answer(b"<html>log in</html>"), Answer(b"BEGIN:VCALENDAR\r\n"), Answer(status=503)):
        with web_feed(answer) as feed:
            assist.environ["CALENDAR_SOURCE_URL"] = f"{feed.url}/secret-token.ics"
            said = assist.run("--delete")
        assert (said.code, said.out) == (1, "")
        assert "the source (CALENDAR_SOURCE_URL)" in said.err
        assert "secret-token" not in said.err
    assert len(events(server, calendar)) == 2


@pytest.mark.parametrize("name", ["CALENDAR_SOURCE_URL", "LIVETIMING_CALENDAR_URL"])
def test_without_a_calendar_it_is_told_which_setting_is_missing(assist: Assist, name: str) -> None:
    assist.environ[name] = ""
    said = assist.run()
    assert said.code == 2
    assert name in said.err
