"""A real Redis server, started from the installed binary on an unused port, without persistence."""

import shutil
import subprocess
from pathlib import Path

import pytest
import redis

from tests.support.ports import free_port
from tests.support.waiting import until


def _binary() -> str:
    path = shutil.which("redis-server")
    if path is None:
        raise pytest.UsageError("Redis is not installed: apt-get install redis-server.")
    return path


class RedisServer:
    """A server that can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command = [_binary(), *options, "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(self._responds)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _responds(self) -> bool:
        client = redis.Redis(port=self._port)
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False
        finally:
            client.close()
