"""Recordings and journals for tests: a few laps of one car, or any states."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from livetiming.recording.format import Chain, Frame, Kind, advance
from livetiming.recording.writer import RecordingWriter
from livetiming.state import State
from orchestrator.dvr.journal import Journal
from orchestrator.dvr.recorder import Recorder
from orchestrator.dvr.rules import End

UUID = "0123456789abcdef0123456789abcdef"
NOON = 1_700_000_000
COLUMNS = [["Num", "text"], ["State", "text"], ["Laps", "numeric"], ["Last", "time"]]
MANIFEST = {"uuid": UUID, "name": "FIA WEC", "description": "6h of Spa - Race", "colSpec": COLUMNS}

Timed = Iterable[tuple[int, State]]  # (Unix s, state)


def lap(number: int, state: str = "RUN") -> State:
    """A state in which car 7 has completed this lap, and one message was told with each."""
    return {
        "cars": [["7", state, number, [90.0 + number % 10, ""]]],
        "session": {"flagState": "green", "timeElapsed": number},
        "messages": [
            [NOON + each, "Track", f"message {each}", ""] for each in range(number, max(-1, number - 100), -1)
        ],
        "highlight": [],
    }


def laps(count: int, start: int = NOON, step: int = 1) -> list[tuple[int, State]]:
    """Laps 0, 1, 2, … one every `step` seconds."""
    return [(start + index * step, lap(index)) for index in range(count)]


def frames(states: Timed) -> list[Frame]:
    """The frames that a recording of `states` holds: of each second the newest."""
    chain, made = Chain(), list[Frame]()
    for second, state in states:
        chain, frame = advance(chain, second, state)
        if made and made[-1].second == frame.second:
            made.pop()
        made.append(frame)
    return made


def nested(second: int, depth: int) -> Frame:
    """A keyframe with lists so deep in it: orjson reads 1024 levels, and writes 254."""
    body = f'{{"cars":[],"session":{{"x":{"[" * depth}{"]" * depth}}},"messages":[],"highlight":[]}}'
    return Frame(second, Kind.KEY, body.encode())


def write(target: Path, made: Iterable[Frame], manifest: Mapping[str, Any] = MANIFEST) -> Path:
    """A finished recording of these frames."""
    with RecordingWriter(target) as writer:
        for frame in made:
            writer.add(frame)
        writer.finish(manifest)
    return target


class Recorded:
    """A journal as the DVR writes it. What is recorded is in the file at once."""

    def __init__(self, path: Path, uuid: str = UUID, manifest: Mapping[str, Any] | None = MANIFEST) -> None:
        self.path = path
        self.recorder = Recorder.begin(Journal(path), uuid, NOON)
        if manifest is not None:
            self.recorder.describe(manifest, NOON)
        self.recorder.journal.flush()

    def record(self, states: Timed) -> None:
        """Record states."""
        for second, state in states:
            self.recorder.record(second, state)
        self.recorder.journal.flush()

    def describe(self, manifest: Mapping[str, Any]) -> None:
        """Record a newer manifest."""
        self.recorder.describe(manifest, NOON)
        self.recorder.journal.flush()

    def end(self) -> None:
        """Say that the recording is over."""
        self.recorder.end(End.LEFT, NOON)
        self.recorder.journal.flush()

    def close(self) -> None:
        """Close the file."""
        self.recorder.journal.close()
