"""What an earlier life left: every journal is continued, finalised, or set aside with a reason."""

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from livetiming.recording.format import Json
from orchestrator.dvr.aside import copy_aside, set_aside
from orchestrator.dvr.finalise import JournalName
from orchestrator.dvr.journal import MAGIC, BadRecord, RecordKind, is_damaged, read
from orchestrator.dvr.rules import End, Part


@dataclass(frozen=True)
class Left:
    """One journal that was found. `length` is how much of it is good, `stopped` why reading stopped before its end;
    where it is `damaged`, good records stand behind that."""

    name: JournalName
    path: Path
    part: Part
    manifest: dict[str, Json] | None
    end: End | None
    length: int
    stopped: str | None
    damaged: bool = False


@dataclass
class Recovered:
    """All journals. Those to finalise had been decided before; those by uuid are in order of their parts."""

    services: dict[str, list[Left]] = field(default_factory=dict)
    to_finalise: list[Path] = field(default_factory=list)
    aside: list[tuple[Path, str]] = field(default_factory=list)  # (new name, or a copy's; reason)
    empty: list[Path] = field(default_factory=list)  # without any frame: deleted


class NotAJournal(Exception):
    """A file among the journals cannot be used as one."""


def recover(folder: Path) -> Recovered:
    """Read every journal in `folder`; raises OSError if the folder itself cannot be read."""
    found = Recovered()
    for path in sorted(folder.glob("*.journal")):
        try:
            _take(found, path)
        except FileNotFoundError:
            continue  # a worker of the life before has just finished it
        except (NotAJournal, OSError) as error:
            found.aside.append((_set_aside(path), str(error)))
    for journals in found.services.values():
        journals.sort(key=lambda left: left.part.number)
    return found


def _take(found: Recovered, path: Path) -> None:
    name = JournalName.parse(path.name)
    if name is None:
        raise NotAJournal("its name is not {uuid}.{number}.journal")
    if name.target is not None:
        found.to_finalise.append(path)
        return
    left = examine(name, path)
    if left is None:
        path.unlink()
        found.empty.append(path)
        return
    if left.damaged:  # the recording goes on in place of what stands behind the damage
        found.aside.append((copy_aside(path), f"{left.stopped}; this is a copy of all there was"))
    found.services.setdefault(name.uuid, []).append(left)


def examine(name: JournalName, path: Path) -> Left | None:
    """What the journal at `path` holds; None if it holds no frame. Raises NotAJournal and OSError.

    It is no journal either where damage hides what frames it may hold.
    """
    manifest: dict[str, Json] | None = None
    first = last = end = stopped = None
    length, damaged = 0, False
    try:
        for record, behind in read(path):
            if length == 0 and (record.kind is not RecordKind.UUID or record.payload != name.uuid.encode()):
                raise NotAJournal("it belongs to another service than its name says")
            length = behind
            if record.kind is RecordKind.MANIFEST:
                manifest = orjson.loads(record.payload)
            elif record.kind is RecordKind.END:
                end = End(record.payload.decode())
            elif record.kind in (RecordKind.KEY, RecordKind.INTRA):
                first, last = record.second if first is None else first, record.second
    except BadRecord as error:
        stopped, damaged = str(error), is_damaged(path, error.offset)
        begun_badly = error.offset == 0 and path.stat().st_size >= len(MAGIC)
        if begun_badly or (damaged and first is None):
            raise NotAJournal(error.why) from error
    except ValueError as error:
        raise NotAJournal(f"a record holds what we do not know ({error})") from error
    if first is None or last is None:
        return None
    return Left(name, path, Part(name.number, first, last), manifest, end, length, stopped, damaged)


def _set_aside(path: Path) -> Path:
    """The name of the file that is aside now; where even that fails, it stays as it is."""
    try:
        return set_aside(path)
    except OSError:
        return path
