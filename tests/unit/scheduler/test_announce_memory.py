"""What the announcer remembers across restarts."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduler.announce.memory import MalformedMemory, recalled, written
from orchestrator.scheduler.announce.news import Airing, State
from orchestrator.scheduler.announce.outbox import Delivery, Kind, Outbox, Settled
from orchestrator.scheduler.announce.standing import Subject

START = Delivery("x", Kind.START, "race@1", "Race is live")
END = Delivery("chat", Kind.END, "race@0", "Sprint has ended.", 1000.0)
STATE = State(
    {"race@1": Airing(Subject("race@1", "Race", "f1", 200.0))},
    Outbox((START,), {"chat": END}, {("chat", Kind.START, "race@1"): Settled(100.0, told=True)}),
)


def test_what_is_written_is_recalled() -> None:
    assert recalled(written(STATE)) == (STATE, 0)


def test_an_entry_that_cannot_be_understood_costs_only_itself() -> None:
    document = orjson.loads(written(STATE))
    document["waiting"] += [{"kind": "start"}, None, {**document["waiting"][0], "kind": "song"}]
    document["settled"] += [["x"], 7, ["x", "start", "a", "yesterday", True]]
    document["airings"]["race@2"] = {"name": 5}
    assert recalled(orjson.dumps(document)) == (STATE, 7)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version": 9}', b'{"version": 1, "waiting": {}}', b"\xff"])
def test_what_is_no_such_file_is_told(content: bytes) -> None:
    with pytest.raises(MalformedMemory):
        recalled(content)


@given(st.integers(0, len(written(STATE)) - 1))
def test_a_file_cut_short_is_told(length: int) -> None:
    with pytest.raises(MalformedMemory):
        recalled(written(STATE)[:length])
