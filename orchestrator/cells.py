"""What comes from a feed → harmless text of a known form, and its style. No I/O.

A feed must not steer the terminal: whatever is printed goes through `clean` first, and into `Text` objects, never
through rich's markup.
"""

import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from livetiming.times import format_lap_time

CELL_LIMIT = 40  # characters of a cell; a longer one is a mistake or an attack
LINE_LIMIT = 300  # of a name or message
_LARGEST = 1e9  # beyond this a number is nonsense

_MARKS = {"sb": "medium_orchid1", "sb-new": "bold medium_orchid1", "pb": "green", "old": "dim"}
_STATES = {
    "RUN": "green",
    "PIT": "bold red",
    "FUEL": "bold red",
    "OUT": "yellow",
    "STOP": "bold grey100 on red3",
    "RET": "dim",
    "N/S": "dim",
    "FIN": "bold",
}
_CLASS_COLOURS = ("cyan", "orange1", "bright_blue", "chartreuse3", "plum2", "gold1", "turquoise2", "hot_pink")
_RANKS = {"bronze": "B", "silver": "S", "gold": "G", "platinum": "P"}


class Kind(Enum):
    """How a column's cells are written."""

    TEXT = "text"
    CLASS = "class"
    STATE = "state"
    NUMBER = "numeric"
    DELTA = "delta"
    LAP = "laptime"
    TIME = "time"

    @property
    def is_text(self) -> bool:
        """Left aligned; all others are numbers, and right aligned."""
        return self in (Kind.TEXT, Kind.CLASS, Kind.STATE)


@dataclass(frozen=True)
class Cell:
    """What stands in one cell, and in which style."""

    text: str
    style: str = ""


def clean(value: object, limit: int = CELL_LIMIT) -> str:
    """`value` as one line of at most `limit` visible characters, without anything that a terminal obeys.

    Control, format (direction of writing among them), surrogate and private characters go; blanks become one blank.
    """
    if not isinstance(value, str):
        return ""
    kept = "".join(" " if char.isspace() else char for char in value[: 4 * limit] if _is_harmless(char))
    text = " ".join(kept.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_harmless(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def number(value: object) -> float | None:
    """`value` where it is a number that can be shown, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return None
    return value


def cell(value: object, kind: Kind) -> Cell:
    """One cell of a row: a text, a number, or `[value, mark]`; anything else is shown as empty."""
    mark = ""
    if isinstance(value, list | tuple):
        mark = value[1] if len(value) > 1 and isinstance(value[1], str) else ""
        value = value[0] if value else None
    amount = number(value)
    if amount is None:
        text = clean(value)
        rank = _RANKS.get(mark)
        return Cell(f"{text} ({rank})" if rank and text else text, _text_style(text, kind))
    return Cell(_number_text(amount, kind), _MARKS.get(mark, ""))


def _text_style(text: str, kind: Kind) -> str:
    return _STATES.get(text, "") if kind is Kind.STATE else ""


def _number_text(amount: float, kind: Kind) -> str:
    if kind in (Kind.LAP, Kind.TIME):
        if amount <= 0:
            return ""  # feeds write 0 for no time
        return f"{amount:.3f}" if kind is Kind.TIME and amount < 59.9995 else format_lap_time(amount)
    text = f"{round(amount, 3) + 0.0:.3f}"  # + 0.0: there is no -0
    return text if kind is Kind.DELTA else text.rstrip("0").rstrip(".")


def class_styles(names: Iterable[str]) -> dict[str, str]:
    """A colour for each class: always the same for one name, unless two names would share it."""
    taken: dict[str, str] = {}
    for name in sorted(set(names)):
        first = zlib.crc32(name.encode("utf-8", "replace"))
        order = [_CLASS_COLOURS[(first + step) % len(_CLASS_COLOURS)] for step in range(len(_CLASS_COLOURS))]
        taken[name] = next((colour for colour in order if colour not in taken.values()), order[0])
    return taken
