"""Who may do what on the router, as plain rules (docs/wire.md, head). No I/O.

Role `services` is not asked here: the router's configuration allows it everything but the router's own procedures.
"""

import re
from dataclasses import dataclass
from enum import Enum

_UUID = r"[0-9a-f]{32}"

PUBLIC_TOPICS = frozenset(
    {"livetiming.directory", "livetiming.scheduler", "livetiming.replay"},
)
PUBLIC_PROCEDURES = frozenset(
    {
        "livetiming.directory.listServices",
        "livetiming.schedule.list",
        "livetiming.recordings.page",
        "livetiming.recordings.names",
        "livetiming.recordings.manifest",
        "livetiming.recordings.updateManifest",  # asks for its authcode
        "livetiming.recordings.search",
        "livetiming.recordings.stateAt",
        "livetiming.recordings.frames",
    }
)
_SERVICE_PROCEDURE = re.compile(rf"livetiming\.service\.(?:isAlive|requestState|requestAnalysisData)\.({_UUID})")
_SERVICE_TOPIC = re.compile(rf"livetiming\.service\.({_UUID})")
_ANALYSIS_TOPIC = re.compile(rf"livetiming\.analysis/({_UUID})/\S+")
_ANALYSIS_PREFIX = re.compile(rf"livetiming\.analysis/({_UUID})/\S*")
_COMMAND_TOPIC = re.compile(rf"manager\.command\.({_UUID})")
CONTROL = "livetiming.control"


class Verdict(Enum):
    """What the rules say without knowing who owns what."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True)
class IfOwned:
    """Allowed if `uuid` belongs to whoever asks; `claims` says that asking is the way to get hold of it."""

    uuid: str
    claims: bool


def anonymous(action: str, uri: str, match: str) -> Verdict:
    """What anybody may do: subscribe to and call what is public. Nothing is published or registered.

    `match` is exact, prefix or wildcard. A service's topic is matched exactly only: a prefix would reveal hidden ones.
    """
    if action == "call":
        allowed = uri in PUBLIC_PROCEDURES or _SERVICE_PROCEDURE.fullmatch(uri) is not None
    elif action == "subscribe" and match == "exact":
        allowed = uri in PUBLIC_TOPICS or any(form.fullmatch(uri) for form in (_SERVICE_TOPIC, _ANALYSIS_TOPIC))
    elif action == "subscribe" and match == "prefix":
        allowed = _ANALYSIS_PREFIX.fullmatch(uri) is not None
    else:
        allowed = False
    return Verdict.ALLOW if allowed else Verdict.DENY


def external_service(action: str, uri: str, match: str) -> Verdict | IfOwned:
    """What a service from outside may do: publish and register its own uuids' URIs, and hear what is said to them."""
    if match != "exact":
        return Verdict.DENY
    if action == "register":
        return _if_owned(_SERVICE_PROCEDURE.fullmatch(uri), claims=True)
    if action == "publish":
        if uri == CONTROL:
            return Verdict.ALLOW
        return _if_owned(_SERVICE_TOPIC.fullmatch(uri) or _ANALYSIS_TOPIC.fullmatch(uri), claims=False)
    if action == "subscribe":
        if uri == CONTROL:
            return Verdict.ALLOW
        return _if_owned(_COMMAND_TOPIC.fullmatch(uri), claims=False)
    return Verdict.DENY


def _if_owned(found: re.Match[str] | None, *, claims: bool) -> Verdict | IfOwned:
    return Verdict.DENY if found is None else IfOwned(found[1], claims)


def service_procedures(uuid: str) -> tuple[str, ...]:
    """The procedures by which a service shows that it owns `uuid`."""
    return tuple(f"livetiming.service.{name}.{uuid}" for name in ("isAlive", "requestState", "requestAnalysisData"))
