"""What travels on the router: envelope, message classes, topics, procedures, realm.

The names and shapes are the contract with deployed clients (docs/wire.md tells the whole of it). Nothing here
does I/O: `livetiming.wamp` joins the router.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any
from urllib.parse import quote

import orjson

from livetiming.lzstring import LZStringError, compress_to_utf16, decompress_from_utf16

Json = Any  # a JSON value as it came from, or goes to, the wire

STATE_LIMIT = 8_000_000  # characters of an unpacked state; 60 cars take 20,000
UUID = re.compile(r"[0-9a-f]{32}")


class Realm(StrEnum):
    """The one realm of the router."""

    TIMING = "timing"


class MessageClass(IntEnum):
    """`msgClass` of an envelope: what its payload is."""

    INITIALISE_DIRECTORY = 1  # null: every service answers with its manifest
    SERVICE_REGISTRATION = 2  # manifest
    SERVICE_DEREGISTRATION = 3  # service uuid
    SERVICE_DATA = 4  # state
    DIRECTORY_LISTING = 5  # list of manifests
    SCHEDULE_LISTING = 6  # list of upcoming events
    ANALYSIS_DATA = 7  # data of one analysis module
    SERVICE_DATA_COMPRESSED = 8  # LZ-String UTF-16 of the state's JSON
    ANALYSIS_DATA_COMPRESSED = 9  # the same of one analysis module's data
    RECORDING_LISTING = 10  # list of recordings


class Channel(StrEnum):
    """Topics. Those of one service are made by the functions below."""

    CONTROL = "livetiming.control"
    DIRECTORY = "livetiming.directory"
    SCHEDULER = "livetiming.scheduler"
    REPLAY = "livetiming.replay"
    SERVICE = "livetiming.service."  # prefix
    COMMAND = "manager.command."  # prefix


class RPC(StrEnum):
    """Procedures. Those ending in a dot are completed by a service's uuid."""

    LIST_SERVICES = "livetiming.directory.listServices"
    SCHEDULE_LIST = "livetiming.schedule.list"
    IS_ALIVE = "livetiming.service.isAlive."
    REQUEST_STATE = "livetiming.service.requestState."
    REQUEST_ANALYSIS = "livetiming.service.requestAnalysisData."
    RECORDINGS_PAGE = "livetiming.recordings.page"
    RECORDINGS_NAMES = "livetiming.recordings.names"
    RECORDINGS_MANIFEST = "livetiming.recordings.manifest"
    RECORDINGS_SEARCH = "livetiming.recordings.search"
    RECORDINGS_UPDATE_MANIFEST = "livetiming.recordings.updateManifest"
    RECORDINGS_STATE_AT = "livetiming.recordings.stateAt"
    RECORDINGS_FRAMES = "livetiming.recordings.frames"
    AUTHENTICATE_LOOKUP = "livetiming.authenticate.lookup"


def is_uuid(text: object) -> bool:
    """Whether `text` is a service's uuid: 32 lower-case hexadecimal digits."""
    return isinstance(text, str) and UUID.fullmatch(text) is not None


def service_topic(uuid: str) -> str:
    """Where the states of service `uuid` are published."""
    return f"{Channel.SERVICE}{uuid}"


def command_topic(uuid: str) -> str:
    """Where service `uuid` is told to quit."""
    return f"{Channel.COMMAND}{uuid}"


def analysis_topic(uuid: str, module: str, *parts: str) -> str:
    """Where an analysis module is published; in `parts` (car numbers) all but `[A-Za-z0-9_-]` is percent-encoded."""
    tail = "".join(f"/{quote(part, safe='').replace('.', '%2E').replace('~', '%7E')}" for part in parts)
    return f"livetiming.analysis/{uuid}/{module}{tail}"


def uuid_of_topic(topic: str | None) -> str | None:
    """The uuid in a service's topic, or None where the topic is no service's."""
    if topic is None or not topic.startswith(Channel.SERVICE):
        return None
    uuid = topic.removeprefix(Channel.SERVICE)
    return uuid if is_uuid(uuid) else None


class MalformedMessage(ValueError):
    """A publication is not an envelope, or its payload is not what its class promises. Ignore it, and say so."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not a live-timing message: {what}")


@dataclass(frozen=True)
class Message:
    """One envelope. `date` is Unix time in milliseconds, None where the sender gave none or nonsense."""

    msg_class: MessageClass
    payload: Json
    date: int | None = None
    retain: bool = False

    def encode(self) -> dict[str, Json]:
        """The envelope as it stands on the wire."""
        envelope = {"msgClass": int(self.msg_class), "date": self.date, "payload": self.payload}
        if self.retain:
            envelope["retain"] = True
        return envelope

    @classmethod
    def decode(cls, raw: object) -> "Message":
        """The envelope in `raw`; MalformedMessage where there is none. Extra keys are ignored."""
        if not isinstance(raw, Mapping):
            raise MalformedMessage(f"a {type(raw).__name__} instead of an object")
        try:
            msg_class = MessageClass(raw["msgClass"])
        except KeyError:
            raise MalformedMessage("no msgClass") from None
        except ValueError:
            raise MalformedMessage(f"unknown msgClass {str(raw['msgClass'])[:40]!r}") from None
        date = raw.get("date")
        if isinstance(date, bool) or not isinstance(date, int | float) or not abs(date) < 1e15:
            date = None
        return cls(msg_class, raw.get("payload"), None if date is None else int(date), raw.get("retain") is True)

    # As older plugins call them.
    serialise = encode
    parse = decode


def state_message(state: Mapping[str, Json], date: int) -> Message:
    """`state` as a retained publication of class 4."""
    return Message(MessageClass.SERVICE_DATA, state, date, retain=True)


def compressed_state_message(
    state_json: bytes, date: int, compress: Callable[[str], str] = compress_to_utf16
) -> Message:
    """The state whose JSON is `state_json` as a retained publication of class 8, which deployed clients expect.

    Who sends many gives a `lzstring.Compressor`'s `compress`.
    """
    return Message(MessageClass.SERVICE_DATA_COMPRESSED, compress(state_json.decode()), date, retain=True)


def decode_state(message: Message) -> dict[str, Json]:
    """The state in a message of class 4 or 8; MalformedMessage if there is none."""
    state = message.payload
    if message.msg_class is MessageClass.SERVICE_DATA_COMPRESSED:
        if not isinstance(state, str):
            raise MalformedMessage("a compressed state that is no text")
        try:
            state = orjson.loads(decompress_from_utf16(state, STATE_LIMIT))
        except (LZStringError, ValueError) as error:
            raise MalformedMessage(f"a compressed state that cannot be read ({error})") from error
    elif message.msg_class is not MessageClass.SERVICE_DATA:
        raise MalformedMessage(f"class {message.msg_class.name} carries no state")
    if not isinstance(state, dict):
        raise MalformedMessage(f"a state that is a {type(state).__name__}")
    return state


def quit_command(uuid: str, why: str, timestamp: int) -> dict[str, Json]:
    """What `command_topic(uuid)` carries to end a service; `timestamp` in Unix seconds."""
    return {"type": "QUIT", "timestamp": timestamp, "payload": {"id": uuid, "why": why}}


def is_quit(raw: object) -> bool:
    """Whether `raw`, from a command topic, tells its service to end."""
    return isinstance(raw, Mapping) and raw.get("type") == "QUIT"
