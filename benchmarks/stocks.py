"""Databases with vehicles in them and the service over each, all up until the end: any can be compared with any."""

import uuid
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import processes, seeds
from benchmarks.databases import Databases

SERVICE = "invsys.inventory.wsgi:app"


@dataclass(frozen=True)
class Stock:
    """A database, its vehicles, and the service over it."""

    url: str
    vehicles: list[uuid.UUID]
    server: processes.Server

    @property
    def port(self) -> int:
        return self.server.port


class Engine:
    """Makes stocks, and serves what they are compared with."""

    def __init__(self, databases: Databases, stack: ExitStack) -> None:
        self._databases = databases
        self._stack = stack

    @property
    def is_postgresql(self) -> bool:
        return self._databases.name == "PostgreSQL"

    def stock(self, name: str, vehicles: int, each: int) -> Stock:
        """Make a database of cars with ``each`` allocations on the even hours, and serve it."""
        url = self._databases.make(name)
        return Stock(url, seeds.fill(url, vehicles, each), self.serve(SERVICE, url))

    def told(self, name: str, events: int) -> Stock:
        """Make a database with a feed of so many events (PostgreSQL only), and serve it."""
        url = self._databases.make(name)
        vehicles = seeds.fill(url, 1_000, 1)
        seeds.tell(url, events)
        return Stock(url, vehicles, self.serve(SERVICE, url))

    def serve(self, app: str, url: str, **settings: str) -> processes.Server:
        """Serve an application over a database; ``settings`` are those of the service, as in its environment."""
        return self._stack.enter_context(processes.served(app, url, settings))
