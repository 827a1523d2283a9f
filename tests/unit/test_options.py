"""Which options an event in a calendar may use."""

from pathlib import Path

import pytest

from livetiming.jobs import Job
from livetiming.service.checking import RefusedOption, check_calendar_options
from livetiming.service.options import parse_args

RMONITOR = ["--host", "192.0.2.7"]


def test_hidden_and_masquerade_are_for_everybody() -> None:
    args = check_calendar_options("rmonitor", [*RMONITOR, "-H", "-m", "other"])
    assert (args.hidden, args.masquerade) == (True, "other")


@pytest.mark.parametrize(
    "words",
    [
        ["-s", "/etc/passwd"],
        ["-s/etc/passwd"],
        ["-Hs", "/etc/passwd"],
        ["--initial-state=/etc/passwd"],
        ["--uuid", "a" * 32],
        ["--job", "x"],
        ["-r"],
        ["-r", "file"],
        ["--recording-file", "file"],
        ["--standalone"],
        ["--debug"],
        ["--"],
        ["--help"],
    ],
)
def test_what_is_for_a_person_at_the_machine_is_refused(words: list[str]) -> None:
    with pytest.raises(RefusedOption, match="leave it out"):
        check_calendar_options("rmonitor", [*RMONITOR, *words])


@pytest.mark.parametrize("words", [["--port", "abc"], ["--port", "0"], ["--hots", "x"], ["extra"]])
def test_what_the_plugins_own_parser_refuses_is_refused(words: list[str]) -> None:
    with pytest.raises(RefusedOption):
        check_calendar_options("rmonitor", [*RMONITOR, *words])


def test_what_the_plugin_requires_must_be_there() -> None:
    with pytest.raises(RefusedOption, match="--host"):
        check_calendar_options("rmonitor", [])


@pytest.mark.parametrize("options", [["-d", "other"], ["--uuid", "b" * 32], ["--"], ["-d", "x", "--", "y"]])
def test_a_job_decides_uuid_and_description_whatever_its_options_say(tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "job.json"
    Job("rmonitor", tuple(options), "a" * 32, "Race", "event", "scheduler").write(path)
    args, _ = parse_args(["--job", str(path)])
    assert (args.uuid, args.description, args.event, args.service_class) == ("a" * 32, "Race", "event", "rmonitor")


@pytest.mark.parametrize("words", [["--file", "/etc/passwd"], ["--file=/etc/passwd"]])
def test_what_a_plugin_keeps_for_people_is_refused(words: list[str]) -> None:
    with pytest.raises(RefusedOption, match="--file is not for calendars: leave it out"):
        check_calendar_options("replay", words)


def test_a_job_that_names_nobody_leaves_the_description_to_its_options(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    Job("rmonitor", ("-d", "By hand"), "a" * 32, "", "", "person").write(path)
    assert parse_args(["--job", str(path)])[0].description == "By hand"


def test_a_state_to_go_on_from_is_named_for_its_service_unless_the_uuid_is_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parse_args(["rmonitor", "-s", f"/kept/{'a' * 32}.json"])[0].initial_state is not None
    assert parse_args(["rmonitor", "-s", "/kept/race.json", "--uuid", "a" * 32])[0].uuid == "a" * 32
    with pytest.raises(SystemExit) as ended:
        parse_args(["rmonitor", "-s", "/kept/race.json"])
    assert ended.value.code == 2
    assert "give --uuid" in capsys.readouterr().err
