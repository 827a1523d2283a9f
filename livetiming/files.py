"""Files that a reader, or a crash, never sees half-written."""

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
