"""Queries for allocations: one by its id, and pages of those of one vehicle or of all vehicles, ordered by start.

Rows are mappings of the columns and the vehicle's ``resource_id`` and ``resource_type``.
"""

import functools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, literal_column, or_, select, union_all
from sqlalchemy.orm import aliased

from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, OWNED, OWNED_OF_VEHICLE, is_active, last_before
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.errors import AllocationNotFound
from invsys.inventory.period import ALWAYS, Period
from invsys.inventory.queries import resources as resource_queries

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation

# Without ``changed``, which no representation shows.
_COLUMNS = [column for column in _allocation.__table__.columns if column.name != "changed"]
ALLOCATIONS = (
    select(*_COLUMNS, _resource.id.label("resource_id"), _resource.resource_type)
    .join(_resource, _resource.key == _allocation.resource_key)
    .where(NOT_DECOMMISSIONED, is_active())
)

_STARTS, _ENDS, _KEY = _allocation.starts, _allocation.ends, _allocation.key
_START, _END, _AFTER = (bindparam(name, type_=UtcDateTime) for name in ("start", "end", "after_start"))
_AFTER_KEY = bindparam("after_key", type_=_allocation.key.type)
# A vehicle's allocations never overlap, so only the last one that starts before the window can reach into it.
_before = aliased(_allocation)
_LAST_BEFORE = last_before(_START, _before.key, table=_before).scalar_subquery()
_REACHES = or_(_ENDS.is_(None), _ENDS > _START)
_BEFORE_END = or_(_STARTS.is_(None), _STARTS < _END)
_REFERENCE = bindparam("reference", type_=String)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_BY_ID = ALLOCATIONS.where(_allocation.id == bindparam("allocation_id"))
_OF_VEHICLE = _resource.id == bindparam("resource_id")
# Keys: whether the query is restricted to a vehicle, and whether it is restricted to an owner.
_ALLOCATION = {
    (False, False): _BY_ID,
    (True, False): _BY_ID.where(_OF_VEHICLE),
    (False, True): _BY_ID.where(OWNED),
    (True, True): _BY_ID.where(_OF_VEHICLE, OWNED),
}


@functools.cache
def page_statement(filters: frozenset[str], status: str | None) -> Select[Any]:
    """Build the statement of a page; its parameters are ``resource_type``, ``limit`` and the ``filters``.

    A filter is one of: ``resource_key``, the vehicle; ``owner``, the client that created the allocation; ``start`` and
    ``end``, the window; ``allocation_type``; ``reference``; ``after_key``, the key of the last allocation of the
    previous page; ``after_start``, the start of that allocation, unless it is infinite.
    """
    if "reference" in filters and "resource_key" not in filters:
        # A reference has few allocations, so its index is enough: it makes the window and the owner cheap to check.
        rows = ALLOCATIONS.where(*_predicates(filters, status, OWNED_OF_VEHICLE))
        window = {"start": _REACHES, "end": _BEFORE_END}
        return _page(rows.where(*(predicate for name, predicate in window.items() if name in filters)))
    by_vehicle = ALLOCATIONS.where(*_predicates(filters, status, OWNED_OF_VEHICLE))
    rows = by_vehicle if "resource_key" in filters else ALLOCATIONS.where(*_predicates(filters, status, OWNED))
    if "start" not in filters:
        return _page(rows.where(_BEFORE_END) if "end" in filters else rows)
    # Separate parts, so that each uses an index and stops when the page is full.
    parts = [
        rows.where(_STARTS.is_(None), _REACHES),
        by_vehicle.where(_KEY == _LAST_BEFORE, _REACHES),
        rows.where(_STARTS >= _START, *([_STARTS < _END] if "end" in filters else [])),
    ]
    union = union_all(*(select(_page(part).subquery()) for part in parts)).subquery()
    return select(union).order_by(union.c.starts.nulls_first(), union.c.key).limit(bindparam("limit"))


def _page(rows: Select[Any]) -> Select[Any]:
    return rows.order_by(_STARTS.nulls_first(), _KEY).limit(bindparam("limit"))


def _predicates(
    filters: frozenset[str], status: str | None, is_owned: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    is_held = _allocation.expires.is_not(None)
    reference: ColumnElement[Any] = _allocation.__table__.c.reference
    if "resource_key" in filters:
        # The concatenation hides the column from its index: the index of the vehicle is better.
        reference = reference.concat(literal_column("''"))
    predicates = {
        "resource_key": _allocation.resource_key == bindparam("resource_key"),
        "owner": is_owned,
        "allocation_type": _allocation.allocation_type == bindparam("allocation_type"),
        "reference": reference == _REFERENCE,
        "after_start": _STARTS >= _AFTER,
        "after_key": or_(_STARTS > _AFTER, _KEY > _AFTER_KEY)
        if "after_start" in filters
        else or_(_STARTS.is_not(None), and_(_STARTS.is_(None), _KEY > _AFTER_KEY)),
    }
    by_status = {None: [], "held": [is_held], "confirmed": [~is_held]}[status]
    return [predicate for name, predicate in predicates.items() if name in filters] + by_status


def allocation(
    resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None, owner: str | None = None
) -> Row:
    """Return one allocation of the vehicle ``resource_id`` (None: any of the type) and of ``owner`` (None: any).

    Raises AllocationNotFound.
    """
    statement = _ALLOCATION[resource_id is not None, owner is not None]
    params = {
        "resource_type": resource_type,
        "allocation_id": allocation_id,
        "resource_id": resource_id,
        "owner": owner,
    }
    with session.read() as connection:
        row = connection.execute(statement, params).mappings().first()
    if row is None:
        raise AllocationNotFound(f"There is no allocation {allocation_id} here.")
    return row


def allocations(
    resource_type: str,
    limit: int,
    cursor: Sequence[int | None] | None = None,
    resource_id: uuid.UUID | None = None,
    window: Period = ALWAYS,
    allocation_type: str | None = None,
    status: str | None = None,
    reference: str | None = None,
    owner: str | None = None,
) -> Sequence[Row]:
    """Return up to ``limit`` allocations ordered by start, infinite starts first, beginning after ``cursor``.

    The cursor is the ``sort_key`` of the last allocation of the previous page. The allocations are those of the vehicle
    ``resource_id`` (None: all of the type) that overlap ``window`` and have this ``allocation_type``, ``status``
    (``held`` or ``confirmed``), ``reference`` and ``owner`` (None: any). Raises ResourceNotFound.
    """
    after_start, after_key = (None, None) if cursor is None else cursor
    params = {
        "start": window.start,
        "end": window.end,
        "allocation_type": allocation_type,
        "reference": reference,
        "after_start": None if after_start is None else _EPOCH + _MICROSECOND * after_start,
        "after_key": after_key,
        "resource_key": None,
        "owner": owner,
    }
    with session.read() as connection:
        if resource_id is not None:
            params["resource_key"] = resource_queries.require_resource(connection, resource_type, resource_id)["key"]
        statement = page_statement(frozenset(name for name, value in params.items() if value is not None), status)
        return (
            connection.execute(statement, {"resource_type": resource_type, "limit": limit, **params}).mappings().all()
        )


def sort_key(row: Row) -> tuple[int | None, int]:
    """Return the sort key of an allocation: microseconds from 1970 to its start (None: infinite), and its key."""
    starts: datetime | None = row["starts"]
    return None if starts is None else (starts - _EPOCH) // _MICROSECOND, row["key"]
