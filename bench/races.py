"""What the benchmarks feed on: the race generator of the test data, and our own simulator as an RMonitor feed."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from livetiming.simulation.race import Race
from livetiming.simulation.rmonitor import Transmission
from livetiming.simulation.server import encode

PROJECT = Path(__file__).parent.parent
CARS = 60


def generator(seconds: int, *, gap_mode: str = "live") -> Any:
    """A RaceGenerator of CARS cars (see racegen.py); None, which is told, where the test data are not there."""
    folder = Path(os.environ.get("LIVETIMING_TEST_DATA") or PROJECT.parent / "shared" / "data")
    file = folder / "racegen.py"
    if not file.is_file():
        print(f"skipped, no {file}; set LIVETIMING_TEST_DATA", file=sys.stderr)
        return None
    spec = importlib.util.spec_from_file_location("racegen", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.RaceGenerator(cars=CARS, seconds=seconds, seed=7, gap_mode=gap_mode)


def states(first: int, frames: int) -> list[tuple[float, dict[str, Any]]]:
    """(Unix s, state) of `frames` successive seconds, from the `first` on; all gaps change in each."""
    race = generator(first + frames)
    return [] if race is None else list(islice(race.states(), first, first + frames))


def feed(minutes: int, seconds: int) -> Iterator[bytes]:
    """The RMonitor feed of a simulated race, `minutes` after its start: the whole state, then a second at a time."""
    race = Transmission(Race(7, CARS, 24 * 60))
    race.advance(minutes * 60)
    yield encode(race.snapshot())
    for second in range(seconds):
        yield encode(race.advance(minutes * 60 + second + 1))
