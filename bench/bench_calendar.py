"""The calendar: events/s parsed and expanded by ours, and the same file through plain `icalendar`, in one run.

    python bench/bench_calendar.py

Every second event of the file is a weekly series. Each line is measured in a process of its own:
CPU seconds of it and of its children (the interpreter's start and all imports counted), and its peak of memory.
"""

import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

EVENTS, DAYS = 20_000, 14
NOW = datetime(2030, 1, 1, tzinfo=UTC)
MARGIN = 4200.0  # seconds: the scheduler's, with its buffers
UTC_FORM = "%Y%m%dT%H%M%SZ"
SERIES = ("FIA WEC", "IMSA", "VLN", "F1", "ELMS", "BTCC", "N24", "IndyCar", "Super GT", "NASCAR Cup")
PLACES = ("Spa", "Le Mans", "Silverstone", "Daytona", "Sebring", "Monza", "Fuji", "Bahrain", "Zandvoort", "Imola")
PARTS = ("Free Practice 1", "Free Practice 2", "Qualifying", "Hyperpole", "Warm-up", "Race", "Race 1", "Race 2")
ZONES = ("", "", "Europe/London", "America/New_York")


def calendar(events: int) -> bytes:
    """A calendar as an operator's, only larger: half of its events recur weekly, some in a zone, some with an end."""
    chance = random.Random(4)
    head = ["BEGIN:VCALENDAR", "PRODID:-//bench//EN", "VERSION:2.0", "X-WR-TIMEZONE:Europe/London"]
    lines = [line for number in range(events) for line in _event(number, chance)]
    return "".join(_folded(line) for line in [*head, *lines, "END:VCALENDAR"]).encode()


def _event(number: int, chance: random.Random) -> list[str]:
    start = NOW + timedelta(minutes=5 * chance.randint(-40_000, 100_000))
    end = start + timedelta(minutes=chance.choice((30, 45, 60, 90, 120, 360, 1440)))
    name = f"{chance.choice(SERIES)} - {chance.choice(PLACES)} - {chance.choice(PARTS)}"
    zone = chance.choice(ZONES)
    created = f"{start - timedelta(days=chance.randint(10, 90)):{UTC_FORM}}"
    return [
        "BEGIN:VEVENT",
        *_times(start, end, zone),
        *(_recurrence(start, zone, chance) if number % 2 else ()),
        f"DTSTAMP:{NOW:{UTC_FORM}}",
        f"UID:{chance.getrandbits(104):026x}@google.com",
        f"CREATED:{created}",
        f"DESCRIPTION:Live timing of {name}.\\nEntry list\\; schedule\\, and more: https://example.invalid/{number}",
        f"LAST-MODIFIED:{created}",
        f"LOCATION:{chance.choice(PLACES)}",
        f"SEQUENCE:{chance.randint(0, 3)}",
        "STATUS:CONFIRMED",
        f"SUMMARY:{name}{_tag(number, chance)}",
        "TRANSP:OPAQUE",
        "END:VEVENT",
    ]


def _times(start: datetime, end: datetime, zone: str) -> list[str]:
    if not zone:
        return [f"DTSTART:{start:{UTC_FORM}}", f"DTEND:{end:{UTC_FORM}}"]
    return [f"{word};TZID={zone}:{at:%Y%m%dT%H%M%S}" for word, at in (("DTSTART", start), ("DTEND", end))]


def _recurrence(start: datetime, zone: str, chance: random.Random) -> list[str]:
    rule = "RRULE:FREQ=WEEKLY" + chance.choice(("", ";BYDAY=MO,WE", ";BYDAY=FR,SA,SU", ";INTERVAL=2"))
    rule += chance.choice(("", "", ";COUNT=20", ";UNTIL=20300601T000000Z"))
    left_out = start + timedelta(days=7)
    return [rule, _times(left_out, left_out, zone)[0].replace("DTSTART", "EXDATE")] if chance.random() < 0.2 else [rule]


