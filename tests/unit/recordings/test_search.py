"""Searching the catalogue: what is asked, and what is found."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.recordings.answers import Answers
from orchestrator.recordings.catalogue import Catalogue
from orchestrator.recordings.query import BadQuestion, page_number, service_name, wanted
from orchestrator.recordings.search import words_in, words_of
from tests.unit.recordings.files import COLUMNS, NOON, write


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Four recordings, one of them hidden."""
    folder = tmp_path_factory.mktemp("recordings")
    hybrid = [["7", "HYPERCAR", "Toyota Gazoo Racing", "Conway"]]
    write(folder, "spa.zip", NOON, description="6h of Spa - Race", cars=hybrid, colSpec=COLUMNS, serviceClass="wec")
    write(folder, "lemans.zip", NOON + 10, description="24 Heures du Mans – Qualifié", serviceClass="wec", duration=600)
    write(folder, "elms.zip", NOON + 20, name="ELMS", description="4h of Spa", source=["Al Kamel", "https://x.org"])
    write(folder, "test.zip", NOON + 30, description="Private test at Spa", hidden=True)
    (folder / "spa.json").write_text("{}")
    catalogue = Catalogue(folder, None)
    catalogue.look()
    return Answers(catalogue.database)


def found(answers: Answers, text: object = "", *, trusted: Any = False, **filters: Any) -> list[str]:
    result = answers.search(wanted(text, filters, trusted=trusted), 1)
    assert result["total"] == len(result["recordings"])
    return [each["filename"].removesuffix(".zip") for each in result["recordings"]]


class TestText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("spa", ["elms", "spa"]),
            ("SPA race", ["spa"]),
            ("race spa", ["spa"]),
            ("sp", ["elms", "spa"]),  # the last word may be a beginning
            ("sp race", []),  # another one may not
            ("hypercar conw", ["spa"]),
            ("gazoo", ["spa"]),
            ("kamel", ["elms"]),
            ("qualifie", ["lemans"]),
            ("QUALIFIÉ", ["lemans"]),
            ("wec", ["lemans", "spa"]),
            ("7", []),
            ("", ["elms", "lemans", "spa"]),
            ("  ", ["elms", "lemans", "spa"]),
            (None, ["elms", "lemans", "spa"]),
        ],
    )
    def test_all_words_must_be_there_whatever_their_case_and_accents(
        self, answers: Answers, text: str, expected: list[str]
    ) -> None:
        assert found(answers, text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            '"',
            '"spa',
            "spa*",
            "spa OR race",
            "spa AND",
            "NOT spa",
            "words : spa",
            "marks:hidden",
            "NEAR(spa race)",
            "^spa",
            "spa + race",
            "{words} : spa",
            "-spa",
            "spa\0race",
            "'; DROP TABLE recordings; --",
            "\ue000hidden",
            "\ud800",
        ],
    )
    def test_the_syntax_of_the_index_is_nothing_but_words(self, answers: Answers, text: str) -> None:
        expected = [name for name in ("elms", "lemans", "spa") if _has_words(answers, name, words_in(text))]
        assert found(answers, text) == expected

    @given(st.text(max_size=60))
    def test_no_text_at_all_is_an_error_of_ours(self, answers: Answers, text: str) -> None:
        try:
            names = found(answers, text)
        except BadQuestion:
            assert len(words_in(text)) > 16
        else:
            assert set(names) <= {"elms", "lemans", "spa"}

    @given(st.text(min_size=1, max_size=30))
    def test_a_recording_is_found_by_any_word_of_its_description(self, description: str) -> None:
        words = words_of({"description": description}, []).split()
        assert words == list(dict.fromkeys(words_in(description)))


def _has_words(answers: Answers, name: str, words: list[str]) -> bool:
    listed = next(each for each in answers.every() if each["filename"] == f"{name}.zip")
    has = words_in(words_of(listed, []))
    return set(words[:-1]) <= set(has) and any(word.startswith(words[-1]) for word in has) if words else True


