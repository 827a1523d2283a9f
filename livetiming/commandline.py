"""What every command line of ours has in common."""

import argparse
import sys
from collections.abc import Callable, Sequence

from livetiming.environment import SettingError

EXIT_DONE, EXIT_WRONG, EXIT_USAGE = 0, 1, 2


def parser(prog: str, description: str, examples: Sequence[tuple[str, str]]) -> argparse.ArgumentParser:
    """A parser whose `--help` ends with `examples`: (command line, what it does)."""
    width = max((len(line) for line, _ in examples), default=0)
    lines = [f"  {line.ljust(width)}   {what}" for line, what in examples]
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog="\n".join(["examples:", *lines]) if lines else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def say(text: str) -> None:
    """A message to the person at the terminal: standard error, so that results stay alone on standard output."""
    print(text, file=sys.stderr, flush=True)


def guarded(main: Callable[[], int]) -> int:
    """`main()`, with a wrong setting told in one line (exit 2)."""
    try:
        return main()
    except SettingError as error:
        say(f"livetiming: {error}")
        return EXIT_USAGE
