"""What to ask the API for next, and when: within its limits, only what is new, and less often what seldom changes.

One request is under way at a time, and a pause is kept between two: that alone keeps us under the limits, whatever is
due. What has waited longest comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

WITHOUT_ACCOUNT, WITH_ACCOUNT = 30, 60  # requests a minute that the API allows (and 3 and 6 a second)
_MARGIN = 1.05  # requests do not take the same time to arrive

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0  # seconds
GONE_AFTER = 3  # failures in a row, of whatever: not one request, but the feed
_QUIET = 30.0  # seconds between two requests of one kind when a session is over
_RECENT = 120.0  # seconds of intervals to begin with: older ones are of no use


@dataclass(frozen=True)
class Kind:
    """One kind of request. `overlap` is how far it goes back behind the newest that is known, because documents come
    late and are corrected; None: it asks for everything each time."""

    name: str
    collection: str
    every: float = 1  # of what the operator wants between two requests for what changes all the time
    overlap: float | None = None  # seconds
    field: str = "date"  # what it is filtered by


SESSION = Kind("session", "sessions", every=15)
MEETING = Kind("meeting", "meetings", every=float("inf"))
INTERVALS = Kind("intervals", "intervals", overlap=10)
# What a picture of the race consists of comes first.
KINDS = (
    Kind("drivers", "drivers", every=30),
    Kind("positions", "position", overlap=10),
    # A lap grows while it is driven, and laps do not come in the order in which they begin; those without a start (the
    # first of a race) are only found by asking for all.
    Kind("all laps", "laps", every=30),
    Kind("race control", "race_control", overlap=60),
    Kind("stints", "stints", every=8),
    INTERVALS,
    Kind("pit stops", "pit", every=8, overlap=300),
    Kind("weather", "weather", every=15, overlap=0),
    Kind("laps", "laps", overlap=300, field="date_start"),
)
BASIS = ("drivers", "positions", "all laps", "race control")  # before these have been answered, nothing is shown


def query(kind: Kind, session: int, newest: Mapping[str, float]) -> str:
    """Path and query of a request. `newest` is the latest moment that is known of each collection (Unix s)."""
    filters = f"{kind.collection}?session_key={session}"
    if kind.overlap is None:
        return filters
    since = newest.get(kind.collection)
    if since is None and kind is INTERVALS:
        since = max(newest.values(), default=None)
        since = None if since is None else since - _RECENT
    if since is None:
        return filters
    begin = datetime.fromtimestamp(max(0.0, since - kind.overlap), UTC)
    return f"{filters}&{kind.field}" + quote(f">={begin:%Y-%m-%dT%H:%M:%S.%f}", safe="")


@dataclass
class _Turn:
    """Where one kind stands. Times in seconds of any clock."""

    kind: Kind
    due: float = 0.0
    failures: int = 0  # in a row
    answered: bool = False


class Poller:
    """The order of requests. `fast` is how many seconds the operator wants between two of what changes all the time."""

    def __init__(self, fast: float, requests_a_minute: float) -> None:
        self.fast = fast
        self.gap = 60 / requests_a_minute * _MARGIN  # seconds between two requests
        self.failures = 0  # in a row, of whatever kind
        self._free = 0.0  # when the next request may be made
        self._turns = {SESSION.name: _Turn(SESSION)}

    def begin(self, *, race: bool) -> None:
        """Another session: everything about it is to be asked for. Without the session there is nothing to ask."""
        session = self._turns[SESSION.name]
        kinds = (MEETING, *(kind for kind in KINDS if race or kind is not INTERVALS))
        self._turns = {SESSION.name: session, **{kind.name: _Turn(kind) for kind in kinds}}

    @property
    def ready(self) -> bool:
        """Whether everything that a first picture needs has been answered, or will not be."""
        turns = [self._turns.get(name) for name in BASIS]
        return all(turn is not None and (turn.answered or turn.failures >= GONE_AFTER) for turn in turns)

    def next(self, now: float) -> tuple[Kind | None, float]:
        """What to ask for now; or nothing, and how many seconds to wait."""
        turn = min(self._turns.values(), key=lambda each: each.due)  # of several, the first
        wait = max(self._free, turn.due) - now
        if wait > 0:
            return None, min(wait, LONGEST_BACKOFF)
        self._free = now + self.gap
        return turn.kind, 0.0

    def answered(self, kind: Kind, now: float, *, quiet: bool = False) -> None:
        """It was answered. `quiet`: the session is over, and there is no hurry any more."""
        self.failures = 0
        turn = self._turns.get(kind.name)
        if turn is not None:
            every = self.fast * kind.every
            turn.answered, turn.failures, turn.due = True, 0, now + (max(every, _QUIET) if quiet else every)

    def failed(self, kind: Kind, now: float, *, pause: float = 0.0, all_of_it: bool = True) -> None:
        """It was not answered. `pause` is what the server wants, in seconds; `all_of_it`: others would fail as well."""
        self.failures += 1
        turn = self._turns.get(kind.name)
        if turn is not None:
            turn.failures += 1
            turn.due = now + backoff(turn.failures)
        if all_of_it:
            pause = max(pause, backoff(self.failures))
        self._free = max(self._free, now + pause)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4 … 60."""
    return float(min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 10)))
