"""Which plugins are installed: modules of the namespace `livetiming.service.plugins`, wherever they stand."""

import importlib
import pkgutil
import re
from difflib import get_close_matches
from typing import Any

NAMESPACE = "livetiming.service.plugins"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class UnknownPlugin(LookupError):
    """No installed plugin has that name."""

    def __init__(self, name: str, near: list[str]) -> None:
        advice = f"did you mean {' or '.join(near)}?" if near else "there are: " + (", ".join(plugins()) or "none")
        super().__init__(f"no plugin is called {name[:80]!r}; {advice}")
        self.near = near


class BrokenPlugin(RuntimeError):
    """A plugin's module is there but cannot be used."""

    def __init__(self, name: str, why: object) -> None:
        super().__init__(f"the plugin {name!r} cannot be used: {why}")
        self.why = str(why)


def plugins() -> list[str]:
    """The names of all installed plugins, without importing any."""
    try:
        package = importlib.import_module(NAMESPACE)
    except ModuleNotFoundError:
        return []
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def plugin(name: str) -> Any:
    """The class `Service` of plugin `name`; UnknownPlugin (with the nearest names) or BrokenPlugin."""
    import livetiming.reactor  # noqa: F401 - a plugin may import Twisted's own, which is to be this one

    if not _NAME.fullmatch(name) or name not in plugins():
        raise UnknownPlugin(name, get_close_matches(name, plugins(), n=3))
    try:
        module = importlib.import_module(f"{NAMESPACE}.{name}")
    except (Exception, SystemExit) as error:  # whatever its code does
        raise BrokenPlugin(name, f"{type(error).__name__}: {error}") from error
    if not hasattr(module, "Service"):
        raise BrokenPlugin(name, "it has no class Service")
    return module.Service
