"""Manifest and state → what stands on the terminal: the live timing screen, and the list of what is on the air.

Everything here is pure: lines of styled text for a given size. What comes from a feed is made harmless by
orchestrator.cells.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.text import Text

from livetiming.manifest import Manifest
from livetiming.racing import FlagStatus, Stat
from livetiming.state import Row, State
from livetiming.times import format_clock
from orchestrator.cells import CELL_LIMIT, LINE_LIMIT, Kind, cell, class_styles, clean, number

WIDEST = 24  # columns of the terminal that a text gets at most
NARROW, NARROWEST = 12, 4  # what texts are shortened to before columns are dropped, and after
ROWS_LIMIT = 1000  # where the height is unlimited
CLOCK_RUNS_ON = 60.0  # seconds without a state after which the clock is left standing

# What is dropped last comes first; headings of one group go together, those that are not here go first.
_NEVER_DROPPED = frozenset({"Num", "Driver", "Team", "Laps", "Gap", "Last", "Best"})
_BY_IMPORTANCE: Sequence[frozenset[str]] = [
    frozenset(group)
    for group in (
        {"State"},
        {"Class"},
        {"Int"},
        {"PIC"},
        {"Pits"},
        {"S1", "S2", "S3", "S4", "S5"},
        {"Car"},
        {"C.Gap", "C.Int"},
        {"T"},
        {"Spd"},
        {"TS", "TA"},
        {"D1 Best", "D2 Best", "Average"},
        {"B.Spd"},
        {"PTP"},
        {"BS1", "BS2", "BS3", "BS4", "BS5"},
        {"T1 Spd", "BT1S", "T3 Spd", "BT3S"},
        {"NTS", "NTR"},
    )
]

_FLAGS: Mapping[FlagStatus, tuple[str, str]] = {
    FlagStatus.NONE: ("NO FLAG", "grey100 on grey30"),
    FlagStatus.GREEN: ("GREEN", "bold grey0 on green3"),
    FlagStatus.WHITE: ("WHITE", "bold grey0 on grey100"),
    FlagStatus.CHEQUERED: ("CHEQUERED", "bold grey0 on grey82"),
    FlagStatus.YELLOW: ("YELLOW", "bold grey0 on yellow1"),
    FlagStatus.FCY: ("FULL COURSE YELLOW", "bold grey0 on yellow1"),
    FlagStatus.CODE_60: ("CODE 60", "bold grey100 on purple"),
    FlagStatus.VSC: ("VIRTUAL SAFETY CAR", "bold grey0 on yellow1"),
    FlagStatus.SC: ("SAFETY CAR", "bold grey0 on yellow1"),
    FlagStatus.CAUTION: ("CAUTION", "bold grey0 on yellow1"),
    FlagStatus.RED: ("RED", "bold grey100 on red3"),
    FlagStatus.SLOW_ZONE: ("SLOW ZONE", "bold grey0 on orange1"),
    FlagStatus.CODE_60_ZONE: ("CODE 60 ZONE", "bold grey100 on purple"),
}
_MESSAGES = {
    "green": "green",
    "yellow": "yellow",
    "red": "bold red",
    "white": "bold",
    "track": "bold",
    "code60": "medium_orchid1",
    "pit": "red",
    "out": "yellow",
    "pb": "green",
    "sb": "medium_orchid1",
    "raceControl": "bold cyan",
}


@dataclass(frozen=True)
class Size:
    """The room there is, in columns and lines; None where it is not bounded (no terminal)."""

    width: int | None
    height: int | None


@dataclass(frozen=True)
class Notice:
    """The last line: how things stand between us and the router."""

    text: str
    urgent: bool = False


@dataclass(frozen=True)
class OnAir:
    """One service of the listing, `age` seconds after its state came; the state is None where it is not known."""

    manifest: Manifest
    state: State | None = None
    age: float = 0.0


@dataclass(frozen=True)
class Column:
    """One column of the manifest. `group` is its importance, 0 the highest."""

    index: int
    heading: str
    kind: Kind
    group: int


# -- columns


def columns(manifest: Manifest, state: State | None = None) -> list[Column]:
    """The columns of the manifest; without any, one without a heading for each cell of the state's first row."""
    spec: Sequence[Any] = manifest.get("colSpec") or [
        ("", "text") for _ in (state["cars"][0] if state and state["cars"] else [])
    ]
    return [_column(index, clean(item[0], WIDEST), item[1]) for index, item in enumerate(spec)]


def _column(index: int, heading: str, type_: str) -> Column:
    stat = Stat.from_title(heading)
    name, type_ = (heading, type_) if stat is None else (stat.title, stat.value[1])
    kind = Kind.STATE if stat is Stat.STATE else Kind(type_) if type_ in {kind.value for kind in Kind} else Kind.TEXT
    if name in _NEVER_DROPPED:
        return Column(index, heading, kind, 0)
    known = next((rank for rank, group in enumerate(_BY_IMPORTANCE, start=1) if name in group), None)
    return Column(index, heading, kind, len(_BY_IMPORTANCE) + 1 + index if known is None else known)


