"""Argument types with bounds: a value out of range is told while the command line is read, with what it may be."""

import argparse
import math
from collections.abc import Callable


def whole(low: int, high: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `low` to `high`."""

    def convert(text: str) -> int:
        digits = text.removeprefix("-")
        # Longer numbers are out of any range, and converting them takes time.
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {low} to {high}")
        return int(text)

    return convert


def decimal(low: float, high: float) -> Callable[[str], float]:
    """An argparse type: a number above `low`, up to `high`."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low < number <= high:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number above {low:g}, up to {high:g}")
        return number

    return convert
