"""Requests for ``any`` vehicle: their speed when many or few vehicles are free, and a check for double bookings.

The allocations that these requests create have the type "any", so that the check can find them in the database.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count, repeat

from sqlalchemy import create_engine, func, select, text

from benchmarks import calls, load, seeds
from benchmarks.connections import ReactiveRequests
from benchmarks.datasets import ServedDatabase
from benchmarks.rounds import CONNECTIONS, Measured
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation

_allocation = ContinuousResourceAllocation.__table__
_resource = ContinuousResource.__table__

# The share of the vehicles that the requests allocate in one hour before they continue with the next hour.
_SHARE = 0.1
# In an hour with few free vehicles, one in _ONE_IN is free, and _RUSH requests are sent for each free vehicle.
_ONE_IN, _RUSH = 200, 1.5

_OVERLAPPING = """
    SELECT count(*) FROM (
        SELECT starts, lag(ends) OVER (PARTITION BY resource_key ORDER BY starts) AS previous
        FROM continuous_resource_allocations
    ) AS neighbours WHERE starts < previous
"""


class AnyVehicleRequests(ReactiveRequests):
    """Requests for any vehicle, one for each of ``hours``; ``created`` collects the successful responses."""

    def __init__(self, hours: Iterator[int]) -> None:
        self._hours = hours
        self.created: list[bytes] = []

    def __next__(self) -> bytes:
        return calls.create("any", next(self._hours), allocation_type="any")

    def on_response(self, status: int, response: bytes) -> None:
        if status == 201:
            self.created.append(response)


def many_free(first: int, vehicles: int) -> AnyVehicleRequests:
    """Return requests for a tenth of the vehicles in each of the hours ``first``, ``first + 2``, ``first + 4``, ..."""
    requests_per_hour = int(vehicles * _SHARE)
    return AnyVehicleRequests(first + 2 * (number // requests_per_hour) for number in count())


@dataclass(frozen=True)
class FewFree:
    """The results for the hours in which there were more requests than free vehicles."""

    free: int
    created: Measured
    refused: Measured
    failures: int
    all_allocated: bool
    false_refusals: int


def few_free(database: ServedDatabase, hours: Sequence[int], requests: AnyVehicleRequests) -> FewFree:
    """Request more vehicles than are free in each of ``hours``; add successful responses to ``requests.created``."""
    seeds.allocate(database.url, hours, _ONE_IN)
    free = len(database.vehicles) // _ONE_IN
    loads = []
    for hour in hours:
        rush = AnyVehicleRequests(repeat(hour, int(free * _RUSH)))
        loads.append(load.run(database.port, [rush] * CONNECTIONS))
        requests.created += rush.created
    allocated = _allocated(database.url)
    return FewFree(
        free,
        Measured("created", [run.with_status(201) for run in loads]),
        Measured("refused", [run.with_status(409) for run in loads]),
        sum(run.failures for run in loads),
        all(allocated[hour].count == free for hour in hours),
        sum(_false_refusals(run, allocated[hour].last) for hour, run in zip(hours, loads, strict=True)),
    )


def _false_refusals(result: load.Load, last: datetime) -> int:
    """Count the refusals that were received before the last free vehicle was allocated (at ``last``)."""
    return sum(outcome.received < last.timestamp() for outcome in result.outcomes if outcome.status == 409)


@dataclass(frozen=True)
class _Allocated:
    count: int
    last: datetime


def _allocated(url: str) -> dict[int, _Allocated]:
    """Return, for each requested hour, the number of its allocations and the time when the last one was created."""
    statement = (
        select(_allocation.c.starts, func.count(), func.max(_allocation.c.created))
        .where(_allocation.c.allocation_type == "any")
        .group_by(_allocation.c.starts)
    )
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(statement)
        by_hour = {calls.number(starts): _Allocated(allocations, last) for starts, allocations, last in rows}
    engine.dispose()
    return by_hour


@dataclass(frozen=True)
class ConsistencyCheck:
    """The numbers of successful responses, of overlaps in the table, and of differences between rows and responses."""

    allocations: int
    double_bookings: int
    mismatches: int


def check_consistency(url: str, responses: Sequence[bytes]) -> ConsistencyCheck:
    """Compare the successful responses with the rows in the database, and count overlapping allocations."""
    statement = (
        select(_allocation.c.id, _resource.c.id)
        .join(_resource, _resource.c.key == _allocation.c.resource_key)
        .where(_allocation.c.allocation_type == "any")
    )
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {(str(allocation), str(vehicle)) for allocation, vehicle in connection.execute(statement)}
        double = connection.scalar(text(_OVERLAPPING))
    engine.dispose()
    pairs = [_ids(response) for response in responses]
    return ConsistencyCheck(len(pairs), double or 0, len(rows ^ set(pairs)) + len(pairs) - len(set(pairs)))


def _ids(response: bytes) -> tuple[str, str]:
    body = json.loads(response.partition(b"\r\n\r\n")[2])
    return body["id"], body["resource_id"]
