"""What `assist` remembers between two runs."""

import stat
from pathlib import Path

import pytest

from orchestrator.scheduler.assist.memory import KEPT_SECONDS, Memory, MemoryLost
from orchestrator.scheduler.assist.model import Answer, Written

ANSWER = Answer(("--meeting", "?"), ("47",))


def test_it_comes_back_as_it_was_left(tmp_path: Path) -> None:
    memory = Memory.load(tmp_path / "state" / "assist.json")
    memory.written["calendar"] = {"key": Written(1000, 2000, "0123456789abcdef")}
    memory.remember("uid", "WEC", ANSWER, 1000)
    again = Memory.load(memory.path)
    assert (again.answers, again.defaults, again.written) == ({"uid": ANSWER}, {"WEC": ("47",)}, memory.written)
    assert stat.S_IMODE(memory.path.stat().st_mode) == 0o600


def test_what_is_long_past_is_forgotten(tmp_path: Path) -> None:
    memory = Memory.load(tmp_path / "assist.json")
    memory.written["calendar"] = {"key": Written(1000, 2000, "0123456789abcdef")}
    memory.remember("uid", "WEC", ANSWER, 1000)
    memory.save(2001 + KEPT_SECONDS)
    again = Memory.load(memory.path)
    assert (again.answers, again.written, again.defaults) == ({}, {"calendar": {}}, {"WEC": ("47",)})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "answers": 3}', "\x00"])
def test_a_damaged_file_is_told_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "assist.json"
    path.write_text(content)
    with pytest.raises(MemoryLost, match="move the file away"):
        Memory.load(path)
    assert path.read_text() == content
