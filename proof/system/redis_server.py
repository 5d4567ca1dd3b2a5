"""A Redis server without persistence, for the limits of the gateway."""

import shutil
import socket
import subprocess
from pathlib import Path

from benchmarks.processes import free_port

from proof.system.waiting import until


class RedisServer:
    """A server that can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def installed() -> bool:
        """Return whether the machine has the program."""
        return shutil.which("redis-server") is not None

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start the server and wait until it responds."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *options, "--dir", str(self._folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        until(self._responds, "Redis responds")

    def kill(self) -> None:
        """Kill the server."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _responds(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
