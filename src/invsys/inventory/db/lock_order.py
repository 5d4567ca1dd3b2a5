"""The order of row locks on PostgreSQL: vehicles by key, then allocations by key.

Every transaction follows this order, so transactions cannot deadlock:

* A command that creates, changes or deletes an allocation locks the vehicle first. To create, confirm, extend or delete
  an allocation, and to delete expired holds, it locks FOR KEY SHARE. To allocate any vehicle, it locks FOR NO KEY
  UPDATE. A PATCH of the period or the vehicle of an allocation, a change list, an update of a vehicle, the import and a
  decommission lock FOR UPDATE. So does the archive, which skips locked vehicles.
* A decommission and a closure therefore wait for all the others, and their events have higher numbers. All others wait
  for them and for the archive, and then evaluate the WHERE of their locking SELECT again with the committed row of the
  vehicle (section 13.2.1 of the PostgreSQL manual). Conditions on the vehicle belong in that WHERE, and a value of the
  vehicle has to come from the result of that SELECT.
* A command reads the vehicle of an allocation without a lock. If the allocation has moved to another vehicle by the
  time it is locked, the command releases all locks and starts again. A vehicle to which an allocation moves is also
  chosen without a lock, and locked in the same statement as the others.
* A statement that deletes expired holds of several vehicles skips locked vehicles and holds. It never waits.
* The locks of the exclusion constraint and of the Idempotency-Key come last.

SQLite has one writer at a time and no row locks. SQLAlchemy omits the lock clauses there.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, literal_column, select

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# What commands need of a locked vehicle.
VEHICLE = (_resource.c.key, _resource.c.id, _resource.c.closed_from, _resource.c.archived_until)


def lock_vehicles(*conditions: ColumnElement[bool], exclusive: bool = False) -> Select[Any]:
    """Select and lock the vehicles in circulation that meet the conditions, ordered by key.

    The columns are ``VEHICLE``. The lock is FOR KEY SHARE, or FOR UPDATE if ``exclusive``.
    """
    rows = select(*VEHICLE)
    rows = rows.where(_resource.c.decommissioned.is_(None), *conditions)
    return rows.order_by(_resource.c.key).with_for_update(read=not exclusive, key_share=not exclusive)


def allocations_skip_locked(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Select and lock allocations that meet the conditions, and lock their vehicles; skip rows that are already locked.

    The column is ``key``. Allocations of decommissioned vehicles are excluded. The locks are FOR UPDATE for
    allocations, and FOR KEY SHARE for vehicles.
    """
    # Without "+ 0", SQLite may start with the vehicles and read every allocation of each.
    same_vehicle = _resource.c.key == _allocation.c.resource_key + literal_column("0")
    rows = select(_allocation.c.key).join(_resource, same_vehicle).where(_resource.c.decommissioned.is_(None))
    return (
        rows.where(*conditions)
        .with_for_update(of=_allocation, skip_locked=True)
        # SQLAlchemy supports only one lock clause.
        .suffix_with("FOR KEY SHARE OF continuous_resources SKIP LOCKED", dialect="postgresql")
    )
