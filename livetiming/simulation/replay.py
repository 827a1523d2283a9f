"""`livetiming-rmonitor-replay`: a recorded RMonitor feed, played again."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from livetiming.commandline import EXIT_WRONG, parser, say
from livetiming.process import run
from livetiming.simulation.capture import EmptyCapture, Playback, read_capture
from livetiming.simulation.cli import add_server_options
from livetiming.simulation.server import FeedServer, serve

EXAMPLES = [
    ("livetiming-rmonitor-replay session.txt", "play it on 127.0.0.1:50000"),
    ("livetiming-rmonitor-replay session.txt --speed 20 --loop", "twenty times as fast, again and again"),
    ("livetiming-rmonitor-replay session.txt --port 0 --wait", "on any port, from the first client on"),
]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        capture = read_capture(args.file.read_bytes(), str(args.file))
    except (OSError, EmptyCapture) as error:
        say(f"livetiming-rmonitor-replay: {error}")
        return EXIT_WRONG
    server = FeedServer(Playback(capture, loop=args.loop), args.speed, wait=args.wait)
    return run("rmonitor-replay", lambda life: serve(life, server, args.bind, args.port), verbose=args.verbose)


def _parser() -> argparse.ArgumentParser:
    text = (
        "Serves a capture of an RMonitor feed to any number of clients, with its own timing: by its\n"
        "`##YYYY-MM-DD HH:MM:SS.mmm` lines where it has them, else one second for each heartbeat ($F). Who comes late\n"
        "gets the state so far. Afterwards it goes on listening, with nothing more to say, unless --loop is given.\n"
        "Prints one line, `listening on HOST:PORT`."
    )
    command = parser("livetiming-rmonitor-replay", text, EXAMPLES)
    command.add_argument("file", type=Path, metavar="FILE", help="the capture")
    command.add_argument("--loop", action="store_true", help="play it again and again")
    add_server_options(command)
    return command


if __name__ == "__main__":
    sys.exit(main())
