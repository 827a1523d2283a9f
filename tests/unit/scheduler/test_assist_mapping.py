"""The mapping file of `assist`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.assist import mapping
from orchestrator.scheduler.assist.mapping import Hours, MappingProblem, Tag, read_mapping, tag_text
from orchestrator.scheduler.title import Tag as TitleTag
from orchestrator.scheduler.title import parse_title

PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="[]"), min_size=1, max_size=20)


def test_the_example_is_a_mapping() -> None:
    example = Path(mapping.__file__).with_name("example.toml").read_text(encoding="utf-8")
    read = read_mapping(example)
    assert read.of("wec") == Tag("WEC", "wec", "FIA WEC - {title}", ("--meeting", "?"))
    assert read.of("CLUB") == Tag(
        "CLUB", "rmonitor", "{title}", ("--host", "timing.example.org", "-H"), Hours(9 * 60, 18 * 60)
    )
    assert read.ignored == {"podcast"}


def test_a_question_is_named_for_the_option_before_it() -> None:
    (tag,) = read_mapping('[tags.A]\nclass = "a"\noptions = "? --meeting ? -m x"').tags.values()
    assert tag.questions == ("option 1", "--meeting")


def test_the_nearest_tags_are_found_without_regard_to_case() -> None:
    read = read_mapping('[tags.IMSA]\nclass = "a"\n[tags.WEC]\nclass = "a"')
    assert read.nearest("imza") == ["IMSA"]
    assert read.nearest("podcast") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tags.A", "must be TOML"),
        ("", "[tags.WEC]"),
        ("tag = 1", "tag is '1', but must be left out (did you mean tags?)"),
        ("tags = 1", "tags is '1'"),
        ("[tags]\nA = 1", "tags.A is '1', but must be a table"),
        ('[tags.A]\nname = "x"', "[tags.A] class is '', but must be the name of a plugin"),
        ('[tags.A]\nclass = "a b"', "[tags.A] class is 'a b'"),
        ("[tags.A]\nclass = 1", "[tags.A] class is '1', but must be a text in quotes"),
        ('[tags.A]\nclass = "a"\noption = ""', "(did you mean options?)"),
        (
            '[tags.A]\nclass = "a"\nname = "{name}"',
            "[tags.A] name is '{name}', but must be a text with {title} or {tag}",
        ),
        ('[tags.A]\nclass = "a"\nname = "{title.__class__}"', "[tags.A] name"),
        ('[tags.A]\nclass = "a"\nname = "{title"', "[tags.A] name"),
        ('[tags.A]\nclass = "a"\nname = "{title} [x]"', "[tags.A] name"),
        ('[tags.A]\nclass = "a"\nname = " "', "[tags.A] name"),
        ('[tags.A]\nclass = "a"\noptions = "--x \'y"', "[tags.A] options"),
        ('[tags.A]\nclass = "a"\noptions = "--x ]"', "[tags.A] options"),
        ('[tags.A]\nclass = "a"\nall_day = "9:00-18:00"', "[tags.A] all_day"),
        ('[tags.A]\nclass = "a"\nall_day = "18:00-09:00"', "ends after it begins"),
        ('[tags.A]\nclass = "a"\n[tags.a]\nclass = "a"', "case makes no difference"),
        ('[tags."[A]"]\nclass = "a"', "without [ and ]"),
        ('ignore = "X"\n[tags.A]\nclass = "a"', "ignore is 'X', but must be a list"),
        ('ignore = ["a"]\n[tags.A]\nclass = "a"', "ignore is 'a'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_was_expected(text: str, told: str) -> None:
    with pytest.raises(MappingProblem) as caught:
        read_mapping(text)
    assert told in str(caught.value)


@given(PRINTABLE, st.lists(PRINTABLE, max_size=5))
def test_a_title_is_read_by_the_scheduler_as_it_was_meant(name: str, options: list[str]) -> None:
    assert parse_title(tag_text(name, "rmonitor", options), ["rmonitor"]) == TitleTag(name, "rmonitor", tuple(options))
