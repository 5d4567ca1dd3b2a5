"""Compares a database with and without archived allocations: the cost of a create, of a vacuum, and the indexes.

``python -m benchmarks.history [--allocations N] [--archived TIMES]``. Both databases have N live allocations; one also
has TIMES as many archived ones, in five years. PostgreSQL only; 5 million rows need about 3 GB of disk.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks import databases, processes
from invsys.inventory import settings
from invsys.inventory.application import build_app

_VEHICLES, _CREATES, _WARM_UP = 1000, 2000, 200
_LIVE = "continuous_resource_allocations"
_CARS = (
    "INSERT INTO continuous_resources (id, resource_type, name)"
    " SELECT gen_random_uuid(), 'Car', 'Car ' || n FROM generate_series(1, %(vehicles)s) AS n"
)
_COLUMNS = "id, resource_key, starts, ends, reference"
_ROWS = """
    SELECT gen_random_uuid(), key, start, start + interval '1 hour', 'PO ' || n
    FROM continuous_resources, LATERAL (
        SELECT n, %(first)s + n * %(every)s AS start FROM generate_series(0, %(each)s - 1) AS n
    ) AS hours ORDER BY start, key"""
# The sequence gives the keys of the archived rows, too: they were live once.
_ARCHIVED = f"""
    INSERT INTO archived_allocations (key, {_COLUMNS}, allocation_type, dump, created, version)
    SELECT nextval('continuous_resource_allocations_key_seq'), *, 'booking', '{{}}', statement_timestamp(), 1
    FROM ({_ROWS}) AS rows"""
_MONTHS = (
    "SELECT create_archive_partition(month)"
    " FROM generate_series(timestamptz '2021-01-01Z', '2026-01-01Z', '1 month') AS month"
)
_UNTIL = "UPDATE {} SET archived_until = '2026-01-01Z'"
_CANCEL = f"DELETE FROM {_LIVE} WHERE key % 500 = 0"
_SIZES = f"SELECT pg_table_size('{_LIVE}'), pg_indexes_size('{_LIVE}')"
_START, _ARCHIVE_START = datetime(2030, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
_ARCHIVE_LENGTH = timedelta(days=5 * 365)


@dataclass(frozen=True)
class Figures:
    """What was measured: microseconds of PostgreSQL's CPU for a create, seconds and bytes of WAL of a vacuum, bytes."""

    create: float
    vacuum: float
    vacuum_wal: int
    table: int
    indexes: int


def main() -> None:
    """Measure both databases and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--allocations", type=int, default=1_000_000)
    parser.add_argument("--archived", type=int, default=4, metavar="TIMES")
    options = parser.parse_args()
    with databases.postgresql() as server:
        print(f"{options.allocations} live allocations; CPU of PostgreSQL; wall-clock time of the vacuum")
        for name, times in (("without", 0), ("with", options.archived)):
            url = server.create(f"history_{name}")
            _fill(url, options.allocations // _VEHICLES, times)
            figures = measure(url)
            print(
                f"{times * options.allocations:>12} archived: create {figures.create:.0f} us,"
                f" vacuum {figures.vacuum:.2f} s and {figures.vacuum_wal / 1e6:.0f} MB of WAL,"
                f" table {figures.table / 1e6:.0f} MB, indexes {figures.indexes / 1e6:.0f} MB"
            )


def _fill(url: str, each: int, times: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        # The rows do not overlap; without the triggers they are inserted faster.
        connection.execute("SET session_replication_role = replica")
        connection.execute(_CARS, {"vehicles": _VEHICLES})
        if times:
            connection.execute(_MONTHS)
            every = _ARCHIVE_LENGTH / (each * times)
            connection.execute(_ARCHIVED, {"first": _ARCHIVE_START, "every": every, "each": each * times})
            for of_archive in ("continuous_resources", "cursor_state"):
                connection.execute(_UNTIL.format(of_archive))
        live = {"first": _START, "every": timedelta(hours=2), "each": each}
        connection.execute(f"INSERT INTO {_LIVE} ({_COLUMNS}) {_ROWS}", live)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def measure(url: str) -> Figures:
    """Create allocations through the application, cancel 0.2 % of all, and vacuum the table."""
    create = _creates(url)
    with psycopg.connect(url, autocommit=True) as connection:
        table, indexes = connection.execute(_SIZES).fetchone() or (0, 0)
        connection.execute(_CANCEL)
        before, started = _wal(connection), time.perf_counter()
        connection.execute(f"VACUUM {_LIVE}")
        return Figures(create, time.perf_counter() - started, _wal(connection) - before, table, indexes)


def _wal(connection: "psycopg.Connection[tuple[object, ...]]") -> int:
    row = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    return int(str(row[0])) if row else 0


def _creates(url: str) -> float:
    """Return the microseconds of PostgreSQL's CPU for a create."""
    app = build_app(settings.load(environ={"INVSYS_DATABASE_URL": url}))
    client = app.test_client()
    cars = [row["id"] for row in client.get("/api/cars?limit=1000").get_json()]

    def create(number: int) -> None:
        start = _START + timedelta(hours=2 * (number // len(cars)) + 1)
        period = {"from_datetime": start.isoformat(), "to_datetime": (start + timedelta(hours=1)).isoformat()}
        response = client.post(f"/api/cars/{cars[number % len(cars)]}/allocations", json=period)
        if response.status_code != 201:
            raise SystemExit(f"unexpected status {response.status_code}: {response.text}")

    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(_WARM_UP):
            create(number)
        before = _backend_seconds(connection)
        for number in range(_WARM_UP, _WARM_UP + _CREATES):
            create(number)
        return (_backend_seconds(connection) - before) / _CREATES * 1e6


def _backend_seconds(connection: "psycopg.Connection[tuple[object, ...]]") -> float:
    """Return the CPU time of all other backends of the database."""
    statement = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return sum(processes.cpu_seconds(pid) for (pid,) in connection.execute(statement).fetchall())


if __name__ == "__main__":
    main()
