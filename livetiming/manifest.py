"""The manifest: what a service says of itself (docs/wire.md). Untrusted until `checked`."""

from collections.abc import Mapping
from typing import Any

import orjson

from livetiming.network import is_uuid

Manifest = dict[str, Any]

_TEXT_LIMIT = 1000  # characters of a name or description; more is a mistake or an attack
_COLUMN_LIMIT = 200
_SIZE_LIMIT = 65_536  # bytes of its JSON: a listing of many must stay a message


class MalformedManifest(ValueError):
    """A service's manifest cannot be used. It is not listed until it sends a better one."""

    def __init__(self, uuid: object, what: str) -> None:
        super().__init__(f"manifest of {str(uuid)[:40]!r}: {what}")


def checked(raw: object) -> Manifest:
    """The manifest in `raw`, with everything that readers rely on; MalformedManifest if something is missing.

    Keys that we do not know are kept: newer services may say more.
    """
    if not isinstance(raw, Mapping):
        raise MalformedManifest(None, f"a {type(raw).__name__} instead of an object")
    uuid = raw.get("uuid")
    if not is_uuid(uuid):
        raise MalformedManifest(uuid, "its uuid is not 32 hexadecimal digits")
    for key in ("name", "description"):
        if not isinstance(raw.get(key, ""), str) or len(raw.get(key, "")) > _TEXT_LIMIT:
            raise MalformedManifest(uuid, f"its {key} is no text of at most {_TEXT_LIMIT} characters")
    _check_size(uuid, raw)
    columns = raw.get("colSpec", [])
    if not isinstance(columns, list) or len(columns) > _COLUMN_LIMIT or not all(map(_is_column, columns)):
        raise MalformedManifest(uuid, "its colSpec is no list of [heading, type] pairs")
    return {
        "name": "",
        "description": "",
        "serviceClass": "",
        **raw,
        "colSpec": columns,
        "hidden": bool(raw.get("hidden")),
    }


def _check_size(uuid: object, raw: Mapping[str, Any]) -> None:
    try:
        size = len(orjson.dumps(dict(raw)))
    except TypeError as error:
        raise MalformedManifest(uuid, f"it holds what JSON cannot ({error})") from error
    if size > _SIZE_LIMIT:
        raise MalformedManifest(uuid, f"it is longer than {_SIZE_LIMIT} bytes")


def _is_column(column: object) -> bool:
    return isinstance(column, list | tuple) and len(column) >= 2 and all(isinstance(item, str) for item in column[:2])
