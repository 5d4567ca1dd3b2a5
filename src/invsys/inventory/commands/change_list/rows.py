"""Statements for the rows of a change list: lock them, and replace them."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import JSON, Connection, Integer, Uuid, bindparam, delete, func, insert, or_, select

from invsys.inventory.caller import Caller
from invsys.inventory.commands import update_allocation
from invsys.inventory.commands.change_list.entries import Placement, naming
from invsys.inventory.commands.locked_allocation import TOO_LATE
from invsys.inventory.db import lock_order, outbox
from invsys.inventory.db.functions import db_now, in_subquery, json_array_elements, now_plus
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, is_active
from invsys.inventory.errors import HoldExpired

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

_IDS = bindparam("ids", type_=Uuid, expanding=True)
_VEHICLES = select(_resource.c.key, _resource.c.id).where(NOT_DECOMMISSIONED, _resource.c.id.in_(_IDS))
_LOCK_VEHICLES = lock_order.vehicles(
    _resource.c.resource_type == bindparam("resource_type"),
    or_(_resource.c.id.in_(_IDS), _resource.c.key.in_(bindparam("keys", type_=_resource.c.key.type, expanding=True))),
    exclusive=True,
).add_columns(_resource.c.attributes)

_DELETE = (
    delete(_allocation)
    # A hold may have expired while an earlier statement waited for a lock.
    .where(in_subquery(_allocation.c.key, json_array_elements(bindparam("keys", type_=JSON))), is_active())
    .returning(_allocation.c.key)
)
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


def find_vehicles(connection: Connection, resource_type: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Row]:
    """Return the rows (key, id) of the vehicles in circulation with these ids, by id; nothing is locked."""
    rows = connection.execute(_VEHICLES, {"resource_type": resource_type, "ids": list(ids)}).mappings()
    return {row["id"]: row for row in rows}


def lock_vehicles(
    connection: Connection, resource_type: str, ids: Iterable[uuid.UUID], keys: Iterable[int]
) -> dict[uuid.UUID, Row]:
    """Lock the vehicles in circulation that have one of the ids or keys; return them by id, with their attributes."""
    params = {"resource_type": resource_type, "ids": list(set(ids)), "keys": list(set(keys))}
    return {row["id"]: row for row in connection.execute(_LOCK_VEHICLES, params).mappings()}


def replace(connection: Connection, placements: Sequence[Placement], caller: Caller) -> list[Row]:
    """Delete all rows, insert them with their new values, and insert the events; return the new rows.

    The transaction must have locked the rows and their vehicles. Raises HoldExpired, and IntegrityError if the new
    values overlap each other or another row.
    """
    keys = [placement.key for placement in placements]
    deleted = frozenset(connection.scalars(_DELETE, {"keys": keys}))
    for placement in placements:
        if placement.key not in deleted:
            with naming(placement.entry):
                raise HoldExpired(TOO_LATE)
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
