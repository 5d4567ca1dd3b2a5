"""Fixtures for the tests of callers: the real service on an empty SQLite database; pytest loads this plugin itself.

The service runs in a process of its own, so that it changes nothing in the process of the tests. One process serves all
tests of a session; its database is emptied before each test that uses ``invsys_url``. Deleting the rows is quicker than
a new file, for which the service would have to be started again.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pytest

_PREFIX = "INVSYS_"
# Seconds after which the service is considered to hang.
_TIMEOUT = 60.0


class InvSysServer:
    """A running service; ``url`` is its base URL, and ``log`` the file with its log.

    Raises RuntimeError with the end of the log if the service ends or does not respond. Wrong settings raise ValueError
    or TypeError.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.log = folder / "log"
        environ = _environ(folder, settings)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                # -P: modules in the current folder must not replace those that the service imports.
                [sys.executable, "-P", "-m", "invsys.testing"],
                bufsize=0,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C must not end the service before the fixtures that use it.
                process_group=0,
            )
        self.url = self._read()

    def empty(self) -> None:
        """Delete all vehicles, allocations, events and idempotency keys."""
        # If the process has ended, _read raises the error.
        with contextlib.suppress(BrokenPipeError):
            _of(self._process.stdin).write(b"empty\n")
        self._read()

    def stop(self) -> None:
        """Stop the service."""
        # The process ends when its input ends, also if this one is killed.
        _of(self._process.stdin).close()
        _of(self._process.stdout).close()
        try:
            self._process.wait(_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._kill()

    def _read(self) -> str:
        """Return the next line of the process; raises RuntimeError."""
        stdout = _of(self._process.stdout)
        if not select.select([stdout], [], [], _TIMEOUT)[0]:
            self._kill()
            raise self._failure(f"has not responded for {_TIMEOUT:.0f} seconds and was killed")
        if line := stdout.readline():
            return line.decode().strip()
        self._kill()
        raise self._failure("has ended; it needs the packages of invsys[service,inventory]")

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _failure(self, reason: str) -> RuntimeError:
        log = self.log.read_text(errors="replace")[-2000:]
        return RuntimeError(f"The InvSys service for tests {reason}. The end of its log:\n{log}")


def _environ(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the service; raises ValueError or TypeError with the name of a wrong setting."""
    for name, value in settings.items():
        if not str(name).startswith(_PREFIX):
            raise ValueError(f"invsys_settings: {name!r} is not a setting: its name must begin with {_PREFIX}")
        if not isinstance(value, str):
            raise TypeError(f"invsys_settings: {name} must be a string, not {value!r}")
    # A setting of the machine must not change what a test sees.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    url = f"sqlite:///{quote(str(folder))}/invsys.sqlite3"
    return {**environ, f"{_PREFIX}CONFIG": os.devnull, f"{_PREFIX}DATABASE_URL": url, **settings}


def _of(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


@pytest.fixture(scope="session")
def invsys_settings() -> Mapping[str, str]:
    """Return settings of the service as environment variables; override this fixture to change them."""
    return {}


@pytest.fixture(scope="session")
def invsys_server(
    tmp_path_factory: pytest.TempPathFactory, invsys_settings: Mapping[str, str]
) -> Iterator[InvSysServer]:
    """Yield the service, which runs until the end of the session; its ``empty`` deletes all data."""
    server = InvSysServer(tmp_path_factory.mktemp("invsys"), invsys_settings)
    yield server
    server.stop()


@pytest.fixture
def invsys_url(invsys_server: InvSysServer) -> str:
    """Return the base URL of the service, with an empty database."""
    invsys_server.empty()
    return invsys_server.url
