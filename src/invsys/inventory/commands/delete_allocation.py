"""The command that deletes an allocation."""

import uuid
from collections.abc import Collection
from itertools import product
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, delete, select

from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands.preconditions import require_version
from invsys.inventory.db import lock_order, session
from invsys.inventory.db.functions import in_subquery
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.outbox import OutboxChange, Values, caller_params, with_event
from invsys.inventory.db.predicates import OWNED, is_active
from invsys.inventory.errors import Overloaded
from invsys.inventory.queries import allocations as allocation_queries

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# The maximum number of attempts. An attempt deletes nothing if the allocation moved before its vehicle was locked.
_ATTEMPTS = 5

_IS_ALLOCATION = _allocation.c.id == bindparam("allocation_id")


def _build(by_vehicle: bool, owned: bool, versions: Collection[int] | None = None) -> OutboxChange:
    """Build the statement; it checks the allocation's vehicle if ``by_vehicle``, and its owner if ``owned``."""
    conditions = [_IS_ALLOCATION, is_active()]
    if versions is not None:
        conditions.append(_allocation.c.version.in_(versions))
    statement = delete(_allocation).where(
        *conditions, in_subquery(_allocation.c.resource_key, _vehicle(by_vehicle, owned))
    )
    return with_event(lambda _: statement.where(OWNED) if owned else statement, "deallocated")


def _vehicle(by_vehicle: bool, owned: bool) -> ScalarSelect[Any]:
    """Select the key of the allocation's vehicle, and lock it before the allocation itself is locked."""
    key = select(_allocation.c.resource_key).where(_IS_ALLOCATION)
    if owned:
        # Do not lock the vehicle of another client's allocation: the request would wait for a lock that it cannot use.
        key = key.where(OWNED)
    of_type = _resource.c.resource_type == bindparam("resource_type")
    vehicle = lock_order.lock_vehicles(of_type, _resource.c.key == key.correlate(None).scalar_subquery())
    if by_vehicle:
        vehicle = vehicle.where(_resource.c.id == bindparam("resource_id"))
    return vehicle.with_only_columns(_resource.c.key).correlate(None).scalar_subquery()


_DEALLOCATE = {(by_vehicle, owned): _build(by_vehicle, owned) for by_vehicle, owned in product((False, True), repeat=2)}


def deallocate(
    resource_type: str,
    allocation_id: uuid.UUID,
    resource_id: uuid.UUID | None = None,
    versions: Collection[int] | None = None,
    caller: Caller = NO_CALLER,
) -> None:
    """Delete an allocation of the vehicle ``resource_id`` (None: any), if its version is in ``versions`` (None: any).

    If the caller is restricted to its own allocations, those of others count as missing. Raises AllocationNotFound,
    Archived, VersionMismatch, Overloaded, DatabaseUnavailable.
    """
    params = {
        "resource_type": resource_type,
        "resource_id": resource_id,
        "allocation_id": allocation_id,
        **caller_params(caller),
    }
    for _ in range(_ATTEMPTS):
        if _delete(resource_id is not None, versions, params):
            return
        require_version(
            allocation_queries.allocation(resource_type, allocation_id, resource_id, caller.owner, changeable=True),
            versions,
        )
    raise Overloaded("The allocation kept changing; try again.")


def _delete(by_vehicle: bool, versions: Collection[int] | None, params: Values) -> bool:
    owned = params["owner"] is not None
    if versions is None:
        return bool(session.change(_DEALLOCATE[by_vehicle, owned], params))
    with session.write() as connection:
        return bool(_build(by_vehicle, owned, versions).run_in(connection, params))
