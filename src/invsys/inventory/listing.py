"""The statements that page through allocations by start, of one vehicle or of all; each is built once."""

import functools
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select, union_all
from sqlalchemy.orm import aliased

from invsys.inventory.instants import UtcDateTime
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.predicates import IN_CIRCULATION, OWN, OWN_OF_VEHICLE, last_before, live

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation

# Without the last change, which no representation has.
_COLUMNS = [column for column in _allocation.__table__.columns if column.name != "changed"]
ALLOCATIONS = (
    select(*_COLUMNS, _resource.id.label("resource_id"), _resource.resource_type)
    .join(_resource, _resource.key == _allocation.resource_key)
    .where(IN_CIRCULATION, live())
)

_STARTS, _ENDS, _KEY = _allocation.starts, _allocation.ends, _allocation.key
_START, _END, _AFTER = (bindparam(name, type_=UtcDateTime) for name in ("start", "end", "after_start"))
_AFTER_KEY = bindparam("after_key", type_=_allocation.key.type)
# A vehicle's allocations never overlap: of those that start before the window, only the last can reach into it.
_before = aliased(_allocation)
_LAST_BEFORE = last_before(_START, _before.key, of=_before).scalar_subquery()
_REACHES = or_(_ENDS.is_(None), _ENDS > _START)


@functools.cache
def statement(given: frozenset[str], status: str | None) -> Select[Any]:
    """Build the statement of a page; its parameters are ``resource_type``, ``limit``, and what is ``given`` of these.

    ``resource_key``: the vehicle; ``owner``: who made them; ``start``, ``end``: the window; ``allocation_type``;
    ``after_key``, ``after_start``:
    the number, and the start if it has one, of the last allocation of the page before.
    """
    of_vehicles = ALLOCATIONS.where(*_filters(given, status, OWN_OF_VEHICLE))
    wanted = of_vehicles if "resource_key" in given else ALLOCATIONS.where(*_filters(given, status, OWN))
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
