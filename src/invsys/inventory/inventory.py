"""The verbs: register and decommission vehicles, allocate and deallocate them. Every rule, every commit.

The rule that matters most is not here but in the database: it refuses an overlap from whatever code path. A verb tries
first and asks afterwards; only a refused attempt costs the look-ups that say why.
"""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, Select, String, Uuid, bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine

from invsys.chassis import identifiers
from invsys.inventory import database, lookup, on_sqlite
from invsys.inventory.errors import Busy, NameTaken, PeriodTaken, ResourceInUse, VersionMismatch
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation, Row, UtcDateTime, clock
from invsys.inventory.period import Period

# How often a refused allocation is tried again when what was in the way is gone before it could be named.
_ATTEMPTS = 5
# What the models' defaults make of a new row.
_FIRST_VERSION = 1

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# Every statement that a request runs is built once; building one costs as much as running it.
_REGISTER = {
    dialect: insert(_resource)
    .values({name: bindparam(name) for name in ("id", "resource_type", "name", "attributes")})
    .on_conflict_do_nothing()
    .returning(_resource.c.created)
    for dialect, insert in database.INSERT.items()
}

_GIVEN: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "starts": UtcDateTime(),
    "ends": UtcDateTime(),
    "allocation_type": String(),
    "description": String(),
    "dump": JSON(),
}
# The vehicle's row is locked against being decommissioned meanwhile, as the foreign key would lock it anyway.
_VEHICLE: Select[Any] = (
    select(_resource.c.key, *(bindparam(name, type_=kind) for name, kind in _GIVEN.items()))
    .where(
        _resource.c.id == bindparam("resource_id"),
        _resource.c.resource_type == bindparam("resource_type"),
        _resource.c.decommissioned.is_(None),
    )
    .with_for_update(read=True, key_share=True)
)
# One statement. Without ON CONFLICT, PostgreSQL deadlocks under contention for one vehicle.
_ALLOCATE = {
    dialect: insert(_allocation)
    .from_select(["resource_key", *_GIVEN], _VEHICLE)
    .on_conflict_do_nothing()
    .returning(_allocation.c.created)
    for dialect, insert in database.INSERT.items()
}

# Correlated: SQLite would otherwise list every vehicle of the type first.
_ITS_VEHICLE = select(_resource.c.key).where(
    _resource.c.key == _allocation.c.resource_key,
    _resource.c.resource_type == bindparam("resource_type"),
    _resource.c.decommissioned.is_(None),
)
_NAMED_VEHICLE = _ITS_VEHICLE.where(_resource.c.id == bindparam("resource_id"))
_DEALLOCATE = delete(_allocation).where(_allocation.c.id == bindparam("allocation_id"))
_DEALLOCATE_OF_ANY = _DEALLOCATE.where(_ITS_VEHICLE.exists())
_DEALLOCATE_OF_ONE = _DEALLOCATE.where(_NAMED_VEHICLE.exists())


def register(resource_type: str, name: str, attributes: dict[str, Any]) -> Row:
    """Put a vehicle into circulation; raises NameTaken."""
    values = {"id": identifiers.new(), "resource_type": resource_type, "name": name, "attributes": attributes}
    created = database.insert(_REGISTER, values)
    if created is None:
        raise NameTaken(f"Another {resource_type} in circulation is called {name!r}.")
    return {**values, "created": created, "version": _FIRST_VERSION}


def decommission(resource_type: str, resource_id: uuid.UUID, versions: Collection[int] | None = None) -> None:
    """Take a vehicle out of circulation, if it is at one of ``versions`` (None: at any).

    Raises ResourceNotFound, VersionMismatch, or ResourceInUse while an allocation has not ended.
    """
    with database.transaction() as connection:
        # The lock keeps new allocations out until the transaction has ended.
        row = lookup.require_resource(connection, resource_type, resource_id, lock=True)
        _require_version(row, versions)
        if conflicts := lookup.not_ended(connection, row["key"]):
            raise ResourceInUse(f"{row['name']} has allocations that have not ended.", conflicts)
        gone = update(_resource).where(_resource.c.key == row["key"]).values(decommissioned=clock())
        connection.execute(gone)


def allocate(
    resource_type: str,
    resource_id: uuid.UUID,
    period: Period,
    allocation_type: str,
    description: str | None,
    dump: dict[str, Any],
) -> Row:
    """Allocate a vehicle for a period; raises ResourceNotFound, PeriodTaken."""
    values = {
        "id": identifiers.new(),
        "resource_type": resource_type,
        "resource_id": resource_id,
        "starts": period.start,
        "ends": period.end,
        "allocation_type": allocation_type,
        "description": description,
        "dump": dump,
    }
    for _ in range(_ATTEMPTS):
        if (created := _try_to_allocate(values)) is not None:
            return {**values, "created": created, "version": _FIRST_VERSION, "expires": None}
        with database.read() as connection:
            key = lookup.require_resource(connection, resource_type, resource_id)["key"]
            if conflicts := lookup.overlapping(connection, key, period):
                raise PeriodTaken("The vehicle is allocated for a part of this period.", conflicts)
    raise Busy("The period was taken and freed again at every attempt.")


def _try_to_allocate(values: dict[str, Any]) -> Any:
    """Insert the allocation and give when it was created, or None where there was no vehicle, or an overlap."""
    try:
        return database.insert(_ALLOCATE, values)
    except IntegrityError as error:
        if on_sqlite.is_overlap(error.orig):
            return None
        raise


def deallocate(
    resource_type: str,
    allocation_id: uuid.UUID,
    resource_id: uuid.UUID | None = None,
    versions: Collection[int] | None = None,
) -> None:
    """Free a period again: the allocation of the vehicle named, or of any of the type, if at one of ``versions``.

    Raises AllocationNotFound, VersionMismatch.
    """
    statement = _DEALLOCATE_OF_ANY if resource_id is None else _DEALLOCATE_OF_ONE
    if versions is not None:
        statement = statement.where(_allocation.c.version.in_(versions))
    values = {"resource_type": resource_type, "resource_id": resource_id, "allocation_id": allocation_id}
    with database.write() as connection:
        if connection.execute(statement, values).rowcount:
            return
    _require_version(lookup.allocation(resource_type, allocation_id, resource_id), versions)
    raise Busy("The allocation changed at the same moment.")


def _require_version(row: Row, versions: Collection[int] | None) -> None:
    if versions is not None and row["version"] not in versions:
        raise VersionMismatch(row["version"])
