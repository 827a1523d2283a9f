"""Waiting for a condition, with a limit, instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], *, within: float = 20.0, what: str = "") -> T:
    """The first true value of `condition()`; AssertionError if there is none `within` seconds."""
    until = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {within:g} s: {what or condition}; last seen: {value!r}")
        time.sleep(0.05)  # between two looks at a condition
