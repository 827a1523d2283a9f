"""Arrows point one way: foundation ← pure modules ← shells."""

import ast
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent.parent

PURE = [
    "crossbar/ltrouter/ranges.py",
    "livetiming/analysis",
    "livetiming/chrono/board.py",
    "livetiming/chrono/formats",
    "livetiming/chrono/model.py",
    "livetiming/chrono/race.py",
    "livetiming/chrono/start.py",
    "livetiming/chrono/states.py",
    "livetiming/chrono/table.py",
    "livetiming/chrono/timeline.py",
    "livetiming/diff.py",
    "livetiming/errors.py",
    "livetiming/lzstring",
    "livetiming/manifest.py",
    "livetiming/messages.py",
    "livetiming/network.py",
    "livetiming/openf1",
    "livetiming/playback.py",
    "livetiming/racing.py",
    "livetiming/recording/format.py",
    "livetiming/rmonitor",
    "livetiming/ranges.py",
    "livetiming/simulation/capture.py",
    "livetiming/simulation/cautions.py",
    "livetiming/simulation/grid.py",
    "livetiming/simulation/race.py",
    "livetiming/simulation/rmonitor.py",
    "livetiming/simulation/timing.py",
    "livetiming/state.py",
    "livetiming/times.py",
    "orchestrator/cells.py",
    "orchestrator/dvr/alarm.py",
    "orchestrator/dvr/rules.py",
    "orchestrator/manager/registry.py",
    "orchestrator/manual.py",
    "orchestrator/recordings/editing.py",
    "orchestrator/recordings/rectool/frame_table.py",
    "orchestrator/recordings/query.py",
    "orchestrator/recordings/retention.py",
    "orchestrator/recordings/search.py",
    "orchestrator/recordings/rectool/table_cells.py",
    "orchestrator/recordings/rectool/tables.py",
    "orchestrator/scheduler/agenda.py",
    "orchestrator/scheduler/announce/memory.py",
    "orchestrator/scheduler/announce/news.py",
    "orchestrator/scheduler/announce/outbox.py",
    "orchestrator/scheduler/announce/standing.py",
    "orchestrator/scheduler/announce/texts.py",
    "orchestrator/scheduler/assist/comparing.py",
    "orchestrator/scheduler/assist/copying.py",
    "orchestrator/scheduler/assist/mapping.py",
    "orchestrator/scheduler/assist/model.py",
    "orchestrator/scheduler/assist/source_events.py",
    "orchestrator/scheduler/assist/told.py",
    "orchestrator/scheduler/by_library.py",
    "orchestrator/scheduler/calendar.py",
    "orchestrator/scheduler/findings.py",
    "orchestrator/scheduler/ical_text.py",
    "orchestrator/scheduler/ical_values.py",
    "orchestrator/scheduler/listing.py",
    "orchestrator/scheduler/occurrences.py",
    "orchestrator/scheduler/plain_events.py",
    "orchestrator/scheduler/plan.py",
    "orchestrator/scheduler/reconcile.py",
    "orchestrator/scheduler/recurrence.py",
    "orchestrator/scheduler/report.py",
    "orchestrator/scheduler/show.py",
    "orchestrator/scheduler/sources/address.py",
    "orchestrator/scheduler/sources/google_events.py",
    "orchestrator/scheduler/sources/retry.py",
    "orchestrator/scheduler/title.py",
    "orchestrator/screen.py",
]
IO = {
    "asyncio",
    "autobahn",
    "os",
    "requests",
    "shutil",
    "socket",
    "subprocess",
    "threading",
    "time",
    "twisted",
    "urllib3",
}
IO_OF_OURS = {
    "livetiming.wamp",
    "livetiming.process",
    "livetiming.reactor",
    "livetiming.files",
    "livetiming.environment",
}


def modules(*roots: str) -> list[Path]:
    found: list[Path] = []
    for root in roots:
        path = PROJECT / root
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", modules(*PURE), ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_pure_module_imports_no_input_output_no_clock_and_no_router(path: Path) -> None:
    imported = imports(path)
    assert not {name.partition(".")[0] for name in imported} & IO
    assert not imported & IO_OF_OURS
    assert "datetime.now" not in path.read_text()


@pytest.mark.parametrize("path", modules("livetiming"), ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_foundation_does_not_know_the_system_that_runs_on_it(path: Path) -> None:
    assert not [name for name in imports(path) if name.partition(".")[0] == "orchestrator"]


def test_what_runs_in_the_router_imports_only_what_its_environment_has() -> None:
    allowed = {"autobahn", "twisted", "zope", "ltrouter"}  # Twisted stands on zope.interface
    standard = set(sys.stdlib_module_names)
    for path in modules("crossbar/ltrouter"):
        assert {name.partition(".")[0] for name in imports(path)} <= allowed | standard


@pytest.mark.parametrize("path", modules("livetiming", "orchestrator", "crossbar"), ids=lambda path: path.name)
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
