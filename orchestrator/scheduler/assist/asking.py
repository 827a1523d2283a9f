"""Asking the person at the terminal what stands for each `?` in an event's options."""

import sys
from collections.abc import Callable

from livetiming.commandline import say
from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.scheduler.assist.model import Ask

_NOT_IN_A_TITLE = set("[]")


def asked(ask: Ask, when: str, read: Callable[[str], str | None] | None = None) -> tuple[str, ...] | None:
    """The answers, in order; None where the person would rather leave the event out. `when` tells its time."""
    read = read or _read
    say(clean(f"{when}  [{ask.event.tag}] {ask.event.title}", LINE_LIMIT))
    values: list[str] = []
    for number, question in enumerate(ask.tag.questions):
        default = ask.defaults[number] if number < len(ask.defaults) else ""
        value = _one(question, default, read)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def _one(question: str, default: str, read: Callable[[str], str | None]) -> str | None:
    hint = f"Enter for {default}, - to leave it out" if default else "Enter to leave it out"
    while True:
        said = read(clean(f"  {question} ({hint}): ", LINE_LIMIT) + " ")
        if said is None or said == "-" or not (said or default):
            return None
        if not said:
            return default
        if said.isprintable() and not _NOT_IN_A_TITLE & set(said):
            return said
        say("  a title cannot hold [ or ] in its options")


def _read(prompt: str) -> str | None:
    """A line from the terminal; None at its end. The prompt goes where messages go."""
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.strip() if line else None
