"""X (Twitter), by tweepy: API v2, OAuth 1.0a user context.

tweepy is imported with the first text (0.1 s, 3 MB). It knows one address and no time limits; both are given to it
by its transport. What it says in the log is left out, because it holds what was signed.
"""

import logging
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from orchestrator.schedule_settings import TwitterKeys
from orchestrator.scheduler.announce.news import Receiver
from orchestrator.scheduler.announce.outbox import Duplicate, Kind, Refused, Result, Sent, Wait

API = "https://api.twitter.com"
TIMEOUTS = (10.0, 30.0)  # seconds: to connect, and between two parts of the answer
_LOGGERS = ("tweepy", "oauthlib", "requests_oauthlib")
_ADVICE = {
    400: "it does not take the request",
    401: "it does not know us: check the four TWITTER_ variables (keys and tokens belong together), and the clock",
    402: "there are no credits left for posts: see X's developer console",
    403: "we may not post: give the app Read and Write in X's developer console, and make new access tokens",
    404: "there is nothing at that address: check TWITTER_API_URL",
}
_WINDOWS = ("x-user-limit-24hour", "x-app-limit-24hour", "x-rate-limit")  # each with -remaining and -reset


class XChannel:
    """One account. It takes starts and failures."""

    receiver = Receiver("x", "X", frozenset({Kind.START, Kind.FAILED}), short=True)

    def __init__(self, keys: TwitterKeys, api: str = "", timeouts: tuple[float, float] = TIMEOUTS) -> None:
        self._keys = keys
        self._api = api
        self._timeouts = timeouts

    def check(self) -> str:
        """Nothing can be said of the keys without asking X."""
        return ""

    def send(self, text: str) -> Result:
        """Post it. X takes no text twice, so that what it may have got can be sent again."""
        import tweepy

        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        transport = _Transport(self._api or API, self._timeouts)
        client = self._client(tweepy, transport)
        try:
            client.create_tweet(text=text)
        except requests.RequestException as error:
            return Wait(f"cannot be reached ({type(error).__name__})")  # its text quotes addresses
        except Exception:  # tweepy's own, and those of its reading of an odd answer
            if transport.answer is None:
                raise
            return _result(transport.answer, time.time())
        finally:
            client.session.close()
        return Sent()

    def _client(self, tweepy: Any, transport: "_Transport") -> Any:
        client = tweepy.Client(
            consumer_key=self._keys.consumer_key,
            consumer_secret=self._keys.consumer_secret,
            access_token=self._keys.access_token,
            access_token_secret=self._keys.access_secret,
            return_type=requests.Response,  # the answer to a post that was taken need not be understood
        )
        client.session.max_redirects = 0
        client.session.mount(API, transport)
        return client


class _Transport(HTTPAdapter):
    """Sends what was signed for X's address to another one, and not without limits of time; keeps the answer."""

    def __init__(self, api: str, timeouts: tuple[float, float]) -> None:
        super().__init__()
        self._api = api
        self._timeouts = timeouts
        self.answer: requests.Response | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = self._api + (request.url or "").removeprefix(API)
        self.answer = super().send(request, *args, **{**kwargs, "timeout": self._timeouts})
        return self.answer


def _result(response: requests.Response, now: float) -> Result:
    """What an answer that is none of success means."""
    status = response.status_code
    if status == 403 and "duplicate" in response.text.lower():
        return Duplicate()
    if status == 429:
        return Wait("wants us to wait (HTTP 429)", _until_reset(response, now))
    if status >= 500 or status < 400:
        return Wait(f"fails (HTTP {status})")
    return Refused(f"HTTP {status}: {_ADVICE.get(status, 'it refuses')}")


def _until_reset(response: requests.Response, now: float) -> float:
    """Seconds until X takes posts again, as it says: of the windows that are used up, the last to open."""
    headers = response.headers
    resets = [
        _number(headers.get(f"{window}-reset"))
        for window in _WINDOWS
        if headers.get(f"{window}-remaining", "0" if window == "x-rate-limit" else "") == "0"
    ]
    at = max(resets, default=0.0)
    return at - now + 1 if at else _number(headers.get("Retry-After"))


def _number(text: str | None) -> float:
    return float(text) if text is not None and text.isdecimal() else 0.0
