"""Failures and their ends: each is logged once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.openf1.outages import Outages
from livetiming.openf1.polling import GONE_AFTER

KINDS = ("laps", "positions", "stints")


def tell(*steps: str) -> list[str]:
    """What is logged, where `laps` is one that is answered and `laps!` one that fails."""
    outages, run, told = Outages(), 0, []
    for step in steps:
        kind = step.removesuffix("!")
        if step.endswith("!"):
            run += 1
            if outages.failed(kind, run):
                told.append(step)
        else:
            if outages.answered(kind, run):
                told.append(kind)
            run = 0
    return told


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (("laps", "positions", "laps"), []),
        (("laps!", "laps"), ["laps!", "laps"]),
        (("laps!", "positions", "laps!", "positions", "laps"), ["laps!", "laps"]),
        (("laps!", "positions", "stints!", "positions"), ["laps!", "stints!"]),
        (("laps!", "positions!", "stints!", "laps!", "positions", "laps", "stints"), ["laps!", "positions"]),
        # one kind has failed all the time when the others begin to
        (("laps!", "positions", "laps!", "positions!", "stints!", "positions"), ["laps!", "stints!", "positions"]),
        (("laps!", "positions!", "stints!", "laps", "laps!"), ["laps!", "laps", "laps!"]),
    ],
)
def test_each_outage_and_its_end_are_told_once(steps: tuple[str, ...], told: list[str]) -> None:
    assert tell(*steps) == told


@given(st.lists(st.sampled_from([*KINDS, *(f"{kind}!" for kind in KINDS)]), max_size=40))
def test_an_end_is_told_only_of_what_was_told_to_be_gone(steps: list[str]) -> None:
    gone = 0
    for told in tell(*steps):
        if told.endswith("!"):
            gone += 1
        else:
            assert gone > 0
            gone = gone - 1 if gone > 1 else 0


@given(st.lists(st.sampled_from([f"{kind}!" for kind in KINDS]), min_size=GONE_AFTER, max_size=40))
def test_an_outage_of_everything_is_told_once_however_long(steps: list[str]) -> None:
    assert len(tell(*steps)) == 1
    assert len(tell(*steps, "laps", *KINDS)) == 2
