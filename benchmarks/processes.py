"""Server processes: context managers that start a server, wait until it responds, and stop it at the end."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

WORKERS = 2
THREADS = 4

# In seconds. On a busy machine, workers need many of them to start.
_START = 120.0
_STOP = 40.0


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return [child for child in child_processes(self.process.pid) if _rss(child) > 0]

    def memory(self) -> list[int]:
        """Return the resident memory of each worker in KiB."""
        return [_rss(pid) for pid in self.workers()]

    def reload(self) -> None:
        """Reload the server, and wait until all workers have been replaced."""
        old = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + _STOP
        while old & set(self.workers()) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)


def child_processes(pid: int) -> list[int]:
    """Return the process ids of the children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int, *, with_children: bool = False) -> float:
    """Return the CPU time of a process; with that of its children, also those that have ended, if ``with_children``."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # proc(5): utime and stime, then those of the children that have ended.
    seconds = sum(map(int, fields[11 : 15 if with_children else 13])) / os.sysconf("SC_CLK_TCK")
    return seconds + sum(map(cpu_seconds, child_processes(pid) if with_children else ()))


def _rss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def granian(app: str, port: int, *options: str, workers: int = WORKERS, threads: int = THREADS) -> list[str]:
    """Return the command that serves ``app`` with granian."""
    address = ["--host", "127.0.0.1", "--port", str(port)]
    size = ["--workers", str(workers), "--blocking-threads", str(threads)]
    return [sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", *address, *size, *options, app]


def gunicorn(app: str, port: int, *options: str, workers: int = WORKERS, threads: int = THREADS) -> list[str]:
    """Return the command that serves ``app`` with gunicorn."""
    size = ["--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)]
    return [
        *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", f"127.0.0.1:{port}"),
        *(*size, *options, app),
    ]


def production(app: str, port: int, workers: int = WORKERS, threads: int = THREADS) -> list[str]:
    """Return the command that serves ``app`` with the production server."""
    return [sys.executable, "-m", "benchmarks.serve", app, str(port), str(workers), str(threads)]


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], port: int, environ: Mapping[str, str]) -> Iterator[Server]:
    """Start a server with ``command`` and yield it. The request log is discarded; the workers share their metrics."""
    with tempfile.TemporaryDirectory(prefix="invsys-metrics-") as metrics:
        variables = {**os.environ, "INVSYS_LOG_LEVEL": "info", "PROMETHEUS_MULTIPROC_DIR": metrics, **environ}
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_until_it_responds(process, port)
            yield Server(process, port)
        finally:
            _stop(process)


@contextmanager
def served(app: str, url: str, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Server]:
    """Yield a production server that runs ``app`` with the database ``url``; ``settings`` are environment variables."""
    port = free_port()
    with running(production(app, port), port, {"INVSYS_DATABASE_URL": url, **settings}) as server:
        yield server


def _wait_until_it_responds(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_START) as probe:
                probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if probe.recv(64).startswith(b"HTTP/1.1"):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not respond (exit code {process.poll()})")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
