"""How much is kept: nothing that a feed says may take memory without end."""

from dataclasses import dataclass

CARS = 500
DRIVERS = 50  # of a car
TRACK_MESSAGES = 1000
FLAG_PERIODS = 1000

# Of all cars together, in equal parts. A 24 h race of 60 cars has some 50,000 laps and 1,500 stints.
_LAPS, _STINTS, _MESSAGES = 200_000, 20_000, 20_000
_FEW_CARS = 40  # more of a car than with so many cars are not kept


@dataclass(frozen=True)
class Share:
    """What is kept of one car: the newest ones, of laps whole stints."""

    laps: int
    stints: int
    messages: int


def share(cars: int) -> Share:
    """What is kept of each of `cars` cars."""
    cars = max(cars, _FEW_CARS)
    return Share(_LAPS // cars, _STINTS // cars, _MESSAGES // cars)
