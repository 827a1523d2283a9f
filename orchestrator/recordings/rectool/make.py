"""The actions of rectool that make a recording: set, clip, convert, repair, merge."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import orjson

from livetiming.commandline import EXIT_DONE, EXIT_WRONG, say
from livetiming.files import shown
from livetiming.manifest import MalformedManifest, checked
from livetiming.recording.convert import convert
from livetiming.recording.format import BadEntry
from livetiming.recording.reader import Recording
from livetiming.times import format_clock
from orchestrator.recordings.opening import finished, opened, refuse_journal
from orchestrator.recordings.progress import progress
from orchestrator.recordings.rectool.checking import check
from orchestrator.recordings.rectool.cutting import Made, make, part, parts
from orchestrator.recordings.rectool.output import (
    PROGRAM,
    Refused,
    WrongUse,
    json_text,
    moment,
    print_json,
    target,
)
from orchestrator.recordings.rectool.repair import Loss, repair
from orchestrator.recordings.rewriting import change_manifest

_FIXED = {
    "uuid": "the file's name and the catalogue go by it",
    "version": "it says how the file is written (see convert)",
    "startTime": "it is the second of the first frame",
}
_TEXTS = ("name", "description", "serviceClass")  # `set FILE description 2025` means the text
_TOLD = 5  # lines of what was lost


def set_value(args: argparse.Namespace) -> int:
    """Another value in the manifest; the file is replaced by a new one, when that is whole."""
    if args.key in _FIXED:
        raise WrongUse(f"{args.key} cannot be set: {_FIXED[args.key]}")
    value = _value(args.key, args.value)

    def edit(manifest: dict[str, Any]) -> dict[str, Any]:
        new = {**manifest, args.key: value}
        try:
            checked({**new, "uuid": "0" * 32})  # a later recording of a service has `:1` in its uuid
        except MalformedManifest as error:
            raise Refused(f"{args.file} stays as it is: {error}") from error
        return new

    with finished(args.file):  # says what to do about one that is not
        rewritten = change_manifest(args.file, edit)
    if args.json:
        print_json({"file": shown(args.file), "key": args.key, "value": value})
    else:
        print(f"{args.file}: {args.key} is {json_text(value)}")
    if rewritten is not None and rewritten.left_behind:
        say(f"{PROGRAM}: the analysis has the manifest from before ({rewritten.left_behind})")
        return EXIT_WRONG
    return EXIT_DONE


def _value(key: str, text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if key in _TEXTS and not isinstance(value, str) else value


def clip(args: argparse.Namespace) -> int:
    """A part of a recording."""
    chosen = target(args, args.file, "clip.zip")
    with opened(args.file) as recording, progress("clip") as report:
        end = None if args.end is None else args.end.second(recording.start)
        taken = part(recording, args.begin.second(recording.start), end)
        _tell(make(chosen, [taken], recording.manifest, report), args)
    return EXIT_DONE


def merge(args: argparse.Namespace) -> int:
    """Recordings of one service in one, in the order of time; where they overlap, the one that began later counts."""
    if len(args.file) < 2:
        raise WrongUse("one file is nothing to merge: name several")
    with ExitStack() as stack, progress("merge") as report:
        recordings = [stack.enter_context(finished(path)) for path in args.file]
        first = min(recordings, key=lambda recording: recording.start)
        _check_alike(first, recordings, any_service=args.any_service)
        chosen = target(args, first.path, "merged.zip")
        _tell(make(chosen, parts(recordings), first.manifest, report), args)
    return EXIT_DONE


def _check_alike(first: Recording, recordings: Sequence[Recording], *, any_service: bool) -> None:
    for each in recordings:
        if not any_service and _service(each) != _service(first):
            raise Refused(
                f"{each.path} is of service {_service(each)}, {first.path} of {_service(first)}: "
                "give --any-service to merge them all the same"
            )
        if each.manifest.get("colSpec") != first.manifest.get("colSpec"):
            raise Refused(f"{each.path} has other columns (colSpec) than {first.path}: one file has one set of columns")


def _service(recording: Recording) -> str:
    """The uuid of the service: that of its second recording is `uuid:1`."""
    return str(recording.manifest.get("uuid")).partition(":")[0][:40]


def convert_old(args: argparse.Namespace) -> int:
    """A recording of version 1 out of one from before."""
    chosen = target(args, args.file, "conv.zip")
    refuse_journal(args.file)
    bad: list[BadEntry] = []
    with progress("convert") as report:
        done = convert(args.file, chosen, start=args.start, on_bad=bad.append, progress=report)
    if done.guessed:
        say(
            f"{PROGRAM}: {args.file} does not say when it began: by the date of its first entry, taken for UTC, it was "
            f"{moment(done.start)} (--start @UNIX says it better)"
        )
    _tell_lost([str(error) for error in bad])
    _tell(Made(chosen, done.frames, done.start, done.duration), args, badEntries=[str(error) for error in bad])
    return EXIT_WRONG if bad else EXIT_DONE


def mend(args: argparse.Namespace) -> int:
    """What is readable of a damaged recording, and what is not."""
    chosen = target(args, args.file, "repaired.zip")
    refuse_journal(args.file)
    if check(args.file).good:
        say(f"{PROGRAM}: every frame of {args.file} can be read: there is nothing to repair, and no new file")
        if args.json:
            print_json({"file": None, "lost": _loss_as_json(Loss())})
        return EXIT_DONE
    with progress("repair") as report:
        done = repair(args.file, chosen, report)
    loss = done.loss
    lines = [f"entry {name}: {why}" for name, why in loss.entries]
    lines += [f"entry {name} is no part of a recording" for name in loss.foreign]
    _tell_lost(lines)
    if loss.manifest is not None:
        say(
            f"{PROGRAM}: {args.file} has no readable manifest ({loss.manifest}): "
            f"`{PROGRAM} set` gives values to the new one"
        )
    _tell(Made(chosen, done.frames, done.start, done.duration), args, lost=_loss_as_json(loss))
    if loss.frames and not args.json:
        print(f"{loss.frames} frames are lost")
    return EXIT_WRONG if loss else EXIT_DONE


def _loss_as_json(loss: Loss) -> dict[str, Any]:
    return {
        "frames": loss.frames,
        "entries": [{"entry": name, "why": why} for name, why in loss.entries],
        "foreign": loss.foreign,
        "manifest": loss.manifest,
    }


def _tell_lost(lines: list[str]) -> None:
    for line in lines[:_TOLD]:
        say(f"{PROGRAM}: {line}")
    if len(lines) > _TOLD:
        say(f"{PROGRAM}: and {len(lines) - _TOLD} more")


def _tell(made: Made, args: argparse.Namespace, **more: Any) -> None:
    if args.json:
        print_json(
            {
                "file": shown(made.file),
                "frames": made.frames,
                "start": made.start,
                "duration": made.duration,
                **more,
            }
        )
    else:
        print(f"{made.file}: {made.frames} frames, {format_clock(made.duration)}, from {moment(made.start)}")
