"""Timing service for RMonitor feeds: MyLaps/AMB Orbits, and whatever else speaks its scoreboard protocol."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.task import LoopingCall

from livetiming.commandline import parser
from livetiming.racing import Stat
from livetiming.ranges import decimal, whole
from livetiming.rmonitor.feed import Feed
from livetiming.rmonitor.scoreboard import REFRESH_BEATS
from livetiming.rmonitor.state import TRACK_DATA_SPEC, Options, Order, TextFrom, columns, race_state
from livetiming.service import BaseService, DuePublisher
from livetiming.service.notices import notices
from livetiming.service.tcpfeed import TcpFeed

__spec = {"description": "RMonitor feeds (MyLaps/AMB Orbits) over TCP"}

DEFAULT_PORT = 50000
COMPLAIN_SECONDS = 60.0
KM_A_MILE = 1.609344
EXAMPLES = [
    ("livetiming-service rmonitor --host 192.0.2.7", "an Orbits computer in the same network"),
    ("livetiming-service rmonitor --host 192.0.2.7 --order best --car-from nationality", "a practice in the US"),
]


class Service(DuePublisher, BaseService):
    """A client of one RMonitor server."""

    auto_poll = False

    def __init__(self, args: argparse.Namespace, extra_args: Sequence[str] | None = None) -> None:
        super().__init__(args, extra_args)
        own = self.argument_parser().parse_args(self.extra_args)
        self.name: str = own.name
        self.options = Options(own.order, own.team_from, own.car_from, own.track_length)
        self.feed = Feed()
        self._connection = TcpFeed.to(own.host, own.port, self)
        self._connections = 0
        self._described = ""
        self._complaining = LoopingCall(self._complain)

    @classmethod
    def argument_parser(cls) -> argparse.ArgumentParser:
        text = "Times what an RMonitor server sends (MyLaps/AMB Orbits: Distribution, Scoreboard settings)."
        own = parser("livetiming-service rmonitor", text, EXAMPLES)
        own.add_argument("--host", required=True, metavar="HOST", help="name or address of the timing computer")
        own.add_argument(
            "--port", type=whole(1, 65535), default=DEFAULT_PORT, metavar="P", help=f"its TCP port ({DEFAULT_PORT})"
        )
        own.add_argument("--name", default="RMonitor", metavar="TEXT", help="what the series is called (RMonitor)")
        own.add_argument(
            "--track-length",
            type=_kilometres,
            metavar="KM",
            help="as 4.65, 4.65km or 2.9mi: adds the mean speed of laps",
        )
        own.add_argument(
            "--order", type=Order, choices=list(Order), default=Order.AUTO, help="what cars are ordered by (auto)"
        )
        sources = [source for source in TextFrom if source is not TextFrom.NONE] + [TextFrom.NONE]
        own.add_argument(
            "--team-from", type=TextFrom, choices=sources, default=TextFrom.ADDITIONAL, help="the team (additional)"
        )
        own.add_argument("--car-from", type=TextFrom, choices=sources, default=TextFrom.NONE, help="the car (none)")
        return own

    def getName(self) -> str:
        return self.name

    def getDefaultDescription(self) -> str:
        return self.feed.board.session.description

    def getColumnSpec(self) -> Sequence[Stat]:
        return columns(self.options)

    def getTrackDataSpec(self) -> Sequence[str]:
        return TRACK_DATA_SPEC

    def getRaceState(self) -> Mapping[str, Any]:
        board = self.feed.board
        race = race_state(board, self.options)
        kept = self.state
        if board.beat <= REFRESH_BEATS and len(race["cars"]) < len(kept["cars"]):
            race["cars"] = kept["cars"]  # we have just been started again, and the feed has not repeated everybody yet
        return race if board.beat else {"cars": race["cars"], "session": kept["session"]}

    def setup(self) -> None:
        self._connection.start()
        self._complaining.start(COMPLAIN_SECONDS, now=False)

    def teardown(self) -> None:
        self._connection.stop()
        self._complaining.stop()
        self._complain()

    # -- the feed

    def feed_connected(self) -> None:
        """A connection begins."""
        self._connections += 1
        self.feed.connected()
        if self._connections == 1:
            self.log.info("connected to {address}", address=self._connection.address)

    def feed_received(self, data: bytes) -> int:
        """A chunk of the feed; returns the heartbeats in it."""
        board = self.feed.board
        before = board.beat
        self.feed.receive(data)
        if board.session.description != self._described:
            self._described = board.session.description
            self.publishManifest()
        self.set_due_publish()
        return board.beat - before

    def feed_lost(self) -> None:
        """An outage begins; not being there from the start is none that viewers care for."""
        if self._connections:
            notices.feed_gone()

    def feed_restored(self) -> None:
        """An outage is over."""
        notices.feed_back()

    def _complain(self) -> None:
        complaint = self.feed.complaint()
        if complaint is not None:
            self.log.warn(
                "{lines} lines of the feed could not be read, e.g. {example} ({why})",
                lines=complaint.lines,
                example=complaint.example,
                why=complaint.why,
            )


def _kilometres(text: str) -> float:
    """A track's length, in km unless it says `mi`."""
    number, factor = text.strip().casefold(), 1.0
    if number.endswith("mi"):
        number, factor = number.removesuffix("mi"), KM_A_MILE
    return round(decimal(0, 200)(number.removesuffix("km").strip()) * factor, 3)
