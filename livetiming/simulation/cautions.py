"""Which flag is shown when."""

import random
from dataclasses import dataclass

from livetiming.racing import FlagStatus


@dataclass(frozen=True)
class Caution:
    """How likely a flag is beside the others, how long it is shown (s, in a race of an hour or more), and by what
    factor lap times grow under it."""

    weight: float
    shortest: float
    longest: float
    factor: float


CAUTIONS = {
    FlagStatus.YELLOW: Caution(5, 30, 120, 1.03),
    FlagStatus.SLOW_ZONE: Caution(2, 120, 420, 1.18),
    FlagStatus.VSC: Caution(1, 60, 180, 1.45),
    FlagStatus.CODE_60: Caution(1, 120, 360, 1.75),
    FlagStatus.FCY: Caution(3, 120, 360, 1.60),
    FlagStatus.SC: Caution(2, 240, 600, 1.80),
    FlagStatus.RED: Caution(0.4, 240, 600, 8.0),
}
_MEAN_GREEN = 900.0  # seconds of racing between two cautions, in a race of an hour or more
_SHORTEST_GREEN = 30.0


def lap_factor(flag: FlagStatus) -> float:
    """How much longer a lap takes under `flag`."""
    caution = CAUTIONS.get(flag)
    return caution.factor if caution else 1.0


def flag_plan(rng: random.Random, green: float, end: float) -> list[tuple[float, FlagStatus]]:
    """[(time, flag)], ascending, from the green flag on; all cautions are over before `end`. Times in seconds."""
    scale = min(1.0, (end - green) / 3600)
    plan, at = [(green, FlagStatus.GREEN)], green
    while True:
        at += rng.expovariate(1 / (_MEAN_GREEN * scale)) + _SHORTEST_GREEN
        flag = rng.choices(list(CAUTIONS), [caution.weight for caution in CAUTIONS.values()])[0]
        length = rng.uniform(CAUTIONS[flag].shortest, CAUTIONS[flag].longest) * scale
        if at + length >= end:
            return plan
        plan += [(round(at, 3), flag), (round(at + length, 3), FlagStatus.GREEN)]
        at += length
