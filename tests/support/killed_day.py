"""A day of events, scaled to minutes, in which the scheduler is killed again and again.

    python -m tests.support.killed_day --events 40 --kills 50 --seconds 240
    python -m tests.support.killed_day --events 20 --kills 0 --seconds 120 --beside 20 --planned 500

Real programs: supervisord, router, scheduler, services. What runs is looked at from outside, in the table of processes.
"""

import argparse
import contextlib
import os
import random
import signal
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psutil

from livetiming.lock import lock_path
from orchestrator.scheduler.plan import Buffers, Run, Session, runs_of
from tests.support.system import RunningSystem, event, new_home, remove_home
from tests.support.waiting import eventually

CLASSES = [f"series_{letter}" for letter in "abcdef"]
BESIDE = [f"beside_{number}" for number in range(20)]  # services that run all the time, where that is asked for
BUFFERS = Buffers(start=1, end=1)
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Planned:
    """One event: `start` and `length` in seconds of the scaled day."""

    service_class: str
    options: str
    start: int
    length: int


@dataclass
class Seen:
    """When processes of one class were seen: per process its first and last sight (Unix s), and the most at once."""

    lives: dict[int, tuple[float, float]] = field(default_factory=dict)
    most: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of one run: how late its process was there, and was gone (s; None where it never was)."""

    run: Run
    late: float | None
    over: float | None


def a_day(events: int, seconds: int, rng: random.Random) -> list[Planned]:
    """So many events, all over the day."""
    return [
        Planned(
            rng.choice(CLASSES), rng.choice(["", ", --label x"]), rng.randrange(5, seconds - 30), rng.randrange(8, 25)
        )
        for _ in range(events)
    ]


def company(beside: int, planned: int, seconds: int) -> list[Planned]:
    """Services that run through the day, and events of the days after it."""
    running = [Planned(name, "", 0, seconds) for name in BESIDE[:beside]]
    return running + [Planned(CLASSES[0], "", 86400 + 1800 * number, 600) for number in range(planned)]


def live_through(
    folder: Path, day: list[Planned], kills: int, seconds: int, rng: random.Random, others: Sequence[Planned] = ()
) -> list[Outcome]:
    """Run the day, with `others` beside it; AssertionError if a class ever ran twice, or anything is left over."""
    system = RunningSystem(folder)
    _install_plugins(folder, system)
    system.environ.update(LIVETIMING_START_BUFFER=f"{BUFFERS.start:g}", LIVETIMING_END_BUFFER=f"{BUFFERS.end:g}")
    try:
        system.start()
        began = int(time.time())
        lag = timedelta(seconds=began - time.time())
        system.write_calendar(*(_event(number, planned, lag) for number, planned in enumerate([*day, *others])))
        seen = _watch_and_kill(system, began, kills, seconds, rng)
        eventually(lambda: not _services(folder), within=30, what="all services have ended")
    finally:
        system.end()
    twice = [name for name, its in seen.items() if its.most > 1]
    assert not twice, f"ran twice: {twice}"
    runs, _ = runs_of([_session(number, planned, began) for number, planned in enumerate(day)], BUFFERS)
    return [_outcome(run, _lives_for(run, runs, seen[run.sessions[0].service_class])) for run in runs]


def _install_plugins(folder: Path, system: RunningSystem) -> None:
    plugins = folder / "plugins" / "livetiming" / "service" / "plugins"
    plugins.mkdir(parents=True)
    for name in [*CLASSES, *BESIDE]:
        (plugins / f"{name}.py").write_text("from livetiming.service.plugins.ticking import Service as Service\n")
    system.environ["PYTHONPATH"] += os.pathsep + str(folder / "plugins")


def _event(number: int, planned: Planned, lag: timedelta) -> str:
    title = f"Race {number} [{planned.service_class}{planned.options}]"
    start, length = timedelta(seconds=planned.start), timedelta(seconds=planned.length)
    return event(title, start + lag, length, uid=f"race-{number}@test")


def _session(number: int, planned: Planned, began: int) -> Session:
    start = began + planned.start
    options = tuple(planned.options.removeprefix(", ").split())
    return Session(f"{number:04}", "", "", planned.service_class, options, start, start + planned.length)


def _watch_and_kill(system: RunningSystem, began: int, kills: int, seconds: int, rng: random.Random) -> dict[str, Seen]:
    moments = sorted(began + rng.uniform(3, seconds) for _ in range(kills))
    seen: dict[str, Seen] = defaultdict(Seen)
    while (now := time.time()) < began + seconds:
        if moments and now >= moments[0]:
            moments.pop(0)
            _kill_scheduler(system)
        _look(system.home, now, seen)
        time.sleep(LOOK_SECONDS)  # between two looks
    return seen


def _kill_scheduler(system: RunningSystem) -> None:
    with contextlib.suppress(ValueError, OSError, psutil.NoSuchProcess):  # it may be down from the last one
        process = psutil.Process(int(lock_path(system.home / "run", "scheduler").read_text()))
        if "orchestrator.scheduler.daemon" in process.cmdline():
            process.send_signal(signal.SIGKILL)


def _look(home: Path, now: float, seen: dict[str, Seen]) -> None:
    for name, pids in _services(home).items():
        its = seen[name]
        its.most = max(its.most, len(pids))
        for pid in pids:
            its.lives[pid] = (its.lives.get(pid, (now, now))[0], now)


def _services(home: Path) -> dict[str, list[int]]:
    """The processes of services of this home, by class."""
    jobs = str(home / "run" / "jobs")
    found: dict[str, list[int]] = defaultdict(list)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if command and command[-1].startswith(jobs) and process.status() != psutil.STATUS_ZOMBIE:
                found[Path(command[-1]).stem.removeprefix("service-")].append(process.pid)
    return found


def _lives_for(run: Run, runs: list[Run], seen: Seen) -> list[tuple[float, float]]:
    """The processes that were there for `run` rather than for another run of their class."""
    rivals = [other for other in runs if other.program == run.program]
    return [life for life in seen.lives.values() if max(rivals, key=lambda other: _overlap(other, life)) is run]


def _overlap(run: Run, life: tuple[float, float]) -> float:
    return min(run.finish, life[1]) - max(run.begin, life[0])


def _outcome(run: Run, lives: list[tuple[float, float]]) -> Outcome:
    if not lives:
        return Outcome(run, None, None)
    return Outcome(run, min(first for first, _ in lives) - run.begin, max(last for _, last in lives) - run.finish)


def main() -> None:
    """Print what came of each run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=40)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seconds", type=int, default=240)
    options.add_argument("--beside", type=int, default=0, help="services that run all the time")
    options.add_argument("--planned", type=int, default=0, help="events of the days after")
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    rng, folder = random.Random(args.seed), new_home()
    try:
        day, others = a_day(args.events, args.seconds, rng), company(args.beside, args.planned, args.seconds)
        outcomes = live_through(folder, day, args.kills, args.seconds, rng, others)
    finally:
        remove_home(folder)
    for outcome in sorted(outcomes, key=lambda item: item.run.begin):
        late, over = (f"{value:+.1f}" if value is not None else "never" for value in (outcome.late, outcome.over))
        print(f"{outcome.run.program:20} {len(outcome.run.sessions)} events  start {late:>6} s  end {over:>6} s")
    for name in ("late", "over"):
        values = sorted(value for outcome in outcomes if (value := getattr(outcome, name)) is not None)
        print(
            f"{name}: median {values[len(values) // 2]:.1f} s, largest {values[-1]:.1f} s, smallest {values[0]:.1f} s"
        )
    print(
        f"{len(outcomes)} runs, {sum(outcome.late is None for outcome in outcomes)} never seen, none twice, none left"
    )


if __name__ == "__main__":
    main()
