"""Title → tag."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.findings import Kind
from orchestrator.scheduler.title import Tag, TitleProblem, parse_title

KNOWN = {"awesome_race", "f1", "rmonitor"}


def tag(title: str) -> Tag:
    found = parse_title(title, KNOWN)
    assert isinstance(found, Tag), found
    return found


def problem(title: str) -> TitleProblem:
    found = parse_title(title, KNOWN)
    assert isinstance(found, TitleProblem), found
    return found


def test_a_title_is_a_name_and_in_brackets_a_class_with_options() -> None:
    found = tag("My racing series - free practice 18 [awesome_race, --option foobar]")
    assert found == Tag("My racing series - free practice 18", "awesome_race", ("--option", "foobar"))


def test_a_class_needs_no_options() -> None:
    assert tag("Race [f1]") == Tag("Race", "f1", ())


def test_no_space_is_needed_after_the_comma() -> None:
    assert tag("Race [f1,-m other --hidden]").options == ("-m", "other", "--hidden")


def test_an_escaped_space_stays_inside_an_option() -> None:
    assert tag(r"Race [f1, --track Brands\ Hatch]").options == ("--track", "Brands Hatch")


def test_quotes_work_as_in_a_shell_and_nothing_is_expanded() -> None:
    assert tag("""Race [f1, --a 'x y' --b "$HOME; rm *"]""").options == ("--a", "x y", "--b", "$HOME; rm *")


def test_a_title_without_brackets_is_not_for_us() -> None:
    assert parse_title("Dinner with Anna", KNOWN) is None


def test_the_last_group_that_names_a_plugin_wins() -> None:
    assert tag("F1 [Sprint] Race [f1, --hidden]") == Tag("F1 [Sprint] Race", "f1", ("--hidden",))
    assert tag("F1 [f1] Race [Sprint]") == Tag("F1 Race [Sprint]", "f1", ())


def test_an_unknown_class_is_told_with_its_place_and_the_nearest_names() -> None:
    found = problem("Race [awsome_race]")
    assert found.position == 6
    assert "awesome_race" in found.advice


def test_an_open_quote_is_told() -> None:
    assert "quote" in problem("Race [f1, --a 'x]").advice


def test_a_bracket_that_is_not_closed_is_told() -> None:
    assert "]" in problem("Race [f1, --a").advice


def test_a_title_that_is_nothing_but_a_tag_goes_by_its_class() -> None:
    assert tag("[f1]").name == "f1"


def test_a_name_is_fit_for_a_terminal_and_a_manifest() -> None:
    assert tag("Race\x1b[2J\n 1\u202e [f1]").name == "Race [2J 1"
    assert len(tag("x" * 5000 + "[f1]").name) == 300


@given(st.text())
def test_no_text_raises(title: str) -> None:
    found = parse_title(title, KNOWN)
    assert found is None or isinstance(found, Tag) or str(found)


@given(st.text(alphabet="[]f1, -'\"\\\n\x00"))
def test_what_is_found_names_a_known_class(title: str) -> None:
    found = parse_title(title, KNOWN)
    assert not isinstance(found, Tag) or found.service_class in KNOWN


@pytest.mark.parametrize(
    ("title", "position", "advice"),
    [
        ("Race [f1 --hidden]", 8, "write [f1, options]"),
        ("Race [f1; --hidden]", 8, "write [f1, options]"),
        ("Race [F1]", 6, "did you mean f1?"),
        ("Race [awesome race]", 6, "did you mean awesome_race?"),
        ("Race []", 6, "write [class]"),
        ("Race [f1, -m 'x]", 13, "close every quote"),
        ("Race [f1, x\\]", 11, "close every quote"),
        ("Race [f1, a\0b]", 11, "remove it"),
        ("Race [f1, -m a", 5, "end the tag with ]"),
        ("x" * 20_000 + " [f1]", 10_000, "shorten it"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_type_instead(title: str, position: int, advice: str) -> None:
    found = problem(title)
    assert found.position == position
    assert advice in found.advice


def test_a_missing_plugin_is_told_apart_from_a_mistake_in_the_brackets() -> None:
    assert problem("Race [indycar]").kind is Kind.PLUGIN
    assert problem("Race [f1 x]").kind is Kind.TITLE


@given(st.text(alphabet="ab \\'\""))
def test_options_that_a_shell_would_take_are_taken_and_no_others(options: str) -> None:
    try:
        words = tuple(shlex.split(options))
    except ValueError:
        assert isinstance(parse_title(f"Race [f1,{options}]", KNOWN), TitleProblem)
    else:
        assert tag(f"Race [f1,{options}]").options == words
