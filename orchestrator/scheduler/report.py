"""What is to be told of the coming events: what is wrong with single ones, which get in each other's way. No I/O."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from orchestrator.scheduler.agenda import outcome
from orchestrator.scheduler.findings import Finding, Kind
from orchestrator.scheduler.plan import Buffers, Conflict, Run, Session, runs_of

Tell = Callable[[float], str]  # a moment (Unix s) in the operator's zone


@dataclass(frozen=True)
class Report:
    """The findings in the order of their events, those without a time first, and how many events were looked at."""

    findings: tuple[Finding, ...]
    checked: int

    @property
    def wrong(self) -> int:
        """How many findings ask for a change."""
        return sum(finding.wrong for finding in self.findings)


def report(sessions: Sequence[Session], findings: Iterable[Finding], buffers: Buffers, tell: Tell) -> Report:
    """The report on a calendar that was read as `sessions` and `findings`."""
    runs, conflicts = runs_of(sessions, buffers)
    single = list(findings)
    found = single + [_of_conflict(conflict, runs, tell) for conflict in conflicts]
    found.sort(key=lambda finding: (finding.start is not None, finding.start or 0.0, finding.title))
    return Report(tuple(found), len(sessions) + sum(finding.wrong for finding in single))


def _of_conflict(conflict: Conflict, runs: Iterable[Run], tell: Tell) -> Finding:
    waiting, running = conflict.waiting, conflict.running
    what = (
        f"waits for the end of {running.name!r} (begins {tell(running.start)}), because both are "
        f"{waiting.service_class} with different options: it {outcome(conflict, runs)}"
    )
    advice = "give both the same options, or move one of them"
    return Finding(Kind.CONFLICT, waiting.uid, waiting.name, waiting.start, what, advice)
