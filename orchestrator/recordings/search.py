"""Full-text search: the words of a recording, and the question put to FTS5 that finds them.

What somebody types is data, never the query language of FTS5: it is cut into words, and each is quoted. Filters that
are equalities are words too, `marks`, which nobody can type: so one look into the index answers text and filters.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final
from unicodedata import combining, normalize

from livetiming.analysis.cells import Columns, text
from livetiming.racing import Stat
from livetiming.state import Row

WORDS_LIMIT = 16  # of what somebody types; more are refused
TEXT_READ = 20_000  # characters of a recording that are cut into words: 60 cars with three drivers each have 6,000

# Not the number: everybody's 24 would be in the way of who looks for 24 hours.
_SAID: Final = (Stat.CLASS, Stat.TEAM, Stat.CAR, Stat.DRIVER)
_WORD: Final = re.compile(r"[^\W_]+")
_MARK = "\ue000"  # of private use: the index takes it for a letter, and `words_in` takes it from what is typed
HIDDEN, ANALYSED, EVERY = f"{_MARK}hidden", f"{_MARK}analysed", f"{_MARK}every"


@dataclass(frozen=True)
class Wanted:
    """What is looked for. All that is not None must be so; times in Unix seconds, both ends included."""

    words: tuple[str, ...] = ()
    name: str | None = None
    service_class: str | None = None
    begin: float | None = None  # startTime is not before it
    end: float | None = None  # startTime is not after it
    min_duration: float | None = None  # seconds
    has_analysis: bool | None = None
    hidden: bool = False  # whether hidden ones are shown too


def words_of(listed: Mapping[str, Any], cars: Sequence[Row]) -> str:
    """The words by which a recording is found: of its manifest, and of these rows."""
    source, external = listed.get("source"), listed.get("external")
    said = [listed.get(key) for key in ("name", "description", "serviceClass")]
    said.append(source[0] if isinstance(source, list) and source else source)
    said.append(external.get("name") if isinstance(external, Mapping) else None)
    columns = listed.get("colSpec")
    at = Columns.of(columns if isinstance(columns, list) else []).at
    indices = [at[stat] for stat in _SAID if stat in at]
    said += [row[index] for row in cars for index in indices if index < len(row)]
    texts = dict.fromkeys(each if isinstance(each, str) else text(each) for each in said)
    return " ".join(dict.fromkeys(words_in(" ".join(texts)[:TEXT_READ])))


def words_in(typed: str) -> list[str]:
    """The words of a text: letters and digits, without case and accents."""
    folded = typed.casefold()
    if not folded.isascii():
        folded = " ".join(part if part.isascii() else _unaccented(part) for part in folded.split())
    return _WORD.findall(folded)


def _unaccented(text: str) -> str:
    return "".join(letter for letter in normalize("NFKD", text) if not combining(letter))


def marks_of(name: str, service_class: object, *, hidden: bool, analysed: bool) -> str:
    """The marks of a recording."""
    marks = [EVERY, _mark("n", name)]
    if isinstance(service_class, str):
        marks.append(_mark("c", service_class))
    if hidden:
        marks.append(HIDDEN)
    if analysed:
        marks.append(ANALYSED)
    return " ".join(marks)


def match(wanted: Wanted) -> str:
    """The FTS5 expression for text and equalities. Of the words the last may be the beginning of one."""
    every = [_quoted(word) for word in wanted.words]
    if every:
        every[-1] += "*"
    none = [] if wanted.hidden else [_quoted(HIDDEN)]
    if wanted.name is not None:
        every.append(_quoted(_mark("n", wanted.name)))
    if wanted.service_class is not None:
        every.append(_quoted(_mark("c", wanted.service_class)))
    if wanted.has_analysis is not None:
        (every if wanted.has_analysis else none).append(_quoted(ANALYSED))
    expression = " AND ".join(every or [_quoted(EVERY)])
    return " NOT ".join([f"({expression})", *none])


def _quoted(word: str) -> str:
    return f'"{word}"'


def _mark(kind: str, value: str) -> str:
    return f"{_MARK}{kind}{blake2b(value.encode(errors='surrogatepass'), digest_size=8).hexdigest()}"
