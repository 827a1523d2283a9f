"""The component at the router's gate: it authenticates whoever joins and authorizes what they ask.

It is started before the router listens, and is the only session that may register these procedures.
"""

import copy
import json
import os
from pathlib import Path
from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import RegisterOptions

from ltrouter import permissions
from ltrouter.permissions import IfOwned, Verdict

AUTHENTICATE = "livetiming.authenticate"
LOOKUP = "livetiming.authenticate.lookup"
AUTHORIZE = "livetiming.authorize"
SERVICES_ROLE = "services"
EXTERNAL_ROLE = "external_service"
UUIDS_OF_ONE = 1000  # how many uuids one external authid may hold
PUBLISHED_EXTRA = ("name", "url")  # all that is told of an external authid


class Gate(ApplicationSession):  # type: ignore[misc]  # autobahn has no usable types
    """`extra`: `auth_id`, and `auth_file` or null. The services' secret comes by LIVETIMING_SHARED_SECRET."""

    async def onJoin(self, _details: Any) -> None:  # noqa: N802 - autobahn's name
        self.owners: dict[str, str] = {}  # uuid -> authid that registered it first
        self.secret = os.environ["LIVETIMING_SHARED_SECRET"]
        await self.register(self.authenticate, AUTHENTICATE)
        await self.register(self.lookup, LOOKUP)
        await self.register(self.authorize, AUTHORIZE, options=RegisterOptions())

    def authenticate(self, _realm: str, authid: str, _details: dict[str, Any]) -> dict[str, Any]:
        """The principal that `authid` must prove to be; ApplicationError for one that nobody knows."""
        if authid == self.config.extra["auth_id"]:
            return {"secret": self.secret, "role": SERVICES_ROLE, "extra": {}}
        principal = self._external(authid)
        if principal is None:
            raise ApplicationError("wamp.error.not_authorized", f"no such authid: {authid[:80]!r}")
        return {"secret": principal["secret"], "role": EXTERNAL_ROLE, "extra": _published(principal)}

    def lookup(self, authid: str) -> dict[str, Any] | None:
        """What may be told of an external authid: its name and url. None for one that nobody knows."""
        principal = self._external(authid)
        return None if principal is None else _published(principal)

    async def authorize(
        self, session: dict[str, Any], uri: str, action: str, options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Whether `session` may do `action` with `uri`. Never cached: the router's cache does not know the authid."""
        match = (options or {}).get("match") or "exact"
        role, authid = session["authrole"], session["authid"]
        if role == EXTERNAL_ROLE:
            verdict = permissions.external_service(action, uri, match)
            allow = await self._owns(authid, verdict) if isinstance(verdict, IfOwned) else verdict is Verdict.ALLOW
        else:
            allow = permissions.anonymous(action, uri, match) is Verdict.ALLOW
        return {"allow": allow, "disclose": role == EXTERNAL_ROLE, "cache": False}

    async def _owns(self, authid: str, asked: IfOwned) -> bool:
        """Whether `asked.uuid` is, or by this becomes, the property of `authid`."""
        owner = self.owners.get(asked.uuid)
        if owner is not None or not asked.claims:
            return owner == authid
        if sum(1 for held in self.owners.values() if held == authid) >= UUIDS_OF_ONE:
            self.log.warn("{authid} holds {n} uuids already: refused", authid=authid, n=UUIDS_OF_ONE)
            return False
        holders = await self._registered_by(asked.uuid)
        if not holders <= {authid} or self.owners.setdefault(asked.uuid, authid) != authid:
            self.log.warn("{authid} may not have {uuid}: it is another's", authid=authid, uuid=asked.uuid)
            return False
        return True

    async def _registered_by(self, uuid: str) -> set[str]:
        """The authids that now answer for `uuid`, by the router's own word."""
        authids = set()
        for procedure in permissions.service_procedures(uuid):
            registration = await self.call("wamp.registration.lookup", procedure)
            if registration is None:
                continue
            for callee in await self.call("wamp.registration.list_callees", registration):
                try:
                    authids.add((await self.call("wamp.session.get", callee))["authid"])
                except ApplicationError:  # it left while we asked
                    continue
        return authids

    def _external(self, authid: str) -> dict[str, Any] | None:
        """The entry of `authid` in LIVETIMING_AUTH_FILE, read anew each time so that an edit holds at once."""
        path = self.config.extra.get("auth_file")
        if path is None:
            return None
        try:
            entry = json.loads(Path(path).read_text()).get(authid)
        except (OSError, ValueError, AttributeError) as error:
            self.log.error("LIVETIMING_AUTH_FILE cannot be read: {error}", error=error)
            return None
        if not isinstance(entry, dict) or not isinstance(entry.get("secret"), str) or not entry["secret"]:
            return None
        return entry


def _published(principal: dict[str, Any]) -> dict[str, Any]:
    """A copy, because the router writes keys of its own into the extra that it is given."""
    extra = principal.get("extra")
    if not isinstance(extra, dict):
        return {}
    return {key: copy.deepcopy(extra[key]) for key in PUBLISHED_EXTRA if isinstance(extra.get(key), str)}
