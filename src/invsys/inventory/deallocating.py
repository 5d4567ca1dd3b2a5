"""The verb that frees a period again."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import bindparam, delete, select

from invsys.inventory import database, lookup
from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.errors import Busy, require_version
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.predicates import IN_CIRCULATION, OWN, live
from invsys.inventory.recording import Recorded, Values, by, recorded

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# How often it is tried: PostgreSQL passes by an allocation that is moved to another vehicle while it waits for it.
_ATTEMPTS = 5

# Correlated: SQLite would otherwise list every vehicle of the type first.
_ITS_VEHICLE = select(_resource.c.key).where(_resource.c.key == _allocation.c.resource_key, IN_CIRCULATION)
_NAMED_VEHICLE = _ITS_VEHICLE.where(_resource.c.id == bindparam("resource_id"))


def _deallocate(vehicle: Any, owned: bool, versions: Collection[int] | None = None) -> Recorded:
    this_one = _allocation.c.id == bindparam("allocation_id")
    statement = delete(_allocation).where(this_one, live(), vehicle.exists())
    if owned:
        statement = statement.where(OWN)
    if versions is not None:
        statement = statement.where(_allocation.c.version.in_(versions))
    return recorded(lambda _: statement, "deallocated")


_DEALLOCATE = {
    (vehicle, owned): _deallocate(vehicle, owned)
    for vehicle in (_ITS_VEHICLE, _NAMED_VEHICLE)
    for owned in (False, True)
}


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
    values = {"resource_type": resource_type, "resource_id": resource_id, "allocation_id": allocation_id, **by(caller)}
    for _ in range(_ATTEMPTS):
        if _try(_ITS_VEHICLE if resource_id is None else _NAMED_VEHICLE, versions, values):
            return
        require_version(lookup.allocation(resource_type, allocation_id, resource_id, caller.owner), versions)
    raise Busy("The allocation changed at every attempt.")


def _try(vehicle: Any, versions: Collection[int] | None, values: Values) -> bool:
    owned = values["owner"] is not None
    if versions is None:
        return bool(database.change(_DEALLOCATE[vehicle, owned], values))
    with database.write() as connection:
        return bool(_deallocate(vehicle, owned, versions).run_in(connection, values))
