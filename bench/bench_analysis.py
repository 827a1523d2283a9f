"""The analysis: ms for a frame of 60 cars, ours against the plain way to do it, and what it takes to keep a day of it.

    python bench/bench_analysis.py

The states come from racegen.py in LIVETIMING_TEST_DATA (default: ../shared/data beside the project).
"""

import copy
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from races import CARS, generator

from livetiming.analysis import Analysis, Columns, advance, changed, documents, dump, load
from livetiming.racing import FlagStatus

FIRST, FRAMES = 600, 900  # the race is under way, and cars begin to stop
HOURS = (6, 24)
STEP = 10  # s between two frames of the long race: enough to see every lap
IN_PITS = ("PIT", "FUEL", "N/S", "FIN")

State = dict[str, Any]


class Plain:
    """The plain way: the old state is kept as a deep copy, each car is looked up in it by going through it, and all
    documents are made anew with each frame."""

    def __init__(self, column_spec: list[list[str]]) -> None:
        self.at = {column[0]: index for index, column in enumerate(column_spec)}
        self.old: State = {"cars": [], "session": {}, "messages": []}
        self.cars: dict[str, dict[str, Any]] = {}
        self.periods: list[list[Any]] = []
        self.messages: list[Any] = []

    def frame(self, state: State, now: float) -> dict[str, Any]:
        """All documents after this state."""
        flag = int(FlagStatus.from_text(state["session"]["flagState"]))
        for row in state["cars"]:
            before = next((old for old in self.old["cars"] if old[0] == row[0]), None)
            self._car(row, before, flag, now)
        leader = max(row[self.at["Laps"]] for row in state["cars"])
        if not self.periods or self.periods[-1][0] != flag:
            if self.periods:
                self.periods[-1][3:] = [leader, now]
            self.periods.append([flag, leader, now, None, None])
        for message in state["messages"]:
            if message in self.old["messages"]:
                break
            kept = self.cars[message[4]]["messages"] if len(message) > 4 else self.messages
            kept.append(message)
        self.old = copy.deepcopy(state)
        return self._documents(now, leader)

    def _car(self, row: list[Any], before: list[Any] | None, flag: int, now: float) -> None:
        state, laps, last, driver = (row[self.at[name]] for name in ("State", "Laps", "Last", "Driver"))
        car = self.cars.setdefault(
            row[0], {"drivers": [], "stint": None, "stints": [], "passed": None, "worst": flag, "messages": []}
        )
        car["static"] = [row[self.at["Class"]], row[self.at["Team"]], row[self.at["Car"]]]
        car["worst"] = max(car["worst"], flag)
        if driver not in car["drivers"]:
            car["drivers"].append(driver)
        if (
            before is not None
            and last[0]
            and (laps != before[self.at["Laps"]] or last[0] != before[self.at["Last"]][0])
        ):
            stint = car["stint"] or (car["stints"][-1] if car["stints"] else None)
            if stint is not None:
                stint["laps"].append([last[0], car["worst"]])
                stint["end_lap"] = laps
            car["passed"], car["worst"] = now, flag
        if state in IN_PITS and car["stint"]:
            car["stint"]["end"] = now
            car["stints"].append(car["stint"])
            car["stint"] = None
        elif state not in IN_PITS and not car["stint"]:
            driving = car["drivers"].index(driver)
            car["stint"] = {"start_lap": laps + 1, "start": now, "end_lap": laps, "driver": driving, "laps": []}

    def _documents(self, now: float, leader: int) -> dict[str, Any]:
        cars = self.cars.items()
        return {
            "static": {number: car["static"] for number, car in cars},
            "driver": {number: car["drivers"] for number, car in cars},
            "lap": {number: [car["stint"] and self._stint(car["stint"], now), car["passed"]] for number, car in cars},
            "stint": {number: [self._stint(stint, now) for stint in car["stints"]] for number, car in cars},
            "car_messages": {number: car["messages"] for number, car in cars},
            "messages": {"messages": self.messages},
            "session": {"currentTimestamp": now, "flagStats": self.periods, "leaderLap": leader},
        }

    @staticmethod
    def _stint(stint: dict[str, Any], now: float) -> list[Any]:
        times = [lap[0] for lap in stint["laps"]]
        counted = times[1:-1] if "end" in stint else times[1:]
        return [
            *(stint["start_lap"], stint["start"], stint["end_lap"], stint.get("end", now)),
            *("end" not in stint, stint["driver"], min(times, default=None)),
            sum(lap[1] >= FlagStatus.YELLOW for lap in stint["laps"]),
            statistics.fmean(counted) if counted else None,
            stint["laps"],
        ]


