"""Timing service without a feed: a simulated race, for trying things out."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from livetiming.commandline import parser
from livetiming.racing import Stat
from livetiming.ranges import decimal
from livetiming.reactor import reactor
from livetiming.service import BaseService
from livetiming.simulation.cli import MOST_SPEED, add_race_options
from livetiming.simulation.race import GRID_SECONDS, Race
from livetiming.simulation.timing import COLUMNS, TRACK_DATA_SPEC, Timing

__spec = {"description": "a simulated race, without any feed"}

EXAMPLES = [
    ("livetiming-service simulated", "24 cars for 30 minutes"),
    ("livetiming-service simulated --cars 60 --minutes 1440 --seed 7 --speed 10", "a day in two and a half hours"),
]


class Service(BaseService):
    """One simulated race, which goes on where it was when the service is started again with its state."""

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        super().__init__(args, extra_args)
        own = self.argument_parser().parse_args(self.extra_args)
        self.timing = Timing(Race(own.seed, own.cars, own.minutes))
        self._what = f"{own.cars} cars, {own.minutes:g} minutes, seed {own.seed}"
        self._speed: float = own.speed
        self._began = 0.0
        self._from = 0.0  # seconds of the race that were over when we began

    @classmethod
    def argument_parser(cls) -> argparse.ArgumentParser:
        own = parser("livetiming-service simulated", "Runs a simulated race; the same seed is the same race.", EXAMPLES)
        add_race_options(own)
        own.add_argument(
            "--speed", type=decimal(0, MOST_SPEED), default=1.0, metavar="X", help="seconds of the race a second (1)"
        )
        return own

    def getName(self) -> str:
        return "Simulated"

    def getDefaultDescription(self) -> str:
        return f"Simulated race: {self._what}"

    def getColumnSpec(self) -> Sequence[Stat]:
        return COLUMNS

    def getTrackDataSpec(self) -> Sequence[str]:
        return TRACK_DATA_SPEC

    def getPollInterval(self) -> float:
        return 1

    def getRaceState(self) -> Mapping[str, Any]:
        self.timing.advance(self._from + (reactor.seconds() - self._began) * self._speed)
        return self.timing.state()

    def setup(self) -> None:
        elapsed = self.state["session"].get("timeElapsed")
        if isinstance(elapsed, int | float) and elapsed > 0:
            self._from = GRID_SECONDS + float(elapsed)
        self._began = reactor.seconds()
