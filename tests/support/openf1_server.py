"""OpenF1's API for tests: a server on loopback with its filters, and a race of invented drivers."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from tests.support.loopback import Handler, LoopbackServer
from tests.support.web_feed import Answer

Document = dict[str, Any]
Documents = dict[str, list[Document]]

START = datetime(2026, 5, 3, 13, 0, tzinfo=UTC).timestamp()  # of the race, when the documents say nothing else
SESSION, MEETING = 9001, 800


def iso(moment: float) -> str:
    """Unix seconds as the API writes them."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def a_race(start: float = START) -> Documents:
    """Six and a half minutes of a race of four: 7 leads 12; 23 has changed tyres; 44 did not get round once."""

    def session(**fields: Any) -> Document:
        return {"session_key": SESSION, "meeting_key": MEETING, **fields}

    def driver(number: int, first: str, last: str, team: str) -> Document:
        names = {"first_name": first, "last_name": last, "full_name": f"{first} {last.upper()}"}
        return session(driver_number=number, name_acronym=last[:3].upper(), team_name=team, **names)

    def lap(number: int, lap_number: int, at: float | None, *sectors: float | None, **fields: Any) -> Document:
        times = {f"duration_sector_{index}": time for index, time in enumerate(sectors, 1)}
        whole = None if None in (*sectors, at) else round(sum(filter(None, sectors)), 3)
        return session(
            driver_number=number, lap_number=lap_number, date_start=None if at is None else iso(start + at),
            **{"lap_duration": whole, "st_speed": None, "is_pit_out_lap": False, **times, **fields},
        )  # fmt: skip

    def stint(number: int, stint_number: int, first: int, last: int, compound: str, age: int) -> Document:
        return session(
            driver_number=number, stint_number=stint_number, lap_start=first, lap_end=last, compound=compound,
            tyre_age_at_start=age,
        )  # fmt: skip

    def dated(at: float, number: int | None = None, **fields: Any) -> Document:
        return session(date=iso(start + at), driver_number=number, **fields)

    def control(at: float, message: str, flag: str | None = None, scope: str | None = None, **fields: Any) -> Document:
        given = {"category": "Flag" if flag else "Other", "sector": None, "driver_number": None, **fields}
        return session(date=iso(start + at), message=message, flag=flag, scope=scope, **given)

    return {
        "sessions": [
            session(
                session_name="Race", session_type="Race", circuit_short_name="Kestrel Ridge", location="Kestrel",
                date_start=iso(start), date_end=iso(start + 7200),
            )
        ],
        "meetings": [{"meeting_key": MEETING, "meeting_name": "Kestrel Grand Prix"}],
        "drivers": [
            driver(7, "Ada", "Falk", "Heron"), driver(12, "Bo", "Lind", "Heron"),
            driver(23, "Cy", "Moro", "Osprey"), driver(44, "Di", "Nash", "Osprey"),
        ],
        "laps": [
            lap(7, 1, None, None, 31.5, 30.5), lap(12, 1, None, None, 31.7, 30.6), lap(23, 1, None, None, 32.1, 30.9),
            lap(44, 1, None, None, None, None),
            lap(7, 2, 95.0, 29.0, 31.0, 30.0, st_speed=310), lap(12, 2, 96.0, 29.2, 31.1, 30.2, st_speed=311),
            lap(23, 2, 97.0, 29.6, 31.2, 31.2, st_speed=305),
            lap(7, 3, 185.0, 28.9, 30.8, 29.8, st_speed=312), lap(12, 3, 186.5, 29.0, 30.9, 30.0, st_speed=309),
            lap(23, 3, 189.0, 48.1, 31.4, 30.5, is_pit_out_lap=True),
            lap(7, 4, 274.5, 28.8, 30.9, 29.7), lap(12, 4, 276.4, 29.1, 30.8, 29.9),
            lap(23, 4, 299.0, 29.5, 31.2, 30.3, st_speed=308),
            lap(7, 5, 363.9, 28.7, None, None), lap(12, 5, 366.2, None, None, None),
            lap(23, 5, 390.0, None, None, None),
        ],
        "stints": [
            stint(7, 1, 1, 4, "SOFT", 2), stint(12, 1, 1, 4, "MEDIUM", 0), stint(23, 1, 1, 2, "MEDIUM", 0),
            stint(23, 2, 3, 4, "HARD", 3), stint(44, 1, 1, 1, "UNKNOWN", 0),
        ],
        "pit": [dated(205.0, 23, lap_number=2, pit_duration=21.3)],
        "position": [
            dated(-3000.0, 7, position=2), dated(-3000.0, 12, position=1), dated(-3000.0, 23, position=4),
            dated(-3000.0, 44, position=3), dated(4.0, 7, position=1), dated(4.0, 12, position=2),
            dated(95.0, 23, position=3), dated(95.0, 44, position=4),
        ],
        "intervals": [
            dated(388.0, 12, gap_to_leader=2.5, interval=2.5), dated(392.0, 7, gap_to_leader=None, interval=None),
            dated(392.0, 12, gap_to_leader=2.3, interval=2.3), dated(392.0, 23, gap_to_leader="+1 LAP", interval=23.8),
        ],
        "race_control": [
            control(-600.0, "GREEN LIGHT - PIT EXIT OPEN", "GREEN", "Track"),
            control(20.0, "DOUBLE YELLOW IN TRACK SECTOR 5", "DOUBLE YELLOW", "Sector", sector=5),
            control(60.0, "CLEAR IN TRACK SECTOR 5", "CLEAR", "Sector", sector=5),
            control(300.0, "CAR 23 (MOR) TIME 1:32.000 DELETED - TRACK LIMITS"),
            control(310.0, "WAVED BLUE FLAG FOR CAR 23 (MOR)", "BLUE", "Driver", driver_number=23),
            control(390.0, "VIRTUAL SAFETY CAR DEPLOYED", category="SafetyCar"),
        ],
        "weather": [
            dated(0.0, air_temperature=24.0, track_temperature=40.0, humidity=56, pressure=1012.2, rainfall=0,
                  wind_speed=1.8, wind_direction=180),
            dated(360.0, air_temperature=24.5, track_temperature=41.2, humidity=55, pressure=1012.3, rainfall=0,
                  wind_speed=2.1, wind_direction=187),
        ],
    }  # fmt: skip


