"""The rows of the cost table: for each, the requests, and the two applications that answer them.

One application is the service, the other its Flask baseline (``cost_baseline``), which is called the floor.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, repeat
from pathlib import Path

from flask import Flask

from benchmarks import calls, changes, cost_baseline, seeds
from benchmarks.cost_meter import MeasuredApp
from invsys.chassis.ops import request_log
from invsys.gateway import application as gateway_application
from invsys.gateway import settings as gateway_settings
from invsys.gateway.auth import client_admin
from invsys.inventory import application, settings

CREATE, REFUSED, GET, LIST, PATCH = "create", "refused", "get", "list of 100", "PATCH"
GATEWAY = "gateway get"
ROWS = (CREATE, REFUSED, GET, LIST, PATCH, GATEWAY)

VEHICLES, ALLOCATIONS_PER_VEHICLE = 1_000, 10
_LAST_HOUR = 2 * (ALLOCATIONS_PER_VEHICLE - 1)
_ALL = "/api/cars/all/allocations"

Requests = Iterator[bytes]


def measured_apps(url: str, floor_url: str, upstream: int, folder: Path) -> dict[str, tuple[MeasuredApp, MeasuredApp]]:
    """Return the applications (service, floor) for each of ``ROWS``.

    The service uses the database ``url``, the floor the database ``floor_url``; both must have the same rows. An
    inventory with the database ``url`` must listen on the port ``upstream``, to which the gateways forward requests.
    """
    service, floor = _inventory(url, folder), cost_baseline.inventory(cost_baseline.connect(floor_url))
    service_requests, floor_requests = _requests(url), _requests(floor_url)
    rows = {
        name: (MeasuredApp(service, service_requests[name], status), MeasuredApp(floor, floor_requests[name], status))
        for name, status in ((CREATE, 201), (REFUSED, 409), (GET, 200), (LIST, 200), (PATCH, 200))
    }
    gateway, add_key = _gateway(upstream, folder)
    requests_with_key = (add_key(request) for request in _gets(url))
    rows[GATEWAY] = (
        MeasuredApp(gateway, requests_with_key, 200),
        MeasuredApp(cost_baseline.gateway(upstream), _gets(url), 200),
    )
    return rows


def _requests(url: str) -> dict[str, Requests]:
    vehicles = seeds.vehicle_ids(url)
    return {
        CREATE: calls.creates(vehicles),
        REFUSED: cycle([calls.create(vehicle, 0) for vehicle in vehicles]),
        GET: _gets(url),
        LIST: repeat(calls.get(f"{_ALL}?limit=100")),
        PATCH: changes.extensions(_ids(url), _LAST_HOUR),
    }


def _gets(url: str) -> Requests:
    return cycle([calls.get(f"{_ALL}/{allocation}") for allocation in _ids(url)])


def _ids(url: str) -> Sequence[uuid.UUID]:
    return seeds.allocation_ids(url, VEHICLES, _LAST_HOUR)


def _inventory(url: str, folder: Path) -> Flask:
    environ = {"INVSYS_DATABASE_URL": url, "INVSYS_LOG_FILE": str(folder / "requests.log")}
    loaded = settings.load(environ=environ)
    request_log.configure(loaded["log"])
    return application.build_app(loaded)


def _gateway(upstream: int, folder: Path) -> tuple[Flask, Callable[[bytes], bytes]]:
    """Return a gateway in front of ``upstream``, and a function that adds its client's key to a request."""
    clients = folder / "clients.ini"
    key = client_admin.add(clients, "benchmark", ["allocations:read"])
    environ = {
        "INVSYS_CLIENTS_FILE": str(clients),
        "INVSYS_SERVICES_INVENTORY": f"http://127.0.0.1:{upstream}",
        "INVSYS_LIMITS_RATE": "1000000/second",
    }
    header = f"\r\nAuthorization: Bearer {key}\r\n".encode()
    app = gateway_application.build_app(gateway_settings.load(environ=environ))
    return app, lambda request: request.replace(b"\r\n", header, 1)
