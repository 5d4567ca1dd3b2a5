"""Databases with test data, each with a running service.

All services run until the end of the measurements, so that any two can be compared.
"""

import uuid
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import processes, seeds
from benchmarks.databases import Databases

SERVICE = "invsys.inventory.wsgi:app"


@dataclass(frozen=True)
class ServedDatabase:
    """A database, the ids of its vehicles, and a running service that uses it."""

    url: str
    vehicles: list[uuid.UUID]
    server: processes.Server

    @property
    def port(self) -> int:
        return self.server.port


class Engine:
    """A database engine: creates databases on it and serves them, also with the reference applications."""

    def __init__(self, databases: Databases, stack: ExitStack) -> None:
        self._databases = databases
        self._stack = stack

    @property
    def is_postgresql(self) -> bool:
        return self._databases.name == "PostgreSQL"

    def fill(self, name: str, vehicles: int, allocations: int, hours: int = 2) -> ServedDatabase:
        """Create and serve a database of ``vehicles`` cars, with ``allocations`` for each car on the even hours."""
        url = self._databases.create(name)
        return ServedDatabase(url, seeds.fill(url, vehicles, allocations, hours), self.serve(SERVICE, url))

    def fill_events(self, name: str, events: int) -> ServedDatabase:
        """Create and serve a database with this number of events in the change feed (PostgreSQL only)."""
        url = self._databases.create(name)
        vehicles = seeds.fill(url, 1_000, 1)
        seeds.add_events(url, events)
        return ServedDatabase(url, vehicles, self.serve(SERVICE, url))

    def serve(self, app: str, url: str, **settings: str) -> processes.Server:
        """Serve an application with a database; ``settings`` are additional environment variables."""
        return self._stack.enter_context(processes.served(app, url, settings))
