"""Argument types with bounds."""

import argparse

import pytest

from livetiming.ranges import decimal, whole


def test_numbers_in_range_are_taken_with_their_bounds() -> None:
    assert [whole(-1, 5)(text) for text in ("-1", "0", "5")] == [-1, 0, 5]
    assert [decimal(0, 5)(text) for text in ("0.5", "5")] == [0.5, 5]


@pytest.mark.parametrize("text", ["", "x", "6", "-2", "1.5", "٣", "1e0", "9" * 5000])
def test_what_is_no_whole_number_in_range_is_told_with_the_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no whole number from -1 to 5"):
        whole(-1, 5)(text)


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "5.1", "nan", "inf", "9" * 5000])
def test_what_is_no_number_in_range_is_told_with_the_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no number above 0, up to 5"):
        decimal(0, 5)(text)
