"""A service without a router: a WebSocket server that sends each message to everybody who is connected.

Frames are JSON texts `[topic, message]`. Who connects gets the current manifest, state and analysis at once. With
`t71` today's Timing 71 clients are served as well, on a port of their own and in their own words: `MANIFEST_UPDATE`,
`STATE_UPDATE` and `ANALYSIS_STATE` objects, with the times of messages in milliseconds (docs/services.md).
"""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from livetiming.commandline import say
from livetiming.network import Json, Message, MessageClass, decode_state
from livetiming.reactor import reactor, sleep

CLIENTS_LIMIT = 500  # connections to one port
PING_SECONDS = 10.0
GOODBYE_SECONDS = 1.0  # for everybody to have heard it
STALLED_SECONDS = 20.0  # without an answer to a ping the connection is cut, so that nothing piles up for it

Frame = bytes
Document = Callable[[], Any]  # the whole analysis, for who asks for it in one piece


class Standalone:
    """A Seat (livetiming.service.seat) that is its own server. Nobody can call or command it."""

    log = Logger()

    def __init__(self, uuid: str, bind: str, port: int, t71_port: int | None = None) -> None:
        self.uuid = uuid
        self.joined = False
        self.analysis: Document = lambda: None
        self._bind = bind
        self._port = port
        self._t71_port = t71_port
        self._current: dict[str, Frame] = {}  # topic → the newest message on it, for who comes later
        self._on_join: list[Callable[[], Any]] = []
        self._ours = _Audience(self._greeting)
        self._theirs = _Audience(self._t71_greeting)
        self._t71: dict[str, Frame] = {}  # kind → the newest
        self._listening: list[Any] = []

    def register(self, uri: str, procedure: Callable[..., Any]) -> None:
        """Nobody can call."""

    def subscribe(self, topic: str, handler: Callable[[Json, Any], Any]) -> None:
        """Nobody else publishes."""

    def on_join(self, callback: Callable[[], Any]) -> None:
        """Run `callback` when the server listens."""
        self._on_join.append(callback)

    def publish(
        self,
        topic: str,
        body: Message | Json,
        *,
        retain: bool = False,  # noqa: ARG002 - a Seat's; here all is kept
        eligible_authrole: Sequence[str] | None = None,
    ) -> bool:
        """Send it to everybody, and keep it for who comes later."""
        if eligible_authrole is not None:
            return True  # for a router's roles, of which there are none here
        envelope = body.encode() if isinstance(body, Message) else body
        frame = orjson.dumps([str(topic), envelope])
        self._current[str(topic)] = frame
        self._ours.send(frame)
        if self._t71_port is not None and isinstance(body, Message):
            self._publish_t71(topic, body)
        return True

    async def settled(self, timeout: float = 2.0) -> None:
        """What is sent is on its way."""

    def start(self) -> None:
        """Listen; says on standard error where."""
        self._listening = [reactor.listenTCP(self._port, self._ours, interface=self._bind)]
        if self._t71_port is not None:
            self._listening.append(reactor.listenTCP(self._t71_port, self._theirs, interface=self._bind))
        say(f"Standalone server for uuid:{self.uuid} listening on port:{self._listening[0].getHost().port}")
        if self._t71_port is not None:
            say(f"Timing 71 clients may open t71://{self._bind}, port {self._t71_port}")
        self.joined = True
        for callback in self._on_join:
            callback()

    async def stop(self) -> None:
        """Let everybody go."""
        for port in self._listening:
            await maybeDeferred(port.stopListening)
        for audience in (self._ours, self._theirs):
            audience.dismiss()
        until = reactor.seconds() + GOODBYE_SECONDS
        while (self._ours.clients or self._theirs.clients) and reactor.seconds() < until:
            await sleep(0.02)

    def _greeting(self) -> list[Frame]:
        return list(self._current.values())

    # -- in Timing 71's words

    def _publish_t71(self, topic: str, message: Message) -> None:
        if message.msg_class is MessageClass.SERVICE_REGISTRATION:
            self._send_t71({"type": "MANIFEST_UPDATE", "manifest": message.payload})
        elif message.msg_class in (MessageClass.SERVICE_DATA, MessageClass.SERVICE_DATA_COMPRESSED):
            self._send_t71({"type": "STATE_UPDATE", "state": in_milliseconds(decode_state(message))})
        elif topic.startswith("livetiming.analysis/") and topic.endswith("/session"):
            # published at most every ten seconds, and it changes with every frame: a pulse for the whole
            self._send_t71(self._t71_analysis())

    def _t71_analysis(self) -> dict[str, Any]:
        return {"type": "ANALYSIS_STATE", "data": self.analysis()}

    def _send_t71(self, event: dict[str, Any]) -> None:
        frame = orjson.dumps(event)
        self._t71[event["type"]] = frame
        self._theirs.send(frame)

    def _t71_greeting(self) -> list[Frame]:
        return list(self._t71.values())


def in_milliseconds(state: dict[str, Any]) -> dict[str, Any]:
    """`state` with the times of its messages in Unix ms, as Timing 71's own clients count them."""
    messages = [
        [int(message[0] * 1000), *message[1:]] if message and isinstance(message[0], int | float) else message
        for message in state.get("messages", [])
    ]
    return {**state, "messages": messages}


class _Audience(WebSocketServerFactory):  # type: ignore[misc]  # autobahn has no usable types
    """Everybody who is connected to one port."""

    noisy = False

    def __init__(self, greeting: Callable[[], list[Frame]]) -> None:
        super().__init__()
        self.protocol = _Client
        self.greeting = greeting
        self.clients: set[_Client] = set()
        self.setProtocolOptions(
            autoPingInterval=PING_SECONDS,
            autoPingTimeout=STALLED_SECONDS,
            maxConnections=CLIENTS_LIMIT,
        )

    def send(self, frame: Frame) -> None:
        """Send to everybody."""
        for client in self.clients:
            client.sendMessage(frame, isBinary=False)

    def dismiss(self) -> None:
        """Say goodbye to everybody."""
        for client in list(self.clients):
            client.sendClose(WebSocketServerProtocol.CLOSE_STATUS_CODE_NORMAL, "the service has ended")


class _Client(WebSocketServerProtocol):  # type: ignore[misc]
    """One client. What it sends is dropped as it comes: nobody has anything to say to us, and nothing is to pile up.

    (autobahn's limit of sizes would hold for what we send as well.)
    """

    factory: _Audience
    message_data_total_length = 0
    frame_data = None

    def onOpen(self) -> None:
        self.factory.clients.add(self)
        for frame in self.factory.greeting():
            self.sendMessage(frame, isBinary=False)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: ARG002 - autobahn's
        self.factory.clients.discard(self)

    def onMessageBegin(self, isBinary: bool) -> None:
        """A message begins."""

    def onMessageFrameBegin(self, length: int) -> None:
        """A frame of it begins."""

    def onMessageFrameData(self, payload: bytes) -> None:
        """A part of the frame."""

    def onMessageFrameEnd(self) -> None:
        """The frame is over."""

    def onMessageEnd(self) -> None:
        """The message is over."""
