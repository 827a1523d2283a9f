"""iCalendar text (RFC 5545) → the lines that say when its events are and what they are called. No I/O, no clock.

Most of a real calendar is not for us, and any part of it may be broken. So components are cut out as text, and only the
lines of an event that its times and its title depend on are kept: nothing else of it is parsed by anybody.
"""

import re
from collections.abc import Iterator, Sequence

Line = tuple[bytes, bytes]  # (NAME in upper case, the rest from the first ; or : on)
Lines = Sequence[Line]

_FOLD = re.compile(rb"\n[ \t]")
# each pattern goes over a line once: a calendar is untrusted, and `re` holds up the whole process while it searches
_EDGE = re.compile(rb"^[ \t]*(BEGIN|END):(VEVENT|VTIMEZONE)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_WANTED = re.compile(
    rb"^(BEGIN|END|UID|SUMMARY|STATUS|SEQUENCE|DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID)"
    rb"[ \t]*([;:].*)$",
    re.MULTILINE | re.IGNORECASE,
)
_UID = re.compile(rb"^UID[ \t]*[;:].*$", re.MULTILINE | re.IGNORECASE)
_TAGGED = re.compile(rb"^SUMMARY[ \t]*[;:][^\n\[]*\[", re.MULTILINE | re.IGNORECASE)
_ZONE = re.compile(rb"^X-WR-TIMEZONE[ \t]*[;:].*$", re.MULTILINE | re.IGNORECASE)
_TZID = re.compile(rb"^TZID[ \t]*[;:].*$", re.MULTILINE | re.IGNORECASE)
_INTEGER = re.compile(rb":-?[0-9]{1,9}")
_SIGNATURE = b"\xef\xbb\xbf"  # what some editors put before UTF-8


def unfolded(calendar: bytes) -> bytes:
    """Its lines, each ended by \\n alone. Unfolded as bytes, because a fold may split a character."""
    text = calendar.removeprefix(_SIGNATURE).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _FOLD.sub(b"", text)


def calendar_zone(text: bytes) -> str:
    """The name of the zone of its floating times; "" where it has none."""
    found = _ZONE.search(text)
    return value_of(found[0]) if found else ""


def components(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(VEVENT or VTIMEZONE, its text). One that is not closed before the next begins is left out."""
    kind, begin = b"", 0
    for edge in _EDGE.finditer(text):
        if edge[1].upper() == b"BEGIN":
            kind, begin = edge[2].upper(), edge.start()
        elif edge[2].upper() == kind:
            yield kind, text[begin : edge.end()]
            kind = b""


def tagged_series(text: bytes) -> tuple[dict[str, list[bytes]], dict[str, bytes]]:
    """(UID → its events, where one of them has a bracket in its title; zone's name → its definition)."""
    zones: dict[str, bytes] = {}
    series: dict[str, list[bytes]] = {}
    tagged: set[str] = set()
    for number, (kind, component) in enumerate(components(text)):
        if kind == b"VTIMEZONE":
            name = _TZID.search(component)
            zones.setdefault(value_of(name[0]).strip("/") if name else "", component)
            continue
        uid = _uid(component)
        key = value_of(uid) if uid else f"(no UID, component {number + 1})"
        series.setdefault(key, []).append(component)
        if _TAGGED.search(component):
            tagged.add(key)
    return {key: events for key, events in series.items() if key in tagged}, zones


def _uid(component: bytes) -> bytes:
    """Its own: what is nested in an event stands behind its lines, and may have a UID too."""
    found = _UID.search(component)
    return found[0] if found else b""


def event_lines(component: bytes) -> list[Line]:
    """The lines of a VEVENT that matter here, without those of what is nested in it (alarms)."""
    lines: list[Line] = []
    depth = 0
    for word, rest in _WANTED.findall(component):
        name = word.upper()
        if name == b"BEGIN":
            depth += 1
        elif name == b"END":
            depth -= 1
        elif depth == 1 and (name != b"SEQUENCE" or _INTEGER.fullmatch(rest)):
            lines.append((name, rest))
    return lines


def values(lines: Lines, name: bytes) -> list[bytes]:
    """What the lines called `name` say, from the first ; or : on."""
    return [rest for word, rest in lines if word == name]


def value_of(line: bytes) -> str:
    """What stands behind the first colon of `line`."""
    return line.partition(b":")[2].decode(errors="replace").strip()
