"""Filling the inventory with many vehicles and allocations in one transaction, for the import."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, tuple_
from sqlalchemy.exc import IntegrityError

from invsys.chassis import identifiers, names
from invsys.inventory.caller import NOBODY
from invsys.inventory.commands import expire_holds
from invsys.inventory.db import failures, lock_order, session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.outbox import caller_params, with_event
from invsys.inventory.errors import Overloaded
from invsys.inventory.queries import conflicts

REGISTERED = "registered"
ALLOCATED = "allocated"
KNOWN = "known"

# How often a batch is tried: others may register its vehicles at the same time.
_ATTEMPTS = 50

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation
_DESCRIBED = ("allocation_type", "description", "dump", "client_id")

_REGISTER = with_event(
    lambda insert: (
        insert(_resource.__table__)
        .values({name: bindparam(name) for name in ("id", "resource_type", "name", "attributes")})
        .on_conflict_do_nothing()
    ),
    "resource_registered",
)
_ALLOCATE = with_event(
    lambda insert: (
        insert(_allocation.__table__)
        .values({name: bindparam(name) for name in ("id", "resource_key", "starts", "ends", *_DESCRIBED)})
        .on_conflict_do_nothing()
    ),
    "allocated",
)

Vehicle = tuple[str, str]


@dataclass(frozen=True)
class Order:
    """A vehicle that shall be there, and an allocation of it (as ``schemas.ImportedAllocation`` loads it) or None."""

    resource_type: str
    name: str
    attributes: dict[str, Any]
    allocation: dict[str, Any] | None

    @property
    def vehicle(self) -> Vehicle:
        """What tells vehicles in circulation apart."""
        return self.resource_type, self.name


@dataclass(frozen=True)
class LoadResult:
    """How many vehicles were new, and for each order: REGISTERED, ALLOCATED, KNOWN, or why it was refused."""

    registered: int
    fates: list[str]


def load(orders: Sequence[Order]) -> LoadResult:
    """Carry out the orders in their sequence; a refused one does not keep the rest from taking effect.

    Raises Busy if other requests keep registering the vehicles at the same time.
    """
    expire_holds.delete_all_expired()
    for _ in range(_ATTEMPTS):
        with session.transaction() as connection:
            if filled := _fill(connection, orders):
                return filled
            connection.rollback()
    raise Overloaded("Other requests registered vehicles of this file at every attempt.")


def _fill(connection: Connection, orders: Sequence[Order]) -> LoadResult | None:
    """Return None, to be rolled back and tried again, if another request registers a vehicle at the same time.

    That vehicle's key may be less than those that are locked already (see ``lock_order``).
    """
    wanted = {order.vehicle: order for order in reversed(orders)}
    keys = _lock(connection, wanted)
    # In one order everywhere: two imports at once then wait for each other, and do not deadlock.
    missing = sorted(wanted.keys() - keys.keys())
    if not all(_register(connection, wanted[vehicle]) for vehicle in missing):
        return None
    keys |= _lock(connection, missing)
    new = frozenset(missing)
    fates = [_fate(connection, order, keys[order.vehicle], order.vehicle in new) for order in orders]
    return LoadResult(len(new), fates)


def _register(connection: Connection, order: Order) -> bool:
    values = {"id": identifiers.new(), "resource_type": order.resource_type, "name": order.name}
    return bool(_REGISTER.run_in(connection, {**values, "attributes": order.attributes, **caller_params(NOBODY)}))


def _lock(connection: Connection, wanted: Collection[Vehicle]) -> dict[Vehicle, int]:
    """Lock those vehicles that are there, and return their keys."""
    if not wanted:
        return {}
    spelled = {(kind, spelling) for kind, name in wanted for spelling in names.spellings(name)}
    named = tuple_(_resource.resource_type, _resource.name).in_(spelled)
    found = lock_order.vehicles(named, exclusive=True)
    rows = connection.execute(found.with_only_columns(_resource.resource_type, _resource.name, _resource.key)).all()
    normalized = {(kind, names.normalize(name)): key for kind, name, key in rows}
    # A name that is stored exactly so comes before one of another form.
    return normalized | {(kind, name): key for kind, name, key in rows}


def _fate(connection: Connection, order: Order, key: int, is_new: bool) -> str:
    if order.allocation is None:
        return REGISTERED if is_new else KNOWN
    period = order.allocation["period"]
    values = {
        "id": identifiers.new(),
        "resource_key": key,
        "starts": period.start,
        "ends": period.end,
        **{name: order.allocation[name] for name in _DESCRIBED},
    }
    if _allocate(connection, values):
        return ALLOCATED
    in_the_way = conflicts.find_conflicts(connection, key, period)
    if not in_the_way:
        # A hold that has expired since the import began.
        expire_holds.delete_expired_of_vehicle(connection, key)
        if _allocate(connection, values):
            return ALLOCATED
    if len(in_the_way) == 1 and _same(in_the_way[0], values):
        return KNOWN
    return f"period_taken: {order.name} is allocated for a part of this period"


def _allocate(connection: Connection, values: dict[str, Any]) -> bool:
    try:
        return bool(_ALLOCATE.run_in(connection, {**values, **caller_params(NOBODY)}))
    except IntegrityError as error:
        if failures.is_overlap(error):  # on SQLite, which undoes this statement alone
            return False
        raise


def _same(row: Row, values: dict[str, Any]) -> bool:
    # A hold is somebody's for minutes. CSV cannot tell no description from an empty one. And where the file does not
    # say whose it is, it is whoever's.
    return (
        row["expires"] is None
        and (row["description"] or "") == (values["description"] or "")
        and values["client_id"] in (None, row["client_id"])
        and all(row[name] == values[name] for name in ("starts", "ends", "allocation_type", "dump"))
    )
