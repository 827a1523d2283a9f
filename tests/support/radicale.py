"""The real Radicale on loopback: a CalDAV server for tests."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import requests

from tests.support.system import free_port
from tests.support.waiting import eventually

OWNER = "livetiming"  # whose calendars they are, where no users are given
_SECONDS = 10.0  # for one request


class RadicaleServer:
    """Radicale with its storage in `folder`. With `users` (name → password) nobody else gets in; without, everybody."""

    def __init__(self, folder: Path, users: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.owner = next(iter(users), OWNER) if users else OWNER
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc
        self._session.auth = (self.owner, (users or {}).get(self.owner, "any"))
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "radicale.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "radicale", "--config", str(_configuration(folder, self.port, users))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._answers, what="Radicale answers")
        except BaseException:
            self.close()
            raise

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text(errors="replace")
        try:
            return self._session.get(f"{self.url}/.web/", timeout=_SECONDS).ok
        except requests.ConnectionError:
            return False

    def calendar(self, name: str) -> str:
        """Make the empty calendar `name` of the first user; its address, which ends with a slash."""
        address = f"{self.url}/{self.owner}/{name}/"
        self._request("MKCALENDAR", address)
        return address

    def put(self, calendar_url: str, uid: str, ics_text: str) -> None:
        """Create or replace the object `uid` (a whole VCALENDAR)."""
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        self._request("PUT", _object(calendar_url, uid), ics_text.encode(), headers)

    def get(self, calendar_url: str, uid: str = "") -> str:
        """The object `uid`, or the whole calendar."""
        return self._request("GET", _object(calendar_url, uid) if uid else calendar_url).content.decode()

    def delete(self, calendar_url: str, uid: str) -> None:
        """Delete the object `uid`."""
        self._request("DELETE", _object(calendar_url, uid))

    def _request(
        self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> requests.Response:
        answer = self._session.request(method, url, data=body, headers=headers, timeout=_SECONDS)
        assert answer.ok, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer

    def close(self) -> None:
        """End it."""
        self._session.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def _object(calendar_url: str, uid: str) -> str:
    return f"{calendar_url}{quote(uid, safe='')}.ics"


def _configuration(folder: Path, port: int, users: dict[str, str] | None) -> Path:
    passwords = folder / "users"
    passwords.write_text("".join(f"{name}:{password}\n" for name, password in (users or {}).items()))
    auth = f"type = htpasswd\nhtpasswd_filename = {passwords}\nhtpasswd_encryption = plain" if users else "type = none"
    path = folder / "radicale.conf"
    path.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\n{auth}\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder / 'collections'}\n[logging]\nlevel = warning\n"
    )
    return path
