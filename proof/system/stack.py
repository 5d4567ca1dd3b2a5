"""A running system: a database and the inventory service on it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from benchmarks import databases, processes

Engine = Literal["sqlite", "postgresql"]

APP = "invsys.inventory.wsgi:app"


@dataclass(frozen=True)
class Target:
    """A base URL that callers may use, and the headers that they must send there."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """A context manager that starts the system in ``folder``, and stops it at the end; the files remain.

    ``app`` is the WSGI application of the inventory service, ``environ`` are further environment variables of it.
    """

    def __init__(
        self, engine: Engine, folder: Path, app: str = APP, environ: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.engine, self.folder = engine, folder
        self.urls: list[Target] = []
        self.database_url = ""
        self._app, self._environ, self._stack = app, dict(environ), ExitStack()

    def __enter__(self) -> Self:
        try:
            self.database_url = self._start_database()
            server = self._stack.enter_context(processes.served(self._app, self.database_url, self._environ))
            self.urls.append(Target(f"http://127.0.0.1:{server.port}"))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def manage(self, *arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run ``invsys-manage`` with the settings of the service; ``text`` is its standard input."""
        command = [sys.executable, "-m", "invsys.inventory", *arguments]
        environ = {**os.environ, **self._environ, "INVSYS_DATABASE_URL": self.database_url}
        return subprocess.run(
            command, env=environ, cwd=self.folder, input=text, capture_output=True, text=True, check=False
        )

    def _start_database(self) -> str:
        folder = self.folder / "database"
        folder.mkdir(parents=True)
        if self.engine == "sqlite":
            return databases.SQLite(folder).create("proof")
        server = databases.PostgreSQL(folder)
        server.start()
        self._stack.callback(server.stop)
        return server.create("proof")
