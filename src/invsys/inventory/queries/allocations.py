"""Queries for allocations: one by id, and pages by start, of one vehicle or of all.

Rows are mappings of columns, with the vehicle's ``resource_id`` and ``resource_type`` added.
"""

import functools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select, union_all
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

# Without the last change, which no representation has.
_COLUMNS = [column for column in _allocation.__table__.columns if column.name != "changed"]
ALLOCATIONS = (
    select(*_COLUMNS, _resource.id.label("resource_id"), _resource.resource_type)
    .join(_resource, _resource.key == _allocation.resource_key)
    .where(NOT_DECOMMISSIONED, is_active())
)

_STARTS, _ENDS, _KEY = _allocation.starts, _allocation.ends, _allocation.key
_START, _END, _AFTER = (bindparam(name, type_=UtcDateTime) for name in ("start", "end", "after_start"))
_AFTER_KEY = bindparam("after_key", type_=_allocation.key.type)
# A vehicle's allocations never overlap: of those that start before the window, only the last can reach into it.
_before = aliased(_allocation)
_LAST_BEFORE = last_before(_START, _before.key, of=_before).scalar_subquery()
_REACHES = or_(_ENDS.is_(None), _ENDS > _START)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_THIS_ONE = ALLOCATIONS.where(_allocation.id == bindparam("allocation_id"))
_OF_VEHICLE = _resource.id == bindparam("resource_id")
# By whether its vehicle is named, and whether it has to be the owner's.
_ALLOCATION = {
    (False, False): _THIS_ONE,
    (True, False): _THIS_ONE.where(_OF_VEHICLE),
    (False, True): _THIS_ONE.where(OWNED),
    (True, True): _THIS_ONE.where(_OF_VEHICLE, OWNED),
}


@functools.cache
def page_statement(given: frozenset[str], status: str | None) -> Select[Any]:
    """Build the statement of a page; its parameters are ``resource_type``, ``limit``, and what is ``given`` of these.

    ``resource_key``: the vehicle; ``owner``: who made them; ``start``, ``end``: the window; ``allocation_type``;
    ``after_key``, ``after_start``:
    the number, and the start if it has one, of the last allocation of the page before.
    """
    of_vehicles = ALLOCATIONS.where(*_filters(given, status, OWNED_OF_VEHICLE))
    wanted = of_vehicles if "resource_key" in given else ALLOCATIONS.where(*_filters(given, status, OWNED))
    if "start" not in given:
        return _page(wanted.where(or_(_STARTS.is_(None), _STARTS < _END)) if "end" in given else wanted)
    # Each part by itself: an index leads to it, and it is read only until the page is full.
    parts = [
        wanted.where(_STARTS.is_(None), _REACHES),
        of_vehicles.where(_KEY == _LAST_BEFORE, _REACHES),
        wanted.where(_STARTS >= _START, *([_STARTS < _END] if "end" in given else [])),
    ]
    found = union_all(*(select(_page(part).subquery()) for part in parts)).subquery()
    return select(found).order_by(found.c.starts.nulls_first(), found.c.key).limit(bindparam("limit"))


def _page(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(_STARTS.nulls_first(), _KEY).limit(bindparam("limit"))


def _filters(given: frozenset[str], status: str | None, own: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    held = _allocation.expires.is_not(None)
    filters = {
        "resource_key": _allocation.resource_key == bindparam("resource_key"),
        "owner": own,
        "allocation_type": _allocation.allocation_type == bindparam("allocation_type"),
        "after_start": _STARTS >= _AFTER,
        "after_key": or_(_STARTS > _AFTER, _KEY > _AFTER_KEY)
        if "after_start" in given
        else or_(_STARTS.is_not(None), and_(_STARTS.is_(None), _KEY > _AFTER_KEY)),
    }
    by_status = {None: [], "held": [held], "confirmed": [~held]}[status]
    return [predicate for name, predicate in filters.items() if name in given] + by_status


def allocation(
    resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None, owner: str | None = None
) -> Row:
    """Give one allocation, of the vehicle named or of any of the type, made by ``owner`` or (None) by anybody.

    Raises AllocationNotFound.
    """
    statement = _ALLOCATION[resource_id is not None, owner is not None]
    sought = {"allocation_id": allocation_id, "resource_id": resource_id, "owner": owner}
    values = {"resource_type": resource_type, **sought}
    with session.read() as connection:
        row = connection.execute(statement, values).mappings().first()
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
    owner: str | None = None,
) -> Sequence[Row]:
    """Give up to ``limit`` allocations by start, infinite ones first, those after ``cursor`` (see ``sort_key``).

    Of one vehicle (raises ResourceNotFound where there is none), or of all of the type; only those that share an
    instant with ``window``, have this ``allocation_type`` and ``status`` (``held``, ``confirmed``), and were made by
    ``owner`` (None: any).
    """
    after, after_key = (None, None) if cursor is None else cursor
    sought = {
        "start": window.start,
        "end": window.end,
        "allocation_type": allocation_type,
        "after_start": None if after is None else _EPOCH + _MICROSECOND * after,
        "after_key": after_key,
        "resource_key": None,
        "owner": owner,
    }
    with session.read() as connection:
        if resource_id is not None:
            sought["resource_key"] = resource_queries.require_resource(connection, resource_type, resource_id)["key"]
        given = frozenset(name for name, value in sought.items() if value is not None)
        values = {"resource_type": resource_type, "limit": limit, **sought}
        return connection.execute(page_statement(given, status), values).mappings().all()


def sort_key(row: Row) -> tuple[int | None, int]:
    """Give the sort key of an allocation: microseconds from 1970 to its start (None: infinite), and its number."""
    starts: datetime | None = row["starts"]
    return None if starts is None else (starts - _EPOCH) // _MICROSECOND, row["key"]
