"""The allocation that a change is about, locked in the order that ``lock_order`` describes."""

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
TOO_LATE = "The hold has expired, and its period may belong to somebody else by now."
# A change that names one of these locks the vehicles exclusively.
_PLACE = frozenset({"resource_id", "starts", "ends"})

_THIS_ONE = _allocation.c.id == bindparam("allocation_id")
_NAMED_VEHICLE = _resource.c.id == bindparam("resource_id")
_NEW_RESOURCE_ID = bindparam("new_resource_id", type_=Uuid)

_CLEARED = select(Event.key).where(
    Event.kind == "expired",
    Event.allocation_id == bindparam("allocation_id"),
    Event.resource_type == bindparam("resource_type"),
)
_made = aliased(Event)
# Literals as in the partial index of such events, so that the planner can use it.
_OWN_CLEARED = _CLEARED.where(
    select(_made.key)
    .where(
        _made.allocation_id == bindparam("allocation_id"),
        _made.kind == literal_column("'allocated'"),
        _made.expires.is_not(None),
        _made.client_id == bindparam("owner"),
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
    """Lock the allocation, its vehicle, and the vehicle to which it shall move; return the allocation as locked.

    ``changes`` is of ``schemas.ChangedAllocation``. The row also has its vehicle's ``resource_id`` and
    ``resource_type``, and if ``changes`` name another vehicle the ``new_resource_key`` (None: it is not in
    circulation). Return None if the allocation moved to another vehicle before it was locked: end the transaction,
    and begin again. Raises AllocationNotFound, HoldExpired.
    """
    named, owned = resource_id is not None, owner is not None
    values = {
        "resource_type": resource_type,
        "allocation_id": allocation_id,
        "resource_id": resource_id,
        "owner": owner,
        "new_resource_id": changes.get("resource_id"),
    }
    statement = locking(named, owned, "resource_id" in changes, not _PLACE.isdisjoint(changes))
    row = connection.execute(statement, values).mappings().first()
    if row is None:
        _require(connection, named, owned, values)
    elif row["has_expired"]:
        raise HoldExpired(TOO_LATE)
    return row


def _require(connection: Connection, named: bool, owned: bool, values: dict[str, Any]) -> None:
    """Raise AllocationNotFound or HoldExpired unless the allocation is there, on this vehicle or another one."""
    if connection.execute(_item(named, owned), values).first() is not None:
        return
    cleared = _OWN_CLEARED if owned else _CLEARED
    if named:
        cleared = cleared.where(Event.resource_id == bindparam("resource_id"))
    if connection.execute(cleared, values).first() is None:
        raise AllocationNotFound(f"There is no allocation {values['allocation_id']} here.")
    raise HoldExpired(TOO_LATE)


@functools.cache
def _item(named: bool, owned: bool) -> Select[Any]:
    """Select the key of the allocation's vehicle, without locks."""
    item = select(_resource.c.key).join(_allocation, _allocation.c.resource_key == _resource.c.key)
    item = item.where(_THIS_ONE, NOT_DECOMMISSIONED)
    if named:
        item = item.where(_NAMED_VEHICLE)
    return item.where(OWNED) if owned else item


@functools.cache
def locking(named: bool, owned: bool, moves: bool, exclusive: bool) -> Select[Any]:
    """Build the statement that locks the vehicles, and then the allocation if it is on its vehicle still."""
    keys: Any = _item(named, owned)
    if moves:
        # Only if the allocation is there: a request must not wait because of another client's allocation.
        keys = union_all(
            keys,
            select(_resource.c.key).where(
                _resource.c.id == _NEW_RESOURCE_ID, _item(named, owned).correlate(None).exists()
            ),
        )
    of_type = _resource.c.resource_type == bindparam("resource_type")
    vehicles = lock_order.vehicles(of_type, in_subquery(_resource.c.key, keys.scalar_subquery()), exclusive=exclusive)
    locked = vehicles.cte("locked")
    columns = [*_allocation.columns, _resource.c.id.label("resource_id"), _resource.c.resource_type]
    if moves:
        new = select(locked.c.key).where(locked.c.id == _NEW_RESOURCE_ID).scalar_subquery()
        columns.append(new.label("new_resource_key"))
    row = select(*columns, (~is_active()).label("has_expired"))
    row = row.join(_resource, _resource.c.key == _allocation.c.resource_key)
    # All vehicles are locked before the first row of allocations is read; a join would lock some of them later.
    row = row.where(_THIS_ONE, in_subquery(_allocation.c.resource_key, select(locked.c.key).scalar_subquery()))
    return (row.where(OWNED) if owned else row).with_for_update(of=_allocation)
