"""`livetiming-service CLASS [options]`: one timing service, in the foreground."""

import sys
from collections.abc import Sequence

from livetiming.commandline import EXIT_USAGE, guarded, say
from livetiming.jobs import MalformedJob
from livetiming.service.discovery import BrokenPlugin, UnknownPlugin, plugin
from livetiming.service.options import parse_args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 ended as told, 1 failed, 2 used wrongly)."""
    return guarded(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    try:
        args, extra = parse_args(argv)
        service = plugin(args.service_class)(args, extra)
    except (UnknownPlugin, BrokenPlugin, MalformedJob) as error:
        say(f"livetiming-service: {error}")
        return EXIT_USAGE
    service.start()  # which a plugin may have overridden, so that it returns nothing
    code: int = service._exit_code
    return code


if __name__ == "__main__":
    sys.exit(main())
