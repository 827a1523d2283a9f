"""What our daemons share: settings, a log, a lock, a seat on the router, an orderly end."""

from collections.abc import Callable, Coroutine
from typing import Any

from livetiming.commandline import EXIT_DONE, EXIT_USAGE, guarded, parser, say
from livetiming.process import Ending, Life, run
from livetiming.wamp import Router
from orchestrator.settings import Settings

Begin = Callable[[Settings, Router, Life], Callable[[Ending], Coroutine[Any, Any, None]]]


def run_daemon(name: str, description: str, begin: Begin, argv: list[str] | None = None) -> int:
    """The command line of a daemon, and its life.

    `begin` declares what it does on the router, before the first join, and returns what is to be awaited at the end.
    """
    options = parser(f"livetiming-{name}", description, [(f"livetiming-{name}", "run it in the foreground")])
    options.add_argument("-v", "--verbose", action="store_true", help="log more")
    arguments = options.parse_args(argv)
    return guarded(lambda: _run(name, begin, verbose=arguments.verbose))


def _run(name: str, begin: Begin, *, verbose: bool) -> int:
    settings = Settings.load()
    if settings.place.credentials is None:
        say(
            f"livetiming-{name}: no shared secret is known: set LIVETIMING_SHARED_SECRET, "
            f"or run `livetiming up`, which makes one in {settings.place.secret_file}"
        )
        return EXIT_USAGE

    async def live(life: Life) -> int:
        router = Router(settings.place.router, settings.place.credentials)
        life.healthy = lambda: router.joined
        end = begin(settings, router, life)
        router.on_join(life.sign)
        router.start()
        why = await life.ending
        await end(why)
        await router.stop()
        return EXIT_DONE

    return run(name, live, run_dir=settings.run_dir, verbose=verbose)
