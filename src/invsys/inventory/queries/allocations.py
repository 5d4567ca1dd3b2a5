"""Queries for allocations: one by its id, a page of a list ordered by start, and the number of items in a list.

Rows are mappings of the columns and the vehicle's ``resource_id`` and ``resource_type``.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, bindparam, select

from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import OWNED, json_ids
from invsys.inventory.db.types import AFTER_ALL, BEFORE_ALL
from invsys.inventory.errors import AllocationNotFound
from invsys.inventory.period import ALWAYS, Period
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.queries.allocation_pages import ALLOCATIONS, count_statement, page_statement
from invsys.inventory.queries.archive import allocations as archived
from invsys.inventory.queries.cursors import SortKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_BY_ID = ALLOCATIONS.where(ContinuousResourceAllocation.id == bindparam("allocation_id"))
_OF_VEHICLE = ContinuousResource.id == bindparam("resource_id")
# Keys: whether the query is restricted to a vehicle, and whether it is restricted to an owner.
_ALLOCATION = {
    (False, False): _BY_ID,
    (True, False): _BY_ID.where(_OF_VEHICLE),
    (False, True): _BY_ID.where(OWNED),
    (True, True): _BY_ID.where(_OF_VEHICLE, OWNED),
}


def allocation(
    resource_type: str,
    allocation_id: uuid.UUID,
    resource_id: uuid.UUID | None = None,
    owner: str | None = None,
    *,
    changeable: bool = False,
) -> Row:
    """Return one allocation of the vehicle ``resource_id`` (None: any of the type) and of ``owner`` (None: any).

    It may be archived, unless ``changeable``. Raises AllocationNotFound, and Archived if ``changeable``.
    """
    statement = _ALLOCATION[resource_id is not None, owner is not None]
    params = {
        "resource_type": resource_type,
        "allocation_id": allocation_id,
        "resource_id": resource_id,
        "owner": owner,
    }
    with session.read() as connection:
        row: Row | None = connection.execute(statement, params).mappings().first()
        if row is None and changeable:
            archived.require_missing(connection, params)
        elif row is None:
            row = archived.find(connection, params)
    if row is None:
        raise AllocationNotFound(f"There is no allocation {allocation_id} here.")
    return row


class AllocationFilters(TypedDict, total=False):
    """The filters of a list of allocations; a filter that is missing or None is not applied."""

    # One vehicle.
    resource_id: uuid.UUID | None
    # Several vehicles; those of other types or out of circulation have no allocations.
    resource_ids: Collection[uuid.UUID] | None
    # Only allocations that overlap this window. Archived allocations are only in lists with a window.
    window: Period
    allocation_type: str | None
    # ``held`` or ``confirmed``.
    status: str | None
    reference: str | None
    owner: str | None


def allocations(
    resource_type: str,
    limit: int,
    cursor: SortKey | None = None,
    descending: bool = False,
    **filters: Unpack[AllocationFilters],
) -> Sequence[Row]:
    """Return up to ``limit`` allocations of a type of vehicles, ordered by start, beginning after ``cursor``.

    Infinite starts come first, or last if ``descending``. The cursor is the ``sort_key`` of the last allocation of the
    previous page. Raises ResourceNotFound.
    """
    after_start, after_key = (None, None) if cursor is None else cursor
    params = {
        **_params(filters),
        "after_start": None if after_start is None else _EPOCH + _MICROSECOND * after_start,
        "after_key": after_key,
    }
    with session.read() as connection:
        names = _find_vehicle(connection, resource_type, filters, params)
        statement = page_statement(names, filters.get("status"), descending)
        values = {"resource_type": resource_type, "limit": limit, **_bounds(params, descending), **params}
        rows = connection.execute(statement, values).mappings().all()
        if not archived.is_listed(connection, filters.get("window", ALWAYS), filters.get("status")):
            return rows
        return archived.with_page(rows, archived.page(connection, names, values, descending), limit, descending)


def count(resource_type: str, most: int, **filters: Unpack[AllocationFilters]) -> int | None:
    """Return the number of allocations of a type of vehicles that match the filters.

    Return None if there are more than ``most``. Raises ResourceNotFound.
    """
    params = _params(filters)
    with session.read() as connection:
        names = _find_vehicle(connection, resource_type, filters, params)
        statement = count_statement(names, filters.get("status"))
        values = {"resource_type": resource_type, "limit": most + 1, **_bounds(params), **params}
        number: int = connection.execute(statement, values).scalar_one()
        if archived.is_listed(connection, filters.get("window", ALWAYS), filters.get("status")):
            # One statement: rows may move from one table to the other between two.
            both = select(statement.scalar_subquery() + archived.count_statement(names).scalar_subquery())
            number = connection.execute(both, values).scalar_one()
    return number if number <= most else None


def _params(filters: AllocationFilters) -> dict[str, Any]:
    """Return the parameters of the statements for these filters, except the key of the vehicle."""
    window, vehicles = filters.get("window", ALWAYS), filters.get("resource_ids")
    return {
        "start": window.start,
        "end": window.end,
        "allocation_type": filters.get("allocation_type"),
        "reference": filters.get("reference"),
        "resource_ids": None if vehicles is None else json_ids(vehicles),
        "owner": filters.get("owner"),
    }


def _find_vehicle(
    connection: Connection, resource_type: str, filters: AllocationFilters, params: dict[str, Any]
) -> frozenset[str]:
    """Add the key of the vehicle to ``params``, if there is one; return the names of parameters that are not None."""
    if (vehicle := filters.get("resource_id")) is not None:
        params["resource_key"] = resource_queries.require_resource(connection, resource_type, vehicle)["key"]
    return frozenset(name for name, value in params.items() if value is not None)


def _bounds(params: Row, descending: bool = False) -> dict[str, datetime]:
    """Return the bounds of the starts of allocations that start within the window and come after the previous page."""
    lower, upper, after = params["start"] or BEFORE_ALL, params["end"] or AFTER_ALL, params.get("after_start")
    if after is not None and descending:
        # Allocations of different vehicles may start at the same instant.
        upper = min(upper, after + _MICROSECOND)
    elif after is not None:
        lower = max(lower, after)
    return {"lower": lower, "upper": upper}


def sort_key(row: Row) -> tuple[int | None, int]:
    """Return the sort key of an allocation: microseconds from 1970 to its start (None: infinite), and its key."""
    starts: datetime | None = row["starts"]
    return None if starts is None else (starts - _EPOCH) // _MICROSECOND, row["key"]
