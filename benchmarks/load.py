"""How fast does a server answer, and how long does each request wait?

All connections are driven from one thread: whoever measures shares the cores with what is measured.
"""

import gc
import math
import selectors
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.connections import BROKEN, Answer, Connection


@dataclass
class Load:
    """What a run gave."""

    seconds: float = 0.0
    answers: list[Answer] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.answers) / self.seconds

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        return Counter(answer.status for answer in self.answers)

    def only(self, status: int) -> "Load":
        """Give what was answered so, as if nothing else had been asked."""
        return Load(self.seconds, [answer for answer in self.answers if answer.status == status])

    @property
    def failures(self) -> int:
        """How many requests were broken off or answered 5xx."""
        return sum(answer.status == BROKEN or answer.status >= 500 for answer in self.answers)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Give the value that ``share`` (0 to 1) of the values do not exceed; of none, not a number."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def run(port: int, feeds: Sequence[Iterator[bytes]], seconds: float | None = None, patience: float = 30.0) -> Load:
    """Send each of ``feeds`` over a connection of its own, until ``seconds`` are over or all of them are.

    Where several clients are to share one feed, name it several times. Requests outstanding at the end are waited for;
    what is still unanswered when the server was silent for ``patience`` seconds is broken.
    """
    load, ends = Load(), time.perf_counter() + seconds if seconds else float("inf")
    connections = [Connection(port, feed) for feed in feeds]
    with _no_pauses(), selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.connect(selector)
        began = time.perf_counter()
        busy = sum(_send(connection, selector, load, ends) for connection in connections)
        while busy:
            events = selector.select(patience)
            if not events:
                load.answers += [connection.give_up() for connection in connections if connection.waits]
                break
            for key, _ in events:
                if (answer := key.data.receive(selector)) is not None:
                    load.answers.append(answer)
                    busy -= not _send(key.data, selector, load, ends)
        load.seconds = time.perf_counter() - began
        for connection in connections:
            connection.close(selector)
    return load


@contextmanager
def _no_pauses() -> Iterator[None]:
    """Keep the garbage collector from pauses that would count as the server's."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _send(connection: Connection, selector: selectors.BaseSelector, load: Load, ends: float) -> bool:
    """Keep a connection busy; gives False when there is nothing more to send."""
    while time.perf_counter() < ends:
        try:
            broken = connection.send(selector)
        except StopIteration:
            return False
        if broken is None:
            return True
        load.answers.append(broken)
        # Whoever refuses connections will for a while; asking on would only count the loop's speed.
        time.sleep(0.01)
    return False
