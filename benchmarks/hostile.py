"""Finds headers, queries and bodies that cost CPU time disproportionate to their length.

``python -m benchmarks.hostile`` calls both applications in this process, without the limits of the server, with hostile
values of 1, 8 and 64 KB, and prints the most expensive value for each place. Eight times the length may take eight
times the time; if it takes more than sixteen times, the exit status is 1. A test checks the same with fewer requests.
"""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import databases
from invsys.gateway import application as gateway
from invsys.gateway import settings as gateway_settings
from invsys.gateway.auth import client_admin
from invsys.inventory import application as inventory
from invsys.inventory import settings as inventory_settings
from invsys.inventory.db.engine import disconnect

KB = 1000
# In seconds. Shorter times are not compared: they vary too much from run to run.
NOISE = 0.02
# How many times the CPU time of 8 KB a value of 64 KB may take: 8 would be linear, 64 quadratic.
LIMIT = 16

# For each value: its prefix, the text that is repeated until the length is reached, and its suffix.
VALUES = [
    ("a", " ", "b"),
    ("", "\t", "x"),
    ("", "a", ""),
    ("", ",", ""),
    ("", "a/b,", ""),
    ("a/b;q=0.", "1", "x"),
    ("a/b", " ", ";q=1"),
    ('a;b="', "\\", ""),
    ('a;b="', '\\"', ""),
    ("a;", "a*0*=", ""),
    ("", '"a",', "x"),
    ('W/"a"', " ", "x"),
    ("", '"', "a"),
    ("Bearer ", "a.", ""),
    ("Bearer invsys_", "_", ""),
    ("Basic ", "YTph", ""),
    ("bytes=", "1-2,", ""),
    ("Mon, 01 Jan ", "(", ""),
    ("", "1", ""),
    ("", "10.0.0.1, ", ""),
    ("[", ":", ""),
    ("", "a=1&", ""),
    ("", "%ff=&", ""),
    ("", "resource_id=&", ""),
    ("", "attribute.a=1&", ""),
    ("from=", "0", ""),
    ("cursor=", "A", ""),
    ("", "/a", ""),
    ("/api", "/", "cars"),
    ('{"name": "', "\\u0041", '"}'),
    ('{"name": "', "\\u0301\\u0316", '"}'),
    ("name=", "%cc%81%cc%96", ""),
    ('{"name": 1', "0", "}"),
    ("", '{"a":', ""),
    ('{"from_datetime": "2020-01-01T00:00:00.', "0", '"}'),
    ('{"name": "a", "attributes": ', "[", "}"),
    ('{"name": "a", "attributes": {"a": "', "\\ud800", '"}}'),
    ('{"changes": [', '{"id": "a"},', "{}]}"),
    ("00-", "0", "-01"),
    ("", "a=1,", ""),
    ("gzip;q=0.", "0", ",gzip"),
]
HEADERS = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Access-Control-Request-Headers",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Cookie",
    "Forwarded",
    "Host",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Origin",
    "Range",
    "Transfer-Encoding",
    "User-Agent",
    "X-Client-Id",
    "X-Client-Sees",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Request-Id",
    "baggage",
    "traceparent",
    "tracestate",
]
PLACES = [
    "PATH_INFO",
    "QUERY_STRING",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "body",
    *(f"HTTP_{h.upper().replace('-', '_')}" for h in HEADERS),
]
REQUESTS = [
    ("GET", "/api/cars"),
    ("GET", "/api/cars/all/allocations"),
    ("GET", "{car}"),
    ("POST", "/api/cars"),
    ("PATCH", "{car}"),
    ("POST", "{car}/allocations"),
    ("POST", "/api/cars/all/allocations/changes"),
    ("OPTIONS", "/api/cars"),
]


class Service(NamedTuple):
    """An application, and the headers that every request to it needs."""

    name: str
    app: Callable[..., Any]
    environ: dict[str, str]


def cpu(service: Service, method: str, path: str, place: str, value: str) -> float:
    """Return the CPU seconds of one request with ``value`` in ``place``."""
    body = value.encode("latin-1") if place == "body" else b"{}"
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "HTTP_ORIGIN": "https://staff.example",
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        **service.environ,
    }
    if place != "body":
        environ[place] = value
    started = time.thread_time()
    for _ in service.app(environ, lambda *_: None):
        pass
    return time.thread_time() - started


def worst(service: Service, car: str, place: str) -> tuple[list[float], str]:
    """Find the most expensive value in ``place``; return its CPU seconds at 1, 8 and 64 KB, and a description of it."""
    results: list[tuple[list[float], str]] = []
    for method, path in REQUESTS:
        for value in VALUES:
            values = [of_size(value, size) for size in (1, 8, 64)]
            seconds = [min(cpu(service, method, path.format(car=car), place, text) for _ in "12") for text in values]
            results.append((seconds, f"{method} {'...'.join(value)}"))
    return max(results, key=lambda result: result[0][-1])


def of_size(value: tuple[str, str, str], size: int) -> str:
    """Return a value of ``VALUES`` with a length of about ``size`` KB."""
    prefix, filling, suffix = value
    return f"{prefix}{filling * (size * KB // len(filling))}{suffix}"


@contextmanager
def services(folder: Path, url: str) -> Iterator[tuple[list[Service], str]]:
    """Yield both services, and the path of a car; nothing listens at the address of the gateway's upstream."""
    app = inventory.build_app(inventory_settings.load(environ={"INVSYS_DATABASE_URL": url}))
    car = app.test_client().post("/api/cars", json={"name": "Car1"}).headers["Location"]
    try:
        yield [Service("inventory", app, {}), _gateway(folder)], car
    finally:
        with app.app_context():
            disconnect()


def _gateway(folder: Path) -> Service:
    key = client_admin.add(folder / "clients.ini", "caller", ["resources:read", "resources:write"])
    environ = {
        "INVSYS_CLIENTS_FILE": str(folder / "clients.ini"),
        "INVSYS_SERVICES_INVENTORY": "http://127.0.0.1:1",
        "INVSYS_CORS_ORIGINS": "https://staff.example",
        "INVSYS_LIMITS_RATE": "1000000/second",
        "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
    }
    app = gateway.build_app(gateway_settings.load(environ=environ))
    return Service("gateway", app, {"HTTP_AUTHORIZATION": f"Bearer {key}"})


def main() -> int:
    """Measure every place in both services; return 1 if the time for a value grows faster than its length, else 0."""
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - discards the request log
    status = 0
    print(f"{'service':<10} {'place':<36} {'1 KB':>8} {'8 KB':>8} {'64 KB':>8} ms  value")
    with databases.sqlite() as engine, services(engine.folder, engine.create("hostile")) as (both, car):
        for service, place in product(both, PLACES):
            seconds, value = worst(service, car, place)
            figures = " ".join(f"{second * 1000:8.1f}" for second in seconds)
            print(f"{service.name:<10} {place:<36} {figures}     {value!r:.40}", flush=True)
            if seconds[2] > NOISE and seconds[2] > LIMIT * seconds[1]:
                status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())
