"""A supervisord that hangs in some of its calls: the real one, behind a relay on its socket."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_WHOLE_HEAD = re.compile(rb".*?\r\n\r\n", re.DOTALL)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class SlowSupervisor:
    """Takes the place of `supervisor.sock` in `run_dir`; calls for which `hangs(body)` is true get no answer."""

    def __init__(self, run_dir: Path, hangs: Callable[[bytes], bool]) -> None:
        self._path = run_dir / "supervisor.sock"
        self._real = run_dir / "real.sock"
        self._path.rename(self._real)
        self._hangs = hangs
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(50)
        self._closed = threading.Event()
        self.hung = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(ConnectionError), client:  # of a caller that has gone
            request = _request(client)
            if request is None:
                return
            if self._hangs(request):
                self.hung.set()
                self._closed.wait()
                return
            with socket.socket(socket.AF_UNIX) as real:
                real.connect(str(self._real))
                real.sendall(request.replace(b"Accept-Encoding", b"Connection: close\r\nX", 1))
                while answer := real.recv(65536):
                    client.sendall(answer)

    def close(self) -> None:
        """Put the real one back."""
        self._closed.set()
        self._listener.close()
        if self._real.exists():
            self._real.rename(self._path)


def _request(client: socket.socket) -> bytes | None:
    data = b""
    while not (whole := _WHOLE_HEAD.match(data)) or len(data) < whole.end() + int(_LENGTH.findall(whole[0])[0]):
        more = client.recv(65536)
        if not more:
            return None
        data += more
    return data
