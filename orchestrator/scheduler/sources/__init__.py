"""Where a calendar is read from: a file, the web, CalDAV, Google's API."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from orchestrator.schedule_settings import CalendarSettings
from orchestrator.scheduler.sources.address import DAV, WEB
from orchestrator.scheduler.sources.base import CalendarUnreadable as CalendarUnreadable
from orchestrator.scheduler.sources.base import Source as Source
from orchestrator.scheduler.sources.dav import CalDavSource
from orchestrator.scheduler.sources.file import FileSource
from orchestrator.scheduler.sources.google import GoogleSource
from orchestrator.scheduler.sources.web import WebSource


def source_of(settings: CalendarSettings) -> Source:
    """The source that the settings name: the address, where there is one; else Google's API."""
    if not settings.url and settings.google_id:
        return GoogleSource(settings)
    return source_at(settings.url)


def source_at(url: str) -> Source:
    """The source at an address."""
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if scheme in DAV:
        return CalDavSource(DAV[scheme] + colon + rest)
    if scheme in WEB:
        return WebSource(WEB[scheme] + colon + rest)
    return FileSource(Path(unquote(urlsplit(url).path)))
