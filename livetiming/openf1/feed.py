"""The API's answers → the board: which session it is, what it is called, and what race control has to say."""

from collections.abc import Collection, Sequence
from typing import Any

import orjson

from livetiming.errors import RemoteError
from livetiming.openf1.board import Board
from livetiming.openf1.fields import MalformedDocument, text
from livetiming.openf1.polling import MEETING, SESSION, Kind, query
from livetiming.openf1.records import Control, Session, parse_session

LATEST = "latest"
MOST_TEXTS = 100  # of race control that wait for a frame
RECENT = 300.0  # seconds; what race control said before is not said again when we come late


def documents(body: bytes) -> list[Any]:
    """The documents in an answer; RemoteError where it is none. No results are an object that says so."""
    try:
        answer = orjson.loads(body)
    except ValueError:
        raise RemoteError(f"the answer is no JSON: {body[:60]!r}") from None
    if isinstance(answer, list):
        return answer
    detail = text(answer, "detail") if isinstance(answer, dict) else ""
    if detail.startswith("No results"):
        return []
    raise RemoteError(f"the answer is no list: {detail[:200] or body[:60]!r}")


class Feed:
    """Everything that one service has been told. `wanted` is a session's key, or LATEST.

    `said` are texts of race control that an earlier life of the service has said.
    """

    def __init__(self, wanted: str, said: Collection[str] = ()) -> None:
        self.wanted = wanted
        self.board: Board | None = None
        self.texts: list[str] = []  # that race control has said, and viewers have not been told; whoever tells, empties
        self._meeting = ""
        self._said = set(said)
        self._heard = False  # race control has been asked
        self._forgotten = 0  # documents that could not be read, of sessions that are over

    @property
    def description(self) -> str:
        """`Singapore Grand Prix - Race`."""
        if self.board is None:
            return ""
        session = self.board.session
        return " - ".join(filter(None, [self._meeting or session.circuit, session.name]))

    @property
    def refused(self) -> int:
        """How many documents could not be read."""
        return self._forgotten + (self.board.refused.count if self.board is not None else 0)

    def is_over(self, now: float) -> bool:
        """Whether nothing new is to be expected at Unix second `now`."""
        return self.board is not None and self.board.time(now) < now

    def query(self, kind: Kind) -> str | None:
        """Path and query of what to ask for; None where there is nothing to ask."""
        if kind is SESSION:
            return f"sessions?session_key={self.wanted}"
        if self.board is None:
            return None
        if kind is MEETING:
            meeting = self.board.session.meeting
            return None if meeting is None else f"meetings?meeting_key={meeting}"
        return query(kind, self.board.session.key, self.board.newest)

    def take(self, kind: Kind, found: Sequence[Any], now: float) -> bool:
        """Take in an answer of Unix second `now`; whether another session begins with it. RemoteError without one."""
        if kind is SESSION:
            return self._take_session(found)
        if kind is MEETING:
            first = found[0] if found else None
            self._meeting = text(first, "meeting_name") if isinstance(first, dict) else ""
        elif self.board is not None:
            controls = self.board.merge(kind.collection, found)
            if kind.collection == "race_control":
                self._hear(controls, now)
        return False

    def _take_session(self, found: Sequence[Any]) -> bool:
        if not found or not isinstance(found[-1], dict):
            raise RemoteError(f"there is no session {self.wanted}")
        try:
            session = parse_session(found[-1])
        except MalformedDocument as error:
            raise RemoteError(f"the session cannot be read: {error}") from error
        known = self.board
        if known is not None and session.key == known.session.key:
            known.session = session  # its dates may have been moved
            return False
        if known is not None and _is_older(session, known.session):
            return False
        self._forgotten = self.refused
        self.board, self._meeting, self._heard = Board(session), "", False
        return True

    def _hear(self, controls: Sequence[Control], now: float) -> None:
        """Blue flags are left out: in a race there are hundreds of them."""
        late = not self._heard
        self._heard = True
        for control in controls:
            known = late and (now - control.at > RECENT or control.message.upper() in self._said)
            if control.message and control.flag != "BLUE" and not known:
                self.texts.append(control.message)
        del self.texts[:-MOST_TEXTS]


def _is_older(session: Session, than: Session) -> bool:
    """The latest session may change to a later one, but a slip of the API does not bring an old one back."""
    return session.start is not None and than.start is not None and session.start < than.start