def fitted(listed: Sequence[Column], natural: Mapping[int, int], width: int | None) -> list[tuple[Column, int]]:
    """The columns that fit into `width`, with the width of each; a blank stands between two.

    `natural` has the width that each wants. Texts are shortened first, then the least important columns are dropped,
    then texts are shortened to what is barely readable.
    """
    if width is None:
        return [(column, natural[column.index]) for column in listed]
    kept = list(listed)

    def least(column: Column, shortest: int) -> int:
        return min(natural[column.index], shortest) if column.kind is Kind.TEXT else natural[column.index]

    def taken(shortest: int) -> int:
        return sum(least(column, shortest) + 1 for column in kept) - 1

    for group in sorted({column.group for column in kept} - {0}, reverse=True):
        if taken(NARROW) <= width:
            break
        kept = [column for column in kept if column.group != group]
    shortest = NARROW if taken(NARROW) <= width else NARROWEST
    widths = {column.index: least(column, shortest) for column in kept}
    left = width - taken(shortest)
    while left > 0 and (wanting := [index for index in widths if widths[index] < natural[index]]):
        for index in wanting[:left]:
            widths[index] += 1
        left -= len(wanting[:left])
    return [(column, widths[column.index]) for column in kept]


# -- the parts of a screen


def flag(session: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the session's flag, and its style."""
    return _FLAGS[FlagStatus.from_text(session.get("flagState"))]


def clocks(session: Mapping[str, Any], age: float) -> str:
    """`0:12:34 elapsed · 0:17:26 to go · 12 laps to go`, `age` seconds after the state came."""
    passed = 0.0 if session.get("pauseClocks") else min(max(age, 0.0), CLOCK_RUNS_ON)
    elapsed, remain, laps = (number(session.get(key)) for key in ("timeElapsed", "timeRemain", "lapsRemain"))
    parts = []
    if elapsed is not None:
        parts.append(f"{format_clock(elapsed + passed)} elapsed")
    if remain is not None:
        parts.append(f"{format_clock(max(0.0, remain - passed))} to go")
    if laps is not None:
        parts.append("last lap" if laps == 1 else f"{laps:.0f} laps to go")
    return " · ".join(parts)


def leader(manifest: Manifest, state: State) -> str:
    """The number of the first car and who drives it: `7 Conway`; empty where there is none."""
    if not state["cars"]:
        return ""
    listed = {column.heading: column.index for column in columns(manifest)}
    row = state["cars"][0]
    who = (_value(row, listed[name]) for name in ("Driver", "Team", "Car") if name in listed)
    names = [cell(value, Kind.TEXT).text for value in who]
    num = cell(_value(row, listed["Num"]), Kind.TEXT).text if "Num" in listed else ""
    return " ".join(part for part in (num, next(filter(None, names), "")) if part)


def _value(row: Row, index: int) -> object:
    return row[index] if index < len(row) else None


def _track_data(manifest: Manifest, session: Mapping[str, Any]) -> str:
    values, headings = session.get("trackData"), manifest.get("trackDataSpec")
    if not isinstance(values, list | tuple):
        return ""
    named = headings if isinstance(headings, list | tuple) else ()
    parts = []
    for index, value in enumerate(values[:20]):
        text, heading = cell(value, Kind.NUMBER).text, clean(_value(list(named), index))
        if text:
            parts.append(f"{heading}: {text}" if heading else text)
    return " · ".join(parts)


def _messages(state: State, count: int, zone: tzinfo) -> list[Text]:
    lines = []
    for message in state["messages"][:count]:
        if isinstance(message, list | tuple) and len(message) >= 3:
            style = _MESSAGES.get(message[3], "") if len(message) > 3 and isinstance(message[3], str) else ""
            said = f"{clean(message[1], 12):<12} {clean(message[2], LINE_LIMIT)}"
            lines.append(Text.assemble((f"{_time_of_day(message[0], zone)} ", "dim"), (said, style)))
    return lines


def _time_of_day(value: object, zone: tzinfo) -> str:
    seconds = value if isinstance(value, int | float) and 0 < value < 1e11 else None
    return " " * 8 if seconds is None else f"{datetime.fromtimestamp(seconds, zone):%H:%M:%S}"


# -- the table


def _table(manifest: Manifest, state: State, rows: Sequence[Row], width: int | None) -> list[Text]:
    """Heading and `rows`. Before the manifest's columns stand the place and, where a car is in the news, a mark."""
    listed = columns(manifest, state)
    cells = [[cell(_value(row, column.index), column.kind) for column in listed] for row in rows]
    natural = {
        column.index: min(
            max([cell_len(column.heading), *(cell_len(line[column.index].text) for line in cells)]),
            WIDEST if column.kind.is_text else CELL_LIMIT,
        )
        for column in listed
    }
    place = len(str(max(len(rows), 10))) + 1
    shown = fitted(listed, natural, None if width is None else width - place - 1)
    styles = class_styles(line[c.index].text for c in listed if c.kind is Kind.CLASS for line in cells)
    num = next((column.index for column in listed if column.heading == "Num"), None)
    news = {mark for mark in state["highlight"][:100] if isinstance(mark, str)}
    head = " ".join(_padded(column.heading, size, column.kind) for column, size in shown)
    lines = [Text(" " * place + " " + head, style="bold underline")]
    for position, line in enumerate(cells, start=1):
        marked = num is not None and line[num].text in news
        text = Text(("▸" if marked else " ") + f"{position:>{place - 1}}", style="bold" if marked else "")
        for column, size in shown:
            style = styles.get(line[column.index].text, "") if column.kind is Kind.CLASS else line[column.index].style
            text.append(" ")
            text.append(_padded(line[column.index].text, size, column.kind), style)
        lines.append(text)
    return lines


def _padded(text: str, width: int, kind: Kind) -> str:
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width) if kind.is_text else " " * (width - cell_len(text)) + text


