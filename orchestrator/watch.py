"""`livetiming watch`: what is on the air, or the live timing of one service, in this terminal.

It joins the router, waits, and prints what orchestrator.screen makes of what it hears.
"""

import difflib
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from twisted.internet.defer import Deferred, gatherResults

from livetiming.commandline import EXIT_DONE, EXIT_WRONG, say
from livetiming.manifest import Manifest
from livetiming.network import Json, MalformedMessage, Message, decode_state, is_uuid, service_topic
from livetiming.reactor import sleep
from livetiming.state import MalformedState, State, checked
from orchestrator import screen
from orchestrator.audience import Air, Seat
from orchestrator.cells import LINE_LIMIT, clean
from orchestrator.screen import Notice, OnAir, Size
from orchestrator.settings import Settings
from orchestrator.terminal import Output, begin_quiet_log, every, run

PATIENCE = 10.0  # seconds for the router, the first listing, the first state
ASK_EVERY = 5.0  # seconds: for the states of the listed services, and for hidden ones
LOOK_EVERY = 2.0  # seconds: whether the watched one is still there
SILENCE = 45.0  # a host repeats its state every 30 s: after so long without one, something is wrong
REDRAW_EVERY = 1.0  # seconds: the clock goes on between two states
AT_MOST_EVERY = 0.2  # seconds between two drawings
WAITING_LIMIT = 1000  # states that wait to be written


def watch(settings: Settings, service: str | None, *, once: bool, as_json: bool) -> int:
    """Show the list, or `service` (a uuid or class); returns the exit code."""
    place = settings.place
    if place.router == f"rs://unix:{place.router_socket}" and not place.router_socket.exists():
        say(f"livetiming: nothing runs in {place.home} (start it with: livetiming up)")
        return EXIT_WRONG
    complaints = begin_quiet_log()
    air = Air(Seat(place.router, place.credentials))
    out = Output(live=sys.stdout.isatty() and not (once or as_json), once=once, as_json=as_json)
    if service is None:
        code = run(lambda: on_router(air, lambda: watch_list(air, out)))
    else:
        code = run(lambda: on_router(air, lambda: watch_service(air, out, service)))
    for complaint in complaints.lines:
        say(complaint)
    return code


