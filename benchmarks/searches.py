"""Requests that search: for free vehicles, for the free periods of a vehicle, for the utilisation of the fleet."""

from itertools import cycle, repeat

from benchmarks import calls, seeds
from benchmarks.datasets import ServedDatabase
from benchmarks.rounds import CONNECTIONS, Case

AVAILABLE = "first 100 available of 10,000; 1 client"
AVAILABLE_CROWD = "first 100 available of 10,000; 16 clients"
RARE = "first 100 available, 1 in 10 free; 1 client"
YEAR = "availability of a car over a year; 1 client"
YEAR_CROWD = "availability of a car over a year; 16 clients"
UTILISATION = "utilisation of a week, 10,000 vehicles; 1 client"

_ONE_IN = 10


def cases(database: ServedDatabase, hours: list[int], rarely_free: list[int]) -> list[Case]:
    """Return cases that list the free vehicles in an hour, and the availability of a vehicle over a year.

    In ``hours``, nearly all vehicles must be free. In ``rarely_free``, this function allocates nine in ten vehicles.
    """
    seeds.allocate(database.url, rarely_free, _ONE_IN)
    available = cycle([_available(hour) for hour in hours])
    year = cycle(
        [
            calls.get(f"/api/cars/{vehicle}/availability?from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z")
            for vehicle in database.vehicles
        ]
    )
    return [
        Case(AVAILABLE, database.port, available, 200, connections=1),
        Case(AVAILABLE_CROWD, database.port, available, 200, CONNECTIONS),
        Case(RARE, database.port, cycle([_available(hour) for hour in rarely_free]), 200, connections=1),
        Case(YEAR, database.port, year, 200, connections=1),
        Case(YEAR_CROWD, database.port, year, 200, CONNECTIONS),
    ]


def utilisation(database: ServedDatabase) -> Case:
    """Return the case of the utilisation, hour by hour, in a week in which half of the hours are allocated."""
    query = "from=2000-01-01T00:00:00Z&to=2000-01-08T00:00:00Z&step=PT1H"
    return Case(UTILISATION, database.port, repeat(calls.get(f"/api/cars/utilisation?{query}")), 200, connections=1)


def _available(hour: int) -> bytes:
    start, end = (instant.strftime("%Y-%m-%dT%H:%M:%SZ") for instant in calls.slot(hour))
    return calls.get(f"/api/cars?available_from={start}&available_to={end}&limit=100")
