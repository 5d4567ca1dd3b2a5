"""How long does it take to say which vehicles are free, and when one is?"""

from itertools import cycle

from benchmarks import calls, seeds
from benchmarks.measures import CONNECTIONS, Case
from benchmarks.stocks import Stock

AVAILABLE = "first 100 available of 10 thousand; 1 client"
AVAILABLE_CROWD = "the same; 16 clients"
RARE = "first 100 available, 1 in 10 is; 1 client"
YEAR = "a car's year, 100 allocations; 1 client"
YEAR_CROWD = "the same year; 16 clients"

_ONE_IN = 10


def cases(stock: Stock, hours: list[int], taken: list[int]) -> list[Case]:
    """Ask for odd ``hours``, free on nearly every vehicle, and for others, made to be free on every tenth only."""
    seeds.take(stock.url, taken, _ONE_IN)
    some = cycle([_available(hour) for hour in hours])
    year = cycle(
        [
            calls.get(f"/api/cars/{vehicle}/availability?from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z")
            for vehicle in stock.vehicles
        ]
    )
    return [
        Case(AVAILABLE, stock.port, some, 200, connections=1),
        Case(AVAILABLE_CROWD, stock.port, some, 200, CONNECTIONS),
        Case(RARE, stock.port, cycle([_available(hour) for hour in taken]), 200, connections=1),
        Case(YEAR, stock.port, year, 200, connections=1),
        Case(YEAR_CROWD, stock.port, year, 200, CONNECTIONS),
    ]


def _available(hour: int) -> bytes:
    start, end = (instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in calls.slot(hour))
    return calls.get(f"/api/cars?available_from={start}&available_to={end}&limit=100")
