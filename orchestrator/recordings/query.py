"""Questions to the catalogue, as the wire asks them. Recordings come newest first. What makes no sense is ignored."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

Listed = dict[str, Any]

PAGE_LENGTH = 50


def visible(recordings: Iterable[Listed], *, include_hidden: bool) -> Iterable[Listed]:
    """Those that may be shown."""
    return (listed for listed in recordings if include_hidden or not listed["hidden"])


def page(recordings: Sequence[Listed], number: object, name: object, *, include_hidden: bool) -> dict[str, Any]:
    """Page `number`, from 1, of all recordings, or of those whose service has this `name`.

    `{"recordings": […50 at most], "pages": n, "total": n}`; behind the last page there are no recordings.
    """
    found = [
        listed
        for listed in visible(recordings, include_hidden=include_hidden)
        if name is None or listed["name"] == name
    ]
    first = (_page_number(number) - 1) * PAGE_LENGTH
    return {
        "recordings": found[first : first + PAGE_LENGTH],
        "pages": -(-len(found) // PAGE_LENGTH),
        "total": len(found),
    }


def names(recordings: Iterable[Listed], *, include_hidden: bool) -> list[str]:
    """The names of the services that have recordings, each once, in alphabetical order."""
    distinct = {listed["name"] for listed in visible(recordings, include_hidden=include_hidden)}
    return sorted(distinct, key=lambda name: (name.casefold(), name))


def by_uuid(recordings: Iterable[Listed], uuid: object) -> Listed | None:
    """The recording of this uuid, hidden or not: who knows its uuid may see it."""
    return next((listed for listed in recordings if listed["uuid"] == uuid), None)


def newest(recordings: Iterable[Listed]) -> list[Listed]:
    """The first page for everybody: what the retained topic holds."""
    return list(islice(visible(recordings, include_hidden=False), PAGE_LENGTH))


def _page_number(number: object) -> int:
    return number if isinstance(number, int) and number >= 1 else 1
