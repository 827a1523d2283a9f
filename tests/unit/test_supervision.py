"""What is written into supervisord's configuration."""

import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.options import UnhosedConfigParser, expand

from orchestrator.supervision import quote, service_section

WORDS = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)


def as_supervisord_reads(line: str) -> list[str]:
    """The argument list that supervisord makes of a `command=` line, by its own parser and expansion."""
    parser = UnhosedConfigParser()
    parser.read_string(f"[program:x]\ncommand={line}\n")
    text = parser.get("program:x", "command").replace("%(here)s", "HERE")
    return shlex.split(expand(text, {"here": "HERE", "ENV_PATH": "LEAK"}, "command"))


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_any_words_arrive_as_they_are(words: list[str]) -> None:
    assert as_supervisord_reads(" ".join(map(quote, words))) == words


@pytest.mark.parametrize("word", ["100%", "%(ENV_PATH)s", "%(here)s", "a ;b", "a #b", "'", '"', "$(x)", "", "\u00a0;x"])
def test_what_means_something_to_supervisord_arrives_as_it_is(word: str) -> None:
    assert as_supervisord_reads(quote(word)) == [word]


@pytest.mark.parametrize("word", ["a\nb", "\x00", "a\rb", "\u2028", "\x85"])
def test_what_would_end_the_line_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="cannot stand"):
        quote(word)


def test_a_section_restarts_a_crash_but_not_an_end() -> None:
    parser = RawConfigParser()
    parser.read_string(service_section("service-f1", ["python", "-m", "x"], Path("/log")))
    section = parser["program:service-f1"]
    assert (section["autorestart"], section["exitcodes"], section["autostart"]) == ("unexpected", "0,3", "false")


@pytest.mark.parametrize("name", ["a b", "x:y", "../up", "a\n[program:evil]", ""])
def test_a_name_is_letters_and_digits_only(name: str) -> None:
    with pytest.raises(ValueError, match="no program name"):
        service_section(name, ["x"], Path("/log"))
