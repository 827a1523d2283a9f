"""kill -9 of the scheduler at random moments: every service runs when it should, none twice, none is left over."""

import random
from pathlib import Path

import pytest

from tests.support.killed_day import a_day, live_through

pytestmark = pytest.mark.timeout(300)
SECONDS = 60
# The scheduler takes a moment to come back, and supervisord waits longer each time it is killed while it starts.
PATIENCE_SECONDS = 10


def test_a_day_with_a_scheduler_that_is_killed_again_and_again_goes_as_planned(home: Path) -> None:
    rng = random.Random(7)
    outcomes = live_through(home, a_day(10, SECONDS, rng), kills=10, seconds=SECONDS + 10, rng=rng)
    for outcome in outcomes:
        assert outcome.late is not None, f"{outcome.run} never ran"
        assert outcome.over is not None
        assert -1 < outcome.late < PATIENCE_SECONDS
        assert -2 < outcome.over < PATIENCE_SECONDS
