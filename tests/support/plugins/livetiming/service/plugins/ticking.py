"""A plugin for tests: one car that completes a lap each tick. It stands on a path of its own, as a user's would."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from livetiming.errors import RemoteError
from livetiming.messages import Generator, TimingMessage
from livetiming.racing import Stat
from livetiming.service import BaseService
from livetiming.service.api import Column


class Service(BaseService):
    """`--interval S` between ticks; `--fail` cannot start; `--laps N` ends by itself after N laps; `--gone-for S`
    loses its feed after three laps, for so long; `--hang-at N` never answers from the Nth lap on; `--empty-until N`
    knows no car before the Nth lap of this life; `--odd-messages` says what is no JSON; `--push` is asked for nothing.
    """

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        super().__init__(args, extra_args)
        self.options = self.argument_parser().parse_args(self.extra_args)
        self.laps: int | None = None
        self._gone_since = 0.0
        self._asked = 0
        self.auto_poll = not self.options.push  # type: ignore[misc]  # of this service
        if self.options.fail:
            sys.exit("ticking: told to fail")

    @classmethod
    def argument_parser(cls) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog="ticking")
        parser.add_argument("--interval", type=float, default=0.2)
        parser.add_argument("--laps", type=int, default=0)
        parser.add_argument("--fail", action="store_true")
        parser.add_argument("--label", default="")
        parser.add_argument("--raise-until", type=int, default=0)
        parser.add_argument("--gone-for", type=float, default=0)
        parser.add_argument("--hang-at", type=int, default=0)
        parser.add_argument("--empty-until", type=int, default=0)
        parser.add_argument("--odd-messages", action="store_true")
        parser.add_argument("--push", action="store_true")
        return parser

    def getName(self) -> str:
        return "Ticking"

    def getDefaultDescription(self) -> str:
        return "One car"

    def getColumnSpec(self) -> Sequence[Column]:
        return [Stat.NUM, Stat.STATE, Stat.LAPS]

    def getPollInterval(self) -> float:
        interval: float = self.options.interval
        return interval

    def getRaceState(self) -> Mapping[str, Any]:
        if self.laps is None:  # a resumed state goes on
            self.laps = int(self.state["cars"][0][2]) if self.state["cars"] else 0
        self.laps += 1
        if self.options.laps and self.laps >= self.options.laps:
            self._service_host.life.end()
        if self.laps < self.options.raise_until:
            raise RuntimeError("not yet")
        if self.options.gone_for and self.laps > 3:
            self._gone_since = self._gone_since or time.monotonic()
            if time.monotonic() - self._gone_since < self.options.gone_for:
                raise RemoteError("nobody there")
        if self.options.hang_at and self.laps >= self.options.hang_at:
            never: Any = Deferred()
            return never  # type: ignore[no-any-return]  # as a coroutine would wait
        self._asked += 1
        cars = [["7", "RUN", self.laps]] if self._asked >= self.options.empty_until else []
        return {"cars": cars, "session": {"flagState": "green"}}

    def getExtraMessageGenerators(self) -> Sequence[Generator]:
        return [_Odd()] if self.options.odd_messages else []


class _Odd(TimingMessage):
    def _consider(self, oldState: Any, newState: Any) -> Any:
        return ["Odd", object(), ""]
