"""Recording, finishing and reading: ours beside the field's way (baseline.py), on the same race.

    python bench/bench_recording.py [HOURS]

A race of 60 cars at one frame a second for HOURS (6), in which every gap changes in every frame (racegen.py,
LIVETIMING_TEST_DATA). Ours goes to the disk (fsync) with every frame; the baseline leaves that to the system.
"""

import gc
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import baseline
import dictdiffer
import orjson
from races import CARS, generator
from rich.progress import track

from livetiming.diff import diff, patch
from livetiming.process import GARBAGE_THRESHOLDS
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from orchestrator.dvr.journal import Journal
from orchestrator.dvr.recorder import Recorder

UUID = "a" * 32
BATCH = 300  # frames
LOOKS, LOOKS_BASELINE = 2000, 40  # at random times
DAY = 86_400
FINALISE = """
import sys
from pathlib import Path
from orchestrator.dvr.finalise import finalise
finalise(Path(sys.argv[1]), Path(sys.argv[2]), analyse=lambda _: None)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def main(argv: list[str]) -> int:
    hours = float(argv[0]) if argv else 6.0
    race = generator(int(hours * 3600))
    if race is None:
        return 0
    gc.set_threshold(*GARBAGE_THRESHOLDS)  # as in our daemons; the baseline profits too
    print(f"Recording {hours:g} h of {CARS} cars at 1 frame/s; every gap changes in every frame")
    print(f"  {'':44}{'the field':>14}{'ours':>14}")
    with tempfile.TemporaryDirectory() as folder:
        _run(race, Path(folder))
    return 0


def _run(race: Any, folder: Path) -> None:
    files, theirs, ours = folder / "frames", folder / "theirs.zip", folder / f"{UUID}.zip"
    files.mkdir()
    old = baseline.Recorder(files, race.manifest())
    new = Recorder.begin(Journal(folder / f"{UUID}.0.journal"), UUID, 0)
    new.describe(race.manifest(), 0)
    spent = [0.0, 0.0, 0.0]
    frames, middle = race.states(), list[tuple[int, bytes]]()
    for first in track(range(0, race.seconds, BATCH), "recording", disable=not sys.stderr.isatty()):
        # As they come by the wire: a state shares nothing with the one before.
        batch = [(int(second), orjson.dumps(state)) for second, state in islice(frames, BATCH)]
        for second, body in batch:
            spent[0] += _cpu(partial(old.record, second, orjson.loads(body)))
        for second, body in batch:
            spent[1] += _cpu(partial(new.record, second, orjson.loads(body)))
            spent[2] += _cpu(new.journal.flush)
        middle = middle if first > race.seconds // 2 else batch
    new.journal.close()
    field, made, synced = (seconds / race.seconds * 1000 for seconds in spent)
    _row("record a frame, ms of CPU", field, made)
    _row("  and have it on the disk (fsync)", field, made + synced)
    _diffs([orjson.loads(body) for _, body in middle])
    began = time.perf_counter()
    old.finish(theirs)
    their_finish = time.perf_counter() - began
    seconds, memory = _finalised(new.journal.path, folder)
    _row("finish it, s", their_finish, seconds)
    _row("  memory of the worker, MB", None, memory)
    _row("size of the file, MB", theirs.stat().st_size / 1e6, ours.stat().st_size / 1e6)
    _reading(theirs, ours)


def _diffs(states: list[dict[str, Any]]) -> None:
    pairs = [(before["cars"], after["cars"]) for before, after in pairwise(states)]
    theirs = _cpu(lambda: [list(dictdiffer.diff(*pair)) for pair in pairs])
    ours = _cpu(lambda: [diff(*pair) for pair in pairs])
    _row("  of it the diff of the cars", theirs / len(pairs) * 1000, ours / len(pairs) * 1000)
    changes = [(before, diff(before, after)) for before, after in pairs]
    theirs = _cpu(lambda: [dictdiffer.patch(change, before) for before, change in changes])
    ours = _cpu(lambda: [patch(before, change) for before, change in changes])
    _row("apply such a diff, ms of CPU", theirs / len(pairs) * 1000, ours / len(pairs) * 1000)


def _finalised(journal: Path, folder: Path) -> tuple[float, float]:
    """Seconds and MB that it takes in a process of its own, the start of Python included."""
    began = time.perf_counter()
    command = [sys.executable, "-c", FINALISE, str(journal), str(folder)]
    peak = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    return time.perf_counter() - began, int(peak) / 1024


def _reading(theirs: Path, ours: Path) -> None:
    day = ours.with_name("day.zip")
    with Recording(ours) as recording, RecordingWriter(day) as writer:
        for number in range(-(-DAY // len(recording))):
            for second in recording.seconds:
                writer.add_raw(replace(recording.raw(second), second=second + number * len(recording)))
        writer.finish(recording.manifest)
        first, last = recording.start, recording.end
    dice = random.Random(1)
    field = [
        _wall(lambda: baseline.state_at(theirs, dice.randrange(first, last))) * 1000 for _ in range(LOOKS_BASELINE)
    ]
    opening = min(_wall(lambda: Recording(day).close()) for _ in range(5)) * 1000
    with Recording(day) as recording:
        looks = [
            _wall(lambda: recording.state_at(dice.randrange(recording.start, recording.end))) * 1000
            for _ in range(LOOKS)
        ]
        _row(f"open {recording.duration / 3600:.0f} h, ms (the field: at each look)", None, opening)
    _row("  a state at a random time, ms, median", statistics.median(field), statistics.median(looks))
    _row("  the same, 95 % are faster than", _p95(field), _p95(looks))
    with Recording(ours) as recording:
        taken = _wall(lambda: sum(1 for _ in recording.states()))
        _row("all states one by one, frames/s", None, len(recording) / taken)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _cpu(action: Callable[[], Any]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def _wall(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _row(what: str, theirs: float | None, ours: float) -> None:
    times = "" if theirs is None else f"{max(theirs, ours) / min(theirs, ours):>9.1f} x"
    print(f"  {what:44}{'-' if theirs is None else f'{theirs:.3f}':>14}{ours:>14.3f}{times}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
