"""A chat for tests: takes Apprise's json:// messages on loopback."""

import threading

import orjson

from tests.support.loopback import Handler, LoopbackServer

TOKEN = "chat-secret-token"  # in its address


class ChatServer:
    """`address` is for LIVETIMING_ANNOUNCE_URLS."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.requests = 0
        self.hanging = threading.Event()
        self._statuses: list[int] = []
        self._hang = 0
        self._let_go = threading.Event()
        self._server = LoopbackServer(type("ChatHandler", (_Handler,), {"chat": self}))
        self.address = f"json://127.0.0.1:{self._server.port}/{TOKEN}"

    def answer_next(self, *statuses: int) -> None:
        """Answer the next requests so, and take nothing."""
        self._statuses += statuses

    def hang_next(self) -> None:
        """Take the next message, and give no answer until the server is closed."""
        self._hang += 1

    def close(self) -> None:
        """End it."""
        self._let_go.set()
        self._server.close()

    def take(self, path: str, body: bytes) -> int:
        """The status of the answer; 0 for none."""
        self.requests += 1
        if path.strip("/") != TOKEN:
            return 404
        if self._statuses:
            return self._statuses.pop(0)
        self.messages.append(orjson.loads(body)["message"])
        if self._hang:
            self._hang -= 1
            self.hanging.set()
            self._let_go.wait(60)
            return 0
        return 200


class _Handler(Handler):
    chat: ChatServer

    def do_POST(self) -> None:
        status = self.chat.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        if status:
            self.reply(status, b"")
        else:
            self.close_connection = True
