"""One service's process: its log, its seat, its end."""

import logging
import socket
import sys
from argparse import Namespace
from logging.handlers import RotatingFileHandler
from pathlib import Path

from twisted.internet.error import CannotListenError

from livetiming import sentry
from livetiming.commandline import EXIT_DONE, EXIT_USAGE, EXIT_WRONG, say
from livetiming.environment import Environment
from livetiming.process import Life, run
from livetiming.recording import TimingRecorder
from livetiming.service.api import BaseService
from livetiming.service.host import Host
from livetiming.service.kept import Kept
from livetiming.service.seat import Seat
from livetiming.service.standalone import Standalone
from livetiming.settings import Place
from livetiming.wamp import Router

LOG_BYTES, LOG_FILES = 10 * 2**20, 3  # of a service that is run by hand; supervisord looks after the others'


def run_service(service: BaseService) -> int:
    """Run `service` until it is told to end; the process's exit code."""
    env = Environment.load()
    place = Place.load(env)
    args = service.args
    alone = _stands_alone(env, place, args)
    if place.credentials is None and not alone:
        say(
            "livetiming-service: no shared secret is known: set LIVETIMING_SHARED_SECRET, "
            f"or LIVETIMING_HOME to the home of a running system (this is {place.home}), or give --standalone"
        )
        return EXIT_USAGE
    sentry.begin(env, uuid=service.uuid, service_class=str(args.service_class))

    async def live(life: Life) -> int:
        seat = _seat(env, place, service, alone=alone)
        kept = Kept.of(place.state_dir, place.analysis_dir, service.uuid)
        host = Host(service, seat, life, kept, compress=env.flag("LIVETIMING_COMPRESS", default=True))
        if args.recording_file is not None:
            host.recorder = TimingRecorder(args.recording_file or f"{service.uuid}.zip")
        if isinstance(seat, Standalone):
            seat.analysis = host.analysis_document
        host.begin()
        try:
            seat.start()
        except CannotListenError as error:
            where = f"{error.interface}:{error.port} ({error.socketError})"
            say(f"livetiming-service: cannot listen on {where}: set LIVETIMING_STANDALONE_PORT to another, or to 0")
            return EXIT_WRONG
        await host.end(await life.ending)
        await seat.stop()
        return EXIT_DONE

    job: Path | None = args.job
    name = job.stem if job else f"service-{args.service_class}"
    return run(
        name, live, run_dir=place.run_dir if job else None, verbose=args.debug, handler=_handler(place.log_dir, args)
    )


def _stands_alone(env: Environment, place: Place, args: Namespace) -> bool:
    """Without a word about a router, ours is the one of this home, where that is up. A supervised service waits."""
    if args.standalone or args.t71 is not None:
        return True
    return args.job is None and not env.text("LIVETIMING_ROUTER") and not _answers(place.router_socket)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        attempt.settimeout(2)
        try:
            attempt.connect(str(path))
        except OSError:
            return False
        return True


def _seat(env: Environment, place: Place, service: BaseService, *, alone: bool) -> Seat:
    if not alone:
        return Router(place.router, place.credentials)
    port = env.integer("LIVETIMING_STANDALONE_PORT", 0, low=0, high=65535)
    return Standalone(service.uuid, env.text("LIVETIMING_BIND", "127.0.0.1"), port, service.args.t71)


def _handler(log_dir: Path, args: Namespace) -> logging.Handler:
    """Where the log goes: to supervisord, to the terminal, or to a file of the class."""
    if args.job is not None:
        return logging.StreamHandler(sys.stderr)
    if args.verbose:
        return logging.StreamHandler(sys.stdout)
    file = log_dir / f"{args.service_class}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    say(f"livetiming-service: logging to {file} (with -v: here)")
    return RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
