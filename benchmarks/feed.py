"""What does a page of the change feed cost, at its start, at its end, and while others write?"""

from collections.abc import Iterator
from itertools import repeat

from benchmarks import calls, load, seeds
from benchmarks.measures import CONNECTIONS, Case, Measured, Scale
from benchmarks.stocks import Stock

PAGE = 1_000

START = "feed, the first 1,000 events; 1 client"
END = "feed, the last 1,000 events; 1 client"
BESIDE = "feed, the last 1,000, beside 16 that create"


def cases(stock: Stock, events: int) -> list[Case]:
    """Read the page at either end of the feed."""
    return [
        Case(START, stock.port, _page(), 200, connections=1),
        Case(END, stock.port, _page(seeds.cursor(stock.url, events - PAGE)), 200, connections=1),
    ]


def beside_creates(stock: Stock, events: int, scale: Scale) -> Measured:
    """Read on while others create."""
    creates = calls.creates(stock.vehicles)
    feeds = [*[creates] * CONNECTIONS, _page(seeds.cursor(stock.url, events - PAGE))]
    loads = [load.run(stock.port, feeds, scale.seconds) for _ in range(scale.rounds)]
    return Measured("", loads).only(BESIDE, 200)


def _page(after: str | None = None) -> Iterator[bytes]:
    return repeat(calls.get(f"/api/events?limit={PAGE}" + (f"&after={after}" if after else "")))
