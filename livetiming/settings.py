"""What a program needs to find its place on this machine: folders, the router's address, who it is there."""

from dataclasses import dataclass
from pathlib import Path

from livetiming.environment import Environment, SettingError

DEFAULT_AUTH_ID = "services"
SCHEMES = ("ws://", "wss://", "rs://")


@dataclass(frozen=True)
class Credentials:
    """Who we are on the router (WAMP-CRA). The secret stays out of `repr`, and so out of logs."""

    authid: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials(authid={self.authid!r})"


@dataclass(frozen=True)
class Place:
    """`LIVETIMING_HOME` and what is found from it. Folders are named here, and made by who writes into them."""

    base: Path  # the folder of livetiming.env
    home: Path
    state_dir: Path  # services' states, to resume from
    analysis_dir: Path  # services' analyses, likewise
    log_dir: Path
    router: str  # ws://, wss://, rs://host:port or rs://unix:/path
    credentials: Credentials | None  # None: no secret is known here

    @property
    def run_dir(self) -> Path:
        """Sockets, locks, jobs and pids of the running system."""
        return self.home / "run"

    @property
    def jobs_dir(self) -> Path:
        """Job files: what each scheduled program is to do."""
        return self.run_dir / "jobs"

    @property
    def router_socket(self) -> Path:
        """The unix socket of this home's own router."""
        return self.run_dir / "router.sock"

    @property
    def secret_file(self) -> Path:
        """Where `livetiming up` keeps the shared secret that it made."""
        return self.home / "secret"

    @classmethod
    def load(cls, env: Environment | None = None) -> "Place":
        """The place that the environment describes; SettingError if it describes none."""
        env = env or Environment.load()
        home = env.path("LIVETIMING_HOME", "var")
        return cls(
            base=env.base,
            home=home,
            state_dir=env.path("LIVETIMING_STATE_DIR", home / "state"),
            analysis_dir=env.path("LIVETIMING_ANALYSIS_DIR", home / "analysis"),
            log_dir=env.path("LIVETIMING_LOG_DIR", home / "log"),
            router=_router(env, home),
            credentials=_credentials(env, home / "secret"),
        )


def _router(env: Environment, home: Path) -> str:
    address = env.text("LIVETIMING_ROUTER")
    if not address:
        return f"rs://unix:{home / 'run' / 'router.sock'}"
    if not address.startswith(SCHEMES):
        raise SettingError("LIVETIMING_ROUTER", address, "ws://…, wss://…, rs://host:port or rs://unix:/path")
    return address


def _credentials(env: Environment, secret_file: Path) -> Credentials | None:
    secret = env.text("LIVETIMING_SHARED_SECRET")
    if not secret and secret_file.is_file():
        secret = secret_file.read_text().strip()
    return Credentials(env.text("LIVETIMING_AUTH_ID", DEFAULT_AUTH_ID), secret) if secret else None
