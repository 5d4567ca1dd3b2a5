"""The cost of a create with one fleet and with four at the same time: ``python -m benchmarks.fleets``.

Two PostgreSQL servers have two databases each, and each database has an inventory with one worker. For comparison,
another database has four inventories. The results are CPU times, which other programs on the machine change little: of
the inventories and of the servers, divided by the number of creates. Meanwhile the sessions are sampled for one that
waits for a lock of another fleet.
"""

import statistics
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice

import psycopg

from benchmarks import calls, databases, load, processes, seeds
from benchmarks.datasets import SERVICE

_FLEETS = (("north", 0), ("west", 0), ("south", 1), ("east", 1))
_VEHICLES, _CREATES, _CONNECTIONS, _ROUNDS = 1000, 200, 4, 10
# The sessions of a server that wait for a lock of a session of another database.
_WAITS = """
    SELECT count(*) FROM pg_stat_activity AS waiting, unnest(pg_blocking_pids(waiting.pid)) AS blocking
    JOIN pg_stat_activity AS holding ON holding.pid = blocking
    WHERE holding.datid IS DISTINCT FROM waiting.datid
"""
_CONNECTIONS_BY_DATABASE = """
    SELECT datname, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname <> 'postgres'
    GROUP BY datname ORDER BY datname
"""


@dataclass(frozen=True)
class Fleet:
    """A fleet: its running inventory, its PostgreSQL server, and requests for free hours of its vehicles."""

    server: processes.Server
    cluster: databases.PostgreSQL
    requests: Iterator[bytes]

    def create(self, count: int) -> None:
        """Create allocations over several connections; raises RuntimeError unless all are created."""
        requests = islice(self.requests, count)
        statuses = load.run(self.server.port, [requests] * _CONNECTIONS).statuses
        if statuses != {201: count}:
            raise RuntimeError(f"statuses {statuses}")


def measure(fleets: Sequence[Fleet]) -> tuple[float, float]:
    """Return the CPU milliseconds per create: of the inventories, and of the PostgreSQL servers."""
    inventories = [fleet.server.process.pid for fleet in fleets]
    clusters = {fleet.cluster.pid() for fleet in fleets}

    def total(pids: Iterable[int]) -> float:
        return sum(processes.cpu_seconds(pid, with_children=True) for pid in pids)

    before = total(inventories), total(clusters)
    with ThreadPoolExecutor(len(fleets)) as pool:
        for result in [pool.submit(fleet.create, _CREATES) for fleet in fleets]:
            result.result()
    after = total(inventories), total(clusters)
    creates = len(fleets) * _CREATES / 1000
    return (after[0] - before[0]) / creates, (after[1] - before[1]) / creates


@contextmanager
def _sampled(clusters: Iterable[databases.PostgreSQL]) -> Iterator[list[int]]:
    """Sample the servers until the context ends; yield the list of the samples."""
    samples: list[int] = []
    stop = threading.Event()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(psycopg.connect(cluster.url("postgres"), autocommit=True)) for cluster in clusters
        ]

        def sample() -> None:
            while not stop.wait(0.02):
                samples.extend(count for connection in connections for (count,) in connection.execute(_WAITS))

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield samples
        finally:
            stop.set()
            thread.join()


def _serve(stack: ExitStack, cluster: databases.PostgreSQL, name: str, inventories: int = 1) -> list[Fleet]:
    """Create the database of a fleet and run inventories for it, each with requests for hours of its own."""
    url = cluster.create(name)
    vehicles = seeds.fill(url, _VEHICLES, 0)
    fleets = []
    for number in range(inventories):
        port = processes.free_port()
        command = processes.production(SERVICE, port, workers=1)
        server = stack.enter_context(processes.running(command, port, {"INVSYS_DATABASE_URL": url}))
        fleets.append(Fleet(server, cluster, calls.creates(vehicles, number * 1000 * _VEHICLES)))
    return fleets


def main() -> None:
    """Measure and print the results."""
    with ExitStack() as stack:
        clusters = [stack.enter_context(databases.postgresql()) for _ in range(2)]
        # As many processes as with four fleets, which compete for the cores in the same way.
        crowd = _serve(stack, clusters[0], "one", inventories=len(_FLEETS))
        fleets = [fleet for name, number in _FLEETS for fleet in _serve(stack, clusters[number], name)]
        cases = {
            "1 fleet": fleets[:1],
            "1 fleet, 4 inventories": crowd,
            "4 fleets on 2 servers": fleets,
        }
        for fleet in (*crowd, *fleets):
            fleet.create(_CREATES)  # fills the pools and the caches
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        with _sampled(clusters) as samples:
            for _ in range(_ROUNDS):
                for name, case in cases.items():
                    results[name].append(measure(case))
        print("CPU milliseconds per create   inventory  PostgreSQL")
        for name, rounds in results.items():
            _print_row(name, rounds)
        print(f"waits for another fleet: {sum(samples)} in {len(samples)} samples")
        for cluster in clusters:
            with psycopg.connect(cluster.url("postgres")) as connection:
                rows = connection.execute(_CONNECTIONS_BY_DATABASE).fetchall()
            print("connections:", ", ".join(f"{name} {count}" for name, count in rows))


def _print_row(name: str, rounds: Sequence[tuple[float, float]]) -> None:
    inventory, postgresql = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{name:30}{inventory:9.2f}  {postgresql:10.2f}")


if __name__ == "__main__":
    main()