class TestFilters:
    def test_the_name_of_the_service(self, answers: Answers) -> None:
        assert found(answers, "spa", name="ELMS") == ["elms"]
        assert found(answers, name="elms") == []

    def test_its_class(self, answers: Answers) -> None:
        assert found(answers, serviceClass="wec") == ["lemans", "spa"]

    def test_from_and_to_are_of_the_start_and_include_both_ends(self, answers: Answers) -> None:
        assert found(answers, **{"from": NOON + 10}) == ["elms", "lemans"]
        assert found(answers, **{"from": NOON + 10.5}) == ["elms"]
        assert found(answers, to=NOON + 10) == ["lemans", "spa"]
        assert found(answers, **{"from": NOON + 1, "to": NOON + 19}) == ["lemans"]
        assert found(answers, to=-1) == []

    def test_how_long_it_is_at_least(self, answers: Answers) -> None:
        assert found(answers, minDuration=600) == ["lemans"]
        assert found(answers, minDuration=601) == []

    def test_whether_it_has_an_analysis(self, answers: Answers) -> None:
        assert found(answers, hasAnalysis=True) == ["spa"]
        assert found(answers, hasAnalysis=False) == ["elms", "lemans"]

    def test_hidden_ones_are_shown_to_who_may_see_them_and_asks(self, answers: Answers) -> None:
        assert found(answers, "spa", trusted=True, includeHidden=True) == ["test", "elms", "spa"]
        assert found(answers, "spa", trusted=True) == ["elms", "spa"]
        assert found(answers, "spa", trusted=False, includeHidden=True) == ["elms", "spa"]

    def test_null_is_no_filter(self, answers: Answers) -> None:
        assert found(answers, name=None, minDuration=None) == ["elms", "lemans", "spa"]

    @pytest.mark.parametrize(
        ("filters", "told"),
        [
            ({"names": "x"}, "there is no filter 'names'; there are: name, serviceClass"),
            ({"name": 7}, "name is a text"),
            ({"name": "x" * 2000}, "name is a text"),
            ({"from": "yesterday"}, "from is a number"),
            ({"from": True}, "from is a number"),
            ({"to": float("nan")}, "to is a number"),
            ({"to": float("inf")}, "to is a number"),
            ({"from": 10**400}, "from is a number"),
            ({"minDuration": 1e300}, "minDuration is a number"),
            ({"hasAnalysis": 1}, "hasAnalysis is true or false"),
            ([], "the filters are an object"),
            ("x", "the filters are an object"),
        ],
    )
    def test_what_is_none_is_refused_with_what_there_is(self, filters: Any, told: str) -> None:
        with pytest.raises(BadQuestion, match=told):
            wanted("", filters, trusted=False)


@pytest.mark.parametrize("text", [7, ["x"], "x" * 201, "a " * 17])
def test_a_text_that_is_none_or_too_long_is_refused(text: Any) -> None:
    with pytest.raises(BadQuestion):
        wanted(text, {}, trusted=False)


@pytest.mark.parametrize("number", [0, -1, None, "2", 1.5, [], True, 10**30])
def test_a_page_number_that_is_none_means_the_first(number: Any) -> None:
    assert page_number(number) == 1


def test_a_name_of_a_service_is_a_text() -> None:
    assert (service_name(None), service_name("ELMS"), service_name("\ud800")) == (None, "ELMS", "?")
    with pytest.raises(BadQuestion):
        service_name(7)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """120 recordings to be seen, and 10 hidden ones, from the newest to the oldest."""
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(130):
        name = "Secret" if number < 5 else "ELMS" if number < 13 else "elms" if number == 13 else "FIA WEC"
        write(folder, f"{number:032x}.zip", NOON - number, name=name, hidden=number < 10)
    catalogue = Catalogue(folder, None)
    catalogue.look()
    return Answers(catalogue.database)


class TestPages:
    def test_a_page_holds_fifty(self, many: Answers) -> None:
        page = many.page(2)
        assert (len(page["recordings"]), page["pages"], page["total"]) == (50, 3, 120)
        assert page["recordings"][0]["startTime"] == NOON - 60

    def test_the_last_page_holds_the_rest_and_behind_it_is_nothing(self, many: Answers) -> None:
        assert len(many.page(3)["recordings"]) == 20
        assert many.page(4)["recordings"] == many.page(10**9)["recordings"] == []

    def test_only_those_of_one_name_are_asked_for(self, many: Answers) -> None:
        assert (many.page(1, "ELMS")["total"], many.page(1, "ELMS", hidden=True)["total"]) == (3, 8)
        assert many.page(1, "nobody") == {"recordings": [], "pages": 0, "total": 0}

    def test_hidden_ones_are_shown_to_who_may_see_them(self, many: Answers) -> None:
        assert many.page(1, hidden=True)["total"] == 130
        assert many.page(1, hidden=True)["recordings"][0]["startTime"] == NOON

    def test_names_are_distinct_and_in_alphabetical_order(self, many: Answers) -> None:
        assert many.names() == ["ELMS", "elms", "FIA WEC"]
        assert many.names(hidden=True) == ["ELMS", "elms", "FIA WEC", "Secret"]

    def test_who_knows_the_uuid_of_a_hidden_recording_may_see_it(self, many: Answers) -> None:
        found = many.manifest(f"{0:032x}")
        assert found is not None
        assert found["hidden"] is True

    @pytest.mark.parametrize("uuid", ["else", None, 7, [], "\ud800"])
    def test_a_uuid_that_nobody_has_has_no_manifest(self, many: Answers, uuid: Any) -> None:
        assert many.manifest(uuid) is None

    def test_the_retained_listing_holds_the_newest_fifty_that_are_not_hidden(self, many: Answers) -> None:
        newest = many.newest()
        assert len(newest) == 50
        assert newest == many.page(1)["recordings"]
        assert not any(listed["hidden"] for listed in newest)

    def test_a_search_has_pages_too(self, many: Answers) -> None:
        page = many.search(wanted("race", {}, trusted=False), 3)
        assert (len(page["recordings"]), page["pages"], page["total"]) == (20, 3, 120)
        assert page["recordings"] == many.page(3)["recordings"]