def _band(name: str, style: str, right: str, width: int | None) -> Text:
    text, clock = f" {name} ", f" {right} "
    blank = 2 if width is None else max(0, width - cell_len(text) - cell_len(clock))
    return Text(text + " " * blank + clock, style=style)


def _footer(notice: Notice) -> Text:
    return Text(clean(notice.text, LINE_LIMIT), style="bold grey100 on red3" if notice.urgent else "dim")


def _page(lines: Iterable[Text], size: Size) -> Group:
    """The lines, none of them wrapped, and no more than there is room for."""
    kept = list(lines)[: size.height]
    for line in kept:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*kept)


# -- the screens


def timing(manifest: Manifest, state: State, size: Size, *, age: float, zone: tzinfo, notice: Notice | None) -> Group:
    """The live timing screen of one service, `age` seconds after `state` came; message times are shown in `zone`."""
    session, cars = state["session"], state["cars"][:ROWS_LIMIT]
    title = Text.assemble(
        (title_of(manifest), "bold"), (f"  {clean(manifest.get('serviceClass'))}", "dim"), _hidden_mark(manifest)
    )
    head = [title, _band(*flag(session), clocks(session, age), size.width)]
    track = _track_data(manifest, session)
    head += [Text(track, style="dim")] if track else []
    foot = [_footer(notice)] if notice is not None else []
    if size.height is None:
        rows, news = len(cars), 10
    else:
        room = max(0, size.height - len(head) - len(foot) - 1)  # 1: the headings
        news = min(len(state["messages"]), max(room // 5, room - len(cars) - 1))
        rows = room - news - (1 if news else 0)
    rows = len(cars) if len(cars) <= rows else max(0, rows - 1)  # the last one is for how many more
    table = _table(manifest, state, cars[:rows], size.width) if cars else [Text("no cars yet", style="dim")]
    more = len(state["cars"]) - rows
    table += [Text(f"… {more} more car{'s' if more > 1 else ''}", style="dim")] if more else []
    messages = _messages(state, news, zone)
    return _page([*head, *table, *([Text(""), *messages] if messages else []), *foot], size)


def title_of(manifest: Manifest) -> str:
    """What is being timed, as its service says it; its name and uuid where it says nothing."""
    name, description = (clean(manifest.get(key), LINE_LIMIT) for key in ("name", "description"))
    parts = [part for part in (description, name) if part]
    return " – ".join(dict.fromkeys(parts)) or clean(manifest.get("uuid"))


def listing(services: Sequence[OnAir], size: Size, notice: Notice | None) -> Group:
    """What is on the air."""
    lines = [] if services else [Text("nothing is on the air", style="dim")]
    foot = [_footer(notice)] if notice is not None else []
    room = ROWS_LIMIT if size.height is None else max(1, (size.height - len(foot)) // 3)
    shown = list(services) if len(services) <= room else services[: max(1, room - 1)]
    for service in shown:
        lines += _listed(service)
    if len(services) > len(shown):
        lines.append(Text(f"… {len(services) - len(shown)} more on the air", style="dim"))
    return _page([*lines, *foot], size)


def _listed(service: OnAir) -> list[Text]:
    manifest, state = service.manifest, service.state
    name, style = ("", "") if state is None else flag(state["session"])
    badge = (f" {name} ".center(20), style)
    facts = [clean(manifest.get("serviceClass"))]
    if state is not None:
        first, cars = leader(manifest, state), len(state["cars"])
        facts += [clocks(state["session"], service.age), f"leader {first}" if first else ""]
        facts += [f"{cars} car{'s' if cars > 1 else ''}" if cars else ""]
    indent = " " * 21
    return [
        Text.assemble(badge, " ", (title_of(manifest), "bold"), _hidden_mark(manifest)),
        Text(indent + " · ".join(filter(None, facts))),
        Text(indent + clean(manifest.get("uuid")), style="dim"),
    ]


def _hidden_mark(manifest: Manifest) -> tuple[str, str]:
    return ("  hidden", "bold yellow") if manifest.get("hidden") else ("", "")
