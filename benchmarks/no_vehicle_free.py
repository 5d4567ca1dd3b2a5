"""Searches for a free vehicle when none, or one in a hundred, is free: ``python -m benchmarks.no_vehicle_free``.

It measures requests to a served PostgreSQL database one after another, and then other forms of the search as SQL
(``no_vehicle_free_forms``). For each it prints the latency and the CPU of PostgreSQL. ``--vehicles 1000000`` measures
another size than the three of the manual; a million vehicles need 3 GB of disk and about half an hour.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import psycopg

from benchmarks import calls, databases, load, processes, seeds
from benchmarks.datasets import SERVICE
from benchmarks.no_vehicle_free_forms import FORMS, GAPS

_SIZES = (10_000, 100_000, 1_000_000)
# In the first hours no vehicle is free, in the next one, one in _ONE_IN.
_HOURS, _ONE_IN = 3, 100
_ATTRIBUTES = """UPDATE continuous_resources SET attributes = '{"city": "York"}' WHERE key % 4 = 0"""
# A measurement ends after _MOST requests, or after this many seconds with at least _FEWEST. The requests that allocate
# may not use up the smallest fleet.
_SECONDS, _FEWEST, _MOST = 20.0, 10, 80
# A search through a million vehicles may take longer than the default of 4 seconds.
_PATIENT = {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "60"}


def main() -> None:
    """Measure each size and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.no_vehicle_free", description=__doc__)
    parser.add_argument("--vehicles", type=int, nargs="*", default=_SIZES)
    for vehicles in parser.parse_args().vehicles:
        with databases.postgresql() as server:
            _measure(server, vehicles)


def _measure(server: databases.PostgreSQL, vehicles: int) -> None:
    print(f"{vehicles:,} vehicles{'':<28} p50 ms    p99 ms    CPU ms")
    url = server.create("none_free")
    seeds.fill(url, vehicles, _HOURS, hours=1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_ATTRIBUTES)
    seeds.allocate(url, [_HOURS], _ONE_IN)
    with processes.served(SERVICE, url, _PATIENT) as service:
        for name, request, status in _requests():
            _print(server, name, lambda request=request, status=status: _send(service.port, request, status))
    with psycopg.connect(url, autocommit=True) as connection:
        for name, form in FORMS.items():
            _print(server, name, lambda form=form: _select(connection, form))
        for statement in GAPS.setup:
            connection.execute(statement)
        _print(server, "table of free gaps", lambda: _select(connection, GAPS.search))


def _requests() -> Sequence[tuple[str, bytes, int]]:
    """Return the name of each request, the request, and the expected status."""
    list_none, list_some = (f"/api/cars?limit=1&{_window(hour)}" for hour in (1, _HOURS))
    return (
        ("list", calls.get(list_none), 200),
        ("list, with an attribute", calls.get(f"{list_none}&attribute.city=York"), 200),
        ("any", calls.create("any", 1), 409),
        ("list, one in a hundred free", calls.get(list_some), 200),
        ("any, one in a hundred free", calls.create("any", _HOURS), 201),
    )


def _window(hour: int) -> str:
    start, end = (instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in calls.slot(hour))
    return f"available_from={start}&available_to={end}"


def _send(port: int, request: bytes, status: int) -> None:
    statuses = load.run(port, [iter([request])], patience=120).statuses
    if statuses != {status: 1}:
        raise SystemExit(f"unexpected statuses {statuses}")


def _select(connection: psycopg.Connection, form: str) -> None:
    start, end = calls.slot(1)
    if rows := connection.execute(form.encode(), {"start": start, "end": end}).fetchall():
        raise SystemExit(f"{len(rows)} vehicles are not free, but were found")


def _print(server: databases.PostgreSQL, name: str, search: Callable[[], None]) -> None:
    """Repeat a search and print its latency and CPU time."""
    postmaster, seconds = server.pid(), list[float]()
    search()
    before = processes.cpu_seconds(postmaster, with_children=True)
    while len(seconds) < _FEWEST or (len(seconds) < _MOST and sum(seconds) < _SECONDS):
        started = time.perf_counter()
        search()
        seconds.append(time.perf_counter() - started)
    cpu = (processes.cpu_seconds(postmaster, with_children=True) - before) / len(seconds)
    figures = (1000 * load.percentile(seconds, 0.5), 1000 * load.percentile(seconds, 0.99), 1000 * cpu)
    print(f"{name:<34}", *(f"{figure:9.2f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
