"""kill -9 of the DVR at random moments: what was on the disk is in the recordings, and no two of them mix."""

import random
from pathlib import Path

import pytest

from tests.support.killed_dvr import live_through

pytestmark = pytest.mark.timeout(300)


def test_killed_again_and_again_it_loses_nothing_acknowledged_and_mixes_nothing(home: Path) -> None:
    report = live_through(home, services=5, kills=8, seconds=32, rng=random.Random(5))
    assert (report.lost, report.mixed, report.left) == ([], [], [])
    assert report.acknowledged
    assert report.recordings > 5
