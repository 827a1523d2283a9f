"""Job files: how a program that is started by the scheduler learns what it is to do.

A job is a JSON file (0600) that its owner alone writes; the command line holds nothing but its path, so no text of a
calendar comes near a command line or a configuration.
"""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from livetiming.files import write_whole
from livetiming.network import is_uuid

_CLASS = re.compile(r"[A-Za-z0-9_-]+")


class MalformedJob(ValueError):
    """A job file cannot be used; whoever owns it must write it anew."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"the job file {path} cannot be used: {why}")


@dataclass(frozen=True)
class Job:
    """What one program is to do, and why."""

    service_class: str
    options: tuple[str, ...]
    uuid: str
    description: str
    event: str  # instance id of the calendar's event
    owner: str  # who started it: nobody else may stop it
    why: str = ""
    over: str = ""  # why it is not to be started again, where that is so
    quitting: str = ""  # why its owner has told it to quit, where that is so
    extra: dict[str, Any] = field(default_factory=dict)  # what a newer version wrote

    def write(self, path: Path) -> None:
        """Replace the job file at `path`."""
        known = asdict(self)
        document = {**known.pop("extra"), "class": known.pop("service_class"), **known}
        write_whole(path, orjson.dumps(document, option=orjson.OPT_INDENT_2), mode=0o600)

    @classmethod
    def read(cls, path: Path) -> "Job":
        """The job in the file at `path`; MalformedJob if there is none."""
        try:
            raw = orjson.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise MalformedJob(path, error) from error
        if not isinstance(raw, dict):
            raise MalformedJob(path, "it holds no object")
        service_class, uuid, options = raw.pop("class", ""), raw.pop("uuid", ""), raw.pop("options", [])
        texts = {key: raw.pop(key, "") for key in ("description", "event", "owner", "why", "over", "quitting")}
        if not isinstance(service_class, str) or not _CLASS.fullmatch(service_class) or not is_uuid(uuid):
            raise MalformedJob(path, "its class or uuid is none")
        if not isinstance(options, list) or not all(isinstance(text, str) for text in (*options, *texts.values())):
            raise MalformedJob(path, "its options are no list of texts")
        return cls(service_class=service_class, options=tuple(options), uuid=uuid, extra=raw, **texts)
