"""The settings that a command goes by: those of the running scheduler, where there is one in this home. Blocks.

What a scheduler was started with (the demo's calendar and buffers, the variables of a service unit) is in its
environment, and need not be in that of the person who asks. What they have set themselves comes first.
"""

import os

import psutil

from livetiming.environment import Environment
from orchestrator.settings import Settings
from orchestrator.supervision import SupervisionError, Supervisord

NAME = "scheduler"
_SHARED = ("LIVETIMING_", "CALENDAR_")  # the beginnings of the names that matter to the schedule


def settings_in_force() -> Settings:
    """This process's settings, completed by the scheduler's; SettingError names what is wrong."""
    settings = Settings.load()
    its = _its_environment(settings)
    return Settings.load(Environment.load(environ={**its, **os.environ})) if its else settings


def _its_environment(settings: Settings) -> dict[str, str]:
    try:
        programs = Supervisord(settings.run_dir, settings.log_dir).programs()
        pids = [program.pid for program in programs if program.name == NAME and program.alive]
        environ = psutil.Process(pids[0]).environ() if pids else {}
    except (SupervisionError, psutil.Error):
        return {}
    return {name: value for name, value in environ.items() if name.startswith(_SHARED)}
