"""Contention: several clients request the same periods of one vehicle, and exactly one may succeed for each period."""

import uuid
from collections import Counter
from dataclasses import dataclass

from benchmarks import calls, load
from benchmarks.rounds import CONNECTIONS


@dataclass(frozen=True)
class Contention:
    """The result: the rate is in requests per second, the latencies ``p50`` and ``p99`` in milliseconds."""

    periods: int
    rate: float
    failures: int
    one_success_each: bool
    # The number of successes in addition to the first one for a period.
    double_bookings: int
    p50: float
    p99: float


def measure(port: int, vehicle: uuid.UUID, periods: int, clients: int = CONNECTIONS, first: int = 0) -> Contention:
    """Let every client request every period, all in the same order; ``first`` is the number of the first period."""
    requests = [calls.create(vehicle, 2 * number + 1) for number in range(first, first + periods)]
    result = load.run(port, [iter(requests) for _ in range(clients)])
    successes = Counter(outcome.request for outcome in result.outcomes if outcome.status == 201)
    latencies = [1000 * outcome.seconds for outcome in result.outcomes]
    return Contention(
        periods,
        result.rate,
        result.failures,
        all(successes[request] == 1 for request in requests),
        sum(count - 1 for count in successes.values()),
        load.percentile(latencies, 0.5),
        load.percentile(latencies, 0.99),
    )
