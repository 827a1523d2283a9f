"""Who is on the air: the directory's book, as a value that events change. No I/O, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from livetiming.manifest import Manifest

MISSES_TO_DROP = 2  # unanswered questions in a row
SERVICES_LIMIT = 2000  # a listing must stay a message


@dataclass(frozen=True)
class Entry:
    """One service: its manifest, the authid that sent it, and how many questions in a row it left unanswered."""

    manifest: Manifest
    owner: str
    misses: int = 0


@dataclass(frozen=True)
class Registry:
    """Entries by uuid, in order of their first registration."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def registered(self, manifest: Manifest, owner: str, *, trusted: bool) -> "Registry":
        """With this manifest. One whose uuid is another owner's, or that would be one too many, changes nothing.

        A `trusted` owner, one of our own services, takes its uuid back from whoever was quicker.
        """
        uuid = manifest["uuid"]
        known = self.entries.get(uuid)
        if known is not None and known.owner != owner and not trusted:
            return self
        if known is None and len(self.entries) >= SERVICES_LIMIT:
            return self
        return Registry({**self.entries, uuid: Entry(manifest, owner)})

    def without(self, uuids: Iterable[str]) -> "Registry":
        """Without these services."""
        gone = set(uuids)
        return Registry({uuid: entry for uuid, entry in self.entries.items() if uuid not in gone})

    def owns(self, owner: str, uuid: object) -> bool:
        """Whether `uuid` was registered by `owner`."""
        return isinstance(uuid, str) and uuid in self.entries and self.entries[uuid].owner == owner

    def answered(self, uuid: str, *, alive: bool) -> "Registry":
        """After one question to `uuid`."""
        entry = self.entries.get(uuid)
        if entry is None:
            return self
        return Registry({**self.entries, uuid: replace(entry, misses=0 if alive else entry.misses + 1)})

    def dead(self) -> list[str]:
        """The services that missed too many questions."""
        return [uuid for uuid, entry in self.entries.items() if entry.misses >= MISSES_TO_DROP]

    def listing(self, *, include_hidden: bool) -> list[Manifest]:
        """The manifests, in order of registration."""
        manifests = [entry.manifest for entry in self.entries.values()]
        return [manifest for manifest in manifests if include_hidden or not manifest["hidden"]]
