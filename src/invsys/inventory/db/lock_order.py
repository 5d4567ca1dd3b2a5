"""The order of row locks on PostgreSQL: vehicles by key, then allocations by key.

Every transaction follows it, so no two of them wait for each other:

* What creates, changes or ends an allocation locks the vehicle first. Creating, confirming, extending, freeing and the
  clearing of expired holds lock it FOR KEY SHARE. The choice of any vehicle locks it FOR NO KEY UPDATE. A PATCH that
  names a period or a vehicle, a change of a vehicle, the import and the decommission lock it FOR UPDATE.
* A decommission therefore waits for all the others, and the number of its event follows theirs.
* Where an allocation is, is read without a lock. If it is on another vehicle by the time that it is locked, all locks
  are released, and the change begins again.
* What clears holds of several vehicles skips locked vehicles and holds. It never waits.
* Locks of the exclusion constraint and of the Idempotency-Key come last.

SQLite has one writer at a time and no row locks; the lock clauses are left out there.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, literal_column, select

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__


def vehicles(*conditions: ColumnElement[bool], exclusive: bool = False) -> Select[Any]:
    """Select and lock the vehicles in circulation that meet the conditions, in the order of their keys.

    The columns are ``key`` and ``id``. The lock is FOR KEY SHARE, or FOR UPDATE if ``exclusive``.
    """
    found = select(_resource.c.key, _resource.c.id).where(_resource.c.decommissioned.is_(None), *conditions)
    return found.order_by(_resource.c.key).with_for_update(read=not exclusive, key_share=not exclusive)


def holds_or_skip(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Select the keys of allocations of vehicles in circulation, and lock both; locked rows of either are skipped."""
    # "+ 0", or SQLite may begin with the vehicles, and read every allocation of each.
    its_vehicle = _resource.c.key == _allocation.c.resource_key + literal_column("0")
    found = select(_allocation.c.key).join(_resource, its_vehicle).where(_resource.c.decommissioned.is_(None))
    return (
        found.where(*conditions)
        .with_for_update(of=_allocation, skip_locked=True)
        # SQLAlchemy knows one lock clause only.
        .suffix_with("FOR KEY SHARE OF continuous_resources SKIP LOCKED", dialect="postgresql")
    )
