"""How `livetiming-schedule` shows moments, findings and events."""

import io
import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from orchestrator.scheduler.agenda import Entry, Standing, What
from orchestrator.scheduler.findings import Finding, Kind
from orchestrator.scheduler.plan import Session
from orchestrator.scheduler.show import (
    Zone,
    entry_json,
    entry_table,
    finding_json,
    finding_line,
    session_json,
    session_table,
    standing_json,
    standing_table,
)

PARIS = Zone(ZoneInfo("Europe/Paris"))
WINTER, SUMMER = 1_767_268_800.0, 1_782_907_200.0  # 2026-01-01 12:00 and 2026-07-01 12:00, UTC
RACE = Session("instance", "uid", "Race", "f1", ("--token", "abc"), WINTER, WINTER + 7200, hidden=True, shown_as="gp")


def shown(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=200, markup=False, emoji=False).print(table)
    return out.getvalue()


def test_moments_are_in_the_operators_zone_which_is_named() -> None:
    assert [PARIS.tell(WINTER), PARIS.tell(SUMMER)] == ["Thu 2026-01-01 13:00 CET", "Wed 2026-07-01 14:00 CEST"]
    assert PARIS.name(WINTER) == "Europe/Paris"


def test_the_machines_zone_is_named_too() -> None:
    machine = Zone(None)
    assert machine.tell(WINTER).split()[-1] in machine.name(WINTER)


def test_seconds_are_shown_where_there_are_any() -> None:
    assert PARIS.tell(WINTER + 5) == "Thu 2026-01-01 13:00:05 CET"


def test_an_end_on_the_same_day_needs_no_date() -> None:
    assert PARIS.tell_end(WINTER, WINTER + 3600) == "14:00"
    assert PARIS.tell_end(WINTER, WINTER + 86400) == "Fri 2026-01-02 13:00 CET"


def test_an_end_after_the_clocks_have_changed_names_its_zone() -> None:
    night = 1_792_887_600.0  # 2026-10-25 00:20 UTC, 02:20 CEST
    assert PARIS.tell_end(night, night + 3600).endswith("CET")


@given(st.one_of(st.none(), st.floats(allow_nan=False), st.integers()))
def test_any_moment_can_be_told(moment: float | None) -> None:
    for zone in (PARIS, Zone(None)):
        assert zone.tell(moment)
        json.dumps(zone.iso(moment))


def test_a_finding_is_a_line_with_time_event_fault_and_advice() -> None:
    finding = Finding(Kind.PLUGIN, "uid", "Race [f11]", WINTER, "no plugin is called 'f11'", "did you mean f1?", 6)
    assert finding_line(finding, PARIS) == (
        "Thu 2026-01-01 13:00 CET  'Race [f11]', position 7: no plugin is called 'f11'; did you mean f1?"
    )
    assert finding_json(finding, PARIS) == {
        "kind": "plugin",
        "wrong": True,
        "uid": "uid",
        "title": "Race [f11]",
        "start": WINTER,
        "start_local": "2026-01-01T13:00:00+01:00",
        "position": 6,
        "what": "no plugin is called 'f11'",
        "advice": "did you mean f1?",
    }


def test_a_remark_is_called_one() -> None:
    finding = Finding(Kind.UNCHECKED, "uid", "Race [f1]", WINTER, "its options are unchecked", "")
    assert "  remark: 'Race [f1]'" in finding_line(finding, PARIS)


@given(st.text(), st.text())
def test_no_text_of_a_calendar_steers_the_terminal(title: str, what: str) -> None:
    line = finding_line(Finding(Kind.TITLE, "uid", title, None, what, ""), PARIS)
    assert line.isprintable()


@pytest.mark.parametrize("name", ["[red]Race[/red]", ":smile:", "Ra\x1b[31mce", "Ra\u202ece"])
def test_names_are_shown_as_they_are_without_what_a_terminal_obeys(name: str) -> None:
    race = Session("instance", "uid", name, "f1", (), WINTER, WINTER)
    tables = [
        session_table([race], PARIS),
        entry_table([Entry(WINTER, What.START, race, name)], PARIS),
        standing_table([Standing(race, True, name)]),
    ]
    for table in tables:
        text = shown(table)
        assert not {"\x1b", "\u202e"} & set(text)
        assert name.replace("\x1b", "").replace("\u202e", "") in text


def test_secrets_in_options_are_masked() -> None:
    assert "abc" not in shown(session_table([RACE], PARIS))
    assert session_json(RACE, PARIS)["options"] == ["--token", "***"]


def test_an_event_is_shown_with_what_others_see_of_it() -> None:
    assert "hidden, shown as gp" in shown(session_table([RACE], PARIS))
    told = session_json(RACE, PARIS)
    assert (told["instance"], told["class"], told["hidden"], told["masquerade"]) == ("instance", "f1", True, "gp")
    assert (told["start"], told["end_local"]) == (WINTER, "2026-01-01T15:00:00+01:00")


def test_what_will_happen_and_what_is_on_can_be_read_by_a_program() -> None:
    entry = entry_json(Entry(WINTER, What.STOP, RACE, "its end"), PARIS)
    assert (entry["at"], entry["what"], entry["class"], entry["why"]) == (WINTER, "stop", "f1", "its end")
    assert standing_json(Standing(RACE, False, "crashed"))["well"] is False
