"""Where the files that are not Python are: at the top of a checkout, or in the wheel's `orchestrator/share`."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """The path of `supervisord.conf.j2`, `crossbar/…` or `livetiming.env`."""
    shipped = _PACKAGE / "share" / name
    return shipped if shipped.exists() else _PACKAGE.parent / name


def web_root() -> Path:
    """The folder of the public pages."""
    return _PACKAGE / "web"
