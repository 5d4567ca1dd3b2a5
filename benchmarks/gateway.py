"""The cost of the gateway: the same requests directly to the inventory, through the gateway, and through nginx."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from benchmarks import calls, measures, nginx, processes, seeds
from benchmarks.datasets import ServedDatabase
from benchmarks.measures import Case, Measured, Scale
from invsys.gateway.auth import client_admin

_APP = "invsys.gateway.wsgi:app"
_THREADS = 32
_SCOPES = ["resources:read", "allocations:read", "allocations:write"]

DIRECT, THROUGH, NGINX = "directly to the inventory", "through the gateway", "through nginx"
ROUTES = (DIRECT, THROUGH, NGINX)
# The kinds of requests, and the number of concurrent clients of each.
GET, LIST, CREATE, ONE = "get", "list of 100", "create", "get; 1 client"
_CLIENTS = {GET: 16, LIST: 16, CREATE: 16, ONE: 1}

# The first hour of the creates, beyond those that other benchmarks on this database use.
_FIRST_HOUR = 4_000


def name(request: str, route: str) -> str:
    """Return the name of a row of the table."""
    return f"{request}, {route}"


def measure(database: ServedDatabase, scale: Scale) -> dict[str, Measured]:
    """Measure each kind of request over each route; the routes take turns."""
    measured: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="invsys-gateway-") as folder, nginx.before(database.port) as proxied:
        clients = Path(folder) / "clients.ini"
        key = client_admin.add(clients, "benchmark", _SCOPES)
        environ = {
            "INVSYS_CLIENTS_FILE": str(clients),
            "INVSYS_SERVICES_INVENTORY": f"http://127.0.0.1:{database.port}",
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
        }
        with _served(environ) as gateway:
            ports = {DIRECT: database.port, THROUGH: gateway.port, NGINX: proxied}
            feeds = _feeds(database)
            for request, clients_count in _CLIENTS.items():
                status = 201 if request == CREATE else 200
                cases = [
                    Case(name(request, route), port, _with_key(feeds[request], key), status, clients_count)
                    for route, port in ports.items()
                ]
                measured |= measures.interleave(cases, scale.rounds, scale.seconds)
    return measured


@contextmanager
def _served(environ: Mapping[str, str]) -> Iterator[processes.Server]:
    port = processes.free_port()
    with processes.running(processes.production(_APP, port, threads=_THREADS), port, environ) as server:
        yield server


def _feeds(database: ServedDatabase) -> dict[str, Iterator[bytes]]:
    path = "/api/cars/all/allocations"
    items = [calls.get(f"{path}/{allocation_id}") for allocation_id in seeds.allocation_ids(database.url, 10_000)]
    return {
        GET: cycle(items),
        ONE: cycle(items),
        LIST: cycle([calls.get(f"{path}?limit=100")]),
        CREATE: calls.creates(database.vehicles, _FIRST_HOUR * len(database.vehicles)),
    }


def _with_key(feed: Iterator[bytes], key: str) -> Iterator[bytes]:
    """Add the client's key to each request, over all routes; the inventory and nginx ignore it."""
    header = f"\r\nAuthorization: Bearer {key}\r\n".encode()
    return (request.replace(b"\r\n", header, 1) for request in feed)
