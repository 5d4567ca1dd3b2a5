"""Compares a database with and without archived allocations: the cost of a create, of a vacuum, and the indexes.

``python -m benchmarks.history [--allocations N] [--archived TIMES]``. Both databases have the same N live allocations;
one also has TIMES as many archived ones, in five years. PostgreSQL only; 5 million rows need about 3 GB of disk.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks import databases, processes
from invsys.inventory import settings
from invsys.inventory.application import build_app

_VEHICLES = 1000
_ROUNDS, _CREATES, _WARM_UP = 20, 500, 500
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
_Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Vacuum:
    """What a vacuum needed: seconds of wall-clock time, and bytes of the write-ahead log."""

    seconds: float
    wal: int


def main() -> None:
    """Measure both databases and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--allocations", type=int, default=1_000_000)
    parser.add_argument("--archived", type=int, default=4, metavar="TIMES")
    options = parser.parse_args()
    each = options.allocations // _VEHICLES
    with databases.postgresql() as server:
        without = server.create("without")
        _run(without, _add_live, each)
        archive = server.copy("without", "archive")
        _run(archive, _add_archived, each * options.archived)
        print(f"{options.allocations} live allocations; CPU of PostgreSQL; wall-clock time of the vacuum")
        creates = _creates(without, archive)
        for url, times, create in zip((without, archive), (0, options.archived), creates, strict=True):
            print(f"{times * options.allocations:>12} archived: create {create:.0f} us, {_describe(url)}")


def _describe(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        table, indexes = connection.execute(_SIZES).fetchone() or (0, 0)
        vacuum = _vacuum(connection)
    return (
        f"vacuum {vacuum.seconds:.2f} s and {vacuum.wal / 1e6:.0f} MB of WAL,"
        f" table {table / 1e6:.0f} MB, indexes {indexes / 1e6:.0f} MB"
    )


def _run(url: str, fill: Callable[[_Connection, int], None], each: int) -> None:
    """Call ``fill`` with a connection and the number of rows for each vehicle, and write all pages to disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        # The rows do not overlap; without the triggers they are inserted faster.
        connection.execute("SET session_replication_role = replica")
        fill(connection, each)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _add_live(connection: _Connection, each: int) -> None:
    connection.execute(_CARS, {"vehicles": _VEHICLES})
    live = {"first": _START, "every": timedelta(hours=2), "each": each}
    connection.execute(f"INSERT INTO {_LIVE} ({_COLUMNS}) {_ROWS}", live)


def _add_archived(connection: _Connection, each: int) -> None:
    connection.execute(_MONTHS)
    archived = {"first": _ARCHIVE_START, "every": _ARCHIVE_LENGTH / each, "each": each}
    connection.execute(_ARCHIVED, archived)
    for of_archive in ("continuous_resources", "cursor_state"):
        connection.execute(_UNTIL.format(of_archive))


def _vacuum(connection: _Connection) -> Vacuum:
    """Cancel 0.2 % of the allocations, and vacuum the table."""
    connection.execute(_CANCEL)
    before, started = _wal(connection), time.perf_counter()
    connection.execute(f"VACUUM {_LIVE}")
    return Vacuum(time.perf_counter() - started, _wal(connection) - before)


def _wal(connection: _Connection) -> int:
    row = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    return int(str(row[0])) if row else 0


def _creates(*urls: str) -> list[float]:
    """Return the microseconds of PostgreSQL's CPU for a create in each database.

    The databases take turns, because the speed of the machine changes while other programs run.
    """
    callers = [_Creates(url) for url in urls]
    seconds = [0.0] * len(urls)
    for caller in callers:
        caller.run(_WARM_UP)
    for _ in range(_ROUNDS):
        for number, caller in enumerate(callers):
            seconds[number] += caller.run(_CREATES)
    return [total / (_ROUNDS * _CREATES) * 1e6 for total in seconds]


class _Creates:
    """Creates allocations through the application."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = build_app(settings.load(environ={"INVSYS_DATABASE_URL": url})).test_client()
        self._cars = [row["id"] for row in self._client.get(f"/api/cars?limit={_VEHICLES}").get_json()]
        self._created = 0

    def run(self, count: int) -> float:
        """Create ``count`` allocations; return the seconds of CPU that PostgreSQL used."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            before = _backend_seconds(connection)
            for _ in range(count):
                self._create()
            return _backend_seconds(connection) - before

    def _create(self) -> None:
        hour, car = divmod(self._created, len(self._cars))
        self._created += 1
        start = _START + timedelta(hours=2 * hour + 1)
        period = {"from_datetime": start.isoformat(), "to_datetime": (start + timedelta(hours=1)).isoformat()}
        response = self._client.post(f"/api/cars/{self._cars[car]}/allocations", json=period)
        if response.status_code != 201:
            raise SystemExit(f"unexpected status {response.status_code}: {response.text}")


def _backend_seconds(connection: _Connection) -> float:
    """Return the CPU time of all other backends of the database."""
    statement = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return sum(processes.cpu_seconds(pid) for (pid,) in connection.execute(statement).fetchall())


if __name__ == "__main__":
    main()
