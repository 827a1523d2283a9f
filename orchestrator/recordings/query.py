"""Questions to the catalogue, as they come from the wire: what they mean, or why they mean nothing.

A page number that makes no sense is the first page. A search that makes none is refused, with what would.
"""

from collections.abc import Mapping
from typing import Any

from orchestrator.recordings.search import WORDS_LIMIT, Wanted, words_in

PAGE_LENGTH = 50
TEXT_LIMIT = 200  # characters of what somebody searches for, and of a name
LAST_PAGE = 1_000_000_000

_FILTERS = ("name", "serviceClass", "from", "to", "minDuration", "hasAnalysis", "includeHidden")


class BadQuestion(ValueError):
    """What was asked cannot be answered. The message says what can."""


def page_number(number: object) -> int:
    """The page, from 1."""
    return int(number) if isinstance(number, int) and 1 <= number <= LAST_PAGE else 1


def service_name(name: object) -> str | None:
    """The name of the service whose recordings are wanted; None for all. Raises BadQuestion."""
    if name is not None and not isinstance(name, str):
        raise BadQuestion("the name of a service is a text")
    return None if name is None else name.encode(errors="replace").decode()


def wanted(text: object, filters: object, *, trusted: bool) -> Wanted:
    """What `search(text, filters)` looks for. Raises BadQuestion.

    `includeHidden` counts for who is `trusted` only, and is ignored from others.
    """
    given = _filters(filters)
    return Wanted(
        words=_words(text),
        name=_of_type(given, "name", str),
        service_class=_of_type(given, "serviceClass", str),
        begin=_number(given, "from"),
        end=_number(given, "to"),
        min_duration=_number(given, "minDuration"),
        has_analysis=_of_type(given, "hasAnalysis", bool),
        hidden=trusted and _of_type(given, "includeHidden", bool) is True,
    )


def _words(text: object) -> tuple[str, ...]:
    if text is None:
        return ()
    if not isinstance(text, str) or len(text) > TEXT_LIMIT:
        raise BadQuestion(f"the text to search for is a text of at most {TEXT_LIMIT} characters")
    words = tuple(words_in(text))
    if len(words) > WORDS_LIMIT:
        raise BadQuestion(f"at most {WORDS_LIMIT} words can be searched for")
    return words


def _filters(filters: object) -> Mapping[str, Any]:
    if filters is None:
        return {}
    if not isinstance(filters, Mapping):
        raise BadQuestion("the filters are an object")
    for key in filters:
        if key not in _FILTERS:
            raise BadQuestion(f"there is no filter {str(key)[:40]!r}; there are: {', '.join(_FILTERS)}")
    return filters


def _of_type(filters: Mapping[str, Any], key: str, kind: type) -> Any:
    value = filters.get(key)
    if value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, str) and len(value) > TEXT_LIMIT * 5):
        expected = "true or false" if kind is bool else "a text"
        raise BadQuestion(f"the filter {key} is {expected}")
    return value


def _number(filters: Mapping[str, Any], key: str) -> float | None:
    value = filters.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e15:
        raise BadQuestion(f"the filter {key} is a number, in seconds")
    return float(value)
