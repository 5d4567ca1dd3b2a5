"""Measures the costs of ``benchmarks.capacity`` on PostgreSQL: ``python -m benchmarks.capacity_measure [--store]``.

It fills a database with allocations and events, serves it, and creates and reads over 16 connections. It prints each
cost beside the stored one. The server runs on the same machine, so only CPU times and bytes are measured.
"""

import argparse
import json
import random
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import psycopg

from benchmarks import calls, capacity, databases, load, processes, seeds
from benchmarks.capacity import Costs
from benchmarks.datasets import SERVICE
from invsys.inventory import settings
from invsys.inventory.application import build_app
from invsys.inventory.db.engine import disconnect
from invsys.inventory.maintenance import archive

# Allocations of each vehicle; they begin every other hour.
_EACH = 100
_ARCHIVED = 100_000
_CONNECTIONS = 16
_SECONDS = 30.0
_SEARCHES = 5
# CPU of the gateway for a request, from ``benchmarks.cost``.
_GATEWAY_MS = 0.56


def main() -> int:
    """Measure, compare, and store the costs if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity_measure", description=__doc__)
    parser.add_argument("--allocations", type=int, default=10_000_000)
    parser.add_argument("--store", action="store_true", help=f"write the costs to {capacity.MEASURED.name}")
    options = parser.parse_args()
    with databases.postgresql() as server:
        costs = _measure(server, options.allocations)
    _compare(costs)
    if options.store:
        stored = {
            "allocations": options.allocations,
            "costs": {name: round(value, 4) for name, value in asdict(costs).items()},
        }
        capacity.MEASURED.write_text(json.dumps(stored, indent=2) + "\n")
    return 0


def _compare(costs: Costs) -> None:
    stored = asdict(capacity.load_costs()) if capacity.MEASURED.exists() else {}
    print(f"{'cost':<24} {'measured':>12} {'stored':>12}  ratio")
    for name, value in asdict(costs).items():
        before = stored.get(name)
        ratio = "" if not before else f"{value / before:6.2f}"
        print(f"{name:<24} {value:12.3f} {before if before is not None else '':>12}  {ratio}")


def _measure(server: databases.PostgreSQL, allocations: int) -> Costs:
    url = server.create("capacity")
    vehicles = seeds.fill(url, allocations // _EACH, _EACH)
    seeds.add_events(url, allocations)
    with psycopg.connect(url, autocommit=True) as connection, processes.served(SERVICE, url) as service:
        sizes = _sizes(connection, allocations, len(vehicles))
        meter = _Meter(server, service, connection)
        creates = meter.run([calls.creates(vehicles)] * _CONNECTIONS, _SECONDS)
        reads = meter.run([_gets(vehicles)] * _CONNECTIONS, _SECONDS)
        searches = meter.run([_searches()], None)
    return Costs(
        create_service_ms=creates.service_ms,
        create_postgresql_ms=creates.postgresql_ms,
        read_service_ms=reads.service_ms,
        read_postgresql_ms=reads.postgresql_ms,
        gateway_ms=_GATEWAY_MS,
        wal_bytes=creates.wal_bytes,
        archived_bytes=_archived_bytes(server),
        search_us=1000 * searches.postgresql_ms / len(vehicles),
        **sizes,
    )


def _sizes(connection: psycopg.Connection, allocations: int, vehicles: int) -> dict[str, float]:
    """Return the bytes of an allocation, of its indexes, of an event, and of a vehicle."""
    table = "continuous_resource_allocations"
    return {
        "allocation_bytes": _size(connection, table) / allocations,
        "index_bytes": _size(connection, table, "pg_indexes_size") / allocations,
        "event_bytes": _size(connection, "events") / allocations,
        "vehicle_bytes": _size(connection, "continuous_resources") / vehicles,
    }


def _size(connection: psycopg.Connection, table: str, function: str = "pg_total_relation_size") -> int:
    """Return the bytes of a table with its partitions."""
    query = f"SELECT coalesce(sum({function}(relid)), {function}('{table}')) FROM pg_partition_tree('{table}')"
    [(size,)] = connection.execute(query.encode()).fetchall()
    return int(size)


def _archived_bytes(server: databases.PostgreSQL) -> float:
    """Return the bytes of an archived allocation."""
    url = server.create("archived")
    seeds.fill(url, _ARCHIVED // _EACH, _EACH)
    app = build_app(settings.load(environ={"INVSYS_DATABASE_URL": url}))
    with app.app_context():
        archive.archive(1, archive.Archived())
        disconnect()
    with psycopg.connect(url, autocommit=True) as connection:
        return _size(connection, "archived_allocations") / _ARCHIVED


def _gets(vehicles: Sequence[uuid.UUID]) -> Iterator[bytes]:
    """Yield requests for the allocations of a random vehicle in a week."""
    while True:
        vehicle, first = random.choice(vehicles), random.randrange(100)
        window = f"from={calls.slot(first)[0]:%Y-%m-%dT%H:%M:%SZ}&to={calls.slot(first + 168)[0]:%Y-%m-%dT%H:%M:%SZ}"
        yield calls.get(f"/api/cars/{vehicle}/allocations?{window}")


def _searches() -> Iterator[bytes]:
    """Yield requests for free vehicles in hours in which all are allocated."""
    for number in range(_SEARCHES):
        start, end = calls.slot(2 * number)
        window = f"available_from={start:%Y-%m-%dT%H:%M:%SZ}&available_to={end:%Y-%m-%dT%H:%M:%SZ}"
        yield calls.get(f"/api/cars?{window}&limit=1")


@dataclass(frozen=True)
class _Use:
    """The average use of a request: CPU of the workers and of PostgreSQL in ms, bytes of the write-ahead log."""

    service_ms: float
    postgresql_ms: float
    wal_bytes: float


class _Meter:
    """Measures what requests to the service use, from a checkpoint on."""

    def __init__(self, server: databases.PostgreSQL, service: processes.Server, connection: psycopg.Connection) -> None:
        self._service = service
        self._connection = connection
        self._postmaster = server.pid()

    def run(self, iterators: Sequence[Iterator[bytes]], seconds: float | None) -> _Use:
        """Send requests for ``seconds``, or until the iterators are exhausted; return the average use."""
        self._connection.execute("CHECKPOINT")
        before = self._counters()
        result = load.run(self._service.port, iterators, seconds)
        after = self._counters()
        if refused := [outcome.status for outcome in result.outcomes if outcome.status >= 400]:
            raise RuntimeError(f"{len(refused)} requests failed, the first with status {refused[0]}")
        use = [(end - start) / len(result.outcomes) for start, end in zip(before, after, strict=True)]
        return _Use(*use)

    def _counters(self) -> tuple[float, float, float]:
        [(wal,)] = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'").fetchall()
        service = sum(map(processes.cpu_seconds, self._service.workers()))
        postgresql = processes.cpu_seconds(self._postmaster, with_children=True)
        return 1000 * service, 1000 * postgresql, float(wal)


if __name__ == "__main__":
    sys.exit(main())
