"""The production server with a tiny application, which needs no database and starts quickly."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import child_processes
from tests.support.ports import free_port
from tests.support.waiting import SECONDS, until

# Variables that make coverage measure every process; it cannot save the data of the server's processes.
_COVERAGE = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")

_APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

# Waits for a line from the test, so that several servers can start at the same time.
_SERVE = """
import os, sys
from invsys.chassis.server.command import serve
from invsys.chassis.config.settings import SettingsError
server = {"host": "127.0.0.1", "port": int(sys.argv[1]), "workers": 2, "threads": 2, "graceful_timeout": 60}
sys.stdin.readline()
try:
    serve("tiny:app", server, os.environ)
except SettingsError as error:
    sys.exit(str(error))
"""


@dataclass
class TinyServer:
    """A process of the production server, which may fail to start."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    log: Path

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers, oldest first."""
        return child_processes(self.process.pid)

    def logged(self, text: str) -> int:
        """Return the number of times that a text occurs in the log."""
        return self.log.read_text().count(text)

    def change_application(self, text: str) -> None:
        """Replace the application that new workers load."""
        (self.folder / "tiny.py").write_text(text)

    def start(self) -> None:
        """Let the process start the server."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def waiting_server(folder: Path, port: int, application: str = _APPLICATION) -> Iterator[TinyServer]:
    """Yield a process that starts the server when the test calls ``start``."""
    folder.mkdir(exist_ok=True)
    log = folder / "log"
    environ = {name: value for name, value in os.environ.items() if name not in _COVERAGE}
    environ |= {"RUNTIME_DIRECTORY": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _SERVE, str(port)]
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.PIPE, stderr=stream, stdout=stream, text=True
        ) as process,
    ):
        tiny = TinyServer(folder, port, process, log)
        tiny.change_application(application)
        try:
            yield tiny
        finally:
            process.terminate()
            process.wait(SECONDS)


@contextmanager
def tiny_server(folder: Path, application: str = _APPLICATION) -> Iterator[TinyServer]:
    """Run the server on an unused port."""
    with waiting_server(folder, free_port(), application) as tiny:
        tiny.start()
        yield tiny


def responds(port: int) -> bool:
    """Return whether a server responds to a request over a new connection."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: tiny\r\nConnection: close\r\n\r\n")
            return connection.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def until_it_serves(tiny: TinyServer) -> None:
    """Wait until both workers have started and the server responds."""
    until(lambda: tiny.logged("Started worker-") >= 2 and responds(tiny.port))
