"""`livetiming-recordings`: the catalogue of finished recordings, on the router."""

import hmac
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from autobahn.wamp.exception import ApplicationError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from livetiming.network import RPC, Channel, Json, Message, MessageClass
from livetiming.process import Ending, Life
from livetiming.reactor import reactor
from livetiming.recording.format import RecordingError
from livetiming.wamp import Router
from orchestrator.daemon import run_daemon
from orchestrator.dvr.lane import Lane
from orchestrator.recordings import query
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.database import CACHE, FAILURES, is_damage
from orchestrator.recordings.desk import Busy, Desk, Inquiry
from orchestrator.recordings.editing import BadChange
from orchestrator.recordings.entry import Listed
from orchestrator.recordings.expiring import Expirer
from orchestrator.recordings.expiry import EXPIRING, Expiry, limits_of
from orchestrator.recordings.keeping import Keeper
from orchestrator.recordings.shelf import Look, Shelf, Unknown
from orchestrator.recordings.timeshift import TimeShift
from orchestrator.settings import Settings

T = TypeVar("T")

TRUSTED = "services"  # the role that may see what is hidden
QUESTIONS_WAITING = 64
SHIFTS_WAITING = 32
CHANGES_WAITING = 8
REFUSALS_TOLD = 60.0  # seconds between two words about wrong authcodes

WRONG_ARGUMENT = "wamp.error.invalid_argument"
NOT_AUTHORIZED = "wamp.error.not_authorized"
BUSY = "livetiming.error.busy"
UNAVAILABLE = "livetiming.error.unavailable"
UNKNOWN = "livetiming.error.no_such_recording"

CLOSE_IDLE_SECONDS = 60.0  # how often files that nobody asks for are closed


def main(argv: list[str] | None = None) -> int:
    """`livetiming-recordings`."""
    return run_daemon("recordings", "The catalogue of finished recordings.", _begin, argv)


def _begin(settings: Settings, router: Router, _life: Life) -> Callable[[Ending], Coroutine[Any, Any, None]]:
    settings.recordings_dir.mkdir(parents=True, exist_ok=True)
    return Recordings(settings, router).end


