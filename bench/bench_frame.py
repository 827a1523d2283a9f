"""A frame of a timing service: CPU of each part, for 60 cars at one frame a second.

    python bench/bench_frame.py

Two races in one run: the RMonitor feed of our simulator, whose gaps change when cars cross the line, and the states
of racegen.py (LIVETIMING_TEST_DATA), where every gap changes in every frame.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from autobahn.wamp.message import Publish
from autobahn.wamp.serializer import MsgPackObjectSerializer
from races import CARS, feed, generator, states

from livetiming.analysis import Analysis, Columns, advance
from livetiming.lzstring import Compressor
from livetiming.messages import generate, standard_generators
from livetiming.network import compressed_state_message, service_topic
from livetiming.recording import format as recording
from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.state import Options, Order, TextFrom, columns, race_state
from livetiming.state import State, checked, empty_state, with_messages

FRAMES, MINUTES = 300, 60
PARTS = ("parse the feed", "make the state", "copy and check", "messages", "JSON", "compress", "publish", "analysis")
RECORDER = "diff (the DVR's)"
UUID = "a" * 32


class Pipeline:
    """What a service does with each frame, with a clock between the parts."""

    def __init__(self, column_spec: list[Any]) -> None:
        self.times: dict[str, list[float]] = {name: [] for name in (*PARTS, RECORDER)}
        self._generators = standard_generators(column_spec)
        self._columns = Columns.of(column_spec)
        self._analysis = Analysis.EMPTY
        self._compressor = Compressor()
        self._serializer = MsgPackObjectSerializer()
        self._chain = recording.Chain()
        self._state: State = empty_state()

    def timed(self, part: str, action: Callable[[], Any]) -> Any:
        """What `action` gives; its time goes to `part`."""
        began = time.perf_counter()
        result = action()
        self.times[part].append((time.perf_counter() - began) * 1000)
        return result

    def frame(self, raw: dict[str, Any], now: float) -> None:
        """One frame, from what the plugin says of the race."""
        race = self.timed("copy and check", lambda: checked(orjson.loads(orjson.dumps(raw))))
        old = self._state

        def messages() -> State:
            fresh = generate(self._generators, old, race, now, lambda _: None)
            return with_messages(race["cars"], race["session"], old, fresh)

        state = self.timed("messages", messages)
        body = self.timed("JSON", lambda: orjson.dumps(state))
        message = self.timed(
            "compress", lambda: compressed_state_message(body, int(now * 1000), self._compressor.compress)
        )
        publication = Publish(1, service_topic(UUID), args=[message.encode()], acknowledge=True, retain=True)
        self.timed("publish", lambda: self._serializer.serialize(publication.marshal()))
        self._analysis = self.timed("analysis", lambda: advance(self._analysis, self._columns, state, now))
        self._chain, _ = self.timed(RECORDER, lambda: recording.advance(self._chain, int(now), state))
        self._state = state


def of_rmonitor() -> Pipeline:
    """The frames of the simulator's feed."""
    options, source = Options(Order.AUTO, TextFrom.ADDITIONAL, TextFrom.NONE, None), Feed()
    pipeline = Pipeline([stat.column() for stat in columns(options)])
    for second, data in enumerate(feed(MINUTES, FRAMES)):
        pipeline.timed("parse the feed", partial(source.receive, data))
        raw = pipeline.timed("make the state", partial(race_state, source.board, options))
        pipeline.frame(raw, 1_700_000_000.0 + second)
    return pipeline


def of_racegen() -> Pipeline | None:
    """The frames of the generator."""
    race = generator(1)
    if race is None:
        return None
    pipeline = Pipeline(race.manifest()["colSpec"])
    for now, state in states(MINUTES * 60, FRAMES):
        pipeline.frame({"cars": state["cars"], "session": state["session"]}, now)
    return pipeline


def main() -> int:
    runs = {"RMonitor": of_rmonitor(), "all gaps change": of_racegen()}
    print(f"A frame of {CARS} cars, ms of CPU (median of {FRAMES}; the worst in brackets)")
    print(f"  {'':24}" + "".join(f"{name:>24}" for name, run in runs.items() if run))
    for part in (*PARTS, RECORDER):
        cells = [_cell(run.times[part]) for run in runs.values() if run]
        print(f"  {part:24}" + "".join(f"{cell:>24}" for cell in cells))
    totals = [sum(statistics.median(run.times[part] or [0]) for part in PARTS) for run in runs.values() if run]
    print(f"  {'the service, together':24}" + "".join(f"{total:>14.2f} = {total / 10:5.2f} %" for total in totals))
    return 0


def _cell(times: list[float]) -> str:
    return f"{statistics.median(times):.3f} ({max(times[1:]):.2f})" if times else "-"


if __name__ == "__main__":
    sys.exit(main())