@dataclass
class Clock:
    """The time that something takes, frame by frame, in ms."""

    each: list[float] = field(default_factory=list)

    def __call__(self, action: Callable[..., Any], *args: Any) -> Any:
        began = time.perf_counter()
        result = action(*args)
        self.each.append((time.perf_counter() - began) * 1000)
        return result


def frames() -> None:
    """Speed, frame by frame; all take the same frames in turn."""
    race = generator(FIRST + FRAMES)
    column_spec = race.manifest()["colSpec"]
    columns, plain, analysis, live = Columns.of(column_spec), Plain(column_spec), Analysis.EMPTY, Analysis.EMPTY
    clocks = {name: Clock() for name in ("plain: copy, search, rebuild", "advance", "advance and changed (live)")}
    first, ours, both = clocks.values()

    def step(before: Analysis, state: State, now: float) -> Analysis:
        after = advance(before, columns, state, now)
        changed(before, after)
        return after

    for now, state in islice(race.states(), FIRST, None):
        first(plain.frame, state, now)
        analysis = ours(advance, analysis, columns, state, now)
        live = both(step, live, state, now)
    print(f"Analysis, {FRAMES} frames of {CARS} cars, one a second, every gap changes in each")
    print(f"  {'':30} {'frames/s':>10} {'ms':>8} {'median':>8} {'worst':>8}")
    for name, clock in clocks.items():
        mean = statistics.fmean(clock.each)
        numbers = f"{mean:8.3f} {statistics.median(clock.each):8.3f} {max(clock.each):8.2f}"
        print(f"  {name:30} {1000 / mean:10,.0f} {numbers} {statistics.fmean(first.each) / mean:6.1f} ×")


def day() -> None:
    """What is kept of a long race, and what that costs."""
    race = type(generator(1))(cars=CARS, seconds=HOURS[-1] * 3600, interval=STEP, seed=7)
    columns, analysis = Columns.of(race.manifest()["colSpec"]), Analysis.EMPTY
    print(f"What is kept of {CARS} cars")
    for index, (now, state) in enumerate(race.states(), 1):
        dumps = Clock()
        analysis = advance(analysis, columns, state, now)
        if index * STEP / 3600 not in HOURS:
            dump(analysis)
            continue
        for second in range(STEP):
            cells = [[*row[:7], row[7] + (second == place % STEP), *row[8:]] for place, row in enumerate(state["cars"])]
            moved = advance(analysis, columns, {**state, "cars": cells}, now + second)
            dumps(dump, moved)
        report(index * STEP // 3600, analysis, dumps)


def report(hours: int, analysis: Analysis, dumps: Clock) -> None:
    """One paragraph."""
    raw = dump(analysis)
    stints = sum(len(car.stints) for car in analysis.cars.values())
    laps = sum(len(stint.times) for car in analysis.cars.values() for stint in car.stints)
    loading, cold, documenting = Clock(), Clock(), Clock()
    tracemalloc.start()
    loaded = load(raw)
    bare, _ = tracemalloc.get_traced_memory()
    dump(loaded)
    whole, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    loaded = loading(load, raw)
    cold(dump, loaded)
    document = documenting(documents, analysis)
    told = len(orjson.dumps(document))
    print(f"  after {hours} h: {laps:,} laps in {stints:,} finished stints")
    print(f"    dump       {statistics.fmean(dumps.each):7.2f} ms, 6 laps after the one before; {len(raw):,} bytes")
    print(f"    load       {loading.each[0]:7.2f} ms, and the first dump after it {cold.each[0]:.2f} ms")
    print(f"    documents  {documenting.each[0]:7.2f} ms; {told:,} bytes of JSON")
    print(f"    memory     {bare / 2**20:7.2f} MiB; with the JSON that is ready for dumps {whole / 2**20:.2f} MiB")


def main() -> int:
    if generator(1) is None:
        return 0
    frames()
    day()
    return 0


if __name__ == "__main__":
    sys.exit(main())
