"""Compares two production servers, gunicorn and granian, on PostgreSQL: speed, reloads, stops and slow clients.

``python -m benchmarks.servers`` takes about ten minutes. The results and conclusions are in docs/source/server.rst.
"""

import statistics
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks import calls, databases, load, processes, reload_benchmark, seeds, slow_client_benchmark

_APP = "invsys.inventory.wsgi:app"
_CONNECTIONS = 16
_ROUNDS = 9
_ROUND_SECONDS = 1.0

_Command = Callable[..., list[str]]

_SIZES: list[tuple[str, _Command, int]] = [
    ("gunicorn gthread", processes.gunicorn, 4),
    ("gunicorn gthread", processes.gunicorn, 8),
    ("granian", processes.granian, 1),
    ("granian", processes.granian, 2),
    ("granian", processes.granian, 4),
    ("granian", processes.granian, 8),
    ("granian", processes.granian, 16),
]
_CANDIDATES: list[tuple[str, _Command]] = [("gunicorn", processes.gunicorn), ("granian", processes.production)]


@contextmanager
def _served(command: _Command, url: str, threads: int = processes.THREADS) -> Iterator[processes.Server]:
    port = processes.free_port()
    environ = {"INVSYS_DATABASE_URL": url, "INVSYS_SERVER_THREADS": str(threads)}
    with processes.running(command(_APP, port, threads=threads), port, environ) as server:
        yield server


def _measure_speed(url: str, vehicles: Sequence[uuid.UUID]) -> None:
    print(f"Create, {_CONNECTIONS} keep-alive connections, {processes.WORKERS} workers:")
    print("rate, as a multiple of granian's with 8 threads, p50 and p99 in ms")
    iterators = [calls.creates(vehicles)] * _CONNECTIONS
    with ExitStack() as stack:
        running = [stack.enter_context(_served(command, url, threads)) for _, command, threads in _SIZES]
        for server in running:
            load.run(server.port, iterators, _ROUND_SECONDS)
        rounds = [[load.run(server.port, iterators, _ROUND_SECONDS) for server in running] for _ in range(_ROUNDS)]
    by_server = list(zip(*rounds, strict=True))
    reference = by_server[-2]
    for (name, _, threads), loads in zip(_SIZES, by_server, strict=True):
        latencies = [outcome.seconds * 1000 for run in loads for outcome in run.outcomes]
        print(
            f"{name:17} {threads:2} threads  {statistics.median(run.rate for run in loads):6.0f}/s"
            f" {statistics.median(run.rate / base.rate for run, base in zip(loads, reference, strict=True)):5.2f} x"
            f"  {load.percentile(latencies, 0.5):6.1f}  {load.percentile(latencies, 0.99):6.1f}"
            f"  failures {sum(run.failures for run in loads)}"
        )


def _measure_behaviour(url: str, vehicles: Sequence[uuid.UUID]) -> None:
    unused_vehicles = iter(vehicles)
    for name, command in _CANDIDATES:
        for closing in (False, True):
            with _served(command, url) as server:
                print(f"{name:9}", reload_benchmark.reload_under_load(server, vehicles, closing))
        for in_flight in (12, 40):
            with _served(command, url) as server:
                vehicle = next(unused_vehicles)
                print(f"{name:9}", reload_benchmark.stop_with_requests_in_flight(server, url, vehicle, in_flight))
    for name, command in _CANDIDATES:
        for kind in slow_client_benchmark.KINDS:
            with _served(command, url) as server:
                print(f"{name:9}", slow_client_benchmark.effect_on_normal_clients(server.port, vehicles, kind))
    for name, command in _CANDIDATES:
        with _served(command, url) as server:
            print(f"{name:9}", slow_client_benchmark.time_until_closed(server.port))


def main() -> None:
    """Run and print all measurements."""
    with databases.postgresql() as postgresql:
        url = postgresql.create("servers")
        vehicles = seeds.fill(url, 1000, 10)
        _measure_speed(url, vehicles)
        _measure_behaviour(url, vehicles)


if __name__ == "__main__":
    main()
