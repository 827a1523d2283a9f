"""A supervisord that hangs in some of its calls: the real one, behind a relay on its socket."""

import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path


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
        self._held: list[socket.socket] = []
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
        request = _request(client)
        if self._hangs(request):
            self._held.append(client)
            self.hung.set()
            return
        with client, socket.socket(socket.AF_UNIX) as real:
            real.connect(str(self._real))
            real.sendall(request.replace(b"Accept-Encoding", b"Connection: close\r\nX", 1))
            while answer := real.recv(65536):
                client.sendall(answer)

    def close(self) -> None:
        """Put the real one back."""
        self._listener.close()
        for client in self._held:
            client.close()
        if self._real.exists():
            self._real.rename(self._path)


def _request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    (length,) = re.findall(rb"\r\ncontent-length: *(\d+)", head.lower())
    while len(body) < int(length):
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body
