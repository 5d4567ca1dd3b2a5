"""Does a worker grow with the requests that it has answered?"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from benchmarks import calls, load
from benchmarks.measures import CONNECTIONS
from benchmarks.processes import Server


@dataclass(frozen=True)
class Memory:
    """Resident memory of the workers, in MiB, after a tenth of the requests and after all."""

    requests: int
    early: list[float]
    late: list[float]

    @property
    def growth(self) -> float:
        """By how much the worker that grew most did: 0.1 is a tenth."""
        return max(late / early - 1 for early, late in zip(self.early, self.late, strict=True))


def memory(server: Server, vehicles: Sequence[uuid.UUID], requests: int) -> Memory:
    """Send ``requests``, one in four a create, one a refused create, two that read."""
    feed = _mixed(vehicles)
    _send(server, feed, requests // 10)
    early = _mebibytes(server)
    _send(server, feed, requests - requests // 10)
    return Memory(requests, early, _mebibytes(server))


def _mixed(vehicles: Sequence[uuid.UUID]) -> Iterator[bytes]:
    creates, asked = calls.creates(vehicles, first=10_000_000), cycle(vehicles)
    while True:
        yield next(creates)
        vehicle = next(asked)
        yield calls.create(vehicle, 0)
        yield calls.get(f"/api/cars/{vehicle}")
        yield calls.get(f"/api/cars/{vehicle}/allocations")


def _send(server: Server, feed: Iterator[bytes], count: int) -> None:
    result = load.run(server.port, [islice(feed, count)] * CONNECTIONS)
    if set(result.statuses) != {200, 201, 409}:
        raise RuntimeError(f"answered {dict(result.statuses)}")


def _mebibytes(server: Server) -> list[float]:
    return [kibibytes / 1024 for kibibytes in server.memory()]
