"""Joining the router, and staying there.

A component says once what it registers, subscribes to and does when it joins; `Router` makes that true on every
join, for as long as the component lives: it authenticates, comes back with back-off when the router goes away,
and ends when told to. What is published while the router is away is dropped: states are repeated, and retained
events are published again by `on_join`.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp import auth
from autobahn.wamp.exception import ApplicationError, TransportLost
from autobahn.wamp.types import (
    Challenge,
    ComponentConfig,
    PublishOptions,
    RegisterOptions,
    SessionDetails,
    SubscribeOptions,
)
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import deferLater
from twisted.logger import Logger

from livetiming.network import Json, Message, Realm
from livetiming.reactor import reactor, sleep
from livetiming.settings import Credentials
from livetiming.transport import transport

FIRST_DELAY = 0.25  # seconds until the first attempt to come back
LONGEST_DELAY = 5.0  # seconds between attempts in the end
CONNECT_TIMEOUT = 10.0  # seconds for the transport, and again for the join
UNANSWERED_LIMIT = 64  # publications without an answer of the router; more are dropped
UNANSWERED_SECONDS = 20.0  # without any answer for so long the router hangs: leave, and come back

Handler = Callable[[Json, Any], Any]  # (the one positional argument, autobahn's EventDetails)
Procedure = Callable[..., Any]  # (*args, details=autobahn's CallDetails, **kwargs)


class RouterAway(ConnectionError):
    """The router cannot be asked now: we are not joined. It is tried again by itself."""

    def __init__(self, uri: str) -> None:
        super().__init__(f"{uri}: not joined to the router; is it running? (livetiming status)")


@dataclass(frozen=True)
class _Registration:
    uri: str
    procedure: Procedure


@dataclass(frozen=True)
class _Subscription:
    topic: str
    handler: Handler
    prefix: bool
    get_retained: bool


class Router:  # autobahn takes exact str only, so that our StrEnum constants are converted at this border
    """Our seat on the router at `address`. Without `credentials` we are anonymous."""

    log = Logger()

    def __init__(self, address: str, credentials: Credentials | None) -> None:
        self.address = address
        self.credentials = credentials
        self.dropped = 0  # publications made while away or unanswered
        self._session: _Session | None = None  # the joined one
        self._registrations: list[_Registration] = []
        self._subscriptions: list[_Subscription] = []
        self._on_join: list[Callable[[], Any]] = []
        self._on_leave: list[Callable[[], Any]] = []
        self._stopping = False
        self._running: Deferred[None] | None = None
        self._pause: Deferred[None] | None = None
        self._attempt: Deferred[Any] | None = None
        self._away_logged = self._ever_joined = False
        self._unanswered = 0
        self._answered_at = 0.0

    # -- what is declared once and holds on every join

    def register(self, uri: str, procedure: Procedure) -> None:
        """`procedure(*args, details=…, **kwargs)` answers calls of `uri`, in place of any dead twin of ours."""
        self._registrations.append(_Registration(str(uri), procedure))
        if self._session is not None:
            Deferred.fromCoroutine(self._session.take_registration(self._registrations[-1]))

    def subscribe(self, topic: str, handler: Handler, *, prefix: bool = False, get_retained: bool = False) -> None:
        """`handler(argument, details)` gets each event of `topic`. What it raises is logged."""
        self._subscriptions.append(_Subscription(str(topic), handler, prefix, get_retained))
        if self._session is not None:
            Deferred.fromCoroutine(self._session.take_subscription(self._subscriptions[-1]))

    def on_join(self, callback: Callable[[], Any]) -> None:
        """`callback()` runs after each join, when everything declared holds. It may be a coroutine function."""
        self._on_join.append(callback)

    def on_leave(self, callback: Callable[[], Any]) -> None:
        """`callback()` runs when we have lost the router."""
        self._on_leave.append(callback)

    # -- what is done now

    @property
    def joined(self) -> bool:
        """Whether we are on the router, and everything declared holds."""
        return self._session is not None

    async def call(self, uri: str, *args: Json, timeout: float = 5.0, **kwargs: Json) -> Json:
        """What `uri` answers within `timeout` seconds.

        Raises RouterAway, TimeoutError, or autobahn's ApplicationError with what the other side said.
        """
        if self._session is None:
            raise RouterAway(uri)
        answer = self._session.call(str(uri), *args, **kwargs)
        answer.addTimeout(timeout, reactor)
        try:
            return await answer
        except TransportLost:
            raise RouterAway(uri) from None
        except DeferredTimeout:
            raise TimeoutError(f"{uri} did not answer within {timeout:g} s") from None

    def publish(
        self,
        topic: str,
        body: Message | Json,
        *,
        retain: bool = False,
        eligible_authrole: Sequence[str] | None = None,
    ) -> bool:
        """Publish a message; false if it was dropped (we are away, or the router does not keep up)."""
        retain = retain or (isinstance(body, Message) and body.retain)
        if self._session is None or self._unanswered >= UNANSWERED_LIMIT:
            self.dropped += 1
            self._leave_if_hung()
            return False
        options = PublishOptions(
            acknowledge=True, retain=retain or None, eligible_authrole=list(eligible_authrole or []) or None
        )
        try:
            argument = body.encode() if isinstance(body, Message) else body
            answer = self._session.publish(str(topic), argument, options=options)
        except TransportLost:
            self.dropped += 1
            return False
        if self._unanswered == 0:
            self._answered_at = time.monotonic()
        self._unanswered += 1
        answer.addBoth(self._answered, topic)
        self._leave_if_hung()
        return True

    async def settled(self, timeout: float = 2.0) -> None:
        """Wait until the router has answered what was published, `timeout` seconds at most."""
        until = time.monotonic() + timeout
        while self._unanswered and self.joined and time.monotonic() < until:
            await sleep(0.02)

    # -- life

    def start(self) -> None:
        """Begin joining; returns at once."""
        self._running = Deferred.fromCoroutine(self._run())

    async def stop(self) -> None:
        """Say goodbye and end; what was published before is on the wire."""
        self._stopping = True
        for pending in (self._pause, self._attempt):
            if pending is not None:
                pending.cancel()
        if self._session is not None:
            self._session.leave()
        if self._running is not None:
            self._running.addTimeout(3.0, reactor)
            running, self._running = self._running, None
            try:
                await running
            except Exception as error:  # a router that hangs must not keep us
                self.log.debug("the router did not say goodbye: {error!r}", error=error)

    async def _run(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping:
            session = _Session(self)
            if await self._connect(session) and await session.over():
                delay = FIRST_DELAY
            if self._told_to_stop():
                return
            self._pause = deferLater(reactor, delay, lambda: None)
            try:
                await self._pause
            except CancelledError:  # by stop()
                return
            delay = min(delay * 1.6, LONGEST_DELAY)

    def _told_to_stop(self) -> bool:
        return self._stopping

    async def _connect(self, session: "_Session") -> bool:
        factory, endpoint = transport(self.address, lambda: session, CONNECT_TIMEOUT)
        self._attempt = endpoint.connect(factory)
        self._attempt.addTimeout(CONNECT_TIMEOUT, reactor)
        try:
            session.connected(await self._attempt)
        except Exception as error:
            self.say_away(f"{error or type(error).__name__}")
            return False
        finally:
            self._attempt = None
        return True

    # -- what the session tells us

    def say_away(self, why: str) -> None:
        """Log once per outage that the router is away. Before the first join it may just be slower than we are."""
        if not self._away_logged and not self._stopping:
            self._away_logged = True
            say = self.log.warn if self._ever_joined else self.log.info
            say("the router is away ({why}); trying again until it is back", why=why)

    async def session_ready(self, session: "_Session", details: SessionDetails) -> None:
        """Everything declared, on a session that has just joined; then the callbacks."""
        declared = [session.take_registration(item) for item in self._registrations]
        declared += [session.take_subscription(item) for item in self._subscriptions]
        await DeferredList([Deferred.fromCoroutine(item) for item in declared])
        if session.is_over:
            return  # lost again while we declared
        self._session = session
        self._unanswered = 0
        self._away_logged, self._ever_joined = False, True
        self.log.info("joined the router as {role}", role=details.authrole)
        await self._tell(self._on_join)

    async def session_lost(self, session: "_Session") -> None:
        """The session is over, for whatever reason."""
        if self._session is session:
            self._session = None
            self.say_away("connection lost")
            await self._tell(self._on_leave)

    async def _tell(self, callbacks: Sequence[Callable[[], Any]]) -> None:
        for callback in callbacks:
            try:
                result = callback()
                if isawaitable(result):
                    await result
            except Exception:
                self.log.failure("{callback} failed", callback=callback)

    def _answered(self, result: object, topic: str) -> None:
        self._unanswered = max(0, self._unanswered - 1)
        self._answered_at = time.monotonic()
        error = getattr(result, "value", None)
        if isinstance(error, ApplicationError):
            self.log.error("the router refused what we published on {topic}: {error}", topic=topic, error=error.error)

    def _leave_if_hung(self) -> None:
        if self._session and self._unanswered and time.monotonic() - self._answered_at > UNANSWERED_SECONDS:
            self.log.warn("the router has not answered for {s} s: joining again", s=int(UNANSWERED_SECONDS))
            self._session.abort()


class _Session(ApplicationSession):  # type: ignore[misc]  # autobahn has no usable types
    """One life on the router: from the handshake to the loss of the connection."""

    def __init__(self, router: Router) -> None:
        super().__init__(ComponentConfig(str(Realm.TIMING)))
        self.router = router
        self.protocol: Any = None
        self.is_over = False  # the connection is gone
        self._joined = False
        self._over: Deferred[bool] = Deferred()
        self._deadline: Any = None

    def connected(self, protocol: Any) -> None:
        """The transport stands; now the handshake and the join have CONNECT_TIMEOUT, or it is cut."""
        self.protocol = protocol
        self._deadline = reactor.callLater(CONNECT_TIMEOUT, self._too_late)
        lost = protocol.connectionLost

        def connection_lost(reason: Any) -> None:
            lost(reason)
            self._end()  # autobahn tells the session only if its handshake was over

        protocol.connectionLost = connection_lost

    def over(self) -> Deferred[bool]:
        """Fires when the connection is gone; true if it had joined."""
        return self._over

    def abort(self) -> None:
        """Cut the connection without a word."""
        transport = getattr(self.protocol, "transport", None)
        if transport is not None:
            transport.abortConnection()

    def _too_late(self) -> None:
        self.router.say_away("no answer to our hello")
        self.abort()

    def onConnect(self) -> None:  # noqa: N802 - autobahn's name
        credentials = self.router.credentials
        if credentials is None:
            self.join(str(Realm.TIMING), ["anonymous"])
        else:
            self.join(str(Realm.TIMING), ["wampcra"], authid=credentials.authid)

    def onChallenge(self, challenge: Challenge) -> str:  # noqa: N802 - autobahn's name
        credentials = self.router.credentials
        if credentials is None or challenge.method != "wampcra":
            raise ApplicationError("wamp.error.not_authorized", f"no secret for {challenge.method}")
        signature: bytes = auth.compute_wcs(credentials.secret.encode(), challenge.extra["challenge"].encode())
        return signature.decode("ascii")

    async def onJoin(self, details: SessionDetails) -> None:  # noqa: N802 - autobahn's name
        self._joined = True
        self._cancel_deadline()
        await self.router.session_ready(self, details)

    def onLeave(self, details: Any) -> None:  # noqa: N802 - autobahn's name
        if not self._joined:
            self.router.say_away(f"it refused us: {details.reason} {details.message or ''}".strip())
        self.disconnect()

    async def onDisconnect(self) -> None:  # noqa: N802 - autobahn's name
        self.is_over = True
        # autobahn does this where we do not override it; without, calls under way would wait for ever
        self._errback_outstanding_requests(TransportLost())
        await self.router.session_lost(self)
        self._end()

    def _end(self) -> None:
        self._cancel_deadline()
        if not self._over.called:
            self._over.callback(self._joined)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    async def take_registration(self, item: _Registration) -> None:
        """Register one procedure; a refusal is logged, the rest goes on."""

        async def answer(*args: Json, details: Any = None, **kwargs: Json) -> Json:
            result = item.procedure(*args, details=details, **kwargs)
            return await result if isinstance(result, Awaitable) else result

        options = RegisterOptions(details_arg="details", force_reregister=True)
        try:
            await self.register(answer, item.uri, options=options)
        except Exception as error:
            self.router.log.error("cannot register {uri}: {error}", uri=item.uri, error=error)

    async def take_subscription(self, item: _Subscription) -> None:
        """Subscribe to one topic; a refusal is logged, the rest goes on."""

        async def hear(*args: Json, details: Any = None, **_kwargs: Json) -> None:
            try:
                result = item.handler(args[0] if args else None, details)
                if isawaitable(result):
                    await result
            except Exception:
                self.router.log.failure("what came on {topic} could not be handled", topic=item.topic)

        match = "prefix" if item.prefix else "exact"
        options = SubscribeOptions(match=match, details=True, get_retained=item.get_retained or None)
        try:
            await self.subscribe(hear, item.topic, options=options)
        except Exception as error:
            self.router.log.error("cannot subscribe to {topic}: {error}", topic=item.topic, error=error)


def connect(address: str, credentials: Credentials | None) -> Router:
    """A seat on the router at `address`, being taken: declare, then wait for `on_join`."""
    router = Router(address, credentials)
    router.start()
    return router
