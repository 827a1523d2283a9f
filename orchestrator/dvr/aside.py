"""Files that we cannot use, or not wholly, kept beside the journals under a name that is no journal's: `….aside`."""

import shutil
from itertools import count
from pathlib import Path

SUFFIX = ".aside"


def set_aside(path: Path) -> Path:
    """Rename the file; its new name. Raises OSError."""
    return path.rename(_free_name(path))


def copy_aside(path: Path) -> Path:
    """A copy of the file. Raises OSError."""
    return Path(shutil.copyfile(path, _free_name(path)))


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}{SUFFIX}{number or ''}") for number in count())
    return next(name for name in names if not name.exists())
