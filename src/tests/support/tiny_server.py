"""The production server over an application of a few lines: no database, and workers that start in no time."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import child_processes
from tests.support.waiting import SECONDS, until

# Makes coverage measure every process; those of the server end without notice to it.
_MEASURED = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")

_APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

# Waits for a signal of the test, so that several can start in the same moment.
_SERVE = """
import os, sys
from invsys.chassis.server.command import serve
from invsys.chassis.config.settings import SettingsError
server = {"host": "127.0.0.1", "port": int(sys.argv[1]), "workers": 2, "threads": 2, "graceful_timeout": 5}
sys.stdin.readline()
try:
    serve("tiny:app", server, os.environ)
except SettingsError as error:
    sys.exit(str(error))
"""


@dataclass
class Tiny:
    """A server that runs, or tries to."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    log: Path

    @property
    def workers(self) -> list[int]:
        """The workers, the oldest first."""
        return child_processes(self.process.pid)

    def logged(self, text: str) -> int:
        """How often a text is in the log."""
        return self.log.read_text().count(text)

    def change_application(self, text: str) -> None:
        """Replace the application that new workers load, and its compiled file, which may be of the same second."""
        (self.folder / "tiny.py").write_text(text)

    def go(self) -> None:
        """Start to serve."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def prepared(folder: Path, port: int, application: str = _APPLICATION) -> Iterator[Tiny]:
    """Start a process that serves once the test lets it."""
    folder.mkdir(exist_ok=True)
    log = folder / "log"
    environ = {name: value for name, value in os.environ.items() if name not in _MEASURED}
    environ |= {"RUNTIME_DIRECTORY": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _SERVE, str(port)]
    with (
        log.open("w") as stream,
        subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.PIPE, stderr=stream, stdout=stream, text=True
        ) as process,
    ):
        tiny = Tiny(folder, port, process, log)
        tiny.change_application(application)
        try:
            yield tiny
        finally:
            process.terminate()
            process.wait(SECONDS)


@contextmanager
def tiny_server(folder: Path, application: str = _APPLICATION) -> Iterator[Tiny]:
    """Run the server on a free port."""
    with prepared(folder, free_port(), application) as tiny:
        tiny.go()
        yield tiny


def free_port() -> int:
    """Return a free port of the loopback address."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Return whether a server answers a request over a new connection."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: tiny\r\nConnection: close\r\n\r\n")
            return connection.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def until_it_serves(tiny: Tiny) -> None:
    """Wait until both workers have started."""
    until(lambda: tiny.logged("Started worker-") >= 2 and answers(tiny.port))
