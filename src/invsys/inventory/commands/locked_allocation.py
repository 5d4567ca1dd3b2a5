"""Reads or locks the allocations that a command changes; ``lock_order`` describes the order of the locks."""

import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy import JSON, ColumnElement, Connection, Select, Uuid, bindparam, literal_column, select, union_all
from sqlalchemy.orm import aliased

from invsys.inventory.db import lock_order
from invsys.inventory.db.functions import in_subquery, json_array_ids, json_contains
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, OWNED, is_active, json_ids
from invsys.inventory.errors import AllocationNotFound, HoldExpired
from invsys.inventory.queries.archive import allocations as archived

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__
TOO_LATE = "The hold has expired, and another client may have allocated the period since."
# A change of one of these fields locks the vehicles exclusively.
_VEHICLE_OR_PERIOD = frozenset({"resource_id", "starts", "ends"})

_IS_ALLOCATION = _allocation.c.id == bindparam("allocation_id")
_OF_VEHICLE = _resource.c.id == bindparam("resource_id")
_NEW_RESOURCE_ID = bindparam("new_resource_id", type_=Uuid)
_ATTRIBUTES = bindparam("attributes", type_=JSON)

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
    ``resource_type``, and, if the changes have a ``resource_id``, the ``new_resource_key``. This key is None if no such
    vehicle is in circulation, or if it lacks ``attributes`` of the changes. The row's ``closed_from`` and
    ``archived_until`` are those of the vehicle which the allocation will have after the changes. Return None if the
    allocation moved to another vehicle before it was locked; the caller then has to start a new transaction. Raises
    AllocationNotFound, Archived, HoldExpired.
    """
    by_vehicle, owned = resource_id is not None, owner is not None
    params = {
        "resource_type": resource_type,
        "allocation_id": allocation_id,
        "resource_id": resource_id,
        "owner": owner,
        "new_resource_id": changes.get("resource_id"),
        "attributes": changes.get("attributes"),
    }
    statement = locking_statement(
        by_vehicle,
        owned,
        moves="resource_id" in changes,
        exclusive=not _VEHICLE_OR_PERIOD.isdisjoint(changes),
        with_attributes=bool(params["attributes"]),
    )
    row = connection.execute(statement, params).mappings().first()
    if row is None:
        # If the allocation still exists, it has moved.
        if connection.execute(_vehicle_key(by_vehicle, owned), params).first() is None:
            _raise_missing(connection, by_vehicle, owned, params)
    elif row["has_expired"]:
        raise HoldExpired(TOO_LATE)
    return row


def find(
    connection: Connection,
    resource_type: str,
    allocation_ids: Sequence[uuid.UUID],
    owner: str | None,
    resource_id: uuid.UUID | None = None,
) -> dict[uuid.UUID, Row]:
    """Return the rows of allocations by id, without locks; ``lock`` describes their columns.

    Allocations that are missing, of another owner (None: any) or of another vehicle than ``resource_id`` (None: any)
    are left out.
    """
    by_vehicle, owned = resource_id is not None, owner is not None
    params = {
        "resource_type": resource_type,
        "ids": json_ids(allocation_ids),
        "owner": owner,
        "resource_id": resource_id,
    }
    rows = connection.execute(_find_statement(by_vehicle, owned), params).mappings()
    return {row["id"]: row for row in rows}


def require_present(
    connection: Connection,
    row: Row | None,
    resource_type: str,
    allocation_id: uuid.UUID,
    owner: str | None,
    resource_id: uuid.UUID | None = None,
) -> Row:
    """Return the row that ``find`` returned for an allocation.

    Raises AllocationNotFound, Archived or HoldExpired if there is none (``row`` is None), and HoldExpired for an
    expired hold.
    """
    if row is None:
        params = {
            "resource_type": resource_type,
            "allocation_id": allocation_id,
            "owner": owner,
            "resource_id": resource_id,
        }
        _raise_missing(connection, resource_id is not None, owner is not None, params)
    if row["has_expired"]:
        raise HoldExpired(TOO_LATE)
    return row


def _raise_missing(connection: Connection, by_vehicle: bool, owned: bool, params: dict[str, Any]) -> NoReturn:
    """Raise Archived, HoldExpired if the allocation was a hold that has expired, or AllocationNotFound."""
    archived.require_missing(connection, params)
    expired_event = _OWNED_EXPIRED if owned else _EXPIRED
    if by_vehicle:
        expired_event = expired_event.where(Event.resource_id == bindparam("resource_id"))
    if connection.execute(expired_event, params).first() is None:
        raise AllocationNotFound(f"There is no allocation {params['allocation_id']} here.")
    raise HoldExpired(TOO_LATE)


@functools.cache
def _find_statement(by_vehicle: bool, owned: bool) -> Select[Any]:
    is_listed = in_subquery(_allocation.c.id, json_array_ids(bindparam("ids", type_=JSON)))
    rows = _allocations(_resource.c.closed_from, _resource.c.archived_until).where(NOT_DECOMMISSIONED, is_listed)
    if by_vehicle:
        rows = rows.where(_OF_VEHICLE)
    return rows.where(OWNED) if owned else rows


@functools.cache
def _vehicle_key(by_vehicle: bool, owned: bool) -> Select[Any]:
    """Select the key of the allocation's vehicle, without locks."""
    key = select(_resource.c.key).join(_allocation, _allocation.c.resource_key == _resource.c.key)
    key = key.where(_IS_ALLOCATION, NOT_DECOMMISSIONED)
    if by_vehicle:
        key = key.where(_OF_VEHICLE)
    return key.where(OWNED) if owned else key


@functools.cache
def locking_statement(
    by_vehicle: bool, owned: bool, moves: bool, exclusive: bool, with_attributes: bool = False
) -> Select[Any]:
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
    locked = (vehicles.add_columns(_resource.c.attributes) if with_attributes else vehicles).cte("locked")
    columns = []
    if moves:
        new_key = select(locked.c.key).where(locked.c.id == _NEW_RESOURCE_ID)
        if with_attributes:
            new_key = new_key.where(json_contains(locked.c.attributes, _ATTRIBUTES))
        columns.append(new_key.scalar_subquery().label("new_resource_key"))
    # From ``locked``: the statement may have waited for a closure, and the table would show the vehicle before it.
    for column in (locked.c.closed_from, locked.c.archived_until):
        of_vehicle = select(column).where(locked.c.id == _NEW_RESOURCE_ID) if moves else select(column)
        columns.append(of_vehicle.scalar_subquery().label(column.name))
    # The subquery locks all vehicles before the statement reads an allocation; a join might lock some of them later.
    of_locked_vehicle = in_subquery(_allocation.c.resource_key, select(locked.c.key).scalar_subquery())
    row = _allocations(*columns).where(_IS_ALLOCATION, of_locked_vehicle)
    return (row.where(OWNED) if owned else row).with_for_update(of=_allocation)


def _allocations(*columns: ColumnElement[Any]) -> Select[Any]:
    """Select the columns of allocations that commands need, and ``columns``."""
    has_expired = (~is_active()).label("has_expired")
    vehicle = (_resource.c.id.label("resource_id"), _resource.c.resource_type)
    rows = select(*_allocation.columns, *vehicle, *columns, has_expired)
    return rows.join(_resource, _resource.c.key == _allocation.c.resource_key)
