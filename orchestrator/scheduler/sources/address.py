"""A calendar's address, taken apart. No I/O."""

from urllib.parse import unquote, urlsplit

WEB = {"http": "http", "https": "https", "webcal": "http", "webcals": "https"}  # scheme → what it is on the wire
DAV = {"caldav": "http", "caldavs": "https"}


def without_user(url: str) -> tuple[str, str | None, str | None]:
    """(`url` without name and password, the name, the password); the latter are None where there are none."""
    parts = urlsplit(url)
    name, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), name, password
