"""A race second by second, as states with messages: what a recorder would have been sent."""

import math
from collections.abc import Iterator
from typing import Any

from livetiming.chrono.board import Board, Row
from livetiming.messages import Generator, generate, standard_generators
from livetiming.state import EMPTY_STATE, RaceMessage, State, with_messages

ON_THE_GRID = 10.0  # seconds that are shown before the start


def seconds(board: Board) -> range:
    """The Unix seconds that are shown: from shortly before the start until nothing changes any more."""
    return range(math.floor(board.start - ON_THE_GRID), math.ceil(board.start + board.ends) + 1)


def states(board: Board) -> Iterator[tuple[int, State]]:
    """Unix second and state of each second. The states share parts with each other: treat them as constants."""
    generators = standard_generators(board.columns)
    state: State = dict(EMPTY_STATE)
    rows: list[Row] = []
    for second in seconds(board):
        board.advance(second - board.start)
        cars, session = board.cars(), board.session()
        fresh: list[RaceMessage] = []
        if cars is not rows or session["flagState"] != state["session"]["flagState"]:
            fresh = _messages(generators, state, cars, session, second)
            rows = cars
        state = with_messages(cars, session, state, fresh)
        yield second, state


def _messages(
    generators: list[Generator], old: State, cars: list[Row], session: dict[str, Any], second: int
) -> list[RaceMessage]:
    """What is to be said of the cars whose rows are new: of the others there is nothing to say."""
    known = {id(row) for row in old["cars"]}
    now = [row for row in cars if id(row) not in known]
    numbers = {row[0] for row in now}
    before = [row for row in old["cars"] if row[0] in numbers]
    return generate(generators, {**old, "cars": before}, {"cars": now, "session": session}, second, failed=_fail)


def _fail(_generator: Generator) -> None:
    """The standard generators do not fail on rows of ours; if one does, that is a mistake to be seen."""
    raise  # called in an `except`
