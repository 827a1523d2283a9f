"""A 24 h race of 60 cars through a timing service: how its memory grows, hour by hour.

    python bench/day.py [HOURS]

Not part of `make bench`, because it takes some minutes. The real host with its real parts, one frame after the other
instead of one a second; what it publishes is encoded as for the router, and dropped.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgpack
import orjson
import psutil
from races import CARS, generator
from twisted.internet.defer import Deferred

from livetiming.network import Json, Message
from livetiming.process import Life
from livetiming.reactor import reactor
from livetiming.service import BaseService, parse_args
from livetiming.service.host import Host
from livetiming.service.kept import Kept

HOUR = 3600


class Generated(BaseService):
    """The race of racegen.py."""

    auto_poll = False

    def __init__(self, args: argparse.Namespace, race: Any) -> None:
        super().__init__(args, [])
        self.columns: Sequence[Any] = race.manifest()["colSpec"]
        self.states: Iterator[tuple[float, dict[str, Any]]] = race.states()

    def getName(self) -> str:
        return "Generated"

    def getDefaultDescription(self) -> str:
        return "24 h"

    def getColumnSpec(self) -> Sequence[Any]:
        return self.columns

    def getRaceState(self) -> Mapping[str, Any]:
        return next(self.states)[1]


class Nowhere:
    """A seat whose publications are encoded, counted and dropped."""

    joined = True

    def __init__(self) -> None:
        self.sent = 0

    def register(self, uri: str, procedure: Callable[..., Any]) -> None:
        """Nobody calls."""

    def subscribe(self, topic: str, handler: Callable[[Json, Any], Any]) -> None:
        """Nobody publishes."""

    def on_join(self, callback: Callable[[], Any]) -> None:
        """It is joined."""

    def publish(
        self, topic: str, body: Message | Json, *, retain: bool = False, eligible_authrole: Sequence[str] | None = None
    ) -> bool:
        """Encode it."""
        self.sent += len(msgpack.packb(body.encode() if isinstance(body, Message) else body))
        return True

    async def settled(self, timeout: float = 2.0) -> None:
        """It is."""

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""


async def day(hours: int, race: Any, home: Path) -> None:
    """Run it, and print a line an hour."""
    args, _ = parse_args(["simulated", "--uuid", "a" * 32])
    seat, service = Nowhere(), Generated(args, race)
    host = Host(service, seat, Life(None), Kept.of(home, home / "analysis", service.uuid))
    host.begin()
    process = psutil.Process()
    print(f"{CARS} cars, all gaps change in each frame; a frame a second for {hours} h")
    print(f"  {'hour':>4} {'memory MiB':>11} {'analysis kB':>12} {'save ms':>8} {'frame ms':>9} {'sent MB':>8}")
    for hour in range(1, hours + 1):
        began = time.process_time()
        for second in range(HOUR):
            await host._update()
            service.analyser.publish((hour - 1) * HOUR + second, host._publish_module)
        frame = (time.process_time() - began) / HOUR * 1000
        began = time.process_time()
        host._save()
        saving = (time.process_time() - began) * 1000
        kept = len(service.analyser.dump()) / 1000
        memory = process.memory_info().rss / 2**20
        print(f"  {hour:4} {memory:11.1f} {kept:12.1f} {saving:8.2f} {frame:9.2f} {seat.sent / 1e6:8.1f}", flush=True)
    assert orjson.loads(service.analyser.dump())


def main() -> int:
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    race = generator(hours * HOUR + HOUR)
    if race is None:
        return 0
    with tempfile.TemporaryDirectory(prefix="lt-bench-") as home:

        def begin() -> None:
            running: Any = Deferred.fromCoroutine(day(hours, race, Path(home)))
            running.addErrback(lambda failure: failure.printTraceback())
            running.addBoth(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
