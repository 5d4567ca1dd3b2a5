"""The system under test: a database, the inventory service on it, and what stands in front of both."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from benchmarks import databases

from invsys.gateway.auth import client_admin
from proof.system.clock import Clock
from proof.system.cluster import DATABASE, Cluster
from proof.system.http_proxy import HttpProxy
from proof.system.postgresql_proxy import PostgresqlProxy
from proof.system.redis_server import RedisServer
from proof.system.server import Server
from proof.system.volume import Volume

Engine = Literal["sqlite", "postgresql"]

APP, GATEWAY = "invsys.inventory.wsgi:app", "invsys.gateway.wsgi:app"

# The client whose allocations and idempotency keys they are, whichever URL a request goes to.
CLIENT = "prove"
_IDENTITY = {"X-Client-Id": CLIENT}
_SCOPES = ["resources:read", "resources:write", "allocations:read", "allocations:write", "events:read"]
_UNLIMITED = "1000000/second"
# The proxy reads the messages of the connection, so they must not be encrypted.
_PLAIN = "sslmode=disable&gssencmode=disable"
# Mebibytes.
_SQLITE_VOLUME = 1024


@dataclass(frozen=True)
class Target:
    """A base URL that callers may use, and the headers that they must send there."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """A context manager that starts the system in ``folder``, and stops it at the end.

    ``app`` is the WSGI application of the inventory service, ``environ`` are further environment variables of it, and
    ``gateway_app`` is the application of the gateway. A small system is one service on a database, behind a proxy
    that can cut responses. A ``full`` one has what the other faults need: two services, a gateway with Redis, more
    proxies, and volumes that can be filled.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        app: str = APP,
        environ: Mapping[str, str] = MappingProxyType({}),
        *,
        full: bool = False,
        gateway_app: str | None = None,
    ) -> None:
        self.engine, self.folder, self.full = engine, folder, full
        self.urls: list[Target] = []
        self.database_url = ""
        # The parts: the servers of the inventory, the gateway, and others that only some systems have.
        self.services: list[Server] = []
        self.gateway: Server | None = None
        self.redis: RedisServer | None = None
        self.cluster: Cluster | None = None
        self.volume: Volume | None = None
        self.clock: Clock | None = None
        self.database_proxies: list[PostgresqlProxy] = []
        self.caller_proxy: HttpProxy | None = None
        self.gateway_proxies: list[HttpProxy] = []
        self._app, self._environ = app, dict(environ)
        self._gateway_app = gateway_app or (GATEWAY if full else None)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            # PostgreSQL runs as another user.
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o755)
            self.clock = Clock(self.folder) if self.full else None
            self._start_database()
            self._start_services()
            if self._gateway_app is not None:
                self._start_gateway(self._gateway_app)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def manage(self, *arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run ``invsys-manage`` with the settings of the service; ``text`` is its standard input."""
        command, environ = self.manage_command(*arguments)
        return subprocess.run(
            command, env=environ, cwd=self.folder, input=text, capture_output=True, text=True, check=False
        )

    def manage_command(self, *arguments: str, url: str | None = None) -> tuple[list[str], dict[str, str]]:
        """Return the command line of ``invsys-manage`` and its environment; ``url`` is another database."""
        command = [sys.executable, "-m", "invsys.inventory", *arguments]
        return command, {**os.environ, **self._inventory_environ, "INVSYS_DATABASE_URL": url or self.database_url}

    @property
    def _inventory_environ(self) -> dict[str, str]:
        return {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": self.database_url, **self._environ}

    @property
    def _read_environ(self) -> dict[str, str]:
        """Let the services read from the standby, also after a failover: the primary among the hosts is left out."""
        return {"INVSYS_DATABASE_READ_URL": self.database_url} if self.full and self.cluster else {}

    def _start_database(self) -> None:
        folder = self.folder / "database"
        if self.engine == "postgresql":
            folder.mkdir()
            self.cluster = cluster = Cluster(folder, full=self.full)
            self._stack.callback(cluster.stop)
            cluster.start()
            self.database_url = self._cluster_url(cluster)
        else:
            self.volume = Volume(folder, _SQLITE_VOLUME if self.full else None)
            self._stack.callback(self.volume.unmount)
            self.volume.mount()
            self.database_url = databases.SQLite(folder).url("proof")
        databases.migrate(self.database_url)

    def _cluster_url(self, cluster: Cluster) -> str:
        cluster.primary.execute(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
        if not self.full:
            return cluster.primary.url()
        self.database_proxies = [self._stack.enter_context(PostgresqlProxy(each.port)) for each in cluster.members]
        hosts = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self.database_proxies)
        return f"postgresql://postgres@{hosts}/{DATABASE}?{_PLAIN}"

    def _start_services(self) -> None:
        for number in (1, 2) if self.full else (1,):
            name = f"service-{number}"
            environ = {**self._inventory_environ, **self._read_environ, **self._clock_environ(number)}
            self.services.append(Server(name, self._app, self._subfolder(name), environ))
        self._start(self.services)
        self.urls = [Target(service.url, _IDENTITY) for service in self.services]
        self.caller_proxy = self._stack.enter_context(HttpProxy(self.services[0].port))
        self.urls[0] = Target(f"http://127.0.0.1:{self.caller_proxy.port}", _IDENTITY)

    def _clock_environ(self, number: int) -> dict[str, str]:
        """Return the variables that let the clock of a service be stepped.

        SQLite's clock is that of the service, and all services on it are on one machine: they share the clock. On
        PostgreSQL the service is on a host of its own: only the clock of one of them is stepped.
        """
        return self.clock.environ if self.clock and (self.engine == "sqlite" or number == 2) else {}

    def _start_gateway(self, app: str) -> None:
        folder = self._subfolder("gateway")
        file = folder / "clients.ini"
        key = client_admin.add(file, CLIENT, _SCOPES, concurrent=1000)
        ports = [service.port for service in self.services]
        if self.full:
            self.gateway_proxies = [self._stack.enter_context(HttpProxy(port)) for port in ports]
            ports = [proxy.port for proxy in self.gateway_proxies]
        environ = {
            "INVSYS_CLIENTS_FILE": str(file),
            "INVSYS_SERVICES_INVENTORY": ",".join(f"http://127.0.0.1:{port}" for port in ports),
            **{f"INVSYS_LIMITS_{name}": _UNLIMITED for name in ("RATE", "WRITE_RATE", "ANONYMOUS")},
        }
        if self.full and RedisServer.installed():
            self.redis = RedisServer(folder)
            self._stack.callback(self.redis.kill)
            self.redis.start()
            environ["INVSYS_LIMITS_STORAGE"] = self.redis.url
        self.gateway = Server("gateway", app, folder, environ, threads=32)
        self._start([self.gateway])
        self.urls.append(Target(self.gateway.url, {"Authorization": f"Bearer {key}"}))

    def _start(self, servers: Sequence[Server]) -> None:
        for server in servers:
            self._stack.callback(server.stop)
            server.launch()
        for server in servers:
            server.wait_until_it_responds()

    def _subfolder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder
