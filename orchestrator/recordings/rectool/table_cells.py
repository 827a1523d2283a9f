"""What a cell of a row says as a value of a table, or None where it says nothing of that kind. Pure."""

import math
import re
from typing import Any

from livetiming.analysis.cells import text
from livetiming.times import parse_duration

Json = Any

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_EXACT = 2**53  # larger whole numbers are not exact as a double


def words(cell: Json) -> str | None:
    """The text in a cell, or in its first item."""
    return text(cell) or None


def number(cell: Json) -> float | int | None:
    """The number in a cell, or in its first item, also where it is written as text."""
    if isinstance(cell, list):
        cell = cell[0] if cell else None
    if type(cell) is float:
        return cell if math.isfinite(cell) else None
    if type(cell) is int:
        return cell if -_EXACT <= cell <= _EXACT else float(cell)
    if isinstance(cell, str) and (match := _NUMBER.fullmatch(cell.strip())):
        return float(match[0]) if match[1] else int(match[0])
    return None


def seconds(cell: Json) -> float | int | None:
    """The seconds in a cell, or in its first item, also where they are written as `1:32.981`."""
    if isinstance(cell, list):
        cell = cell[0] if cell else None
    return parse_duration(cell) if isinstance(cell, str) and ":" in cell else number(cell)


def mark(cell: Json) -> str | None:
    """The second item of a cell such as `[92.981, "pb"]`."""
    return words(cell[1]) if isinstance(cell, list) and len(cell) > 1 else None


def gap_text(cell: Json) -> str | None:
    """The text in a gap that is no number, such as `1 lap`."""
    return words(cell) if seconds(cell) is None else None
