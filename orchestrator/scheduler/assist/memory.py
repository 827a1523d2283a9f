"""What `assist` remembers between two runs: `assist.json` in the state folder (0600, for options may be secret).

{"version": 1, "answers": {UID: {"options": […], "values": […], "seen": Unix s}}, "defaults": {TAG: […]},
 "written": {calendar: {key: [start, end, digest of the title]}}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from livetiming.files import write_whole
from orchestrator.scheduler.assist.model import Answer, Written

VERSION = 1
KEPT_SECONDS = 400 * 86400.0  # after an event was last seen, or is over


class MemoryLost(RuntimeError):
    """The file cannot be read, and is in the way."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"what assist remembers cannot be read ({path}: {why}): move the file away (answers are asked for again)"
        )


@dataclass
class Memory:
    """Answers by the source event's UID and by tag, and what was written into which calendar."""

    path: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)  # when an answer was last of use
    defaults: dict[str, tuple[str, ...]] = field(default_factory=dict)
    written: dict[str, dict[str, Written]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Memory":
        """What is in the file; MemoryLost if it is damaged."""
        try:
            content = orjson.loads(path.read_bytes())
            if content["version"] != VERSION:
                raise MemoryLost(path, f"version {content['version']} is not {VERSION}")
            return cls(path, *_read(content))
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            raise MemoryLost(path, error.strerror or type(error).__name__) from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise MemoryLost(path, f"damaged ({type(error).__name__})") from None

    def remember(self, uid: str, tag: str, answer: Answer, now: float) -> None:
        """Keep an answer, at once: nobody likes to be asked twice."""
        self.answers[uid], self.seen[uid] = answer, now
        self.defaults[tag] = answer.values
        self.save(now)

    def save(self, now: float) -> None:
        """Write the file; what is long past is forgotten."""
        since = now - KEPT_SECONDS
        answers = {
            uid: {"options": answer.options, "values": answer.values, "seen": self.seen.get(uid, now)}
            for uid, answer in self.answers.items()
            if self.seen.get(uid, now) > since
        }
        written = {
            calendar: {key: [last.start, last.end, last.title] for key, last in copies.items() if last.end > since}
            for calendar, copies in self.written.items()
        }
        content = {"version": VERSION, "answers": answers, "defaults": self.defaults, "written": written}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, orjson.dumps(content), mode=0o600, sync=True)


def _read(content: Mapping[str, Any]) -> Sequence[Any]:
    answers = {uid: Answer(_texts(each["options"]), _texts(each["values"])) for uid, each in content["answers"].items()}
    seen = {uid: float(each["seen"]) for uid, each in content["answers"].items()}
    defaults = {tag: _texts(values) for tag, values in content["defaults"].items()}
    written = {
        calendar: {key: Written(int(start), int(end), str(title)) for key, (start, end, title) in copies.items()}
        for calendar, copies in content["written"].items()
    }
    return answers, seen, defaults, written


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
