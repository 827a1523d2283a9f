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
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


def opened_alone(path: Path, mode: int) -> int:
    """A descriptor of the file `path`, made if need be (and emptied), for writing: ours alone until it is closed.

    Another process that wants it waits meanwhile. Renaming the file to its final name before closing it ends our turn:
    who waited makes a new one.
    """
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                os.ftruncate(descriptor, 0)
                return descriptor
        except FileNotFoundError:
            pass  # gone between the two looks, like the one that we had to wait for: it has its name by now
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
