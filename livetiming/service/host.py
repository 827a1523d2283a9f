"""What runs a service: joins the router, publishes states and manifest, keeps the state, and ends in order."""

import sys
import time
from collections.abc import Callable, Mapping
from inspect import isawaitable
from pathlib import Path
from typing import Any

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, say
from livetiming.environment import Environment
from livetiming.files import write_whole
from livetiming.jobs import Job, MalformedJob
from livetiming.lzstring import Compressor
from livetiming.messages import Generator, generate, standard_generators
from livetiming.network import (
    RPC,
    Channel,
    Json,
    MalformedMessage,
    Message,
    MessageClass,
    command_topic,
    compressed_state_message,
    is_quit,
    service_topic,
    state_message,
)
from livetiming.process import Ending, Life, run
from livetiming.reactor import reactor
from livetiming.service.api import BaseService
from livetiming.settings import Place
from livetiming.state import State, checked, with_messages
from livetiming.wamp import Router, forget_state

REPEAT_STATE_SECONDS = 30.0
REPEAT_MANIFEST_SECONDS = 60.0
AT_MOST_EVERY = 1.0  # seconds between two frames, two manifests, two saved states
TRUSTED = "services"


def run_service(service: BaseService) -> int:
    """Run `service` until it is told to end; the process's exit code."""
    env = Environment.load()
    place = Place.load(env)
    if place.credentials is None:
        say(
            "livetiming-service: no shared secret is known: set LIVETIMING_SHARED_SECRET, "
            f"or LIVETIMING_HOME to the home of a running system (this is {place.home})"
        )
        return EXIT_USAGE
    job: Path | None = service.args.job

    async def live(life: Life) -> int:
        router = Router(place.router, place.credentials)
        compress = env.flag("LIVETIMING_COMPRESS", default=True)
        host = Host(service, router, life, place.state_dir, compress=compress, job=job)
        host.begin()
        router.start()
        await host.end(await life.ending)
        await router.stop()
        return EXIT_DONE

    name = job.stem if job else f"service-{service.args.service_class}"
    return run(name, live, run_dir=place.run_dir if job else None, verbose=service.args.verbose)


