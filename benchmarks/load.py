"""A load generator, which measures the rate of a server and the latency of each request.

A single thread drives all connections, because the load generator shares the machine's cores with the server.
"""

import math
import selectors
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.connections import BROKEN, Connection, Outcome
from benchmarks.garbage import not_collected


@dataclass
class Load:
    """The result of a run: its duration in seconds, and the outcome of each request."""

    seconds: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.outcomes) / self.seconds

    @property
    def statuses(self) -> Counter[int]:
        """The number of responses with each status."""
        return Counter(outcome.status for outcome in self.outcomes)

    def with_status(self, status: int) -> "Load":
        """Return a copy with only the responses of this status, over the same duration."""
        return Load(self.seconds, [outcome for outcome in self.outcomes if outcome.status == status])

    @property
    def failures(self) -> int:
        """The number of requests without a response or with a 5xx response."""
        return sum(outcome.status == BROKEN or outcome.status >= 500 for outcome in self.outcomes)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return a percentile of the values, such as the median for a ``share`` of 0.5; NaN if there are none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def run(port: int, iterators: Sequence[Iterator[bytes]], seconds: float | None = None, patience: float = 30.0) -> Load:
    """Send the requests of each iterator over its own connection, for ``seconds`` or until all iterators are exhausted.

    To share an iterator between several connections, list it several times. The run ends when the last requests have
    been answered; if the server sends nothing for ``patience`` seconds, their outcome is BROKEN.
    """
    load = Load()
    connections = [Connection(port, requests) for requests in iterators]
    with not_collected(), selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.connect(selector)
        began = time.perf_counter()
        deadline = began + seconds if seconds else float("inf")
        busy = sum(_send(connection, selector, load, deadline) for connection in connections)
        while busy:
            events = selector.select(patience)
            if not events:
                load.outcomes += [connection.give_up() for connection in connections if connection.is_waiting]
                break
            for key, _ in events:
                if not key.data.is_waiting:
                    # The server closes idle connections while it handles a long request of another one.
                    key.data.close(selector)
                elif (outcome := key.data.receive(selector)) is not None:
                    load.outcomes.append(outcome)
                    busy -= not _send(key.data, selector, load, deadline)
        load.seconds = time.perf_counter() - began
        for connection in connections:
            connection.close(selector)
    return load


def _send(connection: Connection, selector: selectors.BaseSelector, load: Load, deadline: float) -> bool:
    """Send the next request over a connection; return False if there is no request left or the deadline has passed."""
    while time.perf_counter() < deadline:
        try:
            broken = connection.send(selector)
        except StopIteration:
            return False
        if broken is None:
            return True
        load.outcomes.append(broken)
        # A refused connection fails immediately: without a pause, this loop would count thousands of failures.
        time.sleep(0.01)
    return False
