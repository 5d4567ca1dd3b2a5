"""Locks the allocation that a command changes, in the order that ``lock_order`` describes."""

import functools
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, Uuid, bindparam, literal_column, select, union_all
from sqlalchemy.orm import aliased

from invsys.inventory.db import lock_order
from invsys.inventory.db.functions import in_subquery
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, OWNED, is_active
from invsys.inventory.errors import AllocationNotFound, HoldExpired

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__
TOO_LATE = "The hold has expired, and another client may have allocated the period since."
# A change of one of these fields locks the vehicles exclusively.
_VEHICLE_OR_PERIOD = frozenset({"resource_id", "starts", "ends"})

_IS_ALLOCATION = _allocation.c.id == bindparam("allocation_id")
_OF_VEHICLE = _resource.c.id == bindparam("resource_id")
_NEW_RESOURCE_ID = bindparam("new_resource_id", type_=Uuid)

_EXPIRED = select(Event.key).where(
    Event.kind == "expired",
    Event.allocation_id == bindparam("allocation_id"),
    Event.resource_type == bindparam("resource_type"),
)
_created = aliased(Event)
# Literals, as in the condition of the partial index: the planner could not use it with parameters.
_OWNED_EXPIRED = _EXPIRED.where(
    select(_created.key)
    .where(
        _created.allocation_id == bindparam("allocation_id"),
        _created.kind == literal_column("'allocated'"),
        _created.expires.is_not(None),
        _created.client_id == bindparam("owner"),
    )
    .exists()
)


def lock(
    connection: Connection,
    resource_type: str,
    allocation_id: uuid.UUID,
    resource_id: uuid.UUID | None,
    owner: str | None,
    changes: Mapping[str, Any],
) -> Row | None:
    """Lock an allocation, its vehicle, and the vehicle to which it will move; return the row of the allocation.

    ``changes`` are as ``schemas.ChangedAllocation`` loads them. The row also has the vehicle's ``resource_id`` and
    ``resource_type``, and, if the changes have a ``resource_id``, the ``new_resource_key`` (None: no such vehicle). Its
    ``closed_from`` is that of the vehicle which the allocation will have after the changes.
    Return None if the allocation moved to another vehicle before it was locked; the caller then has to start a new
    transaction. Raises AllocationNotFound, HoldExpired.
    """
    by_vehicle, owned = resource_id is not None, owner is not None
    params = {
        "resource_type": resource_type,
        "allocation_id": allocation_id,
        "resource_id": resource_id,
        "owner": owner,
        "new_resource_id": changes.get("resource_id"),
    }
    statement = locking_statement(
        by_vehicle, owned, "resource_id" in changes, not _VEHICLE_OR_PERIOD.isdisjoint(changes)
    )
    row = connection.execute(statement, params).mappings().first()
    if row is None:
        _require_moved(connection, by_vehicle, owned, params)
    elif row["has_expired"]:
        raise HoldExpired(TOO_LATE)
    return row


def _require_moved(connection: Connection, by_vehicle: bool, owned: bool, params: dict[str, Any]) -> None:
    """Raise AllocationNotFound or HoldExpired unless the allocation still exists, which means that it has moved."""
    if connection.execute(_vehicle_key(by_vehicle, owned), params).first() is not None:
        return
    expired_event = _OWNED_EXPIRED if owned else _EXPIRED
    if by_vehicle:
        expired_event = expired_event.where(Event.resource_id == bindparam("resource_id"))
    if connection.execute(expired_event, params).first() is None:
        raise AllocationNotFound(f"There is no allocation {params['allocation_id']} here.")
    raise HoldExpired(TOO_LATE)


@functools.cache
def _vehicle_key(by_vehicle: bool, owned: bool) -> Select[Any]:
    """Select the key of the allocation's vehicle, without locks."""
    key = select(_resource.c.key).join(_allocation, _allocation.c.resource_key == _resource.c.key)
    key = key.where(_IS_ALLOCATION, NOT_DECOMMISSIONED)
    if by_vehicle:
        key = key.where(_OF_VEHICLE)
    return key.where(OWNED) if owned else key


@functools.cache
def locking_statement(by_vehicle: bool, owned: bool, moves: bool, exclusive: bool) -> Select[Any]:
    """Build the statement that locks the vehicles, and then the allocation unless it has moved."""
    keys: Any = _vehicle_key(by_vehicle, owned)
    if moves:
        # Lock the new vehicle only if the caller may change the allocation.
        keys = union_all(
            keys,
            select(_resource.c.key).where(
                _resource.c.id == _NEW_RESOURCE_ID, _vehicle_key(by_vehicle, owned).correlate(None).exists()
            ),
        )
    of_type = _resource.c.resource_type == bindparam("resource_type")
    vehicles = lock_order.lock_vehicles(
        of_type, in_subquery(_resource.c.key, keys.scalar_subquery()), exclusive=exclusive
    )
    locked = vehicles.cte("locked")
    columns = [*_allocation.columns, _resource.c.id.label("resource_id"), _resource.c.resource_type]
    # From ``locked``: the statement may have waited for a closure, and the table would show the vehicle before it.
    closed_from = select(locked.c.closed_from)
    if moves:
        new_key = select(locked.c.key).where(locked.c.id == _NEW_RESOURCE_ID).scalar_subquery()
        columns.append(new_key.label("new_resource_key"))
        closed_from = closed_from.where(locked.c.id == _NEW_RESOURCE_ID)
    columns.append(closed_from.scalar_subquery().label("closed_from"))
    row = select(*columns, (~is_active()).label("has_expired"))
    row = row.join(_resource, _resource.c.key == _allocation.c.resource_key)
    # The subquery locks all vehicles before the statement reads an allocation; a join might lock some of them later.
    row = row.where(_IS_ALLOCATION, in_subquery(_allocation.c.resource_key, select(locked.c.key).scalar_subquery()))
    return (row.where(OWNED) if owned else row).with_for_update(of=_allocation)
