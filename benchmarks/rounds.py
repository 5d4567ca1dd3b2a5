"""Compares several cases on a busy machine: measures them in turn in short rounds (A B C A B C), and takes medians."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks import load

CONNECTIONS = 16


@dataclass(frozen=True)
class Scale:
    """The size of the measurements."""

    rounds: int
    seconds: float
    # The number of periods that clients compete for.
    periods: int
    # The number of requests in the measurement of memory.
    requests: int
    # The number of events in the change feed.
    events: int
    # The number of hours in which few vehicles are free.
    few_free_hours: int


FULL = Scale(rounds=6, seconds=1.0, periods=500, requests=100_000, events=10_000_000, few_free_hours=5)
QUICK = Scale(rounds=2, seconds=0.4, periods=100, requests=10_000, events=200_000, few_free_hours=2)


@dataclass(frozen=True)
class Case:
    """Requests to a server, and the expected status of the responses; if several are expected, each must occur."""

    name: str
    port: int
    requests: Iterator[bytes]
    status: int | frozenset[int]
    connections: int = CONNECTIONS
    # Seconds to wait for the next response.
    patience: float = 30.0


@dataclass
class Measured:
    """The rounds of one case, and the ``reference``: the case that its rate is compared with."""

    name: str
    loads: list[load.Load] = field(default_factory=list)
    reference: "Measured | None" = None

    @property
    def rate(self) -> float:
        """The median of the rounds, in requests per second."""
        return statistics.median(run.rate for run in self.loads)

    def ratio(self, other: "Measured") -> float:
        """Return this rate as a multiple of another rate: the median of the ratios in each round."""
        return statistics.median(run.rate / base.rate for run, base in zip(self.loads, other.loads, strict=True))

    def with_status(self, name: str, status: int) -> "Measured":
        """Return a copy named ``name`` with only the responses of this status."""
        return Measured(name, [run.with_status(status) for run in self.loads], self.reference)

    def percentile(self, share: float) -> float:
        """Return a percentile of the latencies in all rounds, in milliseconds."""
        return 1000 * load.percentile([outcome.seconds for run in self.loads for outcome in run.outcomes], share)


def interleave(cases: Sequence[Case], rounds: int, seconds: float) -> dict[str, Measured]:
    """Measure all cases in turn, each for ``seconds``, and repeat this ``rounds`` times after a discarded first round.

    The first case is the reference of all cases that have the same number of connections.
    """
    measured = {case.name: Measured(case.name) for case in cases}
    for number in range(rounds + 1):
        for case in cases:
            result = once(case, seconds)
            if number:
                measured[case.name].loads.append(result)
    for case in cases:
        if case.connections == cases[0].connections:
            measured[case.name].reference = measured[cases[0].name]
    return measured


def once(case: Case, seconds: float | None = None) -> load.Load:
    """Measure one case; raises RuntimeError if the set of statuses is not the expected one."""
    result = load.run(case.port, [case.requests] * case.connections, seconds, case.patience)
    expected = {case.status} if isinstance(case.status, int) else case.status
    if set(result.statuses) != expected:
        raise RuntimeError(f"{case.name}: got the statuses {dict(result.statuses)}")
    return result
