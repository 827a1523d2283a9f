"""The catalogue as one thread keeps it: opened when it is needed, thrown away and made again when it is damaged."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.recordings.answers import Answers, Problem
from orchestrator.recordings.catalogue import Catalogue
from orchestrator.recordings.database import FAILURES, is_damage, remove
from orchestrator.recordings.editing import edited
from orchestrator.recordings.entry import Listed
from orchestrator.recordings.rewriting import Rewritten, change_manifest

T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """What a look at the directory found."""

    changed: set[str]  # names of files of which something is new
    problems: list[Problem]
    newest: list[Listed]  # that are not hidden
    total: int
    rebuilt: str | None  # why the cache was made anew, if it was


class Unknown(LookupError):
    """There is no recording of this uuid."""

    def __init__(self, uuid: object) -> None:
        super().__init__(f"there is no recording {str(uuid)[:40]!r}")


class Shelf:
    """The recordings of `folder`, and their catalogue in `file`. All methods raise sqlite3.Error and OSError."""

    def __init__(self, folder: Path, file: Path) -> None:
        self.folder, self.file = folder, file
        self._catalogue: Catalogue | None = None
        self._inode = 0

    def look(self, names: Iterable[str] | None = None, stop: Callable[[], bool] = lambda: False) -> Look:
        """Look at all files, or at these; see Catalogue.look."""
        why: list[str] = []

        def find(catalogue: Catalogue) -> Look:
            # Made anew, it holds nothing yet, whatever the names are.
            changed = catalogue.look(None if why or catalogue.is_new else names, stop=stop)
            answers = Answers(catalogue.database)
            return Look(changed, answers.problems(), answers.newest(), answers.total(), why[0] if why else None)

        return self._with(find, why)

    def change(self, uuid: object, change: Mapping[str, Any]) -> tuple[Listed, Rewritten | None]:
        """Change the manifest of a recording; what is listed of it then, and whether, and how well, it was rewritten.

        Raises Unknown, BadChange and RecordingError too.
        """
        filename = self._listed(uuid)["filename"]
        rewritten = change_manifest(self.folder / filename, lambda manifest: edited(manifest, change))
        self.look([filename])
        return self._listed(uuid), rewritten

    def ask(self, question: Callable[[Answers], T]) -> T:
        """What is answered from the catalogue."""
        return self._with(lambda catalogue: question(Answers(catalogue.database)), [])

    def make_anew(self, why: str) -> Look:
        """Throw the cache away, which turned out to be damaged, and look at everything again."""
        self.close()
        remove(self.file)
        return replace(self.look(), rebuilt=why)

    def close(self) -> None:
        """Close the catalogue."""
        if self._catalogue is not None:
            with suppress(*FAILURES):
                self._catalogue.close()
            self._catalogue = None

    def _listed(self, uuid: object) -> Listed:
        listed = self.ask(lambda answers: answers.manifest(uuid))
        if listed is None:
            raise Unknown(uuid)
        return listed

    def _with(self, work: Callable[[Catalogue], T], why: list[str]) -> T:
        """What `work` gives of the catalogue, and, where that turns out to be damaged, of a new one."""
        try:
            return work(self._open(why))
        except FAILURES as error:
            self.close()
            if not is_damage(error):
                raise
            why.append(str(error))
            remove(self.file)
        return work(self._open(why))

    def _open(self, why: list[str]) -> Catalogue:
        if self._catalogue is not None and _inode(self.file) != self._inode:
            why.append("it was deleted")
            self.close()
        if self._catalogue is None:
            self._catalogue = Catalogue(self.folder, self.file)
            self._inode = _inode(self.file)
            if self._catalogue.rebuilt is not None:
                why.append(self._catalogue.rebuilt)
        return self._catalogue


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return 0
