"""What may be changed in the manifest of a finished recording, and what comes of a change.

What describes the frames (`colSpec`, `trackDataSpec`, `startTime`, …) is as it was recorded, and stays.
"""

from collections.abc import Callable, Mapping
from typing import Any

TEXT_LIMIT = 1000  # characters

# What a listing adds to a manifest: sent back with it, and ignored.
OF_THE_LISTING = frozenset({"uuid", "version", "startTime", "duration", "filename", "size", "hasAnalysis"})


class BadChange(ValueError):
    """The manifest cannot be changed so. Nothing was changed."""


def edited(manifest: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the keys of `change`; null removes what need not be there. Raises BadChange.

    A listing may be changed and sent back as a whole: what it adds is ignored, and what is the same may be there.
    """
    new = dict(manifest)
    for key, value in change.items():
        if key in OF_THE_LISTING or (key in manifest and manifest[key] == value):
            continue
        if key not in _EDITABLE:
            raise BadChange(f"{str(key)[:40]!r} cannot be changed; what can: {', '.join(_EDITABLE)}")
        expected, fits, optional = _EDITABLE[key]
        if value is None and optional:
            new.pop(key, None)
        elif fits(value):
            new[key] = value
        else:
            raise BadChange(f"{key} is {expected}")
    return new


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_LIMIT and _is_unicode(value)


def _is_unicode(value: str) -> bool:
    """Whether there is no half of a surrogate pair in it, which JSON cannot hold."""
    return value.isascii() or value.encode(errors="replace").decode() == value


def _is_address(value: object) -> bool:
    return isinstance(value, str) and _is_text(value) and value.startswith(("http://", "https://"))


def _is_source(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and _is_text(value[0]) and _is_address(value[1])


def _is_external(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= {"name", "url"}
        and _is_text(value.get("name", ""))
        and ("url" not in value or _is_address(value["url"]))
    )


# What it must be, by what that is seen, whether it may be missing.
_EDITABLE: Mapping[str, tuple[str, Callable[[object], bool], bool]] = {
    "name": (f"a text of at most {TEXT_LIMIT} characters", _is_text, False),
    "description": (f"a text of at most {TEXT_LIMIT} characters", _is_text, False),
    "serviceClass": (f"a text of at most {TEXT_LIMIT} characters", _is_text, False),
    "hidden": ("true or false", lambda value: isinstance(value, bool), False),
    "event": (f"a text of at most {TEXT_LIMIT} characters, or null", _is_text, True),
    "source": ("[name, http(s) address], or null", _is_source, True),
    "external": ('{"name", "url"} with an http(s) address, or null', _is_external, True),
}
