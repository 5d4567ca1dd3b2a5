"""Does ``any`` find a free vehicle as long as there is one, never one for two, and how fast, with many free or few?

Every order is of type "any", so that afterwards the database can be asked for all of them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count, repeat

from sqlalchemy import create_engine, func, select, text

from benchmarks import calls, load, seeds
from benchmarks.connections import Dialogue
from benchmarks.measures import CONNECTIONS, Measured
from benchmarks.stocks import Stock
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation

_allocation = ContinuousResourceAllocation.__table__
_resource = ContinuousResource.__table__

# Of the vehicles, how many are taken before the next hour is asked for: the rest are free all the time.
_SHARE = 0.1
# Of each so many vehicles one is free in a scarce hour, and for each of those there are so many orders.
_ONE_IN, _RUSH = 200, 1.5

_OVERLAPPING = """
    SELECT count(*) FROM (
        SELECT starts, lag(ends) OVER (PARTITION BY resource_key ORDER BY starts) AS previous
        FROM continuous_resource_allocations
    ) AS neighbours WHERE starts < previous
"""


class Orders(Dialogue):
    """Orders of any vehicle; remembers what was given."""

    def __init__(self, hours: Iterator[int]) -> None:
        self._hours = hours
        self.given: list[bytes] = []

    def __next__(self) -> bytes:
        return calls.create("any", next(self._hours), allocation_type="any")

    def hear(self, status: int, answer: bytes) -> None:
        if status == 201:
            self.given.append(answer)


def plenty(first: int, vehicles: int) -> Orders:
    """Order odd hours from ``first`` on, each until a tenth of the vehicles is taken."""
    each = int(vehicles * _SHARE)
    return Orders(first + 2 * (number // each) for number in count())


@dataclass(frozen=True)
class Scarce:
    """How the rush on the last free vehicles went, over all hours."""

    free: int
    won: Measured
    refused: Measured
    failures: int
    all_given_out: bool
    false_refusals: int


def scarce(stock: Stock, hours: Sequence[int], orders: Orders) -> Scarce:
    """Order more than there are in hours in which few vehicles are free; ``orders`` remembers."""
    seeds.take(stock.url, hours, _ONE_IN)
    free = len(stock.vehicles) // _ONE_IN
    loads = []
    for hour in hours:
        rush = Orders(repeat(hour, int(free * _RUSH)))
        loads.append(load.run(stock.port, [rush] * CONNECTIONS))
        orders.given += rush.given
    taken = _taken(stock.url)
    return Scarce(
        free,
        Measured("won", [one.only(201) for one in loads]),
        Measured("refused", [one.only(409) for one in loads]),
        sum(one.failures for one in loads),
        all(taken[hour].orders == free for hour in hours),
        sum(_false_refusals(one, taken[hour].last) for hour, one in zip(hours, loads, strict=True)),
    )


def _false_refusals(result: load.Load, last: datetime) -> int:
    """Count the refusals that came before the statement that took the last free vehicle had even begun."""
    return sum(answer.came < last.timestamp() for answer in result.answers if answer.status == 409)


@dataclass(frozen=True)
class _Taken:
    orders: int
    last: datetime


def _taken(url: str) -> dict[int, _Taken]:
    """Give, for each hour ordered, how many vehicles were taken, and when the last was."""
    statement = (
        select(_allocation.c.starts, func.count(), func.max(_allocation.c.created))
        .where(_allocation.c.allocation_type == "any")
        .group_by(_allocation.c.starts)
    )
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {calls.number(starts): _Taken(orders, last) for starts, orders, last in connection.execute(statement)}
    engine.dispose()
    return found


@dataclass(frozen=True)
class Proof:
    """What the database says of all orders: overlaps in the whole table, and where it disagrees with the answers."""

    orders: int
    double_bookings: int
    disagreements: int


def proof(url: str, given: Sequence[bytes]) -> Proof:
    """Compare the answers with the rows, one by one."""
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
    told = [_told(answer) for answer in given]
    return Proof(len(told), double or 0, len(rows ^ set(told)) + len(told) - len(set(told)))


def _told(answer: bytes) -> tuple[str, str]:
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    return body["id"], body["resource_id"]
