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
        _compare(old, new, [], changes)
    return changes


def patch(value: Json, changes: Diff) -> Json:
    """What `changes` make of `value`. Only the lists and dicts on a changed path are copied. Raises DiffError."""
    if not changes:
        return value
    holder = [value]  # so that the root can be replaced like any other value
    copied: set[int] = set()  # the ids of lists and dicts that are ours
    rows: dict[Key, Json] = {}  # those right below the root: nearly all changes are of their cells
    for index, change in enumerate(changes):
        try:
            action, path, items = change
            parts: list[Key] = path if type(path) is list else path.split(".") if path != ROOT else []
            if action == "change" and len(parts) == 2:
                number, cell = parts
                if number not in rows:
                    rows[number] = _writable(holder, parts[:1], copied)
                row = rows[number]
                _old, row[_key(row, cell)] = items
            else:
                if len(parts) < 2:
                    rows.clear()
                _ACTIONS[action](holder, parts, items, copied)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise DiffError(index, f"{reprlib.repr(change)} ({error or type(error).__name__})") from error
    return holder[0]


def shortens_a_list(changes: Diff) -> bool:
    """Whether a list loses items: readers in JavaScript leave holes there. (A list's items have indices for keys.)"""
    removals = [items for action, _path, items in changes if action == "remove"]
    return any(isinstance(items[0][0], int) for items in removals)


def _compare(old: Json, new: Json, path: list[Key], changes: Diff) -> None:
    """Append the changes between two values that are known to differ."""
    if isinstance(old, list) and isinstance(new, list):
        for index in compress(range(len(old)), map(ne, old, new)):
            before, after = old[index], new[index]
            if isinstance(before, _CONTAINERS):
                _compare(before, after, [*path, index], changes)
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
                _compare(before, new[key], [*path, key], changes)
        added = [[key, value] for key, value in new.items() if key not in old]
        removed = [[key, value] for key, value in old.items() if key not in new]
    else:
        changes.append(["change", _path(path), [old, new]])
        return
    if added:
        changes.append(["add", _path(path), added])
    if removed:
        changes.append(["remove", _path(path), removed])


def _path(parts: list[Key]) -> Path:
    keys: list[str] = []
    for part in parts:
        if isinstance(part, int) or not part or "." in part:
            return parts
        keys.append(part)
    return ".".join(keys)


def _change(holder: list[Json], parts: list[Key], items: list[Json], copied: set[int]) -> None:
    container: Json = _writable(holder, parts[:-1], copied) if parts else holder
    key = parts[-1] if parts else 0
    _old, container[_key(container, key)] = items


def _add(holder: list[Json], parts: list[Key], items: list[Json], copied: set[int]) -> None:
    container = _writable(holder, parts, copied)
    for key, value in items:
        if type(container) is not list:
            container[key] = value
        elif key == len(container):
            container.append(value)
        else:
            container.insert(int(_key(container, key)), value)


def _remove(holder: list[Json], parts: list[Key], items: list[Json], copied: set[int]) -> None:
    container = _writable(holder, parts, copied)
    for key, _value in items:
        del container[_key(container, key)]


_ACTIONS = {"change": _change, "add": _add, "remove": _remove}


def _writable(holder: list[Json], parts: list[Key], copied: set[int]) -> Json:
    """The list or dict at `parts` of what `holder` holds; it and all on the way to it are this patch's own copies."""
    node: Json = holder
    for part in (0, *parts):
        key = _key(node, part)
        child = node[key]
        if id(child) not in copied:
            child = child.copy()  # what is neither list nor dict has no such method
            copied.add(id(child))
            node[key] = child
        node = child
    return node


def _key(container: Json, part: Key) -> Key:
    """`part` as it indexes `container`; in a list an index that exists, which older diffs write as text."""
    if type(container) is not list:
        return part
    index = part if type(part) is int else int(part)
    if not 0 <= index < len(container):
        raise IndexError(f"no index {part} in a list of {len(container)}")
    return index
