"""How do several cases compare on a machine that is never quiet? In short rounds, A B C A B C, by their medians."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks import load

CONNECTIONS = 16


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int
    seconds: float
    # for the fight; of memory; in the feed; in which few vehicles are free
    periods: int
    requests: int
    events: int
    scarce_hours: int


FULL = Scale(rounds=6, seconds=1.0, periods=500, requests=100_000, events=10_000_000, scarce_hours=5)
QUICK = Scale(rounds=2, seconds=0.4, periods=100, requests=10_000, events=200_000, scarce_hours=2)


@dataclass(frozen=True)
class Case:
    """What is asked of which server, and the status that it has to answer, or each of several."""

    name: str
    port: int
    feed: Iterator[bytes]
    status: int | frozenset[int]
    connections: int = CONNECTIONS


@dataclass
class Measured:
    """The rounds of one case, and those of the case that it is measured by."""

    name: str
    loads: list[load.Load] = field(default_factory=list)
    reference: "Measured | None" = None

    @property
    def rate(self) -> float:
        """Requests a second: the median round's."""
        return statistics.median(one.rate for one in self.loads)

    def ratio(self, other: "Measured") -> float:
        """Give this rate as a multiple of another: the median over the rounds, each against its neighbour in time."""
        return statistics.median(mine.rate / its.rate for mine, its in zip(self.loads, other.loads, strict=True))

    def only(self, name: str, status: int) -> "Measured":
        """Give the part that was answered so, under a name of its own."""
        return Measured(name, [one.only(status) for one in self.loads], self.reference)

    def percentile(self, share: float) -> float:
        """Give a percentile of all rounds' latencies, in milliseconds."""
        return 1000 * load.percentile([answer.seconds for one in self.loads for answer in one.answers], share)


def interleave(cases: Sequence[Case], rounds: int, seconds: float) -> dict[str, Measured]:
    """Measure ``cases`` in turn, ``rounds`` times, after a round that is thrown away.

    The first case is the reference of all that have as many connections.
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
    """Measure one case; raises RuntimeError where the server answers anything but what it should."""
    result = load.run(case.port, [case.feed] * case.connections, seconds)
    expected = {case.status} if isinstance(case.status, int) else case.status
    if set(result.statuses) != expected:
        raise RuntimeError(f"{case.name}: answered {dict(result.statuses)}")
    return result
