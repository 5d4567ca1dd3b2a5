"""The growth of the workers' memory with the number of requests."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from benchmarks import calls, load
from benchmarks.measures import CONNECTIONS
from benchmarks.processes import Server


@dataclass(frozen=True)
class Memory:
    """Resident memory of the workers in MiB, after a tenth of the requests and after all of them."""

    requests: int
    early: list[float]
    late: list[float]

    @property
    def growth(self) -> float:
        """The relative growth of the worker that grew most: 0.1 is a tenth."""
        return max(late / early - 1 for early, late in zip(self.early, self.late, strict=True))


def memory(server: Server, vehicles: Sequence[uuid.UUID], requests: int) -> Memory:
    """Measure after a tenth of ``requests`` and after all: a quarter creates, a quarter refused creates, half reads."""
    feed = _mixed(vehicles)
    _send(server, feed, requests // 10)
    early = _mebibytes(server)
    _send(server, feed, requests - requests // 10)
    return Memory(requests, early, _mebibytes(server))


def _mixed(vehicles: Sequence[uuid.UUID]) -> Iterator[bytes]:
    creates, next_vehicles = calls.creates(vehicles, first=10_000_000), cycle(vehicles)
    while True:
        yield next(creates)
        vehicle = next(next_vehicles)
        yield calls.create(vehicle, 0)
        yield calls.get(f"/api/cars/{vehicle}")
        yield calls.get(f"/api/cars/{vehicle}/allocations")


def _send(server: Server, feed: Iterator[bytes], count: int) -> None:
    result = load.run(server.port, [islice(feed, count)] * CONNECTIONS)
    if set(result.statuses) != {200, 201, 409}:
        raise RuntimeError(f"got the statuses {dict(result.statuses)}")


def _mebibytes(server: Server) -> list[float]:
    return [kibibytes / 1024 for kibibytes in server.memory()]
