"""What is said of an event."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.schedule_settings import END_TEXT, FAILED_TEXT, START_TEXT
from orchestrator.scheduler.announce.texts import (
    X_LIMIT,
    X_LINK,
    cleaned,
    link_to,
    short_text_of,
    text_of,
    weight,
)

LINK = "https://live.example.org/s/f1"


def started(name: str, link: str = LINK) -> str:
    return text_of(START_TEXT, name=name, service="f1", link=link)


def started_on_x(name: str, link: str = LINK) -> str:
    return short_text_of(START_TEXT, name=name, service="f1", link=link)


def test_a_start_is_told_with_its_name_and_its_page() -> None:
    assert started("Spa - Race") == f"Spa - Race is live now: {LINK}"


def test_without_a_public_address_the_colon_before_the_link_goes_too() -> None:
    assert link_to("", "f1") == ""
    assert started("Race", link="") == "Race is live now"


def test_without_a_reason_the_colon_before_it_goes_too() -> None:
    assert text_of(FAILED_TEXT, name="Race", service="f1", link="", why="") == "Race could not be started"


def test_an_empty_template_says_nothing() -> None:
    assert text_of("", name="Race", service="f1", link=LINK) == ""


def test_braces_doubled_in_a_template_are_braces() -> None:
    assert text_of("{{live}} {name}", name="Race", service="", link="") == "{live} Race"


@pytest.mark.parametrize("name", ["{link}", "{name.__class__}", "{0}", "%s", "{", "}}", "{why!r:>99}"])
def test_a_name_is_never_taken_for_a_template(name: str) -> None:
    assert text_of(END_TEXT, name=name, service="f1", link=LINK) == f"{name} has ended."


def test_a_link_is_written_so_that_no_service_can_lead_elsewhere() -> None:
    assert link_to("https://x.example", "../a b?c#d/ü") == "https://x.example/s/..%2Fa%20b%3Fc%23d%2F%C3%BC"


@pytest.mark.parametrize("name", ["@everyone", "by @someone", "<@123>", "<!channel>", "＠someone", "ends with @"])
def test_a_name_pings_nobody(name: str) -> None:
    said = started(name)
    assert not any(ping in said for ping in ("@e", "@s", "<@", "@1", "<!", "＠s", "@ is"))
    assert said.replace("\u200b", "") == f"{name} is live now: {LINK}"


def test_an_at_between_words_stays_as_it_is() -> None:
    assert started("Practice @ Spa") == f"Practice @ Spa is live now: {LINK}"


def test_what_controls_lines_terminals_or_the_direction_of_writing_is_removed() -> None:
    assert cleaned(" a\r\nb\x1b[31m\t\u202ec\u2066 \ud800d\u2028e ") == "a b [31m c d e"


def test_x_counts_wide_characters_twice_and_a_link_as_23() -> None:
    assert [weight(text) for text in ("race", "é", "日本", "🏁", "t.co")] == [4, 1, 4, 2, X_LINK]


def test_a_text_that_fits_on_x_is_the_same_there() -> None:
    assert started_on_x("Spa - Race") == started("Spa - Race")


def test_on_x_the_name_is_shortened_and_the_link_is_not() -> None:
    said = started_on_x("n" * 299)
    assert said.endswith(f"n… is live now: {LINK}")
    assert weight(said.replace(LINK, "x" * X_LINK)) == X_LIMIT


def test_on_x_a_long_link_counts_as_any_link() -> None:
    long = f"https://live.example.org/s/{'f' * 400}"
    assert started_on_x("Spa - Race", link=long) == f"Spa - Race is live now: {long}"


def test_on_x_an_address_that_is_not_made_a_link_counts_in_full() -> None:
    link = "http://localhost:8080/s/f1"
    said = started_on_x("n" * 299, link=link)
    assert said.endswith(link)
    assert weight(said) <= X_LIMIT


def test_on_x_a_long_reason_is_shortened_before_the_name() -> None:
    said = short_text_of(FAILED_TEXT, name="Spa - Race", service="f1", link="", why="w" * 300)
    assert said.startswith("Spa - Race could not be started: ww")
    assert said.endswith("w…")


def test_a_name_is_not_cut_within_an_emoji_or_an_accented_letter() -> None:
    assert started_on_x("👩🏽‍🚀" * 74).startswith("👩🏽‍🚀" * 20)
    assert "\u200d…" not in started_on_x("👩🏽‍🚀" * 74)
    assert "e…" not in started_on_x("e\u0323\u0302\u0329" * 74)


@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from(["", LINK, "http://10.0.0.1/s/x"]))
def test_whatever_the_name_and_the_reason_x_takes_the_text(name: str, why: str, link: str) -> None:
    for template in (START_TEXT, FAILED_TEXT, "{name}{name} {service}{why} {link}"):
        said = short_text_of(template, name=name, service="f1", link=link, why=why)
        assert weight(said.replace(LINK, "x" * X_LINK)) <= X_LIMIT
        assert link in said or "{link}" not in template
        assert not [char for char in said if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
