"""The analysis of a recording: frames/s, CPU and memory, beside the field's way of reading it (baseline.py).

    python bench/bench_recorded_analysis.py [HOURS]

A race of 60 cars at one frame a second for HOURS (6), in which every gap changes in every frame (racegen.py,
LIVETIMING_TEST_DATA). The plain ways take its first frames only, in a recording of these alone, which flatters them:
what opens the file again for each frame takes longer the longer the file is.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import baseline
from bench_analysis import Plain
from races import CARS, generator

from livetiming.recording.format import Chain, advance
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter

FIELD = 146  # frames/s of the field's program, on such a recording
PLAIN_FRAMES = 1200
REOPENED_FRAMES = 100
OURS = """
import resource, sys, time
from pathlib import Path
from livetiming.recording.analysed import write_analysis
began, spent = time.perf_counter(), time.process_time()
write_analysis(Path(sys.argv[1]))
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.perf_counter() - began, time.process_time() - spent, memory)
"""

Timed = Iterator[tuple[int, dict[str, Any]]]


def main(argv: list[str]) -> int:
    hours = float(argv[0]) if argv else 6.0
    race = generator(int(hours * 3600))
    if race is None:
        return 0
    print(f"Analysis of a recording of {hours:g} h, {CARS} cars at 1 frame/s; every gap changes in every frame")
    print(f"  {'':52}{'frames/s':>10}{'CPU s':>8}{'MB':>7}")
    with tempfile.TemporaryDirectory() as folder:
        whole, first = Path(folder) / "race.zip", Path(folder) / "first.zip"
        _record(race, whole, None)
        _record(race, first, PLAIN_FRAMES)
        spec = race.manifest()["colSpec"]
        _row("the field's reader, which reopens the file, and plain", *_plain(spec, _reopened(first, REOPENED_FRAMES)))
        plain = _plain(spec, _streamed(first))
        _row("zipfile, json and dictdiffer in one go, and plain", *plain)
        with Recording(whole) as recording:
            frames = len(recording)
        told = subprocess.run(
            [sys.executable, "-c", OURS, str(whole)], check=True, capture_output=True, text=True, timeout=300
        ).stdout
        wall, cpu, memory = map(float, told.split())
        _row(f"ours, all {frames:,} frames, the file written", frames / wall, cpu, memory)
        rate = frames / wall
        print(f"  {rate / plain[0]:.0f} × the plain way in one go, {rate / FIELD:.0f} × the field's {FIELD} frames/s")
    return 0


def _record(race: Any, target: Path, count: int | None) -> None:
    chain = Chain()
    with RecordingWriter(target) as writer:
        for second, state in islice(race.states(), count):
            chain, frame = advance(chain, int(second), state)
            writer.add(frame)
        writer.finish(race.manifest())


def _plain(spec: list[list[str]], states: Timed) -> tuple[float, float]:
    """Frames/s and CPU s of the plain analysis of these states."""
    began, spent, count = time.perf_counter(), time.process_time(), 0
    analysis = Plain(spec)
    for second, state in states:
        analysis.frame(state, second)
        count += 1
    return count / (time.perf_counter() - began), time.process_time() - spent


def _reopened(path: Path, count: int) -> Timed:
    with ZipFile(path) as archive:
        seconds = [int(name[:11]) for name in sorted(archive.namelist()) if name != "manifest.json"]
    return ((second, baseline.state_at(path, second)) for second in seconds[:count])


def _streamed(path: Path) -> Timed:
    state: dict[str, Any] = {}
    with ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name == "manifest.json":
                continue
            frame = json.loads(archive.read(name))
            state = baseline.applied(state, frame) if name.endswith("i.json") else frame
            yield int(name[:11]), state


def _row(what: str, rate: float, cpu: float, memory: float | None = None) -> None:
    print(f"  {what:52}{rate:>10,.0f}{cpu:>8.1f}{'' if memory is None else f'{memory:>7.0f}'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
