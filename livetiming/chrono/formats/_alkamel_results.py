"""Al Kamel Systems' classification of a race: one line for each car."""

from dataclasses import dataclass
from typing import NamedTuple

from livetiming.chrono.model import ENTRY_LIMIT, Entry, Skipped
from livetiming.chrono.table import BadLine, Complaints, Line, read_table

_RANKS = frozenset({"bronze", "silver", "gold", "platinum"})
_MOST_DRIVERS = 6


@dataclass(frozen=True, slots=True)
class Result:
    """One car's line. A car without `place` is not ranked by this file."""

    number: str
    place: int | None
    class_name: str
    team: str
    vehicle: str
    ranks: dict[str, str]  # driver → rank, of those whose rank is known

    def entry(self) -> Entry:
        """The car as one that has no laps."""
        return Entry(self.number, self.class_name, self.team, self.vehicle, ranks=self.ranks)


class Results(NamedTuple):
    """The cars by number, in the order of the classification; and what could not be read."""

    by_number: dict[str, Result]
    skipped: tuple[Skipped, ...]


def read_results(content: bytes) -> Results:
    """The classification in `content`. Cars without a position come last, in the file's order."""
    complaints = Complaints("results")
    found: dict[str, Result] = {}
    places: set[int] = set()

    def use(line: Line) -> None:
        result = _result(line)
        if not result.number or result.number in found or len(found) >= ENTRY_LIMIT:
            raise BadLine("it names no car, or one that was there before")
        if result.place in places:
            raise BadLine(f"another car has position {result.place}")
        if result.place is not None:
            places.add(result.place)
        found[result.number] = result

    read_table(content, ("NUMBER",), complaints, use, short_lines=True)  # the header has drivers that no car has
    ordered = sorted(found.values(), key=lambda result: result.place or len(found) + max(places, default=0))
    return Results({result.number: result for result in ordered}, complaints.told())


def _result(line: Line) -> Result:
    position = line["POSITION"]
    ranks = {}
    for index in range(1, _MOST_DRIVERS + 1):
        name = f"{line[f'DRIVER{index}_FIRSTNAME']} {line[f'DRIVER{index}_SECONDNAME']}".strip()
        rank = line[f"DRIVER{index}_LICENSE"].casefold()
        if name and rank in _RANKS:
            ranks[name] = rank
    return Result(
        number=line["NUMBER"],
        place=int(position) if position.isascii() and position.isdigit() and len(position) < 6 else None,
        class_name=line["CLASS"],
        team=line["TEAM"],
        vehicle=line["VEHICLE"],
        ranks=ranks,
    )
