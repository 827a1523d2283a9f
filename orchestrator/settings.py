"""One Settings object for the running system, from livetiming.env and the environment."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from livetiming.environment import Environment, SettingError
from livetiming.settings import Place
from orchestrator.schedule_settings import (
    AnnounceSettings,
    CalendarSettings,
    announce_settings,
    calendar_settings,
    timezone,
    web_address,
)

_HOST = re.compile(r"[A-Za-z0-9_.:-]+")


@dataclass(frozen=True)
class Settings:
    """What the operator chose. Times are in seconds."""

    place: Place
    # the router
    port: int
    bind: str
    public_url: str  # "" where the Host header is to tell
    crossbar: Path | None  # another Crossbar's executable
    auth_file: Path | None
    # the scheduler
    calendar: CalendarSettings
    announce: AnnounceSettings
    timezone: ZoneInfo | None  # the operator's; None for the machine's
    start_buffer: float
    end_buffer: float
    quit_grace: float
    # recording
    recordings_dir: Path
    recordings_temp_dir: Path
    recordings_scan_interval: float
    dvr_timeout: float
    dvr_min_duration: float
    dvr_fsync: float
    keep_days: float  # recordings; 0 for ever
    keep_free_gb: float  # of the disk, by deleting the oldest recordings; 0: none is deleted
    admin_authcode: str = field(repr=False)  # a secret; "" where nobody may change a recording's manifest by the router
    # the demo
    demo_feed_port: int
    calendar_server_port: int

    @property
    def home(self) -> Path:
        """`LIVETIMING_HOME`."""
        return self.place.home

    @property
    def run_dir(self) -> Path:
        """Sockets, locks, jobs and pids of the running system."""
        return self.place.run_dir

    @property
    def log_dir(self) -> Path:
        """Where supervisord writes what each program says."""
        return self.place.log_dir

    @property
    def state_dir(self) -> Path:
        """Where services, and the scheduler, keep what they resume from."""
        return self.place.state_dir

    @property
    def router_dir(self) -> Path:
        """Crossbar's node directory: config.json and its keys."""
        return self.home / "router"

    @property
    def calendar_copy(self) -> Path:
        """The last good copy of the calendar."""
        return self.state_dir / "calendar.ics"

    @property
    def calendar_status(self) -> Path:
        """How its reading goes (CalendarStatus)."""
        return self.state_dir / "calendar.json"

    @property
    def schedule_file(self) -> Path:
        """What is to come, as the router serves it to everybody."""
        return self.home / "public" / "schedule.ics"

    @property
    def local_url(self) -> str:
        """The address of the page for somebody at this machine."""
        host = "127.0.0.1" if self.bind in ("0.0.0.0", "::", "") else self.bind  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @classmethod
    def load(cls, env: Environment | None = None) -> "Settings":
        """The settings in force; SettingError names the first variable that is wrong."""
        env = env or Environment.load()
        place = Place.load(env)
        return cls(
            place=place,
            port=env.integer("LIVETIMING_PORT", 8080, low=1, high=65535),
            bind=_checked(env, "LIVETIMING_BIND", "127.0.0.1", _HOST, "an address of this machine"),
            public_url=web_address(env, "LIVETIMING_PUBLIC_URL"),
            crossbar=env.path("LIVETIMING_CROSSBAR", ".") if env.text("LIVETIMING_CROSSBAR") else None,
            auth_file=env.path("LIVETIMING_AUTH_FILE", ".") if env.text("LIVETIMING_AUTH_FILE") else None,
            calendar=calendar_settings(env, place.home),
            announce=announce_settings(env),
            timezone=timezone(env),
            start_buffer=env.number("LIVETIMING_START_BUFFER", 300),
            end_buffer=env.number("LIVETIMING_END_BUFFER", 600),
            quit_grace=env.number("LIVETIMING_QUIT_GRACE", 10),
            recordings_dir=env.path("LIVETIMING_RECORDINGS_DIR", place.home / "recordings"),
            recordings_temp_dir=env.path("LIVETIMING_RECORDINGS_TEMP_DIR", place.home / "recordings-temp"),
            recordings_scan_interval=env.number("LIVETIMING_RECORDINGS_SCAN_INTERVAL", 2, low=0.1),
            dvr_timeout=env.number("LIVETIMING_DVR_TIMEOUT", 60, low=1),
            dvr_min_duration=env.number("LIVETIMING_DVR_MIN_DURATION", 600),
            dvr_fsync=env.number("LIVETIMING_DVR_FSYNC", 1, low=0, high=1),
            keep_days=env.number("LIVETIMING_RECORDINGS_KEEP_DAYS", 0, low=0),
            keep_free_gb=env.number("LIVETIMING_RECORDINGS_KEEP_FREE_GB", 0, low=0),
            admin_authcode=env.text("LIVETIMING_ADMIN_AUTHCODE"),
            demo_feed_port=env.integer("LIVETIMING_DEMO_FEED_PORT", 50000, low=1, high=65535),
            calendar_server_port=env.integer("LIVETIMING_CALENDAR_SERVER_PORT", 5232, low=1, high=65535),
        )


def _checked(env: Environment, name: str, default: str, form: re.Pattern[str], expected: str) -> str:
    value = env.text(name, default)
    if not form.fullmatch(value):
        raise SettingError(name, value, expected)
    return value