class Soon:
    """Runs an action when it is asked for, but not more often than every AT_MOST_EVERY seconds."""

    def __init__(self, action: Any) -> None:
        self._action = action
        self._call: Any = None
        self._last = -AT_MOST_EVERY

    def ask(self) -> None:
        """Run it now, or when enough time has passed."""
        if self._call is None:
            delay = max(0.0, self._last + AT_MOST_EVERY - reactor.seconds())
            self._call = reactor.callLater(delay, self._run)

    def cancel(self) -> None:
        """Forget what was asked for."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _run(self) -> None:
        self._call = None
        self._last = reactor.seconds()
        self._action()


class Host:
    """One service on one router. Everything happens in the reactor's thread."""

    log = Logger()

    def __init__(
        self, service: BaseService, router: Router, life: Life, state_dir: Path, *, compress: bool, job: Path | None
    ) -> None:
        self.service = service
        self.router = router
        self.life = life
        self.compress = compress
        self._compressor = Compressor()
        self.job = job
        self._state_file = state_dir / f"{service.uuid}.json"
        self._generators: list[Generator] = []
        self._complained: set[str] = set()
        self._updating = False
        self._ended = False
        self._soon_update = Soon(self.update)
        self._soon_manifest = Soon(lambda: self._guarded(self._publish_manifest))
        self._soon_save = Soon(self._save)
        self._loops: list[LoopingCall] = []

    # -- life

    def begin(self) -> None:
        """Declare what we do on the router, and let the plugin begin."""
        service, router = self.service, self.router
        service.host = self
        self._reload()
        self._resume()
        self._generators = [*standard_generators(service.getColumnSpec()), *service.getExtraMessageGenerators()]
        router.subscribe(Channel.CONTROL, self._controlled)
        router.subscribe(command_topic(service.uuid), self._commanded)
        router.register(f"{RPC.IS_ALIVE}{service.uuid}", lambda *_, **__: True)
        router.register(f"{RPC.REQUEST_STATE}{service.uuid}", lambda *_, **__: service.state)
        router.register(f"{RPC.REQUEST_ANALYSIS}{service.uuid}", lambda *_, **__: None)
        router.on_join(self._joined)
        self.life.reload = self._reload
        self.life.healthy = lambda: router.joined
        service.setup()
        self._repeat(self._publish_manifest, REPEAT_MANIFEST_SECONDS)
        self._repeat(self.publish_state, REPEAT_STATE_SECONDS)
        self._repeat(self.update, service.getPollInterval() if service.auto_poll else self._longest_silence())

    async def end(self, why: Ending) -> None:
        """The last state out, a goodbye, and the state kept. A service whose supervisor died says no goodbye:
        it will be started again, and is to be the same service then."""
        for loop in self._loops:
            if loop.running:
                loop.stop()
        for soon in (self._soon_update, self._soon_manifest, self._soon_save):
            soon.cancel()
        if why is Ending.TOLD:
            await self._update()
            self._guarded(self.publish_state)
        self._ended = True  # nothing of ours follows the goodbye
        if why is Ending.TOLD:
            uuid, now = self.service.uuid, _now_ms()
            self.router.publish(Channel.CONTROL, Message(MessageClass.SERVICE_DEREGISTRATION, uuid, now))
            forget_state(self.router, uuid, now)
            await self.router.settled()
        self._save()
        self._guarded(self.service.teardown)

    def _guarded(self, action: Callable[[], Any]) -> None:
        """Do it; what a plugin raises in it is logged, and does not keep us from the rest."""
        try:
            action()
        except Exception as error:
            self._complain(error, f"{getattr(action, '__name__', action)} failed")

    def _repeat(self, action: Callable[[], Any], seconds: float) -> None:
        loop = LoopingCall(self._guarded, action)
        loop.start(seconds, now=action == self.update)
        self._loops.append(loop)

    def _longest_silence(self) -> float:
        return float(getattr(self.service, "max_publish_interval", REPEAT_STATE_SECONDS))

    # -- what the plugin asks for

    def set_due_update(self) -> None:
        """Something has changed in the race."""
        self._soon_update.ask()

    def set_due_manifest(self) -> None:
        """Something has changed in what we are."""
        self._soon_manifest.ask()

    def update(self) -> None:
        """Ask the plugin for the race, and publish it if it has changed."""
        Deferred.fromCoroutine(self._update())

    def publish_state(self) -> None:
        """Send the current state."""
        if self._ended or not self.router.joined:
            return
        state, now = self.service.state, _now_ms()
        if self.compress:
            message = compressed_state_message(orjson.dumps(state), now, self._compressor.compress)
        else:
            message = state_message(state, now)
        if self.router.publish(service_topic(self.service.uuid), message):
            self.life.sign()

    # -- the race

    async def _update(self) -> None:
        if self._updating or self._ended:
            return
        self._updating = True
        try:
            raw = self.service.getRaceState()
            state = self._next_state(await raw if isawaitable(raw) else raw)
        except Exception as error:
            self._complain(error, "the race's state could not be had")
            return
        finally:
            self._updating = False
        if state != self.service.state and not self._ended:
            self.service.state = state
            self.publish_state()
            self._soon_save.ask()

    def _next_state(self, raw: Mapping[str, Any]) -> State:
        """The plugin's word as a state with messages; its own copy, so that the plugin may go on changing its lists."""
        race: State = checked(orjson.loads(orjson.dumps(raw)))
        old = self.service.state
        fresh = generate(self._generators, old, race, time.time(), self._complain_of)
        return with_messages(race["cars"], race["session"], old, fresh)

    def _complain_of(self, generator: Generator) -> None:
        self._complain(sys.exc_info()[1], f"the message generator {type(generator).__name__} failed")

    def _complain(self, error: BaseException | None, what: str) -> None:
        """Log with its traceback what goes wrong, once for each distinct error."""
        key = f"{what}: {error!r}"
        if key not in self._complained and len(self._complained) < 100:
            self._complained.add(key)
            self.log.failure("{what} (said once)", what=what)

    # -- the router

    def _joined(self) -> None:
        self._publish_manifest()
        self.publish_state()

    def _publish_manifest(self) -> None:
        if self._ended:
            return
        message = Message(MessageClass.SERVICE_REGISTRATION, self.service.manifest(), _now_ms())
        self.router.publish(Channel.CONTROL, message)

    def _controlled(self, raw: Json, details: Any) -> None:
        if details.publisher_authrole != TRUSTED:
            return  # an external service's word is for the directory only
        try:
            if Message.decode(raw).msg_class is MessageClass.INITIALISE_DIRECTORY:
                self._publish_manifest()
        except MalformedMessage as error:
            self.log.warn("{error}", error=error)

    def _commanded(self, raw: Json, details: Any) -> None:
        if details.publisher_authrole == TRUSTED and is_quit(raw):
            self.log.info("told to quit: {why}", why=str((raw.get("payload") or {}).get("why", ""))[:200])
            self.life.end()

    # -- what is kept

    def _resume(self) -> None:
        file = Path(self.service.args.initial_state or self._state_file)
        if not file.is_file():
            return
        try:
            self.service.state = checked(orjson.loads(file.read_bytes()))
            self.log.info("goes on from the state in {file}", file=file)
        except (OSError, ValueError) as error:
            self.log.warn("the state in {file} cannot be used ({error}): beginning anew", file=file, error=error)

    def _save(self) -> None:
        if self.service.args.no_write_state:
            return
        try:
            self._state_file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._state_file, orjson.dumps(self.service.state))
        except OSError as error:
            self._complain(error, f"the state could not be kept in {self._state_file}")

    def _reload(self) -> None:
        """The job was rewritten: we go by another name now."""
        if self.job is None:
            return
        try:
            job = Job.read(self.job)
        except MalformedJob as error:
            self.log.error("{error}", error=error)
            return
        self.service.args.description, self.service.args.event = job.description, job.event
        self.set_due_manifest()


def _now_ms() -> int:
    return int(time.time() * 1000)
