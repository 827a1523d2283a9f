"""Positional diff of two JSON values, and its application: the intra-frames of a recording.

A diff is a list of changes, applied in order:

- `["change", path, [old, new]]`
- `["add", path, [[key or index, value], …]]`
- `["remove", path, [[key or index, value], …]]`, for lists the highest index first

`path` is a string of keys joined by dots; where a part is an index, or a key that is empty or holds a dot itself, it
is the list of the parts. `""` is the root. Lists are compared index by index, because the readers in the field
(Python's dictdiffer, `@timing71/common` in JavaScript) apply the changes as they stand. Values compare as Python
compares them, as in dictdiffer: 1, 1.0 and true are equal.

Neither function alters what it is given; their results share parts with it, so treat all of them as constants.
"""

import reprlib
from itertools import compress
from operator import ne
from typing import Any

Json = Any
Key = str | int
Path = str | list[Key]
Change = list[Any]  # [action, Path, changes]
Diff = list[Change]

ROOT = ""
_CONTAINERS = (list, dict)


class DiffError(ValueError):
    """A change does not fit the value it is applied to: the diff belongs to another value, or is damaged."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(f"change {index} does not apply: {why}")


def diff(old: Json, new: Json) -> Diff:
    """The changes that make `new` of `old`; empty where they are equal."""
    changes: Diff = []
    if old != new:
        _compare(old, new, (), changes)
    return changes


def patch(value: Json, changes: Diff) -> Json:
    """What `changes` make of `value`. Only the lists and dicts on a changed path are copied. Raises DiffError."""
    if not changes:
        return value
    holder = [value]
    copied: dict[int, Json] = {id(holder): holder}
    for index, change in enumerate(changes):
        try:
            action, path, items = change
            _ACTIONS[action](holder, _parts(path), items, copied)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise DiffError(index, f"{reprlib.repr(change)} ({error or type(error).__name__})") from error
    return holder[0]


def shortens_a_list(changes: Diff) -> bool:
    """Whether a list loses items: readers in JavaScript leave holes there. (A list's items have indices for keys.)"""
    return any(action == "remove" and isinstance(items[0][0], int) for action, _path, items in changes)


def _compare(old: Json, new: Json, path: tuple[Key, ...], changes: Diff) -> None:
    """Append the changes between two values that are known to differ."""
    if isinstance(old, list) and isinstance(new, list):
        for index in compress(range(len(old)), map(ne, old, new)):
            before, after = old[index], new[index]
            if isinstance(before, _CONTAINERS):
                _compare(before, after, (*path, index), changes)
            else:
                changes.append(["change", [*path, index], [before, after]])
        if len(old) == len(new):
            return
        shared = min(len(old), len(new))
        added = [[index, new[index]] for index in range(shared, len(new))]
        removed = [[index, old[index]] for index in range(len(old) - 1, shared - 1, -1)]
    elif isinstance(old, dict) and isinstance(new, dict):
        for key, before in old.items():
            if key in new and before != new[key]:
                _compare(before, new[key], (*path, key), changes)
        added = [[key, value] for key, value in new.items() if key not in old]
        removed = [[key, value] for key, value in old.items() if key not in new]
    else:
        changes.append(["change", _path(path), [old, new]])
        return
    if added:
        changes.append(["add", _path(path), added])
    if removed:
        changes.append(["remove", _path(path), removed])


def _path(parts: tuple[Key, ...]) -> Path:
    keys: list[str] = []
    for part in parts:
        if isinstance(part, int) or not part or "." in part:
            return list(parts)
        keys.append(part)
    return ".".join(keys)


def _parts(path: Path) -> list[Key]:
    if isinstance(path, str):
        return list(path.split(".")) if path != ROOT else []
    return path


def _change(holder: list[Json], parts: list[Key], items: list[Json], copied: dict[int, Json]) -> None:
    _old, new = items
    *parents, last = _from_holder(parts)
    container = _writable(holder, parents, copied)
    container[_key(container, last)] = new


def _add(holder: list[Json], parts: list[Key], items: list[Json], copied: dict[int, Json]) -> None:
    container = _writable(holder, _from_holder(parts), copied)
    for key, value in items:
        if isinstance(container, list):
            if key == len(container):
                container.append(value)
            else:
                container.insert(_index(container, key), value)
        else:
            container[key] = value


def _remove(holder: list[Json], parts: list[Key], items: list[Json], copied: dict[int, Json]) -> None:
    container = _writable(holder, _from_holder(parts), copied)
    for key, _value in items:
        del container[_key(container, key)]


_ACTIONS = {"change": _change, "add": _add, "remove": _remove}


def _writable(holder: list[Json], parts: list[Key], copied: dict[int, Json]) -> Json:
    """The list or dict at `parts`; it and all on the way to it are this patch's own copies."""
    node: Json = holder
    for part in parts:
        key = _key(node, part)
        child = node[key]
        if not isinstance(child, _CONTAINERS):
            raise TypeError(f"{part!r} is no list or object")
        if id(child) not in copied:
            child = child.copy()
            copied[id(child)] = child
            node[key] = child
        node = child
    return node


def _from_holder(parts: list[Key]) -> list[Key]:
    """A path as it starts at the holder: one list, so that the root can be replaced like any other value."""
    return [0, *parts]


def _key(container: Json, part: Key) -> Key:
    """`part` as it indexes `container`."""
    return _index(container, part) if isinstance(container, list) else part


def _index(items: list[Json], part: Key) -> int:
    """An index that exists in a list; older diffs write it as text."""
    index = int(part)
    if not 0 <= index < len(items):
        raise IndexError(f"no index {part} in a list of {len(items)}")
    return index
