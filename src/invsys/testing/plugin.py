"""Fixtures for the tests of callers: the real service on an empty SQLite database; pytest loads this plugin itself.

The service runs in a process of its own, so that it changes nothing in the process of the tests. One process serves all
tests of a session; its database is emptied before each test that uses ``invsys_url``. Deleting the rows is quicker than
a new file, for which the service would have to be started again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest

# A setting of the machine must not change what a test sees.
_PREFIX = "INVSYS_"


class InvSysServer:
    """A running service; ``url`` is its base URL, and ``log`` the file with its log."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.log = folder / "log"
        environ = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
        environ |= {f"{_PREFIX}CONFIG": os.devnull, f"{_PREFIX}DATABASE_URL": f"sqlite:///{folder}/invsys.sqlite3"}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "invsys.testing"],
                env={**environ, **settings},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.url = self._read()

    def empty(self) -> None:
        """Delete all vehicles, allocations, events and idempotency keys."""
        _of(self._process.stdin).write("empty\n")
        _of(self._process.stdin).flush()
        self._read()

    def stop(self) -> None:
        """Stop the service."""
        # The process ends when its input ends, also if this one is killed.
        _of(self._process.stdin).close()
        _of(self._process.stdout).close()
        self._process.wait()

    def _read(self) -> str:
        """Return the next line of the process; raises RuntimeError with the end of its log if it has ended."""
        if line := _of(self._process.stdout).readline():
            return line.strip()
        self._process.wait()
        raise RuntimeError(
            "The InvSys service for tests has ended; it needs the packages of invsys[service,inventory]. The end of"
            f" its log:\n{self.log.read_text(errors='replace')[-2000:]}"
        )


def _of(stream: IO[str] | None) -> IO[str]:
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
