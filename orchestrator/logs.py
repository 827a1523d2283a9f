"""`livetiming logs NAME [-f]`: the end of a program's log, and what is added to it."""

import sys
import time
from collections import deque
from pathlib import Path

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, say
from orchestrator.settings import Settings
from orchestrator.supervision import NAME

POLL_SECONDS = 0.3


def logs(settings: Settings, name: str, *, follow: bool, lines: int) -> int:
    """Print the log of program `name`; with `follow` until Ctrl-C, over rotations of the file."""
    known = sorted(path.stem for path in settings.log_dir.glob("*.log"))
    if not NAME.fullmatch(name) or name not in known:
        say(f"livetiming: no log of {name!r}; there are: {', '.join(known) or 'none yet'}")
        return EXIT_USAGE
    path = settings.log_dir / f"{name}.log"
    with path.open(errors="replace") as file:
        sys.stdout.writelines(deque(file, maxlen=max(0, lines)))
        position = file.tell()
    sys.stdout.flush()
    if follow:
        try:
            _follow(path, position)
        except KeyboardInterrupt:
            return EXIT_DONE
    return EXIT_DONE


def _follow(path: Path, position: int) -> None:
    while True:
        time.sleep(POLL_SECONDS)
        try:
            if path.stat().st_size < position:
                position = 0  # rotated
            with path.open("rb") as file:
                file.seek(position)
                sys.stdout.write(file.read().decode(errors="replace"))
                position = file.tell()
            sys.stdout.flush()
        except FileNotFoundError:  # between two files of a rotation
            position = 0