class Recordings:
    """Keeps the catalogue, answers questions about it, and tells what changed."""

    log = Logger()

    def __init__(self, settings: Settings, router: Router) -> None:
        folder, temp = settings.recordings_dir, settings.recordings_temp_dir
        cache = settings.state_dir / CACHE
        self.router = router
        self._authcode = settings.admin_authcode.encode()
        self._lane = Lane("catalogue")  # whatever writes
        self._shelf = Shelf(folder, cache)
        self._inquiry = Inquiry(cache, QUESTIONS_WAITING)
        self._shift, self._shift_desk = TimeShift(folder, temp), Desk("time shift", SHIFTS_WAITING)
        self._keeper = Keeper(folder, self._lane, self._shelf, settings.recordings_scan_interval, self._seen)
        limits = limits_of(settings.keep_days, settings.keep_free_gb)
        expiry = Expiry(folder, temp, settings.state_dir / EXPIRING, limits)
        self._expirer = Expirer(self._lane, self._shelf, expiry)
        self._newest: list[Listed] | None = None  # None: not looked yet
        self._published: list[Listed] | None = None
        self._refused_told = -REFUSALS_TOLD
        self._changes = 0  # of manifests, waiting
        self._register()
        self._opening = self._lane.do(self._shelf.ask, Answers.total)
        self._opening.addErrback(lambda _failure: None)  # the keeper tells
        self._keeper.start()
        self._expirer.start()
        self._closing = LoopingCall(self._close_idle)
        self._closing.start(CLOSE_IDLE_SECONDS, now=False)

    def _register(self) -> None:
        procedures: dict[RPC, Callable[..., Any]] = {
            RPC.RECORDINGS_PAGE: self._page,
            RPC.RECORDINGS_NAMES: self._names,
            RPC.RECORDINGS_MANIFEST: self._manifest,
            RPC.RECORDINGS_SEARCH: self._search,
            RPC.RECORDINGS_UPDATE_MANIFEST: self._update_manifest,
            RPC.RECORDINGS_STATE_AT: self._state_at,
            RPC.RECORDINGS_FRAMES: self._frames,
        }
        for uri, procedure in procedures.items():
            self.router.register(uri, procedure)
        self.router.on_join(self._joined)

    async def end(self, _why: Ending) -> None:
        """Stop looking, and close what is open."""
        self._closing.stop()
        self._expirer.stop()
        await self._keeper.end()
        await self._inquiry.close()
        with suppress(Busy):
            await self._shift_desk.do(self._shift.close)
        await self._lane.do(self._shelf.close)

    # -- what is asked; names and order of the arguments are the wire's

    async def _page(
        self,
        page: Json = 1,
        name: Json = None,
        includeHidden: Json = False,  # noqa: N803
        *_more: Json,
        details: Any,
        **_unknown: Json,
    ) -> Json:
        number, hidden = query.page_number(page), _may_see_hidden(includeHidden, details)
        service = _sound(lambda: query.service_name(name))
        return await self._ask(lambda answers: answers.page(number, service, hidden=hidden))

    async def _names(
        self,
        includeHidden: Json = False,  # noqa: N803
        *_more: Json,
        details: Any,
        **_unknown: Json,
    ) -> Json:
        hidden = _may_see_hidden(includeHidden, details)
        return await self._ask(lambda answers: answers.names(hidden=hidden))

    async def _manifest(self, uuid: Json = None, *_more: Json, **_unknown: Json) -> Json:
        return await self._ask(lambda answers: answers.manifest(uuid))

    async def _search(
        self, text: Json = "", filters: Json = None, page: Json = 1, *_more: Json, details: Any, **_unknown: Json
    ) -> Json:
        number, trusted = query.page_number(page), details.caller_authrole == TRUSTED
        wanted = _sound(lambda: query.wanted(text, filters, trusted=trusted))
        return await self._ask(lambda answers: answers.search(wanted, number))

    async def _state_at(self, uuid: Json = None, t: Json = None, *_more: Json, **_unknown: Json) -> Json:
        return await self._told(self._shift_desk.do(self._shift.state_at, uuid, t))

    async def _frames(
        self, uuid: Json = None, begin: Json = None, end: Json = None, *_more: Json, **named: Json
    ) -> Json:
        begin, end = named.get("from", begin), named.get("to", end)
        return await self._told(self._shift_desk.do(self._shift.frames, uuid, begin, end))

    async def _update_manifest(
        self, manifest: Json = None, authcode: Json = None, *_more: Json, **_unknown: Json
    ) -> Json:
        self._authorize(authcode)
        if not isinstance(manifest, dict):
            raise ApplicationError(WRONG_ARGUMENT, "a manifest is an object with a uuid and what is to change")
        if self._changes >= CHANGES_WAITING:
            raise ApplicationError(BUSY, str(Busy(self._changes)))
        self._changes += 1
        try:
            listed: Listed = await self._told(self._change(manifest))
        finally:
            self._changes -= 1
        self.log.info("the manifest of {filename} was changed", filename=listed["filename"])
        return listed

    def _authorize(self, authcode: Json) -> None:
        """Raises ApplicationError unless this is the code. What was given instead is not told to anybody."""
        given = authcode.encode(errors="replace") if isinstance(authcode, str) else b""
        if self._authcode and hmac.compare_digest(given, self._authcode):
            return
        if reactor.seconds() - self._refused_told >= REFUSALS_TOLD:
            self._refused_told = reactor.seconds()
            self.log.warn("a change of a manifest was refused: its authcode is not LIVETIMING_ADMIN_AUTHCODE")
        raise ApplicationError(NOT_AUTHORIZED, "the authcode is wrong, or nobody may change recordings here")

    async def _change(self, manifest: dict[str, Json]) -> Listed:
        listed, rewritten = await self._lane.do(self._shelf.change, manifest.get("uuid"), manifest)
        if rewritten is not None and rewritten.left_behind:
            self.log.warn("an analysis has the manifest from before: {why}", why=rewritten.left_behind)
        self._keeper.look_soon(listed["filename"])  # which publishes it
        return listed

    async def _ask(self, question: Callable[[Answers], T]) -> T:
        await self._opening
        return await self._told(self._inquiry.ask(question))

    async def _told(self, answer: Coroutine[Any, Any, T]) -> T:
        """The answer, or in the caller's words why there is none."""
        try:
            return await answer
        except (BadChange, Unknown, Busy) as error:
            uri = {BadChange: WRONG_ARGUMENT, Unknown: UNKNOWN, Busy: BUSY}[type(error)]
            raise ApplicationError(uri, str(error)) from error
        except (*FAILURES, OSError, RecordingError) as error:
            self.log.error("a question cannot be answered: {error}", error=error)
            if isinstance(error, FAILURES) and is_damage(error):
                self._keeper.make_anew(str(error))
            why = "it cannot be read now: try again in some seconds (the log of livetiming-recordings says why)"
            raise ApplicationError(UNAVAILABLE, why) from error

    async def _close_idle(self) -> None:
        with suppress(Busy):  # then they are not idle
            await self._shift_desk.do(self._shift.close_idle)

    # -- what is told

    def _joined(self) -> None:
        self._published = None
        self._publish()

    def _seen(self, look: Look) -> None:
        self._newest = look.newest
        self._publish()

    def _publish(self) -> None:
        if self._newest is None or self._newest == self._published:
            return
        message = Message(MessageClass.RECORDING_LISTING, self._newest, int(time.time() * 1000), retain=True)
        if self.router.publish(Channel.REPLAY, message):
            self._published = self._newest


def _sound(question: Callable[[], T]) -> T:
    """The question, or ApplicationError with what is wrong with it."""
    try:
        return question()
    except query.BadQuestion as error:
        raise ApplicationError(WRONG_ARGUMENT, str(error)) from error


def _may_see_hidden(wanted: Json, details: Any) -> bool:
    return wanted is True and details.caller_authrole == TRUSTED


if __name__ == "__main__":
    sys.exit(main())