_FILTER = re.compile(r"(\w+)(<=|>=|<|>|=)(.*)")
_COMPARED: Mapping[str, Any] = {
    "=": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


def matching(documents: list[Document], query: str) -> list[Document]:
    """The documents that a query asks for; what a document has no value for is never asked for."""
    for part in filter(None, query.split("&")):
        found = _FILTER.fullmatch(unquote(part))
        assert found is not None, part
        key, operator, text = found.groups()
        if text == "latest":
            documents = [each for each in documents if each[key] == max(each[key] for each in documents)]
        else:
            wanted = _value(text)
            documents = [
                each for each in documents
                if each.get(key) is not None and _COMPARED[operator](_value(each[key]), wanted)
            ]  # fmt: skip
    return documents


def _value(value: Any) -> Any:
    """A number, or a moment; without a zone it is UTC."""
    if not isinstance(value, str):
        return value
    if value.isdigit():
        return int(value)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class OpenF1Server:
    """`documents` are what it knows. `faults` are answers in place of them, by collection, or `*` for all."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.faults: dict[str, Answer] = {}
        self.token = ""  # without it nothing is answered
        self.asked: list[tuple[str, str]] = []  # collection, query as it came
        server = self

        class Answering(Handler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                collection = url.path.removeprefix("/v1/")
                server.asked.append((collection, url.query))
                answer = server.answer(collection, url.query, self.headers.get("Authorization", ""))
                self.reply(answer.status, answer.body, answer.headers)

        self._server = LoopbackServer(Answering)

    @property
    def url(self) -> str:
        """The API's base address."""
        return f"http://127.0.0.1:{self._server.port}/v1"

    def answer(self, collection: str, query: str, authorization: str) -> Answer:
        """What the API says to a request."""
        fault = self.faults.get(collection, self.faults.get("*"))
        if fault is not None:
            return fault
        if self.token and authorization != f"Bearer {self.token}":
            return Answer(orjson.dumps({"detail": "Session in progress, access is restricted"}), status=401)
        found = matching(self.documents.get(collection, []), query)
        if not found:
            return Answer(orjson.dumps({"detail": "No results found."}), status=404)
        return Answer(orjson.dumps(found))

    def queries(self, collection: str) -> list[str]:
        """What was asked for of a collection, readable."""
        return [unquote(query) for asked, query in self.asked if asked == collection]

    def close(self) -> None:
        """End it."""
        self._server.close()


@contextmanager
def openf1_server(documents: Documents | None = None) -> Iterator[OpenF1Server]:
    """A server that knows `documents`, or the race."""
    server = OpenF1Server(a_race() if documents is None else documents)
    try:
        yield server
    finally:
        server.close()
