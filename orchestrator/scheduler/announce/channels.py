"""Where texts go: X, and any address that Apprise knows. Sending blocks; it is for a thread."""

from typing import Protocol

from orchestrator.schedule_settings import AnnounceSettings
from orchestrator.scheduler.announce.by_apprise import AppriseChannel
from orchestrator.scheduler.announce.news import Receiver
from orchestrator.scheduler.announce.outbox import Result
from orchestrator.scheduler.announce.x import XChannel


class Channel(Protocol):
    """One of them. No text of it, and nothing that it raises, holds a secret."""

    @property
    def receiver(self) -> Receiver:
        """What it takes."""

    def check(self) -> str:
        """Why it cannot be used at all, and what to do; "" if it seems right. Asks nobody."""

    def send(self, text: str) -> Result:
        """Send it, once."""


def channels_of(settings: AnnounceSettings) -> list[Channel]:
    """The channels that the operator has set."""
    channels: list[Channel] = []
    if settings.twitter is not None:
        channels.append(XChannel(settings.twitter, settings.twitter_api))
    channels += [AppriseChannel(url, position) for position, url in enumerate(settings.urls, 1)]
    return channels
