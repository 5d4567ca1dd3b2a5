"""What does the gateway cost? The same calls straight to the inventory, through the gateway, and through nginx."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from benchmarks import calls, measures, nginx, processes, seeds
from benchmarks.measures import Case, Measured, Scale
from benchmarks.stocks import Stock
from invsys.gateway.auth import client_admin

_APP = "invsys.gateway.wsgi:app"
_THREADS = 32
_SCOPES = ["resources:read", "allocations:read", "allocations:write"]

DIRECT, THROUGH, NGINX = "straight to the inventory", "through the gateway", "through nginx"
WAYS = (DIRECT, THROUGH, NGINX)
# What is asked, by how many callers at once.
GET, LIST, CREATE, ONE = "get", "list of 100", "create", "get; 1 client"
_CALLERS = {GET: 16, LIST: 16, CREATE: 16, ONE: 1}

# The requests to begin with: hours of the vehicles' that nothing else here takes.
_FIRST_HOUR = 4_000


def name(what: str, way: str) -> str:
    """Name a row of the table."""
    return f"{what}, {way}"


def measure(stock: Stock, scale: Scale) -> dict[str, Measured]:
    """Measure each call each way, in turn."""
    measured: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="invsys-gateway-") as folder, nginx.before(stock.port) as proxied:
        clients = Path(folder) / "clients.ini"
        key = client_admin.add(clients, "benchmark", _SCOPES)
        environ = {
            "INVSYS_CLIENTS_FILE": str(clients),
            "INVSYS_SERVICES_INVENTORY": f"http://127.0.0.1:{stock.port}",
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
        }
        with _served(environ) as gateway:
            ports = {DIRECT: stock.port, THROUGH: gateway.port, NGINX: proxied}
            feeds = _feeds(stock)
            for what, callers in _CALLERS.items():
                cases = [
                    Case(name(what, way), port, _signed(feeds[what], key), 201 if what == CREATE else 200, callers)
                    for way, port in ports.items()
                ]
                measured |= measures.interleave(cases, scale.rounds, scale.seconds)
    return measured


@contextmanager
def _served(environ: Mapping[str, str]) -> Iterator[processes.Server]:
    port = processes.free_port()
    with processes.running(processes.production(_APP, port, threads=_THREADS), port, environ) as server:
        yield server


def _feeds(stock: Stock) -> dict[str, Iterator[bytes]]:
    every = "/api/cars/all/allocations"
    items = [calls.get(f"{every}/{found}") for found in seeds.allocation_ids(stock.url, 10_000)]
    return {
        GET: cycle(items),
        ONE: cycle(items),
        LIST: cycle([calls.get(f"{every}?limit=100")]),
        CREATE: calls.creates(stock.vehicles, _FIRST_HOUR * len(stock.vehicles)),
    }


def _signed(feed: Iterator[bytes], key: str) -> Iterator[bytes]:
    """Say who asks, on every way: the inventory and nginx do not read it."""
    header = f"\r\nAuthorization: Bearer {key}\r\n".encode()
    return (request.replace(b"\r\n", header, 1) for request in feed)
