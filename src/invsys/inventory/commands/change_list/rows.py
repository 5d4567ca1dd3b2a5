"""Statements for the rows of a change list: lock the vehicles, delete the allocations, insert them again."""

import functools
import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import JSON, Connection, Executable, Integer, Select, Uuid, bindparam, delete, func, insert, or_, select

from invsys.inventory.caller import Caller
from invsys.inventory.commands import update_allocation
from invsys.inventory.commands.change_list.entries import Placement
from invsys.inventory.db import lock_order, outbox
from invsys.inventory.db.functions import db_now, in_subquery, json_array_elements, now_plus
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, OWNED, is_active

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

_IS_LISTED = _allocation.c.id.in_(bindparam("allocation_ids", type_=Uuid, expanding=True))
_IS_NAMED = _resource.c.id.in_(bindparam("vehicle_ids", type_=Uuid, expanding=True))
_VEHICLES = select(_resource.c.key, _resource.c.id).where(NOT_DECOMMISSIONED, _IS_NAMED)

_INSERT = (
    insert(_allocation)
    .values(
        expires=func.coalesce(
            now_plus(bindparam("hold_seconds", type_=Integer)),
            bindparam("new_expires", type_=_allocation.c.expires.type),
        ),
        changed=db_now(),
    )
    .returning(_allocation.c.key)
)
# The other columns are inserted with the values of the parameters of the same name.
_INSERTED = [column.name for column in _allocation.columns if column.name not in ("expires", "changed")]


@functools.cache
def _lock_statement(owned: bool) -> Select[Any]:
    keys = select(_allocation.c.resource_key).where(_IS_LISTED)
    if owned:
        # Do not lock the vehicles of other clients' allocations: the request cannot change these.
        keys = keys.where(OWNED)
    of_type = _resource.c.resource_type == bindparam("resource_type")
    is_old = in_subquery(_resource.c.key, keys.scalar_subquery())
    return lock_order.lock_vehicles(of_type, or_(_IS_NAMED, is_old), exclusive=True).add_columns(_resource.c.attributes)


@functools.cache
def _delete_statement(owned: bool) -> Executable:
    of_locked_vehicle = in_subquery(
        _allocation.c.resource_key, json_array_elements(bindparam("vehicle_keys", type_=JSON))
    )
    keys = select(_allocation.c.key).where(_IS_LISTED, of_locked_vehicle, is_active())
    if owned:
        keys = keys.where(OWNED)
    locked = keys.order_by(_allocation.c.key).with_for_update().correlate(None).scalar_subquery()
    return delete(_allocation).where(in_subquery(_allocation.c.key, locked)).returning(*_allocation.columns)


def find_vehicles(connection: Connection, resource_type: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Row]:
    """Return the rows (key, id) of the vehicles in circulation with these ids, by id; nothing is locked."""
    rows = connection.execute(_VEHICLES, {"resource_type": resource_type, "vehicle_ids": list(ids)}).mappings()
    return {row["id"]: row for row in rows}


def lock_vehicles(
    connection: Connection,
    resource_type: str,
    allocation_ids: Collection[uuid.UUID],
    vehicle_ids: Iterable[uuid.UUID],
    owner: str | None,
) -> dict[uuid.UUID, Row]:
    """Lock the vehicles in circulation that the allocations have or that have one of ``vehicle_ids``.

    Return their rows (key, id, attributes) by id.
    """
    params = {
        "resource_type": resource_type,
        "allocation_ids": allocation_ids,
        "vehicle_ids": list(set(vehicle_ids)),
        "owner": owner,
    }
    return {row["id"]: row for row in connection.execute(_lock_statement(owner is not None), params).mappings()}


def delete_allocations(
    connection: Connection,
    resource_type: str,
    allocation_ids: Collection[uuid.UUID],
    vehicles: Iterable[Row],
    owner: str | None,
) -> dict[uuid.UUID, Row]:
    """Delete the allocations that are active and belong to one of the locked ``vehicles``.

    Return their rows by id, as ``locked_allocation.find`` does.
    """
    vehicle_ids = {vehicle["key"]: vehicle["id"] for vehicle in vehicles}
    params = {"allocation_ids": allocation_ids, "vehicle_keys": list(vehicle_ids), "owner": owner}
    rows = connection.execute(_delete_statement(owner is not None), params).mappings()
    return {
        row["id"]: {
            **row,
            "resource_id": vehicle_ids[row["resource_key"]],
            "resource_type": resource_type,
            "has_expired": False,
        }
        for row in rows
    }


def insert_allocations(connection: Connection, placements: Sequence[Placement], caller: Caller) -> list[Row]:
    """Insert the deleted rows with their new values, and their events; return the new rows.

    Raises IntegrityError if the new values overlap each other or another row.
    """
    keys = [placement.key for placement in placements]
    inserted = connection.scalars(_INSERT, [_inserted(placement) for placement in placements]).all()
    if sorted(inserted) != sorted(keys):
        raise RuntimeError(f"The database inserted {len(inserted)} of {len(keys)} changed allocations.")
    confirmed = [
        placement.key for placement in placements if update_allocation.is_confirmation(placement.row, placement.values)
    ]
    events = outbox.insert_events(connection, keys, confirmed, caller)
    return [{**placement.row, **placement.values, **event} for placement, event in zip(placements, events, strict=True)]


def _inserted(placement: Placement) -> dict[str, Any]:
    row = {**placement.row, **placement.values}
    return {
        **{name: row[name] for name in _INSERTED},
        "version": row["version"] + 1,
        "new_expires": row["expires"],
        "hold_seconds": placement.hold_seconds,
    }
