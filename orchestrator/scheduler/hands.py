"""Actions carried out side by side: one at a time for each program, so that one that hangs holds up no other."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from orchestrator.scheduler.programs import Programs
from orchestrator.scheduler.reconcile import Action, program_of
from orchestrator.supervision import SupervisionError
from orchestrator.threads import in_thread


class Hands:
    """Whoever carries out what a round has decided."""

    log = Logger()

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._busy: set[str] = set()
        self._troubles: dict[str, str] = {}  # by program: what was said of it last

    @property
    def busy(self) -> frozenset[str]:
        """The programs that an action is under way for."""
        return frozenset(self._busy)

    def carry_out(self, actions: Iterable[Action]) -> None:
        """Begin all of them; each is for a program that nothing is under way for."""
        for action in actions:
            self._busy.add(program_of(action))
            Deferred.fromCoroutine(self._carry_out(action))

    async def _carry_out(self, action: Action) -> None:
        name = program_of(action)
        try:
            await in_thread(self._programs.carry_out, action)
            self._troubles.pop(name, None)
        except Exception as error:  # the others go on; this one is due again in the next round
            self._complain(name, action, error)
        finally:
            self._busy.discard(name)

    def _complain(self, name: str, action: Action, error: Exception) -> None:
        """Once for each trouble: supervisord's refusals in a line, what is our own fault with its traceback."""
        trouble = f"{type(action).__name__} {error!r}"
        if self._troubles.get(name) == trouble:
            return
        self._troubles[name] = trouble
        if isinstance(error, SupervisionError):
            self.log.error("{error}", error=error)
        else:
            self.log.failure("{what} failed; it is tried again", what=type(action).__name__)