async def on_router(air: Air, show: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """`show()` on the router, as soon as we know what is on the air."""
    air.seat.start()
    try:
        if not await air.bell.until(lambda: air.known, PATIENCE):
            why = air.trouble if air.seat.joined else air.seat.trouble
            lacking = "directory" if air.seat.joined else f"router at {air.seat.address}"
            say(f"livetiming: the {lacking} does not answer{f' ({why})' if why else ''}; see: livetiming status")
            return EXIT_WRONG
        return await show()
    finally:
        await air.seat.stop()


async def watch_list(air: Air, out: Output) -> int:
    """The list of what is on the air."""
    if out.as_json:
        return await _write_list(air, out)
    states: dict[str, tuple[State, float]] = {}

    async def ask(uuid: str) -> None:
        state = await air.state_of(uuid)
        if state is not None and uuid in air.services:
            states[uuid] = (state, time.monotonic())
            air.bell.ring()

    def ask_all() -> Deferred[Any]:
        for gone in states.keys() - air.services.keys():
            del states[gone]
        return gatherResults([Deferred.fromCoroutine(ask(uuid)) for uuid in air.services])

    def page(notice: Notice | None) -> RenderableType:
        now = time.monotonic()
        listed = [(manifest, *states.get(uuid, (None, now))) for uuid, manifest in air.services.items()]
        return screen.listing([OnAir(manifest, state, now - at) for manifest, state, at in listed], out.size, notice)

    await ask_all()
    if out.once:
        out.write(page(None))
        return EXIT_DONE
    with out.drawing() as draw, every(ASK_EVERY, ask_all), every(ASK_EVERY, air.look_for_hidden):
        while True:
            draw(page(air.away() or Notice(f"{_now():%H:%M:%S} · livetiming watch CLASS shows one · Ctrl-C to leave")))
            await sleep(AT_MOST_EVERY)
            await air.bell.wait(REDRAW_EVERY)


async def _write_list(air: Air, out: Output) -> int:
    written = None
    with every(ASK_EVERY, air.look_for_hidden):
        while True:
            listed = list(air.services.values())
            if listed != written:
                out.line(listed)
                written = listed
            if out.once:
                return EXIT_DONE
            await air.bell.wait(PATIENCE)


class Watched:
    """The service we watch: its latest state, and whether it is still there."""

    def __init__(self, air: Air, manifest: Manifest) -> None:
        self.air = air
        self.uuid: str = manifest["uuid"]
        self.ended = False
        self.trouble = ""  # with the latest state
        self.state: State | None = None
        self.came: float | None = None  # on the monotonic clock
        self.waiting: deque[Json] = deque(maxlen=WAITING_LIMIT)  # the oldest go first
        self._manifest = manifest
        air.seat.subscribe(service_topic(self.uuid), self._heard, get_retained=True)

    @property
    def manifest(self) -> Manifest:
        """What it says of itself now."""
        self._manifest = self.air.services.get(self.uuid, self._manifest)
        return self._manifest

    def _heard(self, raw: Json, _details: Any) -> None:
        self.came = time.monotonic()
        self.waiting.append(raw)
        self.air.bell.ring()

    def take(self) -> Iterator[tuple[int | None, State]]:
        """The states that have come since, with their dates in Unix ms, as they are."""
        while self.waiting:
            try:
                message = Message.decode(self.waiting.popleft())
                state = decode_state(message)
            except MalformedMessage as error:
                self.trouble = clean(str(error), LINE_LIMIT)
                continue
            self.trouble = ""
            yield message.date, state

    def take_latest(self) -> None:
        """Make the newest state the one to be shown; the others are not even unpacked."""
        while len(self.waiting) > 1:
            self.waiting.popleft()
        for _date, state in self.take():
            try:
                self.state = checked(state)
            except MalformedState as error:
                self.trouble = clean(str(error), LINE_LIMIT)

    async def look(self) -> None:
        """Find out whether it is still there."""
        await self.air.look_for_hidden()
        ended = self.uuid not in self.air.services and not await self.air.is_there(self.uuid)
        if ended != self.ended:
            self.ended = ended
            self.air.bell.ring()

    def page(self, size: Size, notice: Notice | None) -> RenderableType:
        """The screen."""
        now = _now()
        age = 0.0 if self.came is None else time.monotonic() - self.came
        state = checked({}) if self.state is None else self.state
        return screen.timing(self.manifest, state, size, age=age, zone=now.tzinfo or UTC, notice=notice)

    def notice(self) -> Notice:
        """How things stand."""
        away = self.air.away()
        silent = 0.0 if self.came is None else time.monotonic() - self.came
        if away is not None:
            return away
        if self.ended:
            return Notice("this service has ended · Ctrl-C to leave", urgent=True)
        if self.trouble:
            return Notice(self.trouble, urgent=True)
        if self.state is None:
            return Notice("waiting for the first state")
        if silent > SILENCE:
            return Notice(f"no state for {silent:.0f} s", urgent=True)
        return Notice(f"{_now():%H:%M:%S} · live · Ctrl-C to leave")


async def watch_service(air: Air, out: Output, wanted: str) -> int:
    """The live timing of the service whose uuid or class is `wanted`."""
    found = find(wanted, list(air.services.values()))
    if not found and is_uuid(wanted) and await air.is_there(wanted):
        found = [{"uuid": wanted}]  # hidden from us: what its columns are we cannot know
    if not found:
        say(f"livetiming: {unknown(wanted, list(air.services.values()))}")
        return EXIT_WRONG
    if len(found) > 1:
        say(f"{len(found)} services are {wanted}: this is the first, {screen.title_of(found[0])} ({found[0]['uuid']})")
    watched = Watched(air, found[0])
    if out.as_json:
        return await _write_states(watched, out)
    if out.once:
        if not await air.bell.until(lambda: bool(watched.waiting), PATIENCE):
            say(f"livetiming: no state of {watched.uuid} within {PATIENCE:g} s")
            return EXIT_WRONG
        watched.take_latest()
        out.write(watched.page(out.size, Notice(watched.trouble, urgent=True) if watched.trouble else None))
        return EXIT_WRONG if watched.trouble else EXIT_DONE
    with out.drawing() as draw, every(LOOK_EVERY, watched.look):
        while True:
            watched.take_latest()
            draw(watched.page(out.size, watched.notice()))
            await sleep(AT_MOST_EVERY)
            await air.bell.wait(REDRAW_EVERY)


async def _write_states(watched: Watched, out: Output) -> int:
    began, told = time.monotonic(), ""
    with every(LOOK_EVERY, watched.look):
        while not watched.ended:
            for date, state in watched.take():
                out.line({"uuid": watched.uuid, "date": date, "state": state})
                if out.once:
                    return EXIT_DONE
            away = watched.air.away()
            trouble = away.text if away else watched.trouble
            if trouble and not told:
                say(f"livetiming: {trouble}")
            told = trouble
            if out.once and time.monotonic() - began > PATIENCE:
                say(f"livetiming: no state of {watched.uuid} within {PATIENCE:g} s")
                return EXIT_WRONG
            await watched.air.bell.wait(REDRAW_EVERY)
    say(f"livetiming: {watched.uuid} has ended")
    return EXIT_DONE


def find(wanted: str, services: Sequence[Manifest]) -> list[Manifest]:
    """The services that `wanted` may mean: the one with that uuid, else all of that class."""
    by_uuid = [manifest for manifest in services if manifest["uuid"] == wanted]
    folded = wanted.casefold()
    return by_uuid or [manifest for manifest in services if str(manifest["serviceClass"]).casefold() == folded]


def unknown(wanted: str, services: Sequence[Manifest]) -> str:
    """What to tell somebody who asked for a service that is not there."""
    classes = list(dict.fromkeys(clean(manifest["serviceClass"]) for manifest in services))
    names = {clean(manifest[key]).casefold(): clean(manifest["serviceClass"]) for manifest in services for key in _KEYS}
    near = difflib.get_close_matches(wanted.casefold(), names, n=3, cutoff=0.5)
    if not classes:
        return f"{wanted} is not on the air, and nothing else is"
    if near:
        return f"{wanted} is not on the air; did you mean {' or '.join(dict.fromkeys(names[name] for name in near))}?"
    return f"{wanted} is not on the air; these are: {', '.join(classes[:20])}"


_KEYS = ("serviceClass", "name", "description", "uuid")


def _now() -> datetime:
    return datetime.now().astimezone()
