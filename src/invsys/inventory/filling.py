"""Filling the inventory with many vehicles and allocations in one transaction, for the import."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select, tuple_
from sqlalchemy.exc import IntegrityError

from invsys.chassis import identifiers
from invsys.inventory import database, lookup, on_sqlite
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation, Row

REGISTERED = "registered"
ALLOCATED = "allocated"
KNOWN = "known"


_resource = ContinuousResource
_allocation = ContinuousResourceAllocation

_REGISTER = {
    dialect: insert(_resource).on_conflict_do_nothing().returning(_resource.resource_type, _resource.name)
    for dialect, insert in database.INSERT.items()
}
_ALLOCATE = {
    dialect: insert(_allocation).on_conflict_do_nothing().returning(_allocation.key)
    for dialect, insert in database.INSERT.items()
}

Vehicle = tuple[str, str]


@dataclass(frozen=True)
class Order:
    """A vehicle that shall be there, and an allocation of it (as ``schemas.NewAllocation`` loads it) or None."""

    resource_type: str
    name: str
    attributes: dict[str, Any]
    allocation: dict[str, Any] | None

    @property
    def vehicle(self) -> Vehicle:
        """What tells vehicles in circulation apart."""
        return self.resource_type, self.name


@dataclass(frozen=True)
class Filled:
    """How many vehicles were new, and for each order: REGISTERED, ALLOCATED, KNOWN, or why it was refused."""

    registered: int
    fates: list[str]


def fill(orders: Sequence[Order]) -> Filled:
    """Carry out the orders in their sequence; what is refused does not keep the rest from taking effect."""
    with database.transaction() as connection:
        registered = _register_missing(connection, orders)
        keys = _lock(connection, orders)
        fates = [_fate(connection, order, keys.get(order.vehicle), order.vehicle in registered) for order in orders]
    return Filled(len(registered), fates)


def _register_missing(connection: Connection, orders: Sequence[Order]) -> set[Vehicle]:
    wanted = {order.vehicle: order for order in reversed(orders)}
    there = {
        tuple(row) for row in connection.execute(_vehicles(_resource.resource_type, _resource.name, wanted=wanted))
    }
    # In one order everywhere: two imports at once then wait for each other, and do not deadlock.
    missing = sorted(wanted.keys() - there)
    if missing:
        values = [
            {"id": identifiers.new(), "resource_type": kind, "name": name, "attributes": wanted[kind, name].attributes}
            for kind, name in missing
        ]
        return {tuple(row) for row in connection.execute(_REGISTER[connection.dialect.name], values)}
    return set()


def _lock(connection: Connection, orders: Sequence[Order]) -> dict[Vehicle, int]:
    wanted = {order.vehicle for order in orders}
    statement = _vehicles(_resource.resource_type, _resource.name, _resource.key, wanted=wanted)
    rows = connection.execute(statement.order_by(_resource.key).with_for_update())
    return {(kind, name): key for kind, name, key in rows}


def _vehicles(*columns: Any, wanted: Collection[Vehicle]) -> Select[Any]:
    named = tuple_(_resource.resource_type, _resource.name).in_(wanted)
    return select(*columns).where(named, _resource.decommissioned.is_(None))


def _fate(connection: Connection, order: Order, key: int | None, is_new: bool) -> str:
    if key is None:
        return f"resource_not_found: {order.name} was decommissioned at this moment"
    if order.allocation is None:
        return REGISTERED if is_new else KNOWN
    period = order.allocation["period"]
    values = {
        "id": identifiers.new(),
        "resource_key": key,
        "starts": period.start,
        "ends": period.end,
        **{name: order.allocation[name] for name in ("allocation_type", "description", "dump")},
    }
    if _allocate(connection, values):
        return ALLOCATED
    in_the_way = lookup.overlapping(connection, key, period)
    if len(in_the_way) == 1 and _same(in_the_way[0], values):
        return KNOWN
    return f"period_taken: {order.name} is allocated for a part of this period"


def _allocate(connection: Connection, values: dict[str, Any]) -> bool:
    try:
        return connection.execute(_ALLOCATE[connection.dialect.name], values).first() is not None
    except IntegrityError as error:
        if on_sqlite.is_overlap(error.orig):  # which undoes this statement alone
            return False
        raise


def _same(row: Row, values: dict[str, Any]) -> bool:
    # CSV cannot tell no description from an empty one.
    return (row["description"] or "") == (values["description"] or "") and all(
        row[name] == values[name] for name in ("starts", "ends", "allocation_type", "dump")
    )
