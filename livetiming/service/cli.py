"""`livetiming-service CLASS [options]`: one timing service, in the foreground."""

import argparse
import signal
import sys
from collections.abc import Sequence

from livetiming.commandline import EXIT_USAGE, complete, guarded, say
from livetiming.jobs import Job, MalformedJob
from livetiming.service.discovery import BrokenPlugin, UnknownPlugin, plugin
from livetiming.service.options import host_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 ended as told, 1 failed, 2 used wrongly)."""
    return guarded(lambda: _main(list(sys.argv[1:] if argv is None else argv)))


def _main(argv: list[str]) -> int:
    try:
        args, extra = parse(argv)
        service_class = plugin(args.service_class)
    except (UnknownPlugin, BrokenPlugin, MalformedJob) as error:
        say(f"livetiming-service: {error}")
        return EXIT_USAGE
    code: int = service_class(args, extra).start()
    return code


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The host's options, and those it does not know, which are the plugin's. With `--job` they come from its file."""
    host = host_parser(_class_in(argv))
    complete(host)
    args, extra = host.parse_known_args(argv)
    args.event = ""
    if args.job is not None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the host reads the job once more when it can listen
        job = Job.read(args.job)
        path = args.job
        args, extra = host_parser(None).parse_known_args([job.service_class, *job.options])
        args.job, args.event, args.uuid, args.description = path, job.event, job.uuid, job.description
    elif args.service_class is None:
        raise UnknownPlugin("", [])
    if args.initial_state is not None:
        args.uuid = args.uuid or args.initial_state.stem
    return args, extra


def _class_in(argv: Sequence[str]) -> str | None:
    return next((word for word in argv if not word.startswith("-")), None)


if __name__ == "__main__":
    sys.exit(main())
