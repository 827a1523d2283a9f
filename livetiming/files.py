"""Files that a reader, or a crash, never sees half-written."""

import fcntl
import os
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mode: int = 0o644, sync: bool = False) -> None:
    """Replace `path` by `content`: the old file or the new one is there at any moment, never a part.

    With `sync` it is on the disk when this returns, and survives a power cut.
    """
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    if sync:
        sync_directory(path.parent)


def sync_directory(folder: Path) -> None:
    """Make names that were just created, renamed or removed in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def opened_alone(path: Path, mode: int, *, wait: bool = True) -> int:
    """A descriptor of the file `path`, made if need be (and emptied), for writing: ours alone until it is closed.

    Another process that wants it waits meanwhile, or gets BlockingIOError without `wait`. Renaming the file to its
    final name before closing it ends our turn: who waited makes a new one.
    """
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                os.ftruncate(descriptor, 0)
                return descriptor
        except FileNotFoundError:
            pass  # gone between the two looks, like the one that we had to wait for: it has its name by now
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


class NoFolder(ValueError):
    """A path says that it is a folder, and there is none."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no folder {shown(path)}")


def path_named(text: str) -> Path:
    """The path that somebody typed. Raises NoFolder for `new/`, because a file of that name is not what was meant."""
    path = Path(text)
    if text.endswith("/") and not path.is_dir():
        raise NoFolder(path)
    return path


def shown(text: str | Path) -> str:
    """A file's name, or a text that has one in it, as it can be written: what is no UTF-8 becomes `\\xff`."""
    return os.fsencode(text).decode(errors="backslashreplace")
