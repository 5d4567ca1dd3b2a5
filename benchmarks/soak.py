"""Mixed load for a long time: ``python -m benchmarks.soak [--minutes 30] [--engine sqlite]``.

Sixteen clients hold, confirm, read, change and delete allocations on four workers. For each fifth of the time, the
table shows rate, latencies, and the workers' memory, file descriptors and connections to the database. The exit status
is 1 if requests failed, or if the last fifth needs more than the second one (``_LIMITS``).
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import databases, load, processes, seeds
from benchmarks.databases import Databases
from benchmarks.datasets import SERVICE
from benchmarks.soak_requests import Lifecycles

_WORKERS, _CLIENTS, _FIFTHS = 4, 16, 5
_VEHICLES, _EACH = 1_000, 10
# The longest run of the load generator in seconds: afterwards it forgets the responses and opens new connections.
_SLICE = 10.0
# How many times the value of the second fifth that of the last fifth may be. The first fifth warms up.
_LIMITS = {"p99": 1.2, "memory": 1.1, "descriptors": 1.1, "connections": 1.1}


@dataclass(frozen=True)
class Fifth:
    """A fifth of the time: requests per second, failures, latencies in ms; memory of the largest worker in MiB."""

    rate: float
    failures: int
    p50: float
    p99: float
    memory: float
    descriptors: int
    connections: int


def main() -> int:
    """Run the load and print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--engine", choices=("postgresql", "sqlite"), default="postgresql")
    options = parser.parse_args()
    with getattr(databases, options.engine)() as engine:
        fifths = list(_measure(engine, 60 * options.minutes / _FIFTHS))
    missed = list(_missed(fifths))
    print("\n".join(missed) or "All limits are met.")
    return 1 if missed else 0


def _measure(engine: Databases, seconds: float) -> Iterator[Fifth]:
    """Yield and print the fifths of ``seconds`` each."""
    url = engine.create("soak")
    vehicles = seeds.fill(url, _VEHICLES, _EACH)
    requests = [Lifecycles(vehicles, number, _CLIENTS) for number in range(_CLIENTS)]
    port = processes.free_port()
    command = processes.production(SERVICE, port, workers=_WORKERS)
    print(f"{engine.name}, {_WORKERS} workers, {_CLIENTS} clients, fifths of {seconds:.0f} seconds")
    print("fifth  per second  failures   p50 ms   p99 ms  memory MiB  descriptors  connections")
    with processes.running(command, port, {"INVSYS_DATABASE_URL": url}) as server:
        for number in range(1, _FIFTHS + 1):
            fifth = _fifth(server, url, requests, seconds)
            print(
                f"{number:5}  {fifth.rate:10.1f}  {fifth.failures:8}  {fifth.p50:7.1f}  {fifth.p99:7.1f}"
                f"  {fifth.memory:10.1f}  {fifth.descriptors:11}  {fifth.connections:11}",
                flush=True,
            )
            yield fifth


def _fifth(server: processes.Server, url: str, requests: list[Lifecycles], seconds: float) -> Fifth:
    latencies: list[float] = []
    failures = unexpected = 0
    began = time.monotonic()
    while (remaining := began + seconds - time.monotonic()) > 0:
        result = load.run(server.port, requests, min(_SLICE, remaining))
        latencies += [1000 * outcome.seconds for outcome in result.outcomes]
        failures += result.failures
        unexpected += sum(number for status, number in result.statuses.items() if 400 <= status < 500)
    return Fifth(
        len(latencies) / (time.monotonic() - began),
        failures + unexpected,
        load.percentile(latencies, 0.5),
        load.percentile(latencies, 0.99),
        max(server.memory()) / 1024,
        max(len(_descriptors(pid)) for pid in server.workers()),
        _connections(server, url),
    )


def _descriptors(pid: int) -> list[str]:
    """Return what the file descriptors of a process refer to."""
    targets = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            targets.append(str(descriptor.readlink()))
        except FileNotFoundError:  # closed in the meantime
            continue
    return targets


def _connections(server: processes.Server, url: str) -> int:
    """Return the number of connections to the database; for SQLite, the number of its open files."""
    if url.startswith("sqlite"):
        file = url.removeprefix("sqlite:///")
        return sum(target == file for pid in server.workers() for target in _descriptors(pid))
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        [(connections,)] = connection.execute(query).fetchall()
    return int(connections)


def _missed(fifths: list[Fifth]) -> Iterator[str]:
    """Yield a line for each limit that was exceeded."""
    second, last = fifths[1], fifths[-1]
    for name, limit in _LIMITS.items():
        ratio = getattr(last, name) / max(getattr(second, name), 1)
        if ratio > limit:
            yield f"MISSED: {name} of the last fifth is {ratio:.2f} times that of the second, at most {limit}"
    if failures := sum(fifth.failures for fifth in fifths):
        yield f"MISSED: {failures} requests failed"


if __name__ == "__main__":
    raise SystemExit(main())
