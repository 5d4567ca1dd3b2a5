"""Who wins when 16 clients want the same periods of one vehicle? Exactly one, each time; and how long do they wait?"""

import uuid
from collections import Counter
from dataclasses import dataclass

from benchmarks import calls, load
from benchmarks.measures import CONNECTIONS


@dataclass(frozen=True)
class Fight:
    """How it went."""

    periods: int
    rate: float
    failures: int
    one_winner_each: bool
    p50: float
    p99: float


def fight(port: int, vehicle: uuid.UUID, periods: int) -> Fight:
    """Let every client ask for every period, all in the same order."""
    wanted = [calls.create(vehicle, 2 * number + 1) for number in range(periods)]
    result = load.run(port, [iter(wanted) for _ in range(CONNECTIONS)])
    won = Counter(answer.request for answer in result.answers if answer.status == 201)
    latencies = [1000 * answer.seconds for answer in result.answers]
    return Fight(
        periods,
        result.rate,
        result.failures,
        all(won[request] == 1 for request in wanted),
        load.percentile(latencies, 0.5),
        load.percentile(latencies, 0.99),
    )
