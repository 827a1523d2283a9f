"""What every command line of ours has in common."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from livetiming.environment import SettingError

EXIT_DONE, EXIT_WRONG, EXIT_USAGE = 0, 1, 2


def parser(prog: str, description: str, examples: Sequence[tuple[str, str]]) -> argparse.ArgumentParser:
    """A parser whose `--help` ends with `examples`: (command line, what it does)."""
    width = max((len(line) for line, _ in examples), default=0)
    lines = [f"  {line.ljust(width)}   {what}" for line, what in examples]
    return _Parser(
        prog=prog,
        description=description,
        epilog="\n".join(["examples:", *lines]) if lines else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


class _Parser(argparse.ArgumentParser):
    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        complete(self)
        return super().parse_args(*args, **kwargs)


def complete(asked: argparse.ArgumentParser) -> None:
    """Answer the shell's question for completions (argcomplete), where that is what we were started for, and end."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete  # only the shell needs it

        argcomplete.autocomplete(asked)


def say(text: str) -> None:
    """A message to the person at the terminal: standard error, so that results stay alone on standard output."""
    print(text, file=sys.stderr, flush=True)


def guarded(main: Callable[[], int]) -> int:
    """`main()`, with a wrong setting told in one line (exit 2), and a reader of ours that has left taken as an end."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name need not be UTF-8
    try:
        code = main()
        sys.stdout.flush()
    except SettingError as error:
        say(f"livetiming: {error}")
        return EXIT_USAGE
    except BrokenPipeError:
        # `… | head`: nothing more is to be said, not even by the interpreter's last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_WRONG
    return code