def _tag(number: int, chance: random.Random) -> str:
    options = [
        *(["--host 192.0.2.7"] if number % 3 else []),
        *([f"--masquerade series_{chance.randint(1, 9)}"] if chance.random() < 0.35 else []),
        *([f"--port {chance.randint(1000, 60_000)}"] if number % 3 and chance.random() < 0.3 else []),
        *(["--hidden"] if chance.random() < 0.15 else []),
    ]
    kind = chance.random()
    if kind < 0.04:
        return ""
    tag = "\\, ".join(["rmonitor" if number % 3 else "simulated", *([" ".join(options)] if options else [])])
    return f" [{tag}" if kind < 0.06 else f" [{tag}]"


def _folded(line: str) -> str:
    parts = [line[at : at + 74] for at in range(0, len(line), 74)]
    return "\r\n ".join(parts) + "\r\n"


def by_icalendar(content: bytes) -> str:
    import icalendar

    return f"{len(icalendar.Calendar.from_ical(content).walk('VEVENT'))} events"


def by_the_libraries(content: bytes) -> str:
    import icalendar
    import recurring_ical_events

    found = recurring_ical_events.of(icalendar.Calendar.from_ical(content), skip_bad_series=True)
    return f"{len(found.between(NOW - timedelta(seconds=MARGIN), NOW + timedelta(days=DAYS)))} occurrences"


def by_ours(content: bytes) -> str:
    from orchestrator.scheduler.occurrences import occurrences

    found = occurrences(content, NOW - timedelta(seconds=MARGIN), NOW + timedelta(days=DAYS))[0]
    return f"{len(found)} occurrences"


def planned(content: bytes) -> str:
    from livetiming.service.checking import CalendarCheck
    from livetiming.service.discovery import plugins
    from orchestrator.scheduler.calendar import read_calendar
    from orchestrator.scheduler.plan import Buffers, plan

    found = read_calendar(content, NOW.timestamp(), MARGIN, plugins(), CalendarCheck(), DAYS)
    desired = plan(found.sessions, NOW.timestamp(), Buffers(300, 600)).desired
    return f"{len(found.sessions)} sessions, {len(found.findings)} findings, {len(desired)} to run now"


def in_the_worker(content: bytes) -> str:
    from orchestrator.scheduler.worker import read_in_worker

    return f"{len(read_in_worker(content, NOW.timestamp(), MARGIN, DAYS).sessions)} sessions"


WAYS: dict[str, Callable[[bytes], str]] = {
    "icalendar, parsed and iterated": by_icalendar,
    "icalendar + recurring_ical_events": by_the_libraries,
    "ours, expanded": by_ours,
    "ours, with options checked and planned": planned,
    "ours, read in the worker": in_the_worker,
}


def measure(way: str, path: Path) -> None:
    """In a child: one line of the table."""
    content = path.read_bytes()
    begun = time.perf_counter()
    result = WAYS[way](content)
    wall = time.perf_counter() - begun
    ours, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in (ours, children))
    memory = max(ours.ru_maxrss, children.ru_maxrss) / 1024
    print(f"  {way:40} {cpu:8.2f} {wall:8.2f} {memory:8.0f} {EVENTS / wall:10.0f}   {result}")


def unchanged(content: bytes) -> float:
    """ms to see that the same bytes have come again."""
    known, again = hashlib.sha256(content).digest(), bytes(bytearray(content))
    begun = time.perf_counter()
    assert hashlib.sha256(again).digest() == known
    return (time.perf_counter() - begun) * 1000


def main() -> int:
    if len(sys.argv) == 3:
        measure(sys.argv[1], Path(sys.argv[2]))
        return 0
    content = calendar(EVENTS)
    print(f"calendar, {EVENTS} events ({content.count(b'RRULE:')} recurring), {len(content) / 1e6:.1f} MB, {DAYS} days")
    print(f"  {'':40} {'CPU s':>8} {'wall s':>8} {'MiB':>8} {'events/s':>10}", flush=True)
    with tempfile.NamedTemporaryFile(suffix=".ics") as file:
        file.write(content)
        file.flush()
        for way in WAYS:
            environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
            subprocess.run([sys.executable, "-W", "ignore", __file__, way, file.name], check=True, env=environ)
    print(f"  the same bytes again: {unchanged(content):.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
