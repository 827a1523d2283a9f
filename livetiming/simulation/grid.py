"""Who takes part in a simulated race. All names are made up from parts."""

import random
from dataclasses import dataclass

CAR_LIMIT = 500


@dataclass(frozen=True)
class RaceClass:
    """A class: pace as seconds a lap on a full-length track, laps that a tank lasts, models."""

    name: str
    lap: float
    stint: int
    models: tuple[str, ...]


@dataclass(frozen=True)
class Driver:
    """`slower` is what the driver loses on the best one, seconds a full-length lap."""

    first_name: str
    last_name: str
    slower: float

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True)
class Starter:
    """A car on the grid, with all its drivers; `lap` is its own pace on a full-length track."""

    index: int  # place on the grid, from 0
    number: str
    race_class: RaceClass
    team: str
    model: str
    drivers: tuple[Driver, ...]
    lap: float
    transponder: int


CLASSES = (
    RaceClass("Hypercar", 93.0, 32, ("Meridian V8", "Corvo 9X", "Tern LMH", "Halcyon GTP")),
    RaceClass("LMP2", 97.0, 28, ("Osprey 07",)),
    RaceClass("LMP3", 102.5, 27, ("Lynx P3", "Dunlin D08")),
    RaceClass("LMGT3", 106.5, 30, ("Corvo GT3", "Meridian GT3 R", "Heron Vantage", "Tern M4 GT3")),
)


def _names(text: str) -> list[str]:
    return text.split(", ")


_FIRST = _names(
    "Anna, Bruno, Chloé, Dries, Élise, Felipe, Gabriel, Hiroshi, Ines, Jörg, Kévin, Lars, Mikkel, Nicklas, Óscar, "
    "Paula, Quentin, Raffaele, Søren, Tomáš, Ugo, Valérie, Will, Yifei"
)
_LAST = _names(
    "Almeida, Bäumer, Carvalho, Dacosta, Eriksen, Ferrand, García, Hansson, Ishii, Jensen, Kowalski, Lindqvist, "
    "Müller, Norén, Oduya, Pérez, Quaife, Rask, Sørensen, Thorne, Urrutia, Vermeer, Weil, Yoon, Zhou"
)
_TEAM_FIRST = _names(
    "Apex, Blue Ridge, Cedar, Dragonfly, École, Falcon, Granite, Harbour, Inter, Juniper, Kestrel, Lone Star"
)
_TEAM_LAST = _names("Racing, Competition, Motorsport, Autosport, Engineering, Performance, Racing Team")


def starters(rng: random.Random, count: int) -> list[Starter]:
    """`count` cars, the faster classes first."""
    numbers = rng.sample(range(1, max(100, count * 3)), count)
    return [
        _starter(rng, index, number, CLASSES[index * len(CLASSES) // count]) for index, number in enumerate(numbers)
    ]


def _starter(rng: random.Random, index: int, number: int, race_class: RaceClass) -> Starter:
    names: dict[tuple[str, str], float] = {}
    crew = rng.choice((2, 3, 3))
    while len(names) < crew:
        names[(rng.choice(_FIRST), rng.choice(_LAST))] = rng.uniform(0.0, 1.8)
    return Starter(
        index=index,
        number=str(number),
        race_class=race_class,
        team=f"{rng.choice(_TEAM_FIRST)} {rng.choice(_TEAM_LAST)}",
        model=rng.choice(race_class.models),
        drivers=tuple(Driver(first, last, slower) for (first, last), slower in names.items()),
        lap=race_class.lap + rng.uniform(0.0, 2.0),
        transponder=rng.randrange(1_000_000, 9_999_999),
    )
