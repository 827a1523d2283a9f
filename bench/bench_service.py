"""A whole timing service: % of a core for 60 cars at one frame a second, with analysis and without, in one run.

    python bench/bench_service.py [SECONDS]

Real processes over loopback: `livetiming-simulate` and two `livetiming-service rmonitor --standalone`, each with one
client that reads everything.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

SECONDS, WARM_UP = 20.0, 5.0
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@contextlib.contextmanager
def program(home: Path, module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A program of ours, ended in the end."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LIVETIMING_")}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**environ, "LIVETIMING_HOME": str(home)},
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def port_in(stream: Iterator[str] | None) -> int:
    """The port at the end of the first line that tells one."""
    assert stream is not None
    return next(int(line.rpartition(":")[2]) for line in stream if "listening on" in line)


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lt-bench-")))
        simulate = ("livetiming.simulation.cli", "--cars", "60", "--minutes", "60", "--port", "0")
        feed = stack.enter_context(program(home, *simulate))
        port = port_in(feed.stdout)
        services = {}
        for name, options in {"with analysis": [], "without": ["--disable-analysis"]}.items():
            command = ["rmonitor", "--host", "127.0.0.1", "--port", str(port), "--standalone", *options]
            process = stack.enter_context(program(home, "livetiming.service.cli", *command))
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port_in(process.stderr))))
            client.sendall(HANDSHAKE.encode())
            services[name] = (psutil.Process(process.pid), client)
        _drain(services, WARM_UP)
        before = {name: running.cpu_times() for name, (running, _) in services.items()}
        took = _drain(services, seconds)
        print(f"Timing service, 60 cars, one frame a second, {took:.0f} s")
        print(f"  {'':16} {'% of a core':>12} {'memory MiB':>12}")
        for name, (running, _) in services.items():
            after = running.cpu_times()
            spent = after.user + after.system - before[name].user - before[name].system
            print(f"  {name:16} {spent / took * 100:12.2f} {running.memory_info().rss / 2**20:12.1f}")
    return 0


def _drain(services: dict[str, tuple[psutil.Process, socket.socket]], seconds: float) -> float:
    """Read what the services send for `seconds`; how long it really was."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        for _, client in services.values():
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.recv(1 << 20)
        time.sleep(0.05)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
