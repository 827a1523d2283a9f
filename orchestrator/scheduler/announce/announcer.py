"""The announcer: what is new goes out to every channel, in a thread for each, and nobody waits for it.

A text is on the disk as being sent before it is sent. When the disk takes nothing, nothing is sent: what is told
twice after a restart is worse than what is told late. A notice goes out all the same: it may be about that disk.
"""

import time

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from livetiming.reactor import reactor, sleep
from orchestrator.scheduler.announce.channels import Channel, channels_of
from orchestrator.scheduler.announce.memory import MalformedMemory, recalled, written
from orchestrator.scheduler.announce.news import State, Teller, Wording, cleared, expired, true_of
from orchestrator.scheduler.announce.outbox import (
    Delivery,
    Duplicate,
    Kind,
    Lost,
    Perhaps,
    Refused,
    Result,
    Sent,
    Wait,
    due,
    left_out,
    revived,
    settle,
    take,
    wait_of,
)
from orchestrator.scheduler.announce.standing import Standing
from orchestrator.scheduler.announce.state_file import StateFile
from orchestrator.settings import Settings
from orchestrator.threads import in_thread

PUMP_SECONDS = 1.0
STOP_SECONDS = 2.0  # for what is being sent when we end
FILE_NAME = "announced.json"
_NO_DISK = "has to wait: announced.json cannot be written"


class Announcer:
    """Tells who is on the air. Without a channel it does nothing."""

    log = Logger()

    def __init__(self, settings: Settings) -> None:
        self._channels: dict[str, Channel] = {
            channel.receiver.key: channel for channel in channels_of(settings.announce)
        }
        said = settings.announce
        self._wording = Wording(
            {Kind.START: said.start, Kind.FAILED: said.failed, Kind.END: said.end}, settings.public_url
        )
        self._linger = settings.end_buffer
        self._state = State()
        self._standing = Standing()
        self._path = settings.state_dir / FILE_NAME
        self._file = StateFile(self._path, lambda: written(self._state))
        self._outages: dict[str, str] = {}  # by channel: what was said of it last
        self._pumping = LoopingCall(self._pump)
        self._stopping = False

    def start(self) -> None:
        """Take up what an earlier process has left, and go on."""
        if not self._channels:
            return
        self._recall()
        self._pumping.start(PUMP_SECONDS, now=False)
        Deferred.fromCoroutine(self._check())

    async def stop(self) -> None:
        """End, in about STOP_SECONDS at most. What is still being sent then may have arrived, and is not sent again."""
        self._stopping = True
        if self._pumping.running:
            self._pumping.stop()
        until = reactor.seconds() + STOP_SECONDS
        while (self._state.outbox.sending or self._file.busy) and reactor.seconds() < until:
            await sleep(0.02)

    def round(self, standing: Standing) -> None:
        """How events stand now. Cheap when nothing is new."""
        if self._channels and not self._stopping:
            self._standing = standing
            self._became(*self._teller.look(self._state, standing, time.monotonic(), time.time()))
            self._pump()

    def notice(self, key: str, text: str) -> None:
        """Have the operators told `text` (Apprise only), once until `key` is cleared, also across restarts."""
        if self._channels and not self._stopping:
            self._became(*self._teller.notice(self._state, key, text, time.time()))

    def clear(self, key: str) -> None:
        """The reason for the notice `key` is gone."""
        self._became(cleared(self._state, key), [])

    @property
    def _teller(self) -> Teller:
        receivers = tuple(channel.receiver for channel in self._channels.values())
        return Teller(receivers, self._wording, self._linger)

    # -- what is remembered

    def _recall(self) -> None:
        try:
            state, bad = recalled(self._path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, MalformedMemory) as error:
            said = "{path} cannot be used ({error}): what is on the air now may be announced again"
            self.log.error(said, path=self._path, error=error)
            return
        if bad:
            self.log.warn("{path}: {n} entries could not be understood", path=self._path, n=bad)
        outbox, lost = revived(state.outbox, self._channels, time.time())
        self._became(State(state.airings, outbox), lost)

    def _became(self, state: State, lost: list[Lost]) -> None:
        for item in lost:
            label = self._label(item.delivery.channel)
            self.log.warn("{label} is not told {text!r}: {why}", label=label, text=item.delivery.text, why=item.why)
        if state is not self._state:
            self._state = state
            self._file.ask()

    # -- sending

    def _pump(self) -> None:
        """Send what is due."""
        if self._stopping:
            return
        self._became(*expired(self._state, time.time()))
        for delivery in due(self._state.outbox, time.monotonic(), true_of(self._standing)):
            self._state = State(self._state.airings, take(self._state.outbox, delivery))
            Deferred.fromCoroutine(self._deliver(delivery))

    async def _deliver(self, delivery: Delivery) -> None:
        result = await self._sent(delivery)
        self._say(delivery, result)
        outbox = settle(self._state.outbox, delivery.channel, result, time.monotonic(), time.time())
        self._became(State(self._state.airings, outbox), [])
        self._pump()

    async def _sent(self, delivery: Delivery) -> Result:
        if not await self._file.saved() and delivery.kind is not Kind.NOTICE:
            return Wait(_NO_DISK)
        try:
            return await in_thread(self._channels[delivery.channel].send, delivery.text)
        except Exception as error:  # its text may quote what is secret
            return Wait(f"fails here ({type(error).__name__})")

    def _say(self, delivery: Delivery, result: Result) -> None:
        label, text = self._label(delivery.channel), delivery.text
        match result:
            case Sent():
                self.log.info("told {label}: {text!r}", label=label, text=text)
            case Duplicate() if delivery.channel in self._outages:
                self.log.info("told {label}: {text!r}, with an earlier attempt", label=label, text=text)
            case Duplicate():
                said = "{label} has {text!r} already, and takes it only once: give such events titles that differ"
                self.log.warn(said, label=label, text=text)
            case Perhaps(why):
                said = "{label} may have been told {text!r}, and is not told again: {why}"
                self.log.warn(said, label=label, text=text, why=why)
            case Refused(why):
                self.log.error("{label} is not told {text!r}: {why}", label=label, text=text, why=why)
            case Wait(why) if self._outages.get(delivery.channel) != why:
                pause = self._state.outbox.pauses.get(delivery.channel)
                seconds = int(wait_of(result, pause.failures + 1 if pause else 1))
                said = "{text!r} could not be delivered: {label} {why}; tried again in {s} s, as long as it helps"
                self.log.warn(said, text=text, label=label, why=why, s=seconds)
        if isinstance(result, Wait):
            self._outages[delivery.channel] = result.why
        elif self._outages.pop(delivery.channel, None) is not None:
            self.log.info("{label} answers again", label=label)

    async def _check(self) -> None:
        """Leave out the channels that cannot work."""
        for key, channel in list(self._channels.items()):
            try:
                why = await in_thread(channel.check)
            except Exception as error:
                why = f"{channel.receiver.label} cannot be used: {type(error).__name__}"
            if why:
                self.log.error("{why}; it is left out", why=why)
                del self._channels[key]
                outbox, lost = left_out(self._state.outbox, self._channels, time.time())
                self._became(State(self._state.airings, outbox), lost)

    def _label(self, key: str) -> str:
        return self._channels[key].receiver.label if key in self._channels else "a former channel"
