"""What is asked of the catalogue, looked up in its cache. Newest first; every answer is a look into an index."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from orchestrator.recordings.database import connect, id_range, start_of
from orchestrator.recordings.entry import Listed, Stamp
from orchestrator.recordings.query import PAGE_LENGTH
from orchestrator.recordings.retention import Kept
from orchestrator.recordings.search import Wanted, match

_LISTED = "SELECT listed, analysed FROM recordings JOIN documents USING (id)"


class Problem(NamedTuple):
    """A file that is not listed, and why."""

    filename: str
    changed: int  # Unix ns
    why: str


class Answers:
    """Answers from the cache behind `database`. It belongs to the thread that uses it. All raise sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @classmethod
    def of(cls, file: Path) -> "Answers":
        """Answers from the cache in `file`, beside who writes it."""
        return cls(connect(file))

    def close(self) -> None:
        """Close the cache."""
        self._database.close()

    def page(self, number: int, name: str | None = None, *, hidden: bool = False) -> dict[str, Any]:
        """Page `number`, from 1, of all recordings, or of those whose service has this `name`.

        `{"recordings": […50 at most], "pages": n, "total": n}`; behind the last page there are no recordings.
        """
        conditions = ["1", *(["name = :name"] if name is not None else []), *([] if hidden else ["hidden = 0"])]
        condition, values = " AND ".join(conditions), {"name": name}
        (total,) = self._one(_select("coalesce(sum(amount), 0)", f"counts WHERE {condition}"), values)
        return self._page("id", f"recordings WHERE {condition}", values, number, total)

    def search(self, wanted: Wanted, number: int) -> dict[str, Any]:
        """The page of those that are wanted, as `page`."""
        low, high = id_range(wanted.begin, wanted.end)
        values = {"match": match(wanted), "low": low, "high": high, "duration": wanted.min_duration}
        found = "found WHERE found MATCH :match AND rowid BETWEEN :low AND :high"
        if wanted.min_duration is not None:
            found += f" AND ({_select('duration', 'recordings WHERE id = found.rowid')}) >= :duration"
        (total,) = self._one(_select("count(*)", found), values)
        return self._page("rowid", found, values, number, total)

    def names(self, *, hidden: bool = False) -> list[str]:
        """The names of the services that have recordings, each once, in alphabetical order."""
        rows = self._database.execute("SELECT name FROM counts WHERE hidden <= :hidden", {"hidden": hidden})
        distinct = {name for (name,) in rows}
        return sorted(distinct, key=lambda name: (name.casefold(), name))

    def manifest(self, uuid: object) -> Listed | None:
        """The recording of this uuid, hidden or not: who knows its uuid may see it."""
        if not isinstance(uuid, str) or not uuid.isascii():
            return None
        return next(self._listed(f"{_LISTED} WHERE uuid = :uuid ORDER BY id DESC LIMIT 1", {"uuid": uuid}), None)

    def by_filename(self, filename: str) -> Listed | None:
        """The recording in this file."""
        return next(self._listed(f"{_LISTED} WHERE filename = :filename", {"filename": filename}), None)

    def newest(self) -> list[Listed]:
        """The first page for everybody: what the retained topic holds."""
        found: list[Listed] = self.page(1)["recordings"]
        return found

    def every(self) -> Iterator[Listed]:
        """All recordings."""
        return self._listed(f"{_LISTED} ORDER BY id DESC", {})

    def kept(self) -> list[tuple[Kept, Stamp]]:
        """Every recording whose file has not just changed, as retention sees it, with the stamp of its file."""
        rows = self._database.execute(
            "SELECT filename, uuid, id, duration, size, changed FROM recordings WHERE again = 0"
        )
        return [
            (
                Kept(filename, uuid.partition(":")[0], start_of(number), start_of(number) + duration, size),
                Stamp(size, changed),
            )
            for filename, uuid, number, duration, size, changed in rows
        ]

    def problems(self) -> list[Problem]:
        """The files that are not listed, by name."""
        rows = self._database.execute("SELECT filename, changed, why FROM problems ORDER BY filename")
        return [Problem(*row) for row in rows]

    def total(self) -> int:
        """How many recordings there are."""
        (total,) = self._one("SELECT coalesce(sum(amount), 0) FROM counts", {})
        return int(total)

    def _page(self, key: str, source: str, values: dict[str, Any], number: int, total: int) -> dict[str, Any]:
        first = (number - 1) * PAGE_LENGTH
        length = min(PAGE_LENGTH, total - first)
        found: list[Listed] = []
        if length > 0:
            order, skipped = (
                ("DESC", first) if first < total // 2 else ("ASC", total - first - length)
            )  # the nearer end
            ids = _select(key, f"{source} ORDER BY {key} {order} LIMIT {length} OFFSET {skipped}")
            found = list(self._listed(f"{_LISTED} WHERE id IN ({ids}) ORDER BY id DESC", values))
        return {"recordings": found, "pages": -(-total // PAGE_LENGTH), "total": total}

    def _listed(self, query: str, values: dict[str, Any]) -> Iterator[Listed]:
        for listed, analysed in self._database.execute(query, values):
            try:
                yield {**orjson.loads(listed), "hasAnalysis": bool(analysed)}
            except orjson.JSONDecodeError as error:
                raise sqlite3.DatabaseError(f"a recording in the cache is no JSON ({error})") from error

    def _one(self, query: str, values: dict[str, Any]) -> Any:
        return self._database.execute(query, values).fetchone()


def _select(what: str, source: str) -> str:
    return f"SELECT {what} FROM {source}"  # noqa: S608 - made of constants of this module; values are bound
