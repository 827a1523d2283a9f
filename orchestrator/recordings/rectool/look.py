"""The actions of rectool that only read: inspect, show, scan, verify."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from livetiming.commandline import EXIT_DONE, EXIT_WRONG, say
from livetiming.diff import diff
from livetiming.files import shown
from livetiming.recording.format import Kind, new_messages
from livetiming.recording.reader import Recording
from livetiming.recording.zipped import entries
from livetiming.state import State
from livetiming.times import format_clock
from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.recordings.open_files import Source
from orchestrator.recordings.opening import opened
from orchestrator.recordings.processes import in_processes
from orchestrator.recordings.progress import progress
from orchestrator.recordings.rectool.checking import Checked, check
from orchestrator.recordings.rectool.output import PROGRAM, files, json_text, moment, print_json

_PARTS = ("session", "messages", "cars")
_CHANGES_SHOWN = 3


def inspect(args: argparse.Namespace) -> int:
    """What the recording is."""
    with opened(args.file) as recording:
        keyframes = _keyframes(recording)
        manifest = recording.manifest
        result = {
            "file": shown(args.file),
            "complete": isinstance(recording, Recording),
            "uuid": manifest.get("uuid"),
            "name": manifest.get("name"),
            "description": manifest.get("description"),
            "frames": len(recording),
            "keyframes": keyframes,
            "intraFrames": len(recording) - keyframes,
            "start": recording.start,
            "end": recording.end,
            "duration": recording.end - recording.start,
            "size": args.file.stat().st_size,
            "manifest": manifest,
        }
    if args.json:
        print_json(result)
        return EXIT_DONE
    print(clean(result["description"], LINE_LIMIT) or "(no description)")
    print(f"service   {clean(result['name'], LINE_LIMIT)} ({clean(result['uuid'])})")
    print(f"frames    {result['frames']} ({keyframes} k / {result['intraFrames']} i)")
    print(f"duration  {format_clock(recording.end - recording.start)}")
    print(f"start     {moment(recording.start)}")
    print(f"end       {moment(recording.end)}{'' if result['complete'] else ', in progress'}")
    print(f"size      {result['size']} bytes")
    print("manifest")
    print_json(manifest, indent=True)
    return EXIT_DONE


def _keyframes(recording: Source) -> int:
    if isinstance(recording, Recording):
        with recording.path.open("rb") as file:
            return sum(entries(file).keys)
    return sum(recording.frame(second).kind is Kind.KEY for second in recording.seconds)


def show(args: argparse.Namespace) -> int:
    """The state at a time."""
    with opened(args.file) as recording:
        second = int(args.time.second(recording.start))
        state = recording.state_at(second)
        if state is None:
            say(f"{PROGRAM}: {args.file} begins later, at {moment(recording.start)}")
            return EXIT_WRONG
        if second > recording.end:
            say(f"{PROGRAM}: {args.file} ends before, at {moment(recording.end)}: this is its last state")
    print_json(state, indent=sys.stdout.isatty() and not args.json)
    return EXIT_DONE


def scan(args: argparse.Namespace) -> int:
    """When session, messages and cars are other than in the first frame, for the first time."""
    with opened(args.file) as recording, progress("scan") as report:
        found = _first_changes(recording, report)
        start = recording.start
    if args.json:
        print_json({"file": shown(args.file), "start": start, **found})
        return EXIT_DONE
    print(f"{'start':10}{moment(start)}")
    for part in _PARTS:
        change = found[part]
        print(f"{part:10}{'never changes' if change is None else _told(change)}")
    return EXIT_DONE


def _first_changes(recording: Source, report: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_PARTS)
    first: State | None = None
    for done, (second, state) in enumerate(recording.states(), start=1):
        first = state if first is None else first
        for part in _PARTS:
            if found[part] is None and state[part] != first[part]:
                changes = (
                    new_messages(first[part], state[part]) if part == "messages" else diff(first[part], state[part])
                )
                found[part] = {"second": second, "after": second - recording.start, "changes": changes}
        report(done, len(recording))
        if all(found.values()):
            break
    return found


def _told(change: dict[str, Any]) -> str:
    changes = [clean(json_text(each), 80) for each in change["changes"][:_CHANGES_SHOWN]]
    more = len(change["changes"]) - len(changes)
    lines = [
        f"{format_clock(change['after'])} (@{change['second']})",
        *changes,
        *([f"and {more} more"] if more else []),
    ]
    return f"\n{' ' * 10}".join(lines)


def verify(args: argparse.Namespace) -> int:
    """Whether every frame can be read and applies."""
    results: list[Checked] = []
    for result in _checked(files(args), args.jobs):
        results.append(result)
        if not args.json:
            _tell(result)
    if args.json:
        print_json([_as_json(result) for result in results])
    bad = [result for result in results if not result.good]
    if any(result.readable for result in bad):
        say(f"{PROGRAM}: `{PROGRAM} repair FILE` keeps what can be read")
    return EXIT_WRONG if bad else EXIT_DONE


def _checked(paths: list[Path], jobs: int) -> Iterator[Checked]:
    """The results in the order of `paths`, as soon as they are there."""
    if len(paths) == 1 or jobs == 1:
        for path in paths:
            with progress(path.name) as report:
                result = check(path, report)
            yield result
        return
    ready: dict[int, Checked] = {}
    due = 0
    with progress(f"{len(paths)} recordings") as report:
        for done, (index, result_or_none) in enumerate(in_processes(check, paths, min(jobs, len(paths))), start=1):
            ready[index] = result_or_none or Checked(paths[index], errors=(f"{paths[index]}: the process was killed",))
            report(done, len(paths))
            while due in ready:
                yield ready.pop(due)
                due += 1


def _tell(result: Checked) -> None:
    if result.good:
        print(f"{result.file}: good, {result.frames} frames, {format_clock(result.duration)}")
        return
    if result.frames:
        print(f"{result.file}: bad, {result.readable} of {result.frames} frames can be read")
    else:
        print(f"{result.file}: bad")
    for error in result.errors:
        print(f"  {error}")
    more = result.bad_entries - len(result.errors)
    if more > 0:
        print(f"  and {more} more")


def _as_json(result: Checked) -> dict[str, Any]:
    return {
        "file": shown(result.file),
        "good": result.good,
        "frames": result.frames,
        "readable": result.readable,
        "duration": result.duration,
        "badEntries": result.bad_entries,
        "errors": result.errors,
    }
