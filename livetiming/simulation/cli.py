"""`livetiming-simulate`: a race of our own as an RMonitor feed."""

import argparse
import sys
from collections.abc import Sequence

from livetiming.commandline import parser
from livetiming.process import run
from livetiming.ranges import decimal, whole
from livetiming.simulation.grid import CAR_LIMIT
from livetiming.simulation.race import Race
from livetiming.simulation.rmonitor import Season
from livetiming.simulation.server import FeedServer, serve

DEFAULT_PORT = 50000  # what the protocol's servers listen on
LONGEST_RACE = 60 * 48  # minutes
MOST_SPEED = 1000.0
LEAST_SPEED = 0.2  # slower, and heartbeats are so far apart that clients take the server for dead

EXAMPLES = [
    ("livetiming-simulate", "24 cars for 30 minutes on 127.0.0.1:50000"),
    ("livetiming-simulate --cars 60 --minutes 1440 --seed 7", "24 hours, always the same ones"),
    ("livetiming-simulate --minutes 5 --speed 10 --loop --port 0", "one short race after the other, on any port"),
]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    args = _parser().parse_args(argv)

    def race(number: int) -> Race:
        return Race(args.seed + number, args.cars, args.minutes)

    server = FeedServer(Season(race, loop=args.loop), args.speed, wait=args.wait)
    return run("simulate", lambda life: serve(life, server, args.bind, args.port), verbose=args.verbose)


def _parser() -> argparse.ArgumentParser:
    text = (
        "Simulates an endurance race (grid, classes, drivers, pit stops, cautions, retirements, chequered flag) and\n"
        "sends it as an RMonitor feed to any number of clients. The same seed is the same race, line by line. After\n"
        "the chequered flag it goes on to serve the result. Prints one line, `listening on HOST:PORT`."
    )
    command = parser("livetiming-simulate", text, EXAMPLES)
    add_race_options(command)
    command.add_argument("--loop", action="store_true", help="after the race another one, with the next seed")
    add_server_options(command)
    return command


def add_race_options(command: argparse.ArgumentParser) -> None:
    """Which race."""
    command.add_argument("--cars", type=whole(1, CAR_LIMIT), default=24, metavar="N", help="cars on the grid (24)")
    command.add_argument(
        "--minutes",
        type=decimal(0, LONGEST_RACE),
        default=30.0,
        metavar="N",
        help="of green flag (30); below 20 the track is shorter too",
    )
    command.add_argument("--seed", type=whole(0, 2**31), default=1, metavar="N", help="which race it is (1)")


def add_server_options(command: argparse.ArgumentParser) -> None:
    """How and where it is served."""
    command.add_argument(
        "--speed",
        type=decimal(LEAST_SPEED, MOST_SPEED),
        default=1.0,
        metavar="X",
        help="seconds of the feed a second (1)",
    )
    command.add_argument(
        "--port", type=whole(0, 65535), default=DEFAULT_PORT, metavar="P", help=f"TCP port ({DEFAULT_PORT}); 0: any"
    )
    command.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    command.add_argument("--wait", action="store_true", help="begin when the first client comes")
    command.add_argument("-v", "--verbose", action="store_true", help="log more")


if __name__ == "__main__":
    sys.exit(main())
