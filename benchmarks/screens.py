"""Requests of a screen: the allocations of 100 vehicles in a week, and their availability, each in one call."""

import random
from itertools import cycle
from urllib.parse import urlencode

from benchmarks import calls
from benchmarks.datasets import ServedDatabase
from benchmarks.rounds import CONNECTIONS, Case

ALLOCATIONS = "a week of 100 vehicles; 1 client"
ALLOCATIONS_CROWD = "a week of 100 vehicles; 16 clients"
AVAILABILITY = "availability of 100 vehicles, a week; 1 client"

# A vehicle has an allocation every 20 hours, so a week of 100 vehicles has 840: they fit on a page.
HOURS = 20
_VEHICLES = 100
_WEEK = 7 * 24
_WEEKS = 11
_SCREENS = 200


def cases(database: ServedDatabase) -> list[Case]:
    """Return the cases. Each request is for a random sample of vehicles, in one of the weeks that have allocations."""
    rng = random.Random(_SCREENS)
    queries = [
        urlencode(
            [
                *(("resource_id", vehicle) for vehicle in rng.sample(database.vehicles, _VEHICLES)),
                *zip(("from", "to"), _week(number % _WEEKS), strict=True),
            ]
        )
        for number in range(_SCREENS)
    ]
    allocations = cycle([calls.get(f"/api/cars/all/allocations?limit=1000&{query}") for query in queries])
    availability = cycle([calls.get(f"/api/cars/all/availability?{query}") for query in queries])
    return [
        Case(ALLOCATIONS, database.port, allocations, 200, connections=1),
        Case(ALLOCATIONS_CROWD, database.port, allocations, 200, CONNECTIONS),
        Case(AVAILABILITY, database.port, availability, 200, connections=1),
    ]


def _week(number: int) -> tuple[str, str]:
    start, end = (calls.slot(hour)[0] for hour in (number * _WEEK, (number + 1) * _WEEK))
    return start.isoformat(), end.isoformat()
