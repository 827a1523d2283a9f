"""`livetiming-plugins`: which plugins are installed, and a template for a new one."""

import argparse
import contextlib
import json
import keyword
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, EXIT_WRONG, guarded, parser, say
from livetiming.service.api import BaseService, core_version
from livetiming.service.discovery import NAMESPACE, BrokenPlugin, plugin, plugins

PROG = "livetiming-plugins"
EXAMPLES = [
    (PROG, "what is installed, as one JSON object by name"),
    (f"{PROG} -H", "the same as a table"),
    (f"{PROG} new my_series", "a package to begin with, in ./livetiming-plugin-my-series"),
]
TEMPLATE = Path(__file__).parent / "template"
PIPE_WIDTH = 200  # columns, where there is no terminal to ask
NONE = "-"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FOLDERS = tuple(NAMESPACE.split("."))
_DEPTH = len(_FOLDERS)


@dataclass(frozen=True)
class Installed:
    """One plugin, as it is listed. `error` is why it cannot be used, or ""."""

    description: str
    version: str  # "-" where nobody says
    distribution: str  # whose it is; "" for a folder that is on the path
    path: str
    error: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code (0 done, 1 a plugin is broken or in the way, 2 used wrongly)."""
    top = parser(PROG, "Lists the plugins that are installed, or writes a new one to begin with.", EXAMPLES)
    top.add_argument("-H", "--human-readable", action="store_true", help="a table, with where each stands")
    top.set_defaults(run=_list)
    actions = top.add_subparsers(metavar="new")
    what = "Write a plugin of your own to begin with: a package that installs and runs as it is."
    made = parser("", what, EXAMPLES[2:])
    new = actions.add_parser(
        "new", help=what, description=what, epilog=made.epilog, formatter_class=made.formatter_class
    )
    new.add_argument("name", metavar="NAME", help="its class: lower case letters, digits and _")
    new.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="where to put its folder (here)")
    new.set_defaults(run=_new)
    options = top.parse_args(argv)
    return guarded(lambda: int(options.run(options)))


# -- what is installed


def installed() -> dict[str, Installed]:
    """Every plugin, by name. They are imported for that, and what they print meanwhile goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        names = plugins()
        owners = [_Owner.of(distribution) for distribution in distributions()] if names else []
        return {name: _installed(name, owners) for name in names}


@dataclass(frozen=True)
class _Owner:
    """A distribution, with the files of plugins that it has installed, and the folders that it has put on the path."""

    distribution: Distribution
    files: frozenset[Path]
    roots: frozenset[Path]

    @classmethod
    def of(cls, distribution: Distribution) -> "_Owner":
        files: set[Path] = set()
        roots: set[Path] = set()
        for file in distribution.files or ():
            if file.suffix == ".pth":  # an editable install
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    roots |= {Path(line) for line in file.read_text().splitlines() if line.startswith("/")}
            elif file.suffix == ".py" and file.parts[:_DEPTH] == _FOLDERS:
                files.add(Path(str(file.locate())).resolve())
        return cls(distribution, frozenset(files), frozenset(roots))

    def owns(self, path: Path) -> bool:
        """Whether the plugin at `path` is of this distribution."""
        return path.resolve() in self.files or any(path.is_relative_to(root.joinpath(*_FOLDERS)) for root in self.roots)


def _installed(name: str, owners: Sequence[_Owner]) -> Installed:
    path = _path(name)
    owner = next((owner.distribution for owner in owners if owner.owns(path)), None)
    found = Installed(
        description="",
        version=owner.version if owner is not None else NONE,
        distribution=owner.name if owner is not None else "",
        path=str(path),
        error="",
    )
    try:
        service = plugin(name)
    except BrokenPlugin as error:
        return replace(found, error=error.why)
    if not isinstance(service, type):
        return replace(found, error="its Service is no class")
    return replace(found, description=_description(service), version=_version(service, found.version))


def _path(name: str) -> Path:
    """The file of plugin `name`, without importing it."""
    for folder in sys.modules[NAMESPACE].__path__:
        for path in (Path(folder) / name / "__init__.py", Path(folder) / f"{name}.py"):
            if path.is_file():
                return path
    return Path()


def _description(service: type) -> str:
    module = sys.modules[service.__module__]
    spec = getattr(module, "__spec", None)
    said = spec.get("description") if isinstance(spec, dict) else None
    text = str(said or service.__dict__.get("__doc__") or module.__doc__ or "").strip()
    return text.splitlines()[0] if text else ""


def _version(service: type, otherwise: str) -> str:
    """What the plugin says of itself, without being started; `otherwise` where it says nothing."""
    getter: Any = getattr(service, "getVersion", None)
    if getter is not None and getter is not BaseService.getVersion:
        with contextlib.suppress(Exception):  # it may need what its __init__ sets
            instance: Any = object.__new__(service)
            return str(instance.getVersion())
    return otherwise


def _list(options: argparse.Namespace) -> int:
    listed = installed()
    if options.human_readable:
        _print(listed)
    else:
        print(json.dumps({name: asdict(each) for name, each in listed.items()}, indent=2))
    broken = {name: each.error for name, each in listed.items() if each.error}
    for name, error in broken.items():
        say(f"{PROG}: the plugin {name} is broken: {error}")
    return EXIT_WRONG if broken else EXIT_DONE


def _print(listed: dict[str, Installed]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("NAME", "VERSION", "DESCRIPTION", "FROM"):
        table.add_column(heading, overflow="fold")
    for name, each in listed.items():
        description = f"broken: {each.error}" if each.error else each.description
        style = "bold red" if each.error else None
        table.add_row(name, each.version, description, each.distribution or each.path, style=style)
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


# -- a new one


def _new(options: argparse.Namespace) -> int:
    name: str = options.name
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        say(f"{PROG}: {name!r} cannot be a plugin's name: lower case letters, digits and _, and a letter first")
        return EXIT_USAGE
    if name in plugins():
        say(f"{PROG}: there is a plugin {name} already, at {_path(name)}: choose another name")
        return EXIT_WRONG
    folder: Path = options.into / f"livetiming-plugin-{name.replace('_', '-')}"
    if folder.exists():
        say(f"{PROG}: {folder} is there already: choose another name or folder (--into)")
        return EXIT_WRONG
    try:
        write_template(name, folder)
    except OSError as error:
        say(f"{PROG}: {folder} cannot be written: {error.strerror}")
        return EXIT_WRONG
    print(folder)
    say(f"install it:  pip install --editable {folder}\nrun it:      livetiming-service {name} --standalone -v")
    return EXIT_DONE


def write_template(name: str, folder: Path) -> None:
    """Write the package of plugin `name` as the new `folder`, whole or not at all."""
    names = {"@NAME@": name, "@DISTRIBUTION@": folder.name, "@CORE@": core_version()}
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for source in sorted(TEMPLATE.rglob("*.in")):
        target = fresh / _filled(str(source.relative_to(TEMPLATE).with_suffix("")), names)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(source.read_text(), names))
    fresh.rename(folder)


def _filled(text: str, names: dict[str, str]) -> str:
    for mark, name in names.items():
        text = text.replace(mark, name)
    return text


if __name__ == "__main__":
    sys.exit(main())
