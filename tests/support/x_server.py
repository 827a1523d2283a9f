"""X's API v2 for tests, on loopback: creating a post, with OAuth 1.0a signatures that are checked here.

Sources: RFC 5849 (OAuth 1.0), its body hash extension, https://docs.x.com/x-api/posts/create-post.
"""

import base64
import hashlib
import hmac
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import orjson

from orchestrator.schedule_settings import TwitterKeys
from tests.support.loopback import Handler, LoopbackServer

SIGNED_URL = "https://api.twitter.com/2/tweets"  # what clients sign, wherever they are led to
KEYS = {  # the settings of whoever may post
    "TWITTER_CONSUMER_KEY": "the-consumer-key",
    "TWITTER_CONSUMER_SECRET": "the-consumer-secret",
    "TWITTER_ACCESS_TOKEN": "the-access-token",
    "TWITTER_ACCESS_SECRET": "the-access-secret",
}
TWITTER = TwitterKeys(*KEYS.values())
_PARAMETER = re.compile(r'\s*([a-z_]+)="([^"]*)"')
_CLOCK_SECONDS = 300


@dataclass(frozen=True)
class Answer:
    """What a request gets."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


class XServer:
    """One account whose keys are KEYS (TWITTER). `url` is for TWITTER_API_URL."""

    def __init__(self) -> None:
        self.posts: list[str] = []
        self.refused: list[str] = []  # why requests were not let in
        self.requests = 0
        self.hang = threading.Event()  # while it is set, requests that are let in wait
        self.hanging = threading.Event()  # somebody waits
        self._answers: list[Answer] = []
        self._closed = threading.Event()
        self._nonces: set[str] = set()
        self._server = LoopbackServer(type("XHandler", (_Handler,), {"x": self}))
        self.url = f"http://127.0.0.1:{self._server.port}"

    def fail_next(
        self, status: int, retry_after: str = "", headers: dict[str, str] | None = None, body: bytes = b"{}"
    ) -> None:
        """Answer the next request that is let in so, and take nothing."""
        asks = {"Retry-After": retry_after} if retry_after else {}
        self._answers.append(Answer(status, {**asks, **(headers or {})}, body))

    def close(self) -> None:
        """End it."""
        self._closed.set()
        self._server.close()

    def create_post(self, path: str, authorization: str, body: bytes) -> Answer | None:
        """The answer to one request; None for none at all."""
        self.requests += 1
        why = self._check(path, authorization, body)
        if why:
            self.refused.append(why)
            return _problem(401, "Unauthorized")
        while self.hang.is_set():
            self.hanging.set()
            if self._closed.wait(0.02):
                return None
        if self._answers:
            return self._answers.pop(0)
        text = orjson.loads(body)["text"]
        if text in self.posts:
            return _problem(403, "You are not allowed to create a Tweet with duplicate content.")
        self.posts.append(text)
        return Answer(201, {}, orjson.dumps({"data": {"id": str(len(self.posts)), "text": text}}))

    def _check(self, path: str, authorization: str, body: bytes) -> str:
        """Why the request is not let in; "" if it is."""
        scheme, _, rest = authorization.partition(" ")
        given = {name: unquote(value) for name, value in _PARAMETER.findall(rest)}
        signature = given.pop("oauth_signature", "")
        if path != "/2/tweets" or scheme != "OAuth":
            return "no such request"
        if (given.get("oauth_consumer_key"), given.get("oauth_token")) != (TWITTER.consumer_key, TWITTER.access_token):
            return "unknown keys"
        if given.get("oauth_signature_method") != "HMAC-SHA1" or given.get("oauth_version") != "1.0":
            return "another method"
        body_hash = base64.b64encode(hashlib.sha1(body).digest()).decode()  # noqa: S324 - as the extension says
        if given.get("oauth_body_hash", body_hash) != body_hash:
            return "another body"
        if not hmac.compare_digest(signature, _signature(given)):
            return "a wrong signature"
        if abs(int(given["oauth_timestamp"]) - time.time()) > _CLOCK_SECONDS:
            return "an old timestamp"
        if given["oauth_nonce"] in self._nonces:
            return "a nonce that was used"
        self._nonces.add(given["oauth_nonce"])
        return ""


class _Handler(Handler):
    x: XServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.x.create_post(self.path, self.headers.get("Authorization", ""), body)
        if answer is None:
            self.close_connection = True
        else:
            self.reply(answer.status, answer.body, {"Content-Type": "application/json", **answer.headers})


def _problem(status: int, detail: str) -> Answer:
    problem: dict[str, Any] = {"title": "Problem", "status": status, "detail": detail, "type": "about:blank"}
    return Answer(status, {}, orjson.dumps(problem))


def _signature(parameters: dict[str, str]) -> str:
    """HMAC-SHA1 of RFC 5849, section 3.4.2; a JSON body is no part of it."""
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in parameters.items())
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join(["POST", _encoded(SIGNED_URL), _encoded(normal)])
    key = f"{_encoded(TWITTER.consumer_secret)}&{_encoded(TWITTER.access_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="~")
