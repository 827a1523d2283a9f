"""What `livetiming-schedule` prints: lines and tables for a person, JSON for a program. No I/O, no clock.

Names and options come from a calendar: they pass through `clean` and never through rich's markup.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.table import Table

from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.manual import masked
from orchestrator.scheduler.agenda import Entry, Standing
from orchestrator.scheduler.findings import Finding
from orchestrator.scheduler.plan import Session

FINDING_LIMIT = 1000  # characters of a line on one


@dataclass(frozen=True)
class Zone:
    """The operator's time zone; `zone` None is the machine's."""

    zone: tzinfo | None

    def tell(self, moment: float | None) -> str:
        """A moment (Unix s) as it is shown: `Sat 2026-11-21 14:00 CET`."""
        local = self._local(moment)
        if local is None:
            return "at no readable time"
        return f"{local:%a} {local.date()} {_clock(local)} {local:%Z}"

    def tell_end(self, start: float, end: float) -> str:
        """The end of an event beside its start: the time of day will do on the same day."""
        first, last = self._local(start), self._local(end)
        same = first is not None and last is not None and (first.date(), first.tzname()) == (last.date(), last.tzname())
        return _clock(last) if same and last is not None else self.tell(end)

    def iso(self, moment: float | None) -> str | None:
        """The same for a program (ISO 8601, with the offset)."""
        local = self._local(moment)
        return None if local is None else local.isoformat(timespec="seconds")

    def name(self, now: float) -> str:
        """What the zone is called."""
        return str(self.zone) if self.zone is not None else f"this machine's zone ({self._local(now):%Z})"

    def _local(self, moment: float | None) -> datetime | None:
        if moment is None:
            return None
        try:
            return datetime.fromtimestamp(moment, self.zone).astimezone(self.zone)
        except (ValueError, OverflowError, OSError):  # beyond the years 1 to 9999
            return None


def _clock(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


# -- for a person


def finding_line(finding: Finding, zone: Zone) -> str:
    """One finding: when, which event, what is wrong, what to type instead."""
    remark = "" if finding.wrong else "remark: "
    return f"{zone.tell(finding.start)}  {clean(f'{remark}{finding}', FINDING_LIMIT)}"


def session_table(sessions: Iterable[Session], zone: Zone) -> Table:
    """The events, a line each."""
    table = _table("START", "END", "CLASS", "NAME", "OPTIONS", "NOTE")
    for session in sessions:
        notes = ["hidden"] * session.hidden + [f"shown as {session.shown_as}"] * bool(session.shown_as)
        cells = [session.service_class, session.name, " ".join(masked(session.options)), ", ".join(notes)]
        table.add_row(zone.tell(session.start), zone.tell_end(session.start, session.end), *_clean(cells))
    return table


def entry_table(entries: Iterable[Entry], zone: Zone) -> Table:
    """What will happen, a line each."""
    table = _table("WHEN", "WHAT", "CLASS", "NAME", "WHY")
    for entry in entries:
        cells = [entry.what, entry.session.service_class, entry.session.name, entry.why]
        table.add_row(zone.tell(entry.at), *_clean(cells))
    return table


def standing_table(standings: Iterable[Standing]) -> Table:
    """What should run now, a line each."""
    table = _table("NOW", "NAME", "HOW")
    for standing in standings:
        cells = [standing.session.service_class, standing.session.name, standing.how]
        table.add_row(*_clean(cells), style=None if standing.well else "bold red")
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in ("START", "END", "WHEN", "WHAT"))
    return table


def _clean(cells: Sequence[str]) -> list[str]:
    return [clean(str(cell), LINE_LIMIT) for cell in cells]


# -- for a program


def finding_json(finding: Finding, zone: Zone) -> dict[str, Any]:
    """One finding."""
    return {
        "kind": finding.kind.value,
        "wrong": finding.wrong,
        "uid": finding.uid,
        "title": finding.title,
        **_moment("start", finding.start, zone),
        "position": finding.position,
        "what": finding.what,
        "advice": finding.advice,
    }


def session_json(session: Session, zone: Zone) -> dict[str, Any]:
    """One event; recognisable secrets in its options are masked."""
    return {
        "instance": session.instance,
        "uid": session.uid,
        "name": session.name,
        "class": session.service_class,
        "options": masked(session.options),
        **_moment("start", session.start, zone),
        **_moment("end", session.end, zone),
        "hidden": session.hidden,
        "masquerade": session.shown_as or None,
    }


def entry_json(entry: Entry, zone: Zone) -> dict[str, Any]:
    """One thing that will happen."""
    return {**_moment("at", entry.at, zone), "what": entry.what.value, **_named(entry.session), "why": entry.why}


def standing_json(standing: Standing) -> dict[str, Any]:
    """How one of those does that should run now."""
    return {**_named(standing.session), "well": standing.well, "how": standing.how}


def _moment(name: str, moment: float | None, zone: Zone) -> dict[str, Any]:
    return {name: moment, f"{name}_local": zone.iso(moment)}


def _named(session: Session) -> dict[str, Any]:
    return {"instance": session.instance, "class": session.service_class, "name": session.name}
