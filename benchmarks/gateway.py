"""The cost of the gateway: the same requests sent directly to the inventory, through the gateway, and through nginx."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from benchmarks import calls, nginx, processes, rounds, seeds
from benchmarks.datasets import ServedDatabase
from benchmarks.rounds import Case, Measured, Scale
from invsys.gateway.auth import client_admin

_APP = "invsys.gateway.wsgi:app"
_THREADS = 32
_SCOPES = ["resources:read", "allocations:read", "allocations:write"]

DIRECT, THROUGH, NGINX = "directly to the inventory", "through the gateway", "through nginx"
ROUTES = (DIRECT, THROUGH, NGINX)
# The kinds of requests, and the number of concurrent clients of each.
GET, LIST, CREATE, ONE = "get", "list of 100", "create", "get; 1 client"
_CLIENTS = {GET: 16, LIST: 16, CREATE: 16, ONE: 1}

# The number of the first create is this times the number of vehicles; no other benchmark uses its hours.
_FIRST = 4_000


def name(kind: str, route: str) -> str:
    """Return the name of a row in the table."""
    return f"{kind}, {route}"


def measure(database: ServedDatabase, scale: Scale) -> dict[str, Measured]:
    """Measure each kind of request on each of ``ROUTES`` to the inventory. The three take turns."""
    measured: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="invsys-gateway-") as folder, nginx.in_front_of(database.port) as proxied:
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
            requests = _requests(database)
            for kind, clients_count in _CLIENTS.items():
                status = 201 if kind == CREATE else 200
                cases = [
                    Case(name(kind, route), port, _with_key(requests[kind], key), status, clients_count)
                    for route, port in ports.items()
                ]
                measured |= rounds.interleave(cases, scale.rounds, scale.seconds)
    return measured


@contextmanager
def _served(environ: Mapping[str, str]) -> Iterator[processes.Server]:
    port = processes.free_port()
    with processes.running(processes.production(_APP, port, threads=_THREADS), port, environ) as server:
        yield server


def _requests(database: ServedDatabase) -> dict[str, Iterator[bytes]]:
    path = "/api/cars/all/allocations"
    items = [calls.get(f"{path}/{allocation_id}") for allocation_id in seeds.allocation_ids(database.url, 10_000)]
    return {
        GET: cycle(items),
        ONE: cycle(items),
        LIST: cycle([calls.get(f"{path}?limit=100")]),
        CREATE: calls.creates(database.vehicles, _FIRST * len(database.vehicles)),
    }


def _with_key(requests: Iterator[bytes], key: str) -> Iterator[bytes]:
    """Return the requests with the client's key; only the gateway needs it, the inventory and nginx ignore it."""
    header = f"\r\nAuthorization: Bearer {key}\r\n".encode()
    return (request.replace(b"\r\n", header, 1) for request in requests)
