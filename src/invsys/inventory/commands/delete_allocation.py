"""The verb that frees a period again."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, delete, select

from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.db import lock_order, session
from invsys.inventory.db.functions import in_subquery
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.outbox import OutboxChange, Values, caller_params, with_event
from invsys.inventory.db.predicates import OWNED, is_active
from invsys.inventory.errors import Overloaded, require_version
from invsys.inventory.queries import allocations as allocation_queries

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# How often it is tried: an allocation that moved to another vehicle before it was locked is not deleted.
_ATTEMPTS = 5

_THIS_ONE = _allocation.c.id == bindparam("allocation_id")


def _deallocate(named: bool, owned: bool, versions: Collection[int] | None = None) -> OutboxChange:
    conditions = [_THIS_ONE, is_active()]
    if versions is not None:
        conditions.append(_allocation.c.version.in_(versions))
    statement = delete(_allocation).where(*conditions, in_subquery(_allocation.c.resource_key, _vehicle(named, owned)))
    return with_event(lambda _: statement.where(OWNED) if owned else statement, "deallocated")


def _vehicle(named: bool, owned: bool) -> ScalarSelect[Any]:
    """Select and lock the allocation's vehicle, before the allocation itself is locked."""
    key = select(_allocation.c.resource_key).where(_THIS_ONE)
    if owned:
        # A request must not wait because of another client's allocation.
        key = key.where(OWNED)
    of_type = _resource.c.resource_type == bindparam("resource_type")
    vehicle = lock_order.vehicles(of_type, _resource.c.key == key.correlate(None).scalar_subquery())
    if named:
        vehicle = vehicle.where(_resource.c.id == bindparam("resource_id"))
    return vehicle.with_only_columns(_resource.c.key).correlate(None).scalar_subquery()


_DEALLOCATE = {(named, owned): _deallocate(named, owned) for named in (False, True) for owned in (False, True)}


def deallocate(
    resource_type: str,
    allocation_id: uuid.UUID,
    resource_id: uuid.UUID | None = None,
    versions: Collection[int] | None = None,
    caller: Caller = NOBODY,
) -> None:
    """Free a period again: the allocation of the vehicle named, or of any of the type, if at one of ``versions``.

    One that is not the ``caller``'s own is not there for a caller that may know of no others. Raises
    AllocationNotFound, VersionMismatch, Busy.
    """
    values = {
        "resource_type": resource_type,
        "resource_id": resource_id,
        "allocation_id": allocation_id,
        **caller_params(caller),
    }
    for _ in range(_ATTEMPTS):
        if _try(resource_id is not None, versions, values):
            return
        require_version(
            allocation_queries.allocation(resource_type, allocation_id, resource_id, caller.owner), versions
        )
    raise Overloaded("The allocation changed at every attempt.")


def _try(named: bool, versions: Collection[int] | None, values: Values) -> bool:
    owned = values["owner"] is not None
    if versions is None:
        return bool(session.change(_DEALLOCATE[named, owned], values))
    with session.write() as connection:
        return bool(_deallocate(named, owned, versions).run_in(connection, values))
