"""The formats of result files: each module here is one, found by its name.

A format is a module with
- `DESCRIPTION`: what it reads, in a line;
- `SOURCE`: whose data it is, as a manifest's `source` has it: `(name, url)`;
- `add_arguments(parser)`: declares the format's own options for argparse. Options that several formats have in common
  must mean the same, because the plugin `chrono` has those of all formats;
- `FILES`: the destinations of those options that name further files;
- `read(content, files)`: a `Chrono` of the main file's bytes and of those further files that were given, by
  destination. It never raises for what is in them: what cannot be read is counted in `Chrono.skipped`.

Another format is another module. Names that begin with an underscore are parts of formats.
"""

import argparse
import pkgutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from livetiming.chrono.model import Chrono


class Format(Protocol):
    """What a module here offers."""

    DESCRIPTION: str
    SOURCE: tuple[str, str]
    FILES: Sequence[str]

    def add_arguments(self, parser: argparse._ActionsContainer) -> None: ...

    def read(self, content: bytes, files: Mapping[str, bytes]) -> Chrono: ...


def names() -> list[str]:
    """The names of all formats."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def format_named(name: str) -> Format:
    """The format `name`, which must be one of `names()`."""
    return cast(Format, import_module(f"{__name__}.{name}"))
