"""Settings of the schedule: where the calendar is, how it is read, and who is told what."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from livetiming.environment import Environment, SettingError

SCHEMES = ("file", "http", "https", "webcal", "webcals", "caldav", "caldavs")
_WEB = re.compile(r"https?://[^\s\"'<>]+")
_KEYS = ("TWITTER_CONSUMER_KEY", "TWITTER_CONSUMER_SECRET", "TWITTER_ACCESS_TOKEN", "TWITTER_ACCESS_SECRET")
TEMPLATE_FIELDS = ("name", "service", "link", "why")
START_TEXT = "{name} is live now: {link}"
FAILED_TEXT = "{name} could not be started: {why}"
END_TEXT = "{name} has ended."


@dataclass(frozen=True)
class CalendarSettings:
    """Where the calendar is and how often it is read. Times are in seconds; "" and None where there is none."""

    url: str = field(repr=False)  # a secret: it may hold a token or a password
    google_id: str  # a Google calendar, read and written through its API
    google_credentials: Path | None  # a service account's or an installed app's JSON file
    google_token: Path  # what an installed app was given by its user, kept (0600)
    google_api: str  # another address of the API, for tests
    interval: float
    stale: float  # a copy this old is told of
    push_url: str  # where Google is to send its notifications
    push_port: int  # where we listen for them
    source_url: str = field(repr=False)  # whose events `livetiming-schedule assist` copies
    mapping: Path  # how it does

    @property
    def is_set(self) -> bool:
        """Whether there is a calendar."""
        return bool(self.url or self.google_id)


@dataclass(frozen=True)
class TwitterKeys:
    """What X wants to know (OAuth 1.0a user context)."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_secret: str = field(repr=False)


@dataclass(frozen=True)
class AnnounceSettings:
    """Who is told of a start, a failure and an end, and in which words ("" for not at all)."""

    twitter: TwitterKeys | None
    twitter_api: str  # another address of X's API, for tests
    urls: tuple[str, ...] = field(repr=False)  # Apprise's addresses: they hold tokens
    start: str
    failed: str
    end: str


def calendar_settings(env: Environment, home: Path) -> CalendarSettings:
    """The calendar's settings; SettingError names the first variable that is wrong."""
    credentials = env.text("LIVETIMING_GOOGLE_CREDENTIALS")
    return CalendarSettings(
        url=_address(env, "LIVETIMING_CALENDAR_URL"),
        google_id=env.text("LIVETIMING_CALENDAR_ID"),
        google_credentials=env.path("LIVETIMING_GOOGLE_CREDENTIALS", ".") if credentials else None,
        google_token=home / "google-token.json",
        google_api=web_address(env, "LIVETIMING_GOOGLE_API"),
        interval=env.number("LIVETIMING_CALENDAR_INTERVAL", _interval(env), low=1),
        stale=env.number("LIVETIMING_CALENDAR_STALE", 1800, low=1),
        push_url=web_address(env, "LIVETIMING_CALENDAR_PUSH_URL"),
        push_port=env.integer("LIVETIMING_CALENDAR_PUSH_PORT", 8081, low=1, high=65535),
        source_url=_address(env, "CALENDAR_SOURCE_URL"),
        mapping=env.path("LIVETIMING_ASSIST_MAPPING", "assist.toml"),
    )


def announce_settings(env: Environment) -> AnnounceSettings:
    """Who is told what; SettingError names the first variable that is wrong."""
    return AnnounceSettings(
        twitter=_twitter(env),
        twitter_api=web_address(env, "TWITTER_API_URL"),
        urls=tuple(env.text("LIVETIMING_ANNOUNCE_URLS").split()),
        start=_template(env, "LIVETIMING_ANNOUNCE_START", START_TEXT),
        failed=_template(env, "LIVETIMING_ANNOUNCE_FAILED", FAILED_TEXT),
        end=_template(env, "LIVETIMING_ANNOUNCE_END", END_TEXT),
    )


def timezone(env: Environment) -> ZoneInfo | None:
    """The operator's zone; None for the machine's."""
    name = env.text("LIVETIMING_TIMEZONE")
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingError("LIVETIMING_TIMEZONE", name, "a time zone, like Europe/Paris") from None


def web_address(env: Environment, name: str) -> str:
    """The variable as an http(s) address without a slash at its end."""
    value = env.text(name).rstrip("/")
    if value and not _WEB.fullmatch(value):
        raise SettingError(name, value, "an address that begins with http:// or https://")
    return value


def _address(env: Environment, name: str) -> str:
    """The address of a calendar. It is a secret, so an error shows no more than its scheme."""
    value = env.text(name)
    if value and urlsplit(value).scheme not in SCHEMES:
        raise SettingError(name, f"{value[:6]}…", f"an address that begins with {', '.join(SCHEMES)}, then ://")
    return value


def _interval(env: Environment) -> float:
    """Google limits how often its ICS address may be read."""
    return 300 if urlsplit(env.text("LIVETIMING_CALENDAR_URL")).hostname == "calendar.google.com" else 60


def _twitter(env: Environment) -> TwitterKeys | None:
    values = [env.text(name) for name in _KEYS]
    missing = [name for name, value in zip(_KEYS, values, strict=True) if not value]
    if len(missing) == len(_KEYS):
        return None
    if missing:
        raise SettingError(missing[0], "", "set, as the other TWITTER_ variables are (or none of them)")
    return TwitterKeys(*values)


def _template(env: Environment, name: str, default: str) -> str:
    """A text with {name}, {service}, {link} and {why}; `none` for no announcement."""
    value = env.text(name, default)
    if value.lower() == "none":
        return ""
    expected = "a text with " + ", ".join(f"{{{known}}}" for known in TEMPLATE_FIELDS) + " (and no other braces)"
    try:
        parts = list(Formatter().parse(value))
    except ValueError:
        raise SettingError(name, value, expected) from None
    if any(known is not None and (known not in TEMPLATE_FIELDS or form or how) for _, known, form, how in parts):
        raise SettingError(name, value, expected)
    return value
