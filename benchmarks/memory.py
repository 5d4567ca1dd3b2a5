"""The growth of the workers' memory as they process requests."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from benchmarks import calls, load
from benchmarks.processes import Server
from benchmarks.rounds import CONNECTIONS


@dataclass(frozen=True)
class Memory:
    """The resident memory of each worker in MiB: ``early`` after a tenth of the requests, ``late`` after all."""

    requests: int
    early: list[float]
    late: list[float]

    @property
    def growth(self) -> float:
        """The relative growth of the worker that grew most; 0.1 means ten per cent."""
        return max(late / early - 1 for early, late in zip(self.early, self.late, strict=True))


def memory(server: Server, vehicles: Sequence[uuid.UUID], requests: int) -> Memory:
    """Measure the memory after a tenth of the requests and after all of them.

    A quarter of the requests are creates, another quarter are creates that are refused, and half are reads.
    """
    mixed = _mixed(vehicles)
    _send(server, mixed, requests // 10)
    early = _mebibytes(server)
    _send(server, mixed, requests - requests // 10)
    return Memory(requests, early, _mebibytes(server))


def _mixed(vehicles: Sequence[uuid.UUID]) -> Iterator[bytes]:
    creates, next_vehicles = calls.creates(vehicles, first=10_000_000), cycle(vehicles)
    while True:
        yield next(creates)
        vehicle = next(next_vehicles)
        yield calls.create(vehicle, 0)
        yield calls.get(f"/api/cars/{vehicle}")
        yield calls.get(f"/api/cars/{vehicle}/allocations")


def _send(server: Server, iterator: Iterator[bytes], count: int) -> None:
    result = load.run(server.port, [islice(iterator, count)] * CONNECTIONS)
    if set(result.statuses) != {200, 201, 409}:
        raise RuntimeError(f"got the statuses {dict(result.statuses)}")


def _mebibytes(server: Server) -> list[float]:
    return [kibibytes / 1024 for kibibytes in server.memory()]
