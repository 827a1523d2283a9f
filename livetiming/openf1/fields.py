"""Fields of a document that may hold anything: the value that was expected, or None."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Document = Mapping[str, Any]

TEXT_LIMIT = 300  # characters; longer ones are cut
_LARGEST = 1e9
_LATEST = 4e9  # Unix s, in the year 2096


class MalformedDocument(ValueError):
    """A document lacks what makes it one of its collection. It is counted and skipped."""


def number(document: Document, key: str) -> float | None:
    """A finite number."""
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) < _LARGEST else None


def seconds(document: Document, key: str) -> float | None:
    """A time that somebody took: above 0, to the millisecond."""
    value = number(document, key)
    return round(value, 3) if value is not None and value > 0 else None


def whole(document: Document, key: str, low: int, high: int) -> int | None:
    """A whole number from `low` to `high`."""
    value = document.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None


def required(document: Document, key: str, low: int, high: int) -> int:
    """A whole number that must be there. Raises MalformedDocument."""
    value = whole(document, key, low, high)
    if value is None:
        raise MalformedDocument(f"its {key} is no whole number from {low} to {high}")
    return value


def text(document: Document, key: str) -> str:
    """A text on one line, without surrounding blanks; "" where there is none."""
    value = document.get(key)
    return " ".join(value[:TEXT_LIMIT].split()) if isinstance(value, str) else ""


def moment(document: Document, key: str) -> float | None:
    """A date and time in ISO 8601 as Unix seconds; without a zone it is UTC, as the API has it."""
    value = document.get(key)
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip())
        unix = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return unix if 0 <= unix < _LATEST else None


def required_moment(document: Document, key: str) -> float:
    """A date and time that must be there. Raises MalformedDocument."""
    unix = moment(document, key)
    if unix is None:
        raise MalformedDocument(f"its {key} is no date")
    return unix
