"""Delimited text as organisers publish it: any line may be damaged, and the others are still read."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from livetiming.chrono.model import Skipped

DELIMITERS = ";,\t"
_TEXT_LIMIT = 200  # characters of a cell
_EXAMPLE_LIMIT = 80
_LINES_TOLD = 5


class BadLine(ValueError):
    """A line that cannot be used, and why."""


@dataclass
class Complaints:
    """What could not be read of one file: counted, and the first of it kept."""

    file: str
    count: int = 0
    lines: list[int] = field(default_factory=list)
    why: str = ""
    example: str = ""
    _newest: int = 0

    def add(self, line: int, text: str, why: object) -> None:
        """Line number `line`, which is `text`, is skipped, or a part of it. A line counts once."""
        if line == self._newest:
            return
        self._newest = line
        if not self.count:
            self.why, self.example = str(why), text[:_EXAMPLE_LIMIT]
        self.count += 1
        if len(self.lines) < _LINES_TOLD:
            self.lines.append(line)

    def told(self) -> tuple[Skipped, ...]:
        """One report, or none."""
        if not self.count:
            return ()
        return (Skipped(self.file, self.count, tuple(self.lines), self.why, self.example),)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file, its text, and its cells by heading."""

    number: int
    text: str
    cells: Mapping[str, str]

    def __getitem__(self, heading: str) -> str:
        return self.cells.get(heading, "")


def read_table(
    content: bytes,
    needed: Sequence[str],
    complaints: Complaints,
    use: Callable[[Line], None],
    *,
    short_lines: bool = False,
) -> frozenset[str]:
    """Call `use` for each line of `content` below its header, in order; returns the headings.

    Lines for which `use` raises BadLine are told to `complaints`, and so are those with fewer cells than the header,
    because they were cut off; but for a kind of file whose `short_lines` are whole. Headings are compared without
    blanks around them and in upper case; where a `needed` one is missing, nothing is read. Cells of a nameless column
    (a separator ends each line) are left out.
    """
    lines = _lines(content)
    number, text = next(lines, (1, ""))
    try:
        delimiter, columns = _header(text, needed)
    except (BadLine, csv.Error) as error:
        complaints.add(number, text, error)
        return frozenset()
    width = len(columns) if columns[-1] else len(columns) - 1
    for number, text in lines:
        try:
            cells = _cells(text, delimiter)
            if len(cells) < width and not short_lines:
                raise BadLine(f"it has {len(cells)} cells instead of {width}")
            use(Line(number, text, dict(zip(columns, cells, strict=False))))
        except (BadLine, csv.Error) as error:
            complaints.add(number, text, error)
    return frozenset(filter(None, columns))


def _header(text: str, needed: Sequence[str]) -> tuple[str, list[str]]:
    read: list[str] = []
    for delimiter in DELIMITERS:
        columns = [cell.upper() for cell in _cells(text, delimiter)]
        if set(needed) <= set(columns):
            return delimiter, columns
        read = max(read, columns, key=len)
    missing = [heading for heading in needed if heading not in read]
    raise BadLine(f"it is the header, but has no {', no '.join(missing)}")


def _cells(text: str, delimiter: str) -> list[str]:
    return [_clean(cell) for cell in next(csv.reader([text], delimiter=delimiter), [])]


def _clean(cell: str) -> str:
    if cell.isascii() and cell.isprintable():
        return cell.strip()[:_TEXT_LIMIT]
    return "".join(letter if letter.isprintable() else " " for letter in cell).strip()[:_TEXT_LIMIT]


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers. Each is decoded alone: one damaged letter harms one line."""
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if line.strip():
            yield number, _decoded(line)


def _decoded(line: bytes) -> str:
    """UTF-8, or what older files are written in."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
