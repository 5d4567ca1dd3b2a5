"""Reading a page of the change feed: at the start, at the end, and during concurrent writes."""

from collections.abc import Iterator
from itertools import repeat

from benchmarks import calls, load, seeds
from benchmarks.datasets import ServedDatabase
from benchmarks.rounds import CONNECTIONS, Case, Measured, Scale

PAGE = 1_000

START = "feed, first 1,000 events; 1 client"
END = "feed, last 1,000 events; 1 client"
DURING_CREATES = "feed, last 1,000 events, during 16 x create"


def cases(database: ServedDatabase, events: int) -> list[Case]:
    """Return the cases that read the first and the last page of the feed."""
    return [
        Case(START, database.port, _page(), 200, connections=1),
        Case(END, database.port, _page(seeds.cursor(database.url, events - PAGE)), 200, connections=1),
    ]


def during_creates(database: ServedDatabase, events: int, scale: Scale) -> Measured:
    """Measure the last page while other clients create allocations."""
    creates = calls.creates(database.vehicles)
    iterators = [*[creates] * CONNECTIONS, _page(seeds.cursor(database.url, events - PAGE))]
    loads = [load.run(database.port, iterators, scale.seconds) for _ in range(scale.rounds)]
    return Measured("", loads).with_status(DURING_CREATES, 200)


def _page(after: str | None = None) -> Iterator[bytes]:
    return repeat(calls.get(f"/api/events?limit={PAGE}" + (f"&after={after}" if after else "")))
