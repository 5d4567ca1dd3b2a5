"""A load generator: measures the rate of a server and the latency of each request.

One thread drives all connections, because the load generator shares the cores with the server.
"""

import gc
import math
import selectors
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.connections import BROKEN, Connection, Outcome


@dataclass
class Load:
    """The result of a run."""

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
    """Return the percentile ``share`` (0 to 1) of the values, or NaN if there are none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def run(port: int, feeds: Sequence[Iterator[bytes]], seconds: float | None = None, patience: float = 30.0) -> Load:
    """Send each of ``feeds`` over its own connection, until ``seconds`` have passed or all feeds are exhausted.

    A feed that several clients share is listed several times. The run waits for the responses to the last requests; if
    the server sends nothing for ``patience`` seconds, those requests are BROKEN.
    """
    load, deadline = Load(), time.perf_counter() + seconds if seconds else float("inf")
    connections = [Connection(port, feed) for feed in feeds]
    with _without_gc(), selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.connect(selector)
        began = time.perf_counter()
        busy = sum(_send(connection, selector, load, deadline) for connection in connections)
        while busy:
            events = selector.select(patience)
            if not events:
                load.outcomes += [connection.give_up() for connection in connections if connection.is_waiting]
                break
            for key, _ in events:
                if (outcome := key.data.receive(selector)) is not None:
                    load.outcomes.append(outcome)
                    busy -= not _send(key.data, selector, load, deadline)
        load.seconds = time.perf_counter() - began
        for connection in connections:
            connection.close(selector)
    return load


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable the garbage collector: its pauses would be measured as latency of the server."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _send(connection: Connection, selector: selectors.BaseSelector, load: Load, deadline: float) -> bool:
    """Send the next request over a connection; return False if there is none or the deadline has passed."""
    while time.perf_counter() < deadline:
        try:
            broken = connection.send(selector)
        except StopIteration:
            return False
        if broken is None:
            return True
        load.outcomes.append(broken)
        # A refused connection fails at once: without a pause, the number of failures would depend on this loop's speed.
        time.sleep(0.01)
    return False
